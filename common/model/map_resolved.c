/* map_resolved.c - see map_resolved.h. */
#include "common/model/map_resolved.h"

#include "common/base/json_write.h"
#include "common/config/document.h"
#include <errno.h>
#include <stdlib.h>

/* --- writing --------------------------------------------------------------------------------- */

static void format_column(struct dw_buf *out, const struct dw_resolved_column *column)
{
    dw_json_write_string(out, column->name);
    dw_buf_append_text(out, ":{");
    dw_json_write_str(out, "type", column->type);
    dw_json_write_u64(out, "oid", column->oid);
    dw_json_write_u64(out, "base_oid", column->base_oid);
    dw_json_write_i64(out, "typmod", column->typmod);
    dw_json_write_bool(out, "not_null", column->not_null);
    dw_json_write_bool(out, "toastable", column->toastable);
    if (column->category)
        dw_json_write_str(out, "category", (struct dw_str){&column->category, 1});
    dw_json_write_bool(out, "deterministic", column->deterministic);
    dw_buf_append_char(out, '}');
}

static void format_side(struct dw_buf *out, const char *name, const struct dw_resolved_side *side)
{
    char identity = side->replica_identity;
    dw_json_write_name(out, name);
    dw_buf_append_char(out, '{');
    dw_json_write_str(out, "replica_identity", (struct dw_str){&identity, identity ? 1 : 0});
    dw_json_write_name(out, "columns");
    dw_buf_append_char(out, '{');
    for (size_t i = 0; i < side->column_count; i++) {
        if (i)
            dw_buf_append_char(out, ',');
        format_column(out, &side->columns[i]);
    }
    dw_buf_append_text(out, "}}");
}

void dw_map_resolved_format(const struct dw_map_resolved *resolved, struct dw_buf *out)
{
    dw_buf_append_char(out, '{');
    format_side(out, "source", &resolved->source);
    format_side(out, "target", &resolved->target);
    dw_buf_append_char(out, '}');
}

/* --- reading --------------------------------------------------------------------------------- */

static bool read_integer(const struct dw_node *object, const char *name, int64_t min, int64_t max,
                         int64_t *out)
{
    const struct dw_node *node = dw_document_member(object, name);
    char text[24];
    if (!node || node->kind != DW_NODE_NUMBER || node->text.len >= sizeof text)
        return false;
    memcpy(text, node->text.ptr, node->text.len);
    text[node->text.len] = '\0';
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || *end || number < min || number > max)
        return false;
    *out = number;
    return true;
}

static bool read_bool(const struct dw_node *object, const char *name, bool *out)
{
    const struct dw_node *node = dw_document_member(object, name);
    if (!node || (node->kind != DW_NODE_TRUE && node->kind != DW_NODE_FALSE))
        return false;
    *out = node->kind == DW_NODE_TRUE;
    return true;
}

static bool read_column(const struct dw_node *node, struct dw_arena *arena,
                        struct dw_resolved_column *out)
{
    const struct dw_node *type = dw_document_member(node, "type");
    int64_t oid;
    int64_t base_oid;
    int64_t typmod;
    if (!type || type->kind != DW_NODE_STRING || !read_integer(node, "oid", 0, UINT32_MAX, &oid) ||
        !read_integer(node, "base_oid", 0, UINT32_MAX, &base_oid) ||
        !read_integer(node, "typmod", INT32_MIN, INT32_MAX, &typmod) ||
        !read_bool(node, "not_null", &out->not_null) ||
        !read_bool(node, "toastable", &out->toastable))
        return false;
    const struct dw_node *category = dw_document_member(node, "category");
    if (category && (category->kind != DW_NODE_STRING || category->text.len != 1))
        return false;
    out->category = category ? *category->text.ptr : '\0';
    if (!read_bool(node, "deterministic", &out->deterministic))
        out->deterministic = false;
    out->name = dw_arena_copy(arena, node->name);
    out->type = dw_arena_copy(arena, type->text);
    out->oid = (uint32_t)oid;
    out->base_oid = (uint32_t)base_oid;
    out->typmod = (int32_t)typmod;
    return true;
}

static bool read_side(const struct dw_node *root, const char *name, struct dw_arena *arena,
                      struct dw_resolved_side *out)
{
    const struct dw_node *side = dw_document_member(root, name);
    const struct dw_node *identity = dw_document_member(side, "replica_identity");
    const struct dw_node *columns = dw_document_member(side, "columns");
    if (!identity || identity->kind != DW_NODE_STRING || identity->text.len > 1 || !columns ||
        columns->kind != DW_NODE_OBJECT)
        return false;
    struct dw_resolved_column *items =
        DW_ARENA_ARRAY(arena, struct dw_resolved_column, columns->count + 1);
    size_t count = 0;
    for (const struct dw_node *column = columns->first; column; column = column->next)
        if (!read_column(column, arena, &items[count++]))
            return false;
    out->columns = items;
    out->column_count = count;
    out->replica_identity = identity->text.len ? *identity->text.ptr : '\0';
    return true;
}

enum dw_rc dw_map_resolved_parse(struct dw_str text, struct dw_arena *arena,
                                 struct dw_map_resolved *out, struct dw_err *err)
{
    const struct dw_node *root;
    struct dw_document_fault fault;
    struct dw_map_resolved resolved = {.source = {.columns = NULL}};
    if (dw_document_parse(text, arena, &root, &fault) != DW_OK)
        return dw_err_set(err, DW_CONFIG, "DW-MAP-090",
                          "the stored facts about the map's tables are no JSON: %s", fault.reason);
    if (!read_side(root, "source", arena, &resolved.source) ||
        !read_side(root, "target", arena, &resolved.target))
        return dw_err_set(err, DW_CONFIG, "DW-MAP-090",
                          "the stored facts about the map's tables are incomplete");
    *out = resolved;
    return DW_OK;
}

const struct dw_resolved_column *dw_map_resolved_find(const struct dw_resolved_side *side,
                                                      struct dw_str name)
{
    for (size_t i = 0; i < side->column_count; i++)
        if (dw_str_equal(side->columns[i].name, name))
            return &side->columns[i];
    return NULL;
}
