/* event.h - a change event as it stands on a topic, and back.
 *
 * The wire form is Debezium's JSON envelope (decimal.handling.mode=string,
 * time.precision.mode=isostring, binary.handling.mode=base64, no schemas):
 *
 *   key    {"dataareaid":"dat","accountnum":"C-1"}       the map's source key, in the map's order
 *   value  {"op":"u","ts_ms":…,
 *           "source":{"version":"0.1.0","connector":"dualwrite","name":"erp","ts_ms":…,
 *                     "snapshot":"false","db":"erp","sequence":"[\"C\",\"C\"]","ts_us":…,
 *                     "schema":"public","table":"custtable","txId":…,"lsn":C,
 *                     "epoch":1,"ordinal":7},
 *           "before":null|{…},"after":{…}|null}
 *
 * `lsn` is the commit LSN C as a decimal number, `ts_us` the commit time. `epoch` and `ordinal` are
 * ours: where they are missing the event is a foreign one and has no version. A row of an initial
 * sync (op "r") may have "keep":true beside them, or "unclaimed":true. "verify":RUN makes a
 * question of an event (op "r", or "d" of a row that the source has not): the consumer compares the
 * target's row with what the event says, notes what it found for that comparison, and writes
 * nothing; an "r" with its key in "before" and no "after" is a row too large to be sent. A delete
 * carries the key columns in `before` (all columns under REPLICA IDENTITY FULL). Unchanged TOAST
 * columns are left out of `after`; Debezium's placeholder is understood as absent.
 *
 * Control records have op "m" and {"message":{"prefix":P,"content":BASE64}}; they go to every
 * partition of a topic: DW_EVENT_HEARTBEAT, DW_EVENT_SCHEMA. A truncate (op "t") also goes to every
 * partition. A null value is a tombstone and carries nothing.
 */
#ifndef DW_MODEL_EVENT_H
#define DW_MODEL_EVENT_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/value.h"
#include "common/model/version.h"
#include <stdbool.h>

#define DW_EVENT_HEARTBEAT "dualwrite.heartbeat" /* content: JSON {"sent_us":…} */
#define DW_EVENT_SCHEMA    "dualwrite.schema" /* content: JSON {"map","revision","code","reason"} */
#define DW_EVENT_MAP       "dualwrite.map" /* content: JSON {"map","revision","document","resolved"} */
#define DW_EVENT_SYNC      "dualwrite.sync" /* content: JSON {"sync":ID,"edge":"begin"|"end"} */
/* From here on by more partitions: JSON {"map","generation","before","partitions","reach"}; see
 * generation.h. `reach`: all partitions below it have to come to this place first. */
#define DW_EVENT_GENERATION        "dualwrite.generation"
#define DW_EVENT_TOAST_PLACEHOLDER "__debezium_unavailable_value"

enum dw_event_op {
    DW_EVENT_CREATE = 'c',
    DW_EVENT_UPDATE = 'u',
    DW_EVENT_DELETE = 'd',
    DW_EVENT_READ = 'r',
    DW_EVENT_TRUNCATE = 't',
    DW_EVENT_MESSAGE = 'm',
};

struct dw_event_field {
    struct dw_str name;
    struct dw_value value;
};

struct dw_event_row {
    const struct dw_event_field *fields;
    size_t count;
};

struct dw_event {
    enum dw_event_op op;
    bool has_version;
    struct dw_version version;
    bool keep;                   /* op r: a row that the target has already stays as it is */
    bool unclaimed;              /* op r: outside of the filter, a row without owner goes */
    int64_t verify;              /* the comparison that asks; 0: the event is to be applied */
    int64_t commit_us;           /* source.ts_us, else ts_ms*1000; 0 unknown */
    struct dw_str system;        /* source.name */
    struct dw_str schema, table; /* source.schema, source.table; .ptr NULL: not there */
    struct dw_str sequence;      /* source.sequence as text, for foreign events */
    struct dw_event_row before;  /* .fields NULL when null */
    struct dw_event_row after;
    struct dw_str message_prefix;  /* op m */
    struct dw_str message_content; /* op m, decoded from base64 */
};

/* Parses a record's value. Slices point into `value` or `arena`. Errors: DW_REJECT with
 * DW-EVENT-001 (malformed JSON: offset, what was found), -002 (member missing or of a wrong type),
 * -003 (unknown op). An envelope with {"schema":…,"payload":…} is unwrapped. */
enum dw_rc dw_event_decode(struct dw_str value, struct dw_arena *arena, struct dw_event *out,
                           struct dw_err *err) DW_MUST_CHECK;

#endif
