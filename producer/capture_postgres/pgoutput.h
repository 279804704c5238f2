/* pgoutput.h - decodes the messages of PostgreSQL's pgoutput plug-in, protocol version 1.
 *
 * Zero copy: every slice points into the message given, so it lives as long as that does. Nothing
 * is allocated; the tuples' columns are written into the decoder's two arrays, which the next
 * message overwrites. All lengths are checked: any bytes may be given. Threads: one owner.
 */
#ifndef DW_CAPTURE_POSTGRES_PGOUTPUT_H
#define DW_CAPTURE_POSTGRES_PGOUTPUT_H
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DW_PGOUTPUT_COLUMNS_MAX                                                                    \
    1664 /* PostgreSQL's limit for a tuple (MaxTupleAttributeNumber)                               \
          */

enum dw_pgoutput_kind {
    DW_PGOUTPUT_BEGIN = 'B',
    DW_PGOUTPUT_COMMIT = 'C',
    DW_PGOUTPUT_ORIGIN = 'O',
    DW_PGOUTPUT_RELATION = 'R',
    DW_PGOUTPUT_TYPE = 'Y',
    DW_PGOUTPUT_INSERT = 'I',
    DW_PGOUTPUT_UPDATE = 'U',
    DW_PGOUTPUT_DELETE = 'D',
    DW_PGOUTPUT_TRUNCATE = 'T',
    DW_PGOUTPUT_MESSAGE = 'M',
};

enum dw_pgoutput_presence {
    DW_PGOUTPUT_NULL = 'n',
    DW_PGOUTPUT_UNCHANGED = 'u', /* a TOAST value that the update did not touch */
    DW_PGOUTPUT_TEXT = 't',
};

struct dw_pgoutput_value {
    enum dw_pgoutput_presence presence;
    struct dw_str text;
};

struct dw_pgoutput_tuple {
    char kind; /* 'N' new, 'K' old key, 'O' old row; 0: there is none */
    size_t count;
    const struct dw_pgoutput_value *values;
};

struct dw_pgoutput_column {
    bool is_key;
    struct dw_str name;
    uint32_t type_oid;
    int32_t typmod;
};

/* One decoded message; which members count depends on `kind`. */
struct dw_pgoutput_message {
    enum dw_pgoutput_kind kind;
    uint64_t commit_lsn;                      /* B, C; O: at the origin */
    uint64_t end_lsn;                         /* C */
    int64_t commit_us;                        /* B, C: microseconds since 1970 */
    uint32_t xid;                             /* B */
    uint32_t oid;                             /* R, Y, I, U, D */
    struct dw_str schema, name;               /* R, Y; O: name only */
    char replica_identity;                    /* R: d n f i */
    size_t column_count;                      /* R */
    const struct dw_pgoutput_column *columns; /* R */
    struct dw_pgoutput_tuple old;             /* U, D */
    struct dw_pgoutput_tuple row;             /* I, U */
    size_t relation_count;                    /* T */
    bool cascade, restart;                    /* T */
    const char *relation_oids;                /* T: big-endian, see dw_pgoutput_truncated */
    bool transactional;                       /* M */
    uint64_t message_lsn;                     /* M */
    struct dw_str prefix, content;            /* M */
};

struct dw_pgoutput {
    struct dw_pgoutput_value old[DW_PGOUTPUT_COLUMNS_MAX];
    struct dw_pgoutput_value row[DW_PGOUTPUT_COLUMNS_MAX];
    struct dw_pgoutput_column columns[DW_PGOUTPUT_COLUMNS_MAX];
};

/* Decodes one message. Errors: DW_FATAL DW-CAPTURE-001 (malformed: kind, offset, what was
 * expected), DW-CAPTURE-002 (a kind that protocol 1 has not). */
enum dw_rc dw_pgoutput_decode(struct dw_pgoutput *decoder, struct dw_str message,
                              struct dw_pgoutput_message *out, struct dw_err *err) DW_MUST_CHECK;

/* The oid of the relation at `index` (below relation_count) of a truncate. */
uint32_t dw_pgoutput_truncated(const struct dw_pgoutput_message *message, size_t index);

#endif
