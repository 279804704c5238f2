/* source_key.h - the source key of a record, as rows of dualwrite.held name it. Pure.
 *
 * It is read from the record's own key, so that it is known whatever is wrong with the event: two
 * records of one row have one such key. Numbers are written in one way (1.0 and 1.00 are one key
 * for the target).
 */
#ifndef DW_PIPELINE_SOURCE_KEY_H
#define DW_PIPELINE_SOURCE_KEY_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/model/event.h"
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"
#include "consumer/write_postgres/held_news.h"

struct dw_source_key {
    const struct dw_table_map *map;
    const struct dw_resolved_side *source; /* for which columns are numeric */
    bool ascii;                            /* the target keeps it, and is not UTF8 */
    struct dw_buf *text;                   /* scratch */
    struct dw_arena *arena;
};

/* .text.ptr NULL: the record's key is not one of the map's source. */
struct dw_held_key dw_source_key_read(const struct dw_source_key *reader, struct dw_str record_key);

/* The source columns that a map copies and a row leaves out. */
struct dw_held_lacks dw_source_key_lacks(const struct dw_source_key *reader,
                                         const struct dw_event_row *row);

#endif
