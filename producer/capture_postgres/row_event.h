/* row_event.h - from a decoded message to events for each map that its relation feeds.
 *
 * Ordinals: the i-th row of a transaction (every insert, update, delete and truncated relation, of
 * mapped tables or not) owns 3i, 3i+1 and 3i+2: a schema control record; the event itself or, for a
 * changed key, its delete; the create behind that delete. So an event's version is the same
 * whenever the transaction is sent again, whatever maps there are by then. Threads: one owner.
 */
#ifndef DW_CAPTURE_POSTGRES_ROW_EVENT_H
#define DW_CAPTURE_POSTGRES_ROW_EVENT_H
#include "common/model/event_encode.h"
#include "producer/capture_postgres/loop_mark.h"
#include "producer/capture_postgres/pgoutput.h"
#include "producer/capture_postgres/publisher.h"
#include "producer/capture_postgres/relation.h"
#include "producer/capture_postgres/tap.h"

/* A schema change that was published and has to be noted in the state database. */
struct dw_row_event_notice {
    struct dw_row_event_notice *next;
    uint64_t sequence; /* of the transaction that carries it */
    int64_t change;
    const char *code;  /* static */
    uint64_t from_lsn; /* changes may be missing from there on; 0: none are */
    char map[256];
    char reason[512];
};

struct dw_row_event {
    struct dw_publisher *publisher; /* borrowed */
    struct dw_tap *tap;             /* borrowed; NULL: none */
    struct dw_buf marker;        /* content of one that has come by; not empty: as with `answer` */
    const char *marker_prefix;   /* DW_EVENT_MAP or DW_EVENT_GENERATION */
    struct dw_tap_answer answer; /* kind not NOTHING: to be published before the stream goes on */
    bool streamed;               /* the tap knows of the open transaction */
    struct dw_relations relations;
    struct dw_loop_marks marks;
    struct dw_event_transaction transaction;
    uint64_t row_index; /* of the next row */
    uint64_t heartbeats;
    struct dw_str database; /* of the open transaction's begin; borrowed */
    struct dw_buf scratch;
    struct dw_row_event_notice *notices; /* the owner takes them */
};

void dw_row_event_init(struct dw_row_event *row_event, struct dw_publisher *publisher,
                       struct dw_tap *tap);
void dw_row_event_done(struct dw_row_event *row_event);

/* A transaction begins: `message` is its BEGIN. */
void dw_row_event_begin(struct dw_row_event *row_event, const struct dw_pgoutput_message *message,
                        uint32_t epoch, struct dw_str database);
void dw_row_event_end(struct dw_row_event *row_event);

/* The producer is given up, and what its window still holds will be sent again: a schema change in
 * it counts as not published. Call before the window forgets. */
void dw_row_event_restart(struct dw_row_event *row_event);

/* Publishes what the tap has answered to a WAL message: nothing else of the stream may be taken
 * before this returns true. False: the publisher is full. */
bool dw_row_event_publish_answer(struct dw_row_event *row_event);

/* Publishes the marker in hand for its map, if the maps have it, and lets go of it. */
void dw_row_event_publish_marker(struct dw_row_event *row_event, const char *name);

/* A control record of a map to the partitions from `from` up to, not with, `to`. */
struct dw_row_event_control {
    int32_t from, to;
    uint64_t ordinal;
    const char *prefix; /* NULL: a truncate */
    struct dw_str content;
};
void dw_row_event_add_control(struct dw_row_event *row_event, struct dw_publisher_map *map,
                              const struct dw_row_event_control *control);
/* The ordinal of the next row's control record; the row is passed over. */
uint64_t dw_row_event_next_ordinal(struct dw_row_event *row_event);

/* Insert, update, delete, truncate or WAL message. DW_FATAL DW-CAPTURE-003: a row of a relation
 * that was never described, or with another number of columns. */
enum dw_rc dw_row_event_add(struct dw_row_event *row_event,
                            const struct dw_pgoutput_message *message,
                            struct dw_err *err) DW_MUST_CHECK;

#endif
