/* map_reader.h - what the files that parse a map share: reporting at a node, typed members, names.
 *
 * Only for table_map.c and map_columns.c. Each function reports what it refuses and returns false
 * or NULL; the caller goes on, so that all mistakes of a file are found at once.
 */
#ifndef DW_MODEL_MAP_READER_H
#define DW_MODEL_MAP_READER_H
#include "common/config/document.h"
#include "common/model/map_problems.h"
#include "common/model/value.h"
#include <stdbool.h>

#define DW_MAP_READER_NAME_MAX 63 /* PostgreSQL's NAMEDATALEN - 1 */

struct dw_map_reader {
    struct dw_arena *arena;
    struct dw_map_problems *problems;
    struct dw_str file;
};

/* What a problem is, beside its place and message. */
struct dw_map_fault {
    const char *code;
    bool warning;
    const char *remedy; /* NULL: the catalogue's */
};

void dw_map_reader_report(struct dw_map_reader *reader, const struct dw_node *node,
                          const struct dw_map_fault *fault, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* True when `node` is an object; reports members that are none of `known` (`owner` names the object
 * in the message: "a column"). */
bool dw_map_reader_object(struct dw_map_reader *reader, const struct dw_node *node,
                          const char *owner, const char *const *known);

/* A member that must be there. */
const struct dw_node *dw_map_reader_need(struct dw_map_reader *reader, const struct dw_node *object,
                                         const char *name, const char *what);

/* Not empty text. */
bool dw_map_reader_text(struct dw_map_reader *reader, const struct dw_node *node,
                        struct dw_str *out);

/* A column's or table's name: 1 to 63 bytes, no control characters. */
bool dw_map_reader_name(struct dw_map_reader *reader, const struct dw_node *node,
                        struct dw_str *out);
/* The same for a name that is part of a node's text. */
bool dw_map_reader_is_name(struct dw_map_reader *reader, const struct dw_node *node,
                           struct dw_str name);

/* SCHEMA.TABLE, or TABLE in schema public. */
bool dw_map_reader_table(struct dw_map_reader *reader, const struct dw_node *node,
                         struct dw_str *out_schema, struct dw_str *out_table);

/* One of `choices` (NULL-terminated); *out is its index. */
bool dw_map_reader_choice(struct dw_map_reader *reader, const struct dw_node *node,
                          const char *const *choices, int *out);

/* Text, number, true, false or null, numbers as written. */
bool dw_map_reader_scalar(struct dw_map_reader *reader, const struct dw_node *node,
                          struct dw_value *out);

#endif
