/* compare_topic.h - the rows that changed since a moment, as the map's topic has them: a comparison
 * of those alone reads no table.
 *
 * Each key that an event names is a suspect, and judged like any other at a place of the stream. A
 * row of the target that was damaged without an event of the source is not seen. The cursor is a
 * JSON array of the next offset of each partition. Calls block. Threads: one owner.
 */
#ifndef DW_COMPARE_COMPARE_TOPIC_H
#define DW_COMPARE_COMPARE_TOPIC_H
#include "common/config/settings.h"
#include "common/transform/transform.h"
#include "reconciler/compare/compare_step.h"

struct dw_compare_topic;

struct dw_compare_topic_order {
    const struct dw_kafka_settings *kafka;
    const struct dw_table_map *map;       /* borrowed, as the next one, until close */
    const struct dw_transform *transform; /* of the map */
    const char *topic;
    int64_t since_us;   /* wall clock, of the records */
    const char *cursor; /* NULL: from that moment */
};

/* Ends where the topic ends now. Errors: DW_RETRY, DW_CONFIG DW-KAFKA-004 there is no such topic.
 */
enum dw_rc dw_compare_topic_open(struct dw_compare_topic **out,
                                 const struct dw_compare_topic_order *order,
                                 struct dw_err *err) DW_MUST_CHECK;
void dw_compare_topic_close(struct dw_compare_topic *topic); /* accepts NULL */

/* Records between the moment and the end. */
int64_t dw_compare_topic_records(const struct dw_compare_topic *topic);
/* The moment is before the first record that Kafka still keeps. */
bool dw_compare_topic_is_cut(const struct dw_compare_topic *topic);

/* About `rows` records more. */
enum dw_rc dw_compare_topic_step(struct dw_compare_topic *topic, int64_t rows,
                                 struct dw_compare_brought *brought,
                                 struct dw_err *err) DW_MUST_CHECK;

/* The source key of the row that a record's value is of, a JSON array of texts; NULL when it is of
 * none. Pure. */
const char *dw_compare_topic_key(struct dw_str value, const struct dw_transform *transform,
                                 size_t key_count, struct dw_arena *arena);
/* The offsets of a cursor; false when it is none, or of another count. Pure. */
bool dw_compare_topic_parse_cursor(const char *cursor, int64_t *offsets, int32_t count);

#endif
