/* document.h - a JSON text that a person wrote, as a tree that still knows its lines.
 *
 * For dualwrite.json and map files, where a message has to name the line and the path, numbers must
 * keep their text (1.10 stays 1.10) and a member given twice is a mistake. Row payloads never come
 * here. Ownership: nodes and texts live in the arena or point into the text parsed.
 * Threads: read-only after parsing.
 */
#ifndef DW_CONFIG_DOCUMENT_H
#define DW_CONFIG_DOCUMENT_H
#include "common/base/arena.h"
#include "common/base/rc.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

#define DW_DOCUMENT_BYTES_MAX ((size_t)4 << 20)
#define DW_DOCUMENT_NODES_MAX 100000

enum dw_node_kind {
    DW_NODE_OBJECT,
    DW_NODE_ARRAY,
    DW_NODE_STRING,
    DW_NODE_NUMBER,
    DW_NODE_TRUE,
    DW_NODE_FALSE,
    DW_NODE_NULL,
};

struct dw_node {
    enum dw_node_kind kind;
    unsigned line, column; /* 1-based, of the value's first byte; column counts bytes */
    struct dw_str name;    /* of a member; .ptr NULL for an element and the root */
    struct dw_str text;    /* of a string (decoded) or a number (as written) */
    size_t index;          /* place among its siblings */
    size_t count;          /* members or elements */
    struct dw_node *parent;
    struct dw_node *first, *last, *next;
};

/* Where and why a text is no document. */
struct dw_document_fault {
    unsigned line, column;
    const char *path;   /* of the member given twice, else "" */
    const char *reason; /* never NULL after a fault */
};

/* Parses strictly (json_pull.h); a byte order mark in front is passed over. DW_CONFIG and *fault
 * for text that is malformed, too large, too deep, or gives a member twice. */
enum dw_rc dw_document_parse(struct dw_str text, struct dw_arena *arena, const struct dw_node **out,
                             struct dw_document_fault *fault) DW_MUST_CHECK;

/* NULL when `object` (may be NULL) is no object or has no such member. */
const struct dw_node *dw_document_member(const struct dw_node *object, const char *name);

/* "columns[2].values.No"; "" for the root. Allocated in `arena`. */
const char *dw_document_path(const struct dw_node *node, struct dw_arena *arena);

/* What a path of dw_document_path leads to; NULL when nothing. */
const struct dw_node *dw_document_find(const struct dw_node *root, struct dw_str path);

/* "an object", "text", … for messages. */
const char *dw_document_kind_name(enum dw_node_kind kind);

/* How a value looks in a message: text in quotes, numbers as written, "an object"; cut when long.
 */
const char *dw_document_show(const struct dw_node *node, struct dw_arena *arena);

#endif
