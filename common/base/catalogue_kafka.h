/* catalogue_kafka.h - the DW-KAFKA-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-KAFKA-001", "a Kafka property is refused",
    "librdkafka does not know the property, or its value is not allowed.",
    "Correct it under kafka.properties in dualwrite.json; the names are those of librdkafka's CONFIGURATION.md.")
DW_ERR_ENTRY("DW-KAFKA-002", "Kafka cannot be reached",
    "No broker answered in time, or the leader is moving.",
    "Nothing to do for a moment's outage: the call is repeated. Else check kafka.brokers, the network and the brokers.")
DW_ERR_ENTRY("DW-KAFKA-003", "Kafka refuses the request",
    "An authorisation, a policy or a setting of the broker forbids it.",
    "Grant what the message names (ACLs: producers write and create their topics, consumers read them, their group and write dead letters).")
DW_ERR_ENTRY("DW-KAFKA-004", "there is no such topic",
    "The topic was deleted, or the map was never started.",
    "Start the map (the producer makes its topic), or create the topic yourself with the partitions that the map's status shows.")
DW_ERR_ENTRY("DW-KAFKA-005", "Kafka refuses the record",
    "The record is larger than the topic or the broker takes, or malformed.",
    "Raise max.message.bytes of the topic and kafka.message_max_bytes together.")
/* clang-format on */
