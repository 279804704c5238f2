/* transform.c - see transform.h.
 *
 * Compiled once per map revision: per map column its conversion, its value map, its expression, and
 * its constants as text.
 */
#include "common/transform/transform.h"

#include "common/transform/convert.h"
#include "common/transform/row_expr.h"
#include "common/transform/row_field.h"
#include "common/transform/row_lookup.h"
#include "common/transform/value_map.h"

struct column {
    const struct dw_map_column *map;
    struct dw_row_field source; /* no name: computed or constant */
    const struct dw_row_expr *compute;
    const struct dw_row_lookup *lookup;
    struct dw_value fixed; /* the constant, or the default for null (ABSENT: none) */
    struct dw_convert convert;
    const struct dw_value_map *values;
};

struct dw_transform {
    const struct dw_table_map *map;
    const struct dw_row_expr *filter; /* NULL: none */
    struct column *columns;
    size_t *key_columns; /* per target key: index into columns */
};

/* ---- compiling ---- */

static enum dw_rc find_type(const struct dw_resolved_side *side, struct dw_str name,
                            const char *which, struct dw_convert_type *out, struct dw_err *err)
{
    const struct dw_resolved_column *column = dw_map_resolved_find(side, name);
    if (!column)
        return dw_err_set(err, DW_CONFIG, "DW-VALUE-021", "the type of the %s column is not known",
                          which);
    dw_convert_type_of(column, out);
    return DW_OK;
}

static enum dw_rc fix_literal(const struct dw_value *literal, const struct dw_convert_type *target,
                              struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    *out = (struct dw_value){literal->kind, {NULL, 0}};
    if (literal->kind == DW_VALUE_NULL || literal->kind == DW_VALUE_ABSENT)
        return DW_OK;
    out->kind = DW_VALUE_STRING;
    enum dw_rc rc = dw_convert_literal(literal, target, arena, &out->text, err);
    if (rc == DW_OK)
        return DW_OK;
    struct dw_err cause = *err;
    return dw_err_set(err, DW_CONFIG, "DW-VALUE-022", "the constant: %s", cause.message);
}

static enum dw_rc compile_computed(const struct dw_map_column *map,
                                   const struct dw_map_resolved *resolved,
                                   const struct dw_convert_type *target, struct dw_arena *arena,
                                   struct column *out, struct dw_err *err)
{
    struct dw_row_expr *expr;
    struct dw_resolved_column result;
    struct dw_convert_type type;
    enum dw_rc rc =
        dw_row_expr_new(&expr, map->compute, DW_EXPR_COMPUTE, &resolved->source, arena, err);
    if (rc != DW_OK)
        return rc;
    dw_row_expr_result(expr, &result);
    dw_convert_type_of(&result, &type);
    out->compute = expr;
    return dw_convert_init(&out->convert, &type, target, arena, err);
}

static enum dw_rc compile_column(const struct dw_map_column *map,
                                 const struct dw_map_resolved *resolved, struct dw_arena *arena,
                                 struct column *out, struct dw_err *err)
{
    struct dw_convert_type source;
    struct dw_convert_type target;
    *out = (struct column){.map = map};
    enum dw_rc rc = find_type(&resolved->target, map->target, "target", &target, err);
    if (rc != DW_OK)
        return rc;
    bool constant = dw_table_map_is_constant(map);
    rc = fix_literal(constant ? &map->constant : &map->default_when_null, &target, arena,
                     &out->fixed, err);
    if (rc != DW_OK || constant)
        return rc;
    if (map->compute.ptr)
        return compile_computed(map, resolved, &target, arena, out, err);
    if (map->lookup) {
        struct dw_row_lookup *lookup = NULL;
        rc = dw_row_lookup_new(&lookup, map->lookup, resolved, arena, err);
        out->lookup = lookup;
        return rc;
    }
    out->source = dw_row_field_new(map->source, arena);
    rc = find_type(&resolved->source, map->source, "source", &source, err);
    if (rc != DW_OK)
        return rc;
    if (!map->values)
        return dw_convert_init(&out->convert, &source, &target, arena, err);
    out->convert.source = source;
    out->convert.target = target;
    struct dw_value_map *values = NULL;
    rc = dw_value_map_new(&values, map, &source, &target, arena, err);
    out->values = values;
    return rc;
}

static enum dw_rc compile_filter(struct dw_transform *transform,
                                 const struct dw_map_resolved *resolved, struct dw_arena *arena,
                                 struct dw_err *err)
{
    struct dw_row_expr *filter = NULL;
    if (!transform->map->filter.ptr)
        return DW_OK;
    enum dw_rc rc = dw_row_expr_new(&filter, transform->map->filter, DW_EXPR_FILTER,
                                    &resolved->source, arena, err);
    transform->filter = filter;
    if (rc != DW_OK)
        dw_err_add_context(err, "filter");
    return rc;
}

static enum dw_rc compile_keys(struct dw_transform *transform, struct dw_arena *arena,
                               struct dw_err *err)
{
    const struct dw_table_map *map = transform->map;
    transform->key_columns = DW_ARENA_ARRAY(arena, size_t, map->target.key_count);
    for (size_t key = 0; key < map->target.key_count; key++) {
        size_t i = 0;
        while (i < map->column_count && map->columns[i].key_index != (int)key)
            i++;
        if (i == map->column_count)
            return dw_err_set(err, DW_CONFIG, "DW-VALUE-021", "key column %.*s has no source",
                              DW_STR_ARG(map->target.key[key]));
        transform->key_columns[key] = i;
    }
    return DW_OK;
}

enum dw_rc dw_transform_new(struct dw_transform **out, const struct dw_table_map *map,
                            const struct dw_map_resolved *resolved, struct dw_arena *arena,
                            struct dw_err *err)
{
    struct dw_transform *transform = DW_ARENA_NEW(arena, struct dw_transform);
    transform->map = map;
    transform->columns = DW_ARENA_ARRAY(arena, struct column, map->column_count);
    for (size_t i = 0; i < map->column_count; i++) {
        enum dw_rc rc =
            compile_column(&map->columns[i], resolved, arena, &transform->columns[i], err);
        if (rc != DW_OK) {
            dw_err_add_context(err, "column %.*s", DW_STR_ARG(map->columns[i].target));
            return rc;
        }
    }
    enum dw_rc rc = compile_keys(transform, arena, err);
    if (rc == DW_OK)
        rc = compile_filter(transform, resolved, arena, err);
    if (rc == DW_OK)
        *out = transform;
    return rc;
}

/* ---- rows ---- */

static enum dw_rc fill_null(const struct column *column, struct dw_value *out)
{
    const struct dw_value *mapped = column->values ? dw_value_map_null(column->values) : NULL;
    if (mapped)
        *out = *mapped;
    else if (column->fixed.kind != DW_VALUE_ABSENT)
        *out = column->fixed;
    else
        *out = (struct dw_value){DW_VALUE_NULL, {NULL, 0}};
    return DW_OK;
}

static enum dw_rc fill_mapped(const struct column *column, const struct dw_value *value,
                              struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    struct dw_str text;
    enum dw_rc rc = dw_convert_source_text(&column->convert, value, arena, &text, err);
    return rc == DW_OK ? dw_value_map_find(column->values, text, arena, out, err) : rc;
}

/* An expression's value is text as PostgreSQL prints it, which the wire form's readers take too. */
static enum dw_rc fill_computed(const struct column *column, const struct dw_event_row *row,
                                struct dw_arena *arena, struct dw_value *out, struct dw_err *err)
{
    struct dw_value value;
    enum dw_rc rc = dw_row_expr_compute(column->compute, row, arena, &value, err);
    if (rc != DW_OK)
        return rc;
    if (value.kind == DW_VALUE_NULL)
        return fill_null(column, out);
    out->kind = DW_VALUE_STRING;
    return dw_convert_value(&column->convert, &value, arena, &out->text, err);
}

static enum dw_rc fill_cell(const struct column *column, const struct dw_event_row *row,
                            size_t *previous, struct dw_arena *arena, struct dw_value *out,
                            struct dw_err *err)
{
    if (column->compute)
        return fill_computed(column, row, arena, out, err);
    if (column->lookup) {
        enum dw_rc rc = dw_row_lookup_key(column->lookup, row, arena, out, err);
        return rc == DW_OK && out->kind == DW_VALUE_NULL ? fill_null(column, out) : rc;
    }
    if (!column->source.name.ptr) {
        *out = column->fixed;
        return DW_OK;
    }
    const struct dw_event_field *field = dw_row_field_find(&column->source, row, previous);
    if (!field || field->value.kind == DW_VALUE_ABSENT) {
        *out = (struct dw_value){DW_VALUE_ABSENT, {NULL, 0}};
        return DW_OK;
    }
    if (field->value.kind == DW_VALUE_NULL)
        return fill_null(column, out);
    if (column->values)
        return fill_mapped(column, &field->value, arena, out, err);
    out->kind = DW_VALUE_STRING;
    return dw_convert_value(&column->convert, &field->value, arena, &out->text, err);
}

static enum dw_rc name_column(const struct column *column, enum dw_rc rc, struct dw_err *err)
{
    struct dw_str source = column->source.name;
    if (source.ptr && !dw_str_equal(source, column->map->target))
        dw_err_add_context(err, "column %.*s (from %.*s)", DW_STR_ARG(column->map->target),
                           DW_STR_ARG(source));
    else
        dw_err_add_context(err, "column %.*s", DW_STR_ARG(column->map->target));
    return rc;
}

enum dw_rc dw_transform_row(const struct dw_transform *transform, const struct dw_event_row *row,
                            struct dw_arena *arena, struct dw_value *cells, int *out_column,
                            struct dw_err *err)
{
    size_t previous = SIZE_MAX;
    for (size_t i = 0; i < transform->map->column_count; i++) {
        const struct column *column = &transform->columns[i];
        enum dw_rc rc = fill_cell(column, row, &previous, arena, &cells[i], err);
        if (rc != DW_OK) {
            if (out_column)
                *out_column = (int)i;
            return name_column(column, rc, err);
        }
    }
    return DW_OK;
}

enum dw_rc dw_transform_match(const struct dw_transform *transform, const struct dw_event_row *row,
                              struct dw_arena *arena, bool *out, struct dw_err *err)
{
    *out = true;
    if (!transform->filter)
        return DW_OK;
    enum dw_rc rc = dw_row_expr_match(transform->filter, row, arena, out, err);
    if (rc != DW_OK)
        dw_err_add_context(err, "filter");
    return rc;
}

/* The column that copies source key `index` into the target's key. */
static const struct column *source_key_column(const struct dw_transform *transform, size_t index)
{
    const struct dw_str name = transform->map->source.key[index];
    for (size_t key = 0; key < transform->map->target.key_count; key++) {
        const struct column *column = &transform->columns[transform->key_columns[key]];
        if (column->source.name.ptr && dw_str_equal(column->source.name, name))
            return column;
    }
    return NULL;
}

enum dw_rc dw_transform_source_key(const struct dw_transform *transform,
                                   const struct dw_event_row *row, struct dw_arena *arena,
                                   struct dw_str *texts, struct dw_err *err)
{
    for (size_t key = 0; key < transform->map->source.key_count; key++) {
        const struct column *column = source_key_column(transform, key);
        size_t previous = SIZE_MAX;
        const struct dw_event_field *field =
            column ? dw_row_field_find(&column->source, row, &previous) : NULL;
        if (!field || field->value.kind == DW_VALUE_NULL || field->value.kind == DW_VALUE_ABSENT)
            return dw_err_set(err, DW_REJECT, "DW-VALUE-009",
                              "a key column may not be null or missing in the event");
        enum dw_rc rc =
            dw_convert_source_text(&column->convert, &field->value, arena, &texts[key], err);
        if (rc != DW_OK)
            return rc;
    }
    return DW_OK;
}

enum dw_rc dw_transform_key(const struct dw_transform *transform, const struct dw_event_row *row,
                            struct dw_arena *arena, struct dw_value *keys, struct dw_err *err)
{
    size_t previous = SIZE_MAX;
    for (size_t key = 0; key < transform->map->target.key_count; key++) {
        const struct column *column = &transform->columns[transform->key_columns[key]];
        enum dw_rc rc = fill_cell(column, row, &previous, arena, &keys[key], err);
        if (rc == DW_OK && keys[key].kind != DW_VALUE_STRING)
            rc = dw_err_set(err, DW_REJECT, "DW-VALUE-009", "a key column may not be %s",
                            keys[key].kind == DW_VALUE_NULL ? "null" : "missing in the event");
        if (rc != DW_OK)
            return name_column(column, rc, err);
    }
    return DW_OK;
}

/* ---- for others ---- */

enum dw_rc dw_transform_literal(const struct dw_value *literal,
                                const struct dw_resolved_column *target, struct dw_arena *arena,
                                struct dw_value *out, struct dw_err *err)
{
    struct dw_convert_type type;
    dw_convert_type_of(target, &type);
    enum dw_rc rc = fix_literal(literal, &type, arena, out, err);
    if (rc != DW_OK)
        dw_err_add_context(err, "column %.*s", DW_STR_ARG(target->name));
    return rc;
}

enum dw_rc dw_transform_can_convert(const struct dw_resolved_column *source,
                                    const struct dw_resolved_column *target, struct dw_err *err)
{
    struct dw_convert_type from;
    struct dw_convert_type to;
    dw_convert_type_of(source, &from);
    dw_convert_type_of(target, &to);
    return dw_convert_check(&from, &to, err);
}
