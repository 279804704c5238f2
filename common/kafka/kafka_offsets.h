/* kafka_offsets.h - where a partition's records begin and end, asked of its leader.
 *
 * librdkafka (2.0.2) calls a partition unknown that has no leader at its second look, a tenth of a
 * second after the first: a broker that comes back is enough. What it calls so is asked about again
 * here, of the brokers. For the files of this room.
 */
#ifndef DW_KAFKA_KAFKA_OFFSETS_H
#define DW_KAFKA_KAFKA_OFFSETS_H
#include <librdkafka/rdkafka.h>
#include <stdint.h>

/* First offset still kept and the one behind the last. RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION or
 * RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: the brokers say that it is not there. */
rd_kafka_resp_err_t dw_kafka_query_offsets(rd_kafka_t *client, const char *topic, int32_t partition,
                                           int timeout_ms, int64_t *out_low, int64_t *out_high);

/* The same of all in the list, with a few requests for as many as there are; the arrays are in its
 * order. One that is not to be had makes all of it fail. */
rd_kafka_resp_err_t dw_kafka_query_all_offsets(rd_kafka_t *client,
                                               const rd_kafka_topic_partition_list_t *list,
                                               int timeout_ms, int64_t *out_low, int64_t *out_high);

/* The offset of the first record from `time_ms` (wall clock) on, negative when there is none.
 * Errors as above. */
rd_kafka_resp_err_t dw_kafka_query_offset_at(rd_kafka_t *client, const char *topic,
                                             int32_t partition, int64_t time_ms, int timeout_ms,
                                             int64_t *out_offset);

#endif
