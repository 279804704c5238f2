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
DW_ERR_ENTRY("DW-KAFKA-006", "the Kafka producer cannot go on",
    "A fatal error of the idempotent producer, for example after a broker lost acknowledged data.",
    "Nothing: a new producer sends everything since the last confirmed commit again.")
DW_ERR_ENTRY("DW-KAFKA-007", "no descriptor",
    "The system refused a pipe.",
    "Raise the limit of open files of the process.")
DW_ERR_ENTRY("DW-KAFKA-020", "the Kafka consumer reports an outage",
    "A broker or the group's coordinator is away, or the group is rebalancing.",
    "Nothing: the client connects again by itself, and nothing is lost.")
DW_ERR_ENTRY("DW-KAFKA-021", "the Kafka consumer is refused",
    "A topic of a map does not exist (yet), or an ACL forbids reading it or using the group.",
    "Start the producer, which makes the topics; else grant read on topics and group.")
DW_ERR_ENTRY("DW-KAFKA-022", "the Kafka consumer cannot go on",
    "librdkafka reports a fatal error; the message has its reason.",
    "The process ends so that its supervisor starts it anew; nothing is lost.")
DW_ERR_ENTRY("DW-KAFKA-023", "the offsets of a partition cannot be read",
    "The partition's leader or the group's coordinator does not answer.",
    "Nothing for an outage: the claim is repeated. Else check the ACLs of the group.")
DW_ERR_ENTRY("DW-KAFKA-024", "a fetch that waits cannot be ended",
    "A worker of many partitions cannot write to the topic PREFIX.fetch.bell: an ACL forbids it, or its partition has no leader.",
    "Grant workers create, read and write on that topic. Without it nothing is lost, but idle workers cost more, and a partition that is resumed waits for seconds.")
DW_ERR_ENTRY("DW-KAFKA-030", "dead letters were not acknowledged",
    "The dead-letter topic has no leader, or too few replicas are in sync.",
    "Nothing for an outage: the batch was rolled back and is tried again.")
DW_ERR_ENTRY("DW-KAFKA-031", "dead letters are refused",
    "An ACL forbids writing to the dead-letter topic, or a record's key alone is larger than it takes.",
    "Grant write on the topic, or raise its max.message.bytes; then resume the map.")
/* clang-format on */
