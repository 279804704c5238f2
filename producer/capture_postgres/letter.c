/* letter.c - see letter.h. The headers are Kafka Connect's and ours, as in the consumer's letters.
 */
#include "producer/capture_postgres/letter.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/postgres/pg.h"
#include "producer/capture_postgres/map_set.h"
#include <inttypes.h>
#include <stdio.h>

#define KEY_MAX     65536 /* a longer key is left out: the letter itself must be taken */
#define HEADERS_MAX 24

struct headers {
    struct dw_kafka_header items[HEADERS_MAX];
    size_t count;
};

static void add(struct headers *headers, const char *name, const char *value)
{
    headers->items[headers->count++] = (struct dw_kafka_header){name, dw_str_from(value)};
}

enum dw_rc dw_letter_send(struct dw_kafka_producer *producer, struct dw_kafka_topic *topic,
                          const struct dw_publisher_letter *letter,
                          const struct dw_letter_origin *origin, struct dw_err *err)
{
    char version[80];
    char lsn[24];
    char revision[24];
    char now[24];
    const struct dw_capture_map *map = letter->map->map;
    (void)snprintf(version, sizeof version, "%" PRIu32 "/%s/%" PRIu64, letter->version.epoch,
                   dw_pg_format_lsn(letter->version.commit_lsn, lsn), letter->version.ordinal);
    (void)snprintf(revision, sizeof revision, "%" PRId64, map ? map->record.revision : 0);
    (void)snprintf(now, sizeof now, "%" PRId64, dw_clock_wall_us());
    struct headers headers = {.count = 0};
    add(&headers, "__connect.errors.topic", map ? map->record.topic : "");
    add(&headers, "__connect.errors.connector.name", "dualwrite");
    add(&headers, "__connect.errors.task.id", "0");
    add(&headers, "__connect.errors.stage", "KAFKA_PRODUCE");
    add(&headers, "__connect.errors.class.name", letter->code);
    add(&headers, "__connect.errors.exception.class.name", letter->code);
    add(&headers, "__connect.errors.exception.message", letter->message);
    add(&headers, "dualwrite.map", letter->map->name);
    add(&headers, "dualwrite.revision", revision);
    add(&headers, "dualwrite.code", letter->code);
    add(&headers, "dualwrite.class", letter->failure_class);
    add(&headers, "dualwrite.system", origin->system);
    add(&headers, "dualwrite.version", version);
    add(&headers, "dualwrite.attempts", "1");
    add(&headers, "dualwrite.first_failed_us", now);
    add(&headers, "dualwrite.failed_us", now);
    add(&headers, "dualwrite.instance", origin->instance);
    struct dw_str key = letter->key.len <= KEY_MAX ? letter->key : (struct dw_str){NULL, 0};
    int32_t partitions = origin->partitions > 0 ? origin->partitions : 1;
    struct dw_kafka_outgoing message = {
        .key = key,
        .partition = (int32_t)(dw_hash_murmur2(key.ptr, key.len) & 0x7fffffff) % partitions,
        .tag = origin->tag,
    };
    return dw_kafka_producer_send_headers(producer, topic, &message, headers.items, headers.count,
                                          err);
}

/* Behind `name`; quotes inside of JSON text are escaped, so the first place found is the member. */
static bool read_member(struct dw_str value, const char *name, uint64_t *out)
{
    size_t len = strlen(name);
    const char *at = value.len ? memmem(value.ptr, value.len, name, len) : NULL;
    if (!at)
        return false;
    const char *end = value.ptr + value.len;
    uint64_t number = 0;
    const char *first = at + len;
    for (at = first; at < end && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    *out = number;
    return at > first;
}

bool dw_letter_read_version(struct dw_str value, struct dw_version *out)
{
    uint64_t epoch;
    if (!read_member(value, ",\"epoch\":", &epoch) ||
        !read_member(value, ",\"lsn\":", &out->commit_lsn) ||
        !read_member(value, ",\"ordinal\":", &out->ordinal))
        return false;
    out->epoch = (uint32_t)epoch;
    return true;
}
