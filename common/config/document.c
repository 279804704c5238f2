/* document.c - see document.h.
 *
 * One loop over the tokens with a pointer to the node that is open; no recursion, so that deep
 * nesting costs no stack (and the tokenizer bounds it anyway).
 */
#include "common/config/document.h"

#include "common/base/json_pull.h"
#include "common/base/table.h"
#include "common/base/utf8.h"
#include <assert.h>

#define SHOWN_MAX 60

struct reader {
    struct dw_json_pull pull;
    struct dw_arena *arena;
    const char *line_start;
    const char *counted; /* lines are counted up to here */
    unsigned line;
    size_t nodes;
};

/* Moves the line counter to `at`, which never goes back. */
static void count_lines(struct reader *reader, const char *at)
{
    for (const char *c = reader->counted; c < at; c++) {
        if (*c == '\n') {
            reader->line++;
            reader->line_start = c + 1;
        }
    }
    if (at > reader->counted)
        reader->counted = at;
}

/* The first byte of the token that comes next. */
static const char *token_start(const struct reader *reader)
{
    const char *at = reader->pull.at;
    while (at < reader->pull.end && memchr(" \n\t\r,", *at, 5))
        at++;
    return at;
}

static enum dw_rc fault_at(struct reader *reader, const char *at, const char *reason,
                           struct dw_document_fault *fault)
{
    count_lines(reader, at);
    fault->line = reader->line;
    fault->column = (unsigned)(at - reader->line_start) + 1;
    fault->path = "";
    fault->reason = reason;
    return DW_CONFIG;
}

static enum dw_node_kind kind_of(enum dw_json token)
{
    switch (token) {
    case DW_JSON_OBJECT_OPEN:
        return DW_NODE_OBJECT;
    case DW_JSON_ARRAY_OPEN:
        return DW_NODE_ARRAY;
    case DW_JSON_STRING:
        return DW_NODE_STRING;
    case DW_JSON_NUMBER:
        return DW_NODE_NUMBER;
    case DW_JSON_TRUE:
        return DW_NODE_TRUE;
    case DW_JSON_FALSE:
        return DW_NODE_FALSE;
    case DW_JSON_NULL:
    case DW_JSON_ERROR:
    case DW_JSON_END:
    case DW_JSON_OBJECT_CLOSE:
    case DW_JSON_ARRAY_CLOSE:
    case DW_JSON_NAME:
        break;
    }
    return DW_NODE_NULL;
}

static struct dw_node *add_node(struct reader *reader, struct dw_node *parent, struct dw_str name,
                                enum dw_json token, const char *at)
{
    struct dw_node *node = DW_ARENA_NEW(reader->arena, struct dw_node);
    count_lines(reader, at);
    node->kind = kind_of(token);
    node->line = reader->line;
    node->column = (unsigned)(at - reader->line_start) + 1;
    node->name = name;
    if (token == DW_JSON_STRING || token == DW_JSON_NUMBER)
        node->text = reader->pull.text;
    node->parent = parent;
    reader->nodes++;
    if (!parent)
        return node;
    node->index = parent->count++;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    return node;
}

/* The second of two members with one name; NULL when all differ. */
static const struct dw_node *find_twice(const struct dw_node *object)
{
    const struct dw_node *twice = NULL;
    struct dw_table seen;
    dw_table_init(&seen);
    for (struct dw_node *member = object->first; member && !twice; member = member->next) {
        void **place = dw_table_place(&seen, member->name);
        if (*place)
            twice = member;
        *place = member;
    }
    dw_table_done(&seen);
    return twice;
}

static enum dw_rc check_members(const struct reader *reader, const struct dw_node *object,
                                struct dw_document_fault *fault)
{
    assert(object);
    const struct dw_node *twice = object->kind == DW_NODE_OBJECT ? find_twice(object) : NULL;
    if (!twice)
        return DW_OK;
    fault->line = twice->line;
    fault->column = twice->column;
    fault->path = dw_document_path(twice, reader->arena);
    fault->reason = "the member is given twice";
    return DW_CONFIG;
}

static enum dw_rc read_tree(struct reader *reader, const struct dw_node **out,
                            struct dw_document_fault *fault)
{
    struct dw_node *root = NULL;
    struct dw_node *open = NULL;
    struct dw_str name = {NULL, 0};
    for (;;) {
        const char *at = token_start(reader);
        enum dw_json token = dw_json_pull_next(&reader->pull);
        if (token == DW_JSON_ERROR)
            return fault_at(reader, reader->pull.at, reader->pull.fault, fault);
        if (token == DW_JSON_END)
            break;
        if (token == DW_JSON_NAME) {
            name = reader->pull.text;
            continue;
        }
        if (token == DW_JSON_OBJECT_CLOSE || token == DW_JSON_ARRAY_CLOSE) {
            if (check_members(reader, open, fault) != DW_OK)
                return DW_CONFIG;
            open = open->parent;
            continue;
        }
        if (reader->nodes == DW_DOCUMENT_NODES_MAX)
            return fault_at(reader, at, "more than 100000 values", fault);
        struct dw_node *node = add_node(reader, open, name, token, at);
        name = (struct dw_str){NULL, 0};
        if (!root)
            root = node;
        if (node->kind == DW_NODE_OBJECT || node->kind == DW_NODE_ARRAY)
            open = node;
    }
    *out = root;
    return DW_OK;
}

enum dw_rc dw_document_parse(struct dw_str text, struct dw_arena *arena, const struct dw_node **out,
                             struct dw_document_fault *fault)
{
    if (dw_str_starts(text, "\xef\xbb\xbf")) {
        text.ptr += 3;
        text.len -= 3;
    }
    if (!text.ptr)
        text.ptr = "";
    struct reader reader = {.arena = arena, .line = 1, .line_start = text.ptr, .counted = text.ptr};
    dw_json_pull_init(&reader.pull, text, arena);
    if (text.len > DW_DOCUMENT_BYTES_MAX)
        return fault_at(&reader, text.ptr, "larger than 4 MiB", fault);
    return read_tree(&reader, out, fault);
}

const struct dw_node *dw_document_member(const struct dw_node *object, const char *name)
{
    if (!object || object->kind != DW_NODE_OBJECT)
        return NULL;
    for (const struct dw_node *member = object->first; member; member = member->next)
        if (dw_str_is(member->name, name))
            return member;
    return NULL;
}

/* Names that would be misread between dots and brackets stand in quotes. */
static bool is_plain_name(struct dw_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (memchr(".[]\"", name.ptr[i], 4) || (unsigned char)name.ptr[i] <= ' ')
            return false;
    return name.len > 0;
}

const char *dw_document_path(const struct dw_node *node, struct dw_arena *arena)
{
    if (!node->parent)
        return "";
    const char *front = dw_document_path(node->parent, arena);
    if (!node->name.ptr)
        return dw_arena_printf(arena, "%s[%zu]", front, node->index);
    if (!is_plain_name(node->name))
        return dw_arena_printf(arena, "%s[\"%.*s\"]", front, DW_STR_ARG(node->name));
    return dw_arena_printf(arena, "%s%s%.*s", front, *front ? "." : "", DW_STR_ARG(node->name));
}

static const struct dw_node *find_element(const struct dw_node *array, size_t index)
{
    if (array->kind != DW_NODE_ARRAY)
        return NULL;
    const struct dw_node *element = array->first;
    while (element && index--)
        element = element->next;
    return element;
}

static const struct dw_node *find_name(const struct dw_node *object, struct dw_str name)
{
    if (object->kind != DW_NODE_OBJECT)
        return NULL;
    for (const struct dw_node *member = object->first; member; member = member->next)
        if (dw_str_equal(member->name, name))
            return member;
    return NULL;
}

/* Takes the first step off `path`: .name, [3] or ["any name"]. */
static const struct dw_node *take_step(const struct dw_node *node, struct dw_str *path)
{
    const char *at = path->ptr;
    const char *end = path->ptr + path->len;
    const struct dw_node *found;
    if (*at == '[' && end - at > 1 && at[1] == '"') {
        const char *from = at + 2;
        at = memmem(from, (size_t)(end - from), "\"]", 2);
        if (!at)
            return NULL;
        found = find_name(node, (struct dw_str){from, (size_t)(at - from)});
        at += 2;
    } else if (*at == '[') {
        size_t index = 0;
        for (at++; at < end && *at >= '0' && *at <= '9' && index < DW_DOCUMENT_NODES_MAX; at++)
            index = index * 10 + (size_t)(*at - '0');
        if (at == end || *at != ']')
            return NULL;
        found = find_element(node, index);
        at++;
    } else {
        const char *from = at + (*at == '.');
        at = from;
        while (at < end && *at != '.' && *at != '[')
            at++;
        found = find_name(node, (struct dw_str){from, (size_t)(at - from)});
    }
    *path = (struct dw_str){at, (size_t)(end - at)};
    return found;
}

const struct dw_node *dw_document_find(const struct dw_node *root, struct dw_str path)
{
    const struct dw_node *node = root;
    while (node && path.len)
        node = take_step(node, &path);
    return node;
}

const char *dw_document_kind_name(enum dw_node_kind kind)
{
    switch (kind) {
    case DW_NODE_OBJECT:
        return "an object";
    case DW_NODE_ARRAY:
        return "an array";
    case DW_NODE_STRING:
        return "text";
    case DW_NODE_NUMBER:
        return "a number";
    case DW_NODE_TRUE:
        return "true";
    case DW_NODE_FALSE:
        return "false";
    case DW_NODE_NULL:
        return "null";
    }
    return "nothing";
}

const char *dw_document_show(const struct dw_node *node, struct dw_arena *arena)
{
    if (node->kind != DW_NODE_STRING && node->kind != DW_NODE_NUMBER)
        return dw_document_kind_name(node->kind);
    size_t len = node->text.len < SHOWN_MAX ? node->text.len : SHOWN_MAX;
    len = dw_utf8_valid_prefix(node->text.ptr, len);
    const char *more = len < node->text.len ? "…" : "";
    const char *quote = node->kind == DW_NODE_STRING ? "\"" : "";
    return dw_arena_printf(arena, "%s%.*s%s%s", quote, (int)len, node->text.ptr, more, quote);
}
