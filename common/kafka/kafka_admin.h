/* kafka_admin.h - topics: make them, look at them, read single records.
 *
 * Calls block up to `timeout_ms`; not for threads that must not block.
 */
#ifndef DW_KAFKA_KAFKA_ADMIN_H
#define DW_KAFKA_KAFKA_ADMIN_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/config/settings.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_kafka_admin; /* Threads: one owner */

enum dw_rc dw_kafka_admin_open(struct dw_kafka_admin **out,
                               const struct dw_kafka_settings *settings, const char *client_id,
                               struct dw_err *err) DW_MUST_CHECK;
void dw_kafka_admin_close(struct dw_kafka_admin *admin); /* accepts NULL */

struct dw_kafka_topic_spec {
    const char *name;
    int32_t partitions;
    bool compacted;
    int64_t retention_ms; /* -1: for ever */
};

/* Creates the topic; no error when it exists. *out_partitions: how many it has now. */
enum dw_rc dw_kafka_admin_ensure_topic(struct dw_kafka_admin *admin,
                                       const struct dw_kafka_topic_spec *spec, int timeout_ms,
                                       int32_t *out_partitions, struct dw_err *err) DW_MUST_CHECK;

/* Creates those that do not exist, in one request. What cannot be made is left for ensure_topic to
 * say. */
void dw_kafka_admin_create_topics(struct dw_kafka_admin *admin,
                                  const struct dw_kafka_topic_spec *specs, size_t count,
                                  int timeout_ms);

/* Number of partitions; DW_CONFIG DW-KAFKA-004 when the topic does not exist. */
enum dw_rc dw_kafka_admin_partitions(struct dw_kafka_admin *admin, const char *topic,
                                     int timeout_ms, int32_t *out_partitions,
                                     struct dw_err *err) DW_MUST_CHECK;

/* The partitions that each of `count` topics has, 0 for one that is not there; one request. Errors:
 * DW_RETRY, DW_CONFIG DW-KAFKA-003. */
enum dw_rc dw_kafka_admin_counts(struct dw_kafka_admin *admin, const char *const *topics,
                                 size_t count, int timeout_ms, int32_t *out_partitions,
                                 struct dw_err *err) DW_MUST_CHECK;

/* Gives a topic more partitions, up to `total`; `only_ask`: the brokers judge it and change
 * nothing. DW_CONFIG DW-KAFKA-003: they refuse. */
enum dw_rc dw_kafka_admin_add_partitions(struct dw_kafka_admin *admin, const char *topic,
                                         int32_t total, bool only_ask, int timeout_ms,
                                         struct dw_err *err) DW_MUST_CHECK;

/* How long the brokers keep records of a topic, be it set for it or their default. */
struct dw_kafka_retention {
    bool known;    /* false: the topic is not there, or nobody may ask */
    int64_t ms;    /* -1: for ever */
    int64_t bytes; /* of a partition; -1: without bound */
};
/* One request for `count` topics. Errors: DW_RETRY, DW_CONFIG DW-KAFKA-003. */
enum dw_rc dw_kafka_admin_retention(struct dw_kafka_admin *admin, const char *const *topics,
                                    size_t count, int timeout_ms, struct dw_kafka_retention *out,
                                    struct dw_err *err) DW_MUST_CHECK;

/* First offset still kept and the one behind the last. */
enum dw_rc dw_kafka_admin_offsets(struct dw_kafka_admin *admin, const char *topic,
                                  int32_t partition, int timeout_ms, int64_t *out_low,
                                  int64_t *out_high, struct dw_err *err) DW_MUST_CHECK;

/* The first record from `time_ms` (wall clock) on; the one behind the last when there is none. */
enum dw_rc dw_kafka_admin_offset_at(struct dw_kafka_admin *admin, const char *topic,
                                    int32_t partition, int64_t time_ms, int timeout_ms,
                                    int64_t *out_offset, struct dw_err *err) DW_MUST_CHECK;

struct dw_kafka_record {
    struct dw_str key;   /* .ptr NULL: null */
    struct dw_str value; /* .ptr NULL: null (tombstone) */
    int64_t offset;
    int64_t timestamp_ms;
};

/* Reads the record at `offset` (or the first behind it); copied into `arena`. DW_END when there is
 * none. */
enum dw_rc dw_kafka_admin_read(struct dw_kafka_admin *admin, const char *topic, int32_t partition,
                               int64_t offset, int timeout_ms, struct dw_arena *arena,
                               struct dw_kafka_record *out, struct dw_err *err) DW_MUST_CHECK;

/* Committed offset of a group; -1 when none. */
enum dw_rc dw_kafka_admin_committed(struct dw_kafka_admin *admin, const char *group,
                                    const char *topic, int32_t partition, int timeout_ms,
                                    int64_t *out_offset, struct dw_err *err) DW_MUST_CHECK;

#endif
