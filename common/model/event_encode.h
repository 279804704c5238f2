/* event_encode.h - writing change events as event.h describes them; the other half of event_decode.
 *
 * Made for the hot path: what is the same for a transaction is written once, each column is a
 * prepared prefix and one encoder, nothing is allocated per row.
 *
 * How a value stands in the JSON, by the base type (domains resolved) of its column. "Text" is what
 * PostgreSQL prints under our session settings (pg.h); every rule can be undone exactly.
 *
 *   PostgreSQL type                 JSON      rule                                 example
 *   int2 int4 int8 oid              number    the text                             -5
 *   float4 float8                   number    the text; NaN, Infinity as strings   1e+20  "NaN"
 *   bool                            literal   t/f                                  true
 *   bytea                           string    \x… hexadecimal to base64            "AP8="
 *   date                            string    + Z                                  "2026-01-31Z"
 *   time                            string    + Z                                  "12:34:56.5Z"
 *   timestamp                       string    blank to T, + Z          "2026-01-31T12:34:56.5Z"
 *   timestamptz                     string    blank to T, +00 to Z     "2026-01-31T12:34:56.5Z"
 *   every other: numeric, text, varchar, bpchar, uuid, json, jsonb, interval (ISO 8601), timetz,
 * bit, inet, money, xml, enums, arrays, composites, ranges, … string    the text "12.50"
 *
 * A date, time or timestamp that is not of the plain form (infinity, BC, a year of more than four
 * digits) keeps PostgreSQL's text: it ends neither in Z nor holds a T, so that the rule to undo is:
 * ends in Z → drop the Z, T to blank (timestamptz: + "+00"); else as it stands. Fractions of a
 * second keep their digits. SQL null is null; an unchanged TOAST value is left out.
 */
#ifndef DW_MODEL_EVENT_ENCODE_H
#define DW_MODEL_EVENT_ENCODE_H
#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/model/event.h"
#include "common/model/version.h"
#include <stdbool.h>
#include <stdint.h>

enum dw_encoding {
    DW_ENCODING_TEXT,
    DW_ENCODING_INTEGER,
    DW_ENCODING_FLOAT,
    DW_ENCODING_BOOL,
    DW_ENCODING_BYTEA,
    DW_ENCODING_DATE,
    DW_ENCODING_TIME,
    DW_ENCODING_TIMESTAMP,
    DW_ENCODING_TIMESTAMPTZ,
};

/* The encoding of a built-in type; TEXT for all that have none of their own. */
enum dw_encoding dw_event_encode_kind(uint32_t base_oid);

/* Appends one value (not null) by its encoding. */
void dw_event_encode_value(struct dw_buf *out, enum dw_encoding encoding, struct dw_str text);

/* A numeric without the zeros that its scale adds: 1.500 is 1.5. Keys are routed to partitions by
 * this form, because the target takes all ways of writing one number for one key. */
struct dw_str dw_event_encode_unscaled(struct dw_str text);

/* What is the same in every event of a transaction. Buffers are kept from one to the next. */
struct dw_event_transaction {
    struct dw_version version; /* ordinal unused */
    uint32_t xid;
    int64_t commit_us;
    struct dw_buf head; /* from ,"ts_ms" to before "schema" */
    struct dw_buf tail; /* from "txId" to "ordinal": */
    bool reads;         /* it carries rows of an initial sync: "snapshot":"incremental" */
};

void dw_event_encode_init(struct dw_event_transaction *transaction);
void dw_event_encode_done(struct dw_event_transaction *transaction);
/* Renders head and tail from version, xid, commit_us and reads. `system` and `database` are the
 * `name` and `db` of the source block; `now_us`: when we handle it. */
void dw_event_encode_begin(struct dw_event_transaction *transaction, struct dw_str system,
                           struct dw_str database, int64_t now_us);

/* `"schema":"public","table":"custtable",`: constant for a map, kept by the caller. */
void dw_event_encode_table(struct dw_buf *out, struct dw_str schema, struct dw_str table);

/* An event is: open, [before or after], …, close. `table` is what dw_event_encode_table gave. Open
 * writes all up to and with the source block. */
void dw_event_encode_open(struct dw_buf *out, enum dw_event_op op,
                          const struct dw_event_transaction *transaction, struct dw_str table,
                          uint64_t ordinal);

/* What the source block of a row of an initial sync says besides. */
struct dw_event_read {
    bool gone;      /* op "d": the source has no such row; else op "r" */
    bool keep;      /* "keep":true, a row that the target has stays as it is */
    bool unclaimed; /* "unclaimed":true, outside of the filter it may go though nobody owns it */
    int64_t verify; /* "verify":RUN, nothing is written; 0: it is */
};
void dw_event_encode_open_read(struct dw_buf *out, const struct dw_event_transaction *transaction,
                               struct dw_str table, uint64_t ordinal,
                               const struct dw_event_read *read);

static inline void dw_event_encode_close(struct dw_buf *out)
{
    dw_buf_append_char(out, '}');
}

/* A whole control record or truncate (`message_prefix` NULL). */
void dw_event_encode_control(struct dw_buf *out, const struct dw_event_transaction *transaction,
                             struct dw_str table, uint64_t ordinal, const char *message_prefix,
                             struct dw_str content);

#endif
