/* check_columns.c - see check_columns.h.
 *
 * Whether a constant or a value map's target fits is asked of the server, since only it knows
 * enums, domains and extensions: the text is cast to the column's type, and once more without its
 * length or precision; a difference between both is what a cast cut or rounded.
 */
#include "reconciler/maps/check_columns.h"

#include "common/base/table.h"
#include "common/config/nearest.h"
#include "common/expr/map_expr.h"
#include "common/transform/transform.h"
#include "reconciler/maps/check_expr.h"
#include "reconciler/maps/check_lookup.h"
#include <stdio.h>
#include <stdlib.h>

#define VALUES_SHOWN 60
#define CHAR_OID     18 /* "char": one byte, the rest is cut */
#define LIST_BYTES   ((size_t)8 << 20)

/* --- resolving ------------------------------------------------------------------------------- */

/* Adds a column of the target when there is one of that name. */
static void resolve_target(const struct dw_check_map *map, struct dw_str name,
                           struct dw_resolved_column *columns, size_t *count)
{
    const struct dw_pg_column *column = name.ptr ? dw_pg_table_column(map->target, name) : NULL;
    if (column)
        columns[(*count)++] = dw_pg_table_resolve(column);
}

void dw_check_columns_resolve(struct dw_check_context *context, const struct dw_check_map *map,
                              struct dw_map_resolved *out)
{
    size_t name_count;
    const struct dw_str *names = dw_map_expr_source_columns(map->map, context->arena, &name_count);
    size_t room = name_count + map->map->column_count + 2;
    struct dw_resolved_column *source =
        DW_ARENA_ARRAY(context->arena, struct dw_resolved_column, room);
    struct dw_resolved_column *target =
        DW_ARENA_ARRAY(context->arena, struct dw_resolved_column, room);
    *out = (struct dw_map_resolved){
        .source = {.columns = source, .replica_identity = map->source->replica_identity},
        .target = {.columns = target, .replica_identity = map->target->replica_identity},
    };
    for (size_t i = 0; i < name_count; i++) {
        const struct dw_pg_column *column = dw_pg_table_column(map->source, names[i]);
        if (column)
            source[out->source.column_count++] = dw_pg_table_resolve(column);
    }
    for (size_t i = 0; i < map->map->column_count; i++)
        resolve_target(map, map->map->columns[i].target, target, &out->target.column_count);
    struct dw_str deleted = map->map->delete_column;
    struct dw_str exited = map->map->exit.column;
    resolve_target(map, deleted, target, &out->target.column_count);
    if (!deleted.ptr || (exited.ptr && !dw_str_equal(deleted, exited)))
        resolve_target(map, exited, target, &out->target.column_count);
}

/* --- existence ------------------------------------------------------------------------------- */

static const struct dw_pg_column *find(struct dw_check_context *context, struct dw_check_map *map,
                                       const struct dw_pg_table *table, struct dw_str name,
                                       const char *path)
{
    const struct dw_pg_column *column = dw_pg_table_column(table, name);
    if (column)
        return column;
    struct dw_nearest nearest = {.best = {NULL, 0}};
    for (size_t i = 0; i < table->column_count; i++)
        dw_nearest_offer(&nearest, name, table->columns[i].name);
    const char *remedy = NULL;
    if (nearest.best.ptr)
        remedy =
            dw_arena_printf(context->arena, "Did you mean \"%.*s\"?", DW_STR_ARG(nearest.best));
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){.code = "DW-MAP-026", .path = path, .remedy = remedy},
        "table %.*s.%.*s has no column \"%.*s\"", DW_STR_ARG(table->schema),
        DW_STR_ARG(table->table), DW_STR_ARG(name));
    return NULL;
}

static bool check_writable(struct dw_check_context *context, struct dw_check_map *map,
                           const struct dw_pg_column *column, const char *path)
{
    if (!column->generated && !column->identity_always)
        return true;
    dw_check_context_report(context, map,
                            &(struct dw_check_fault){.code = "DW-MAP-027", .path = path},
                            "target column \"%.*s\" is GENERATED ALWAYS%s",
                            DW_STR_ARG(column->name), column->generated ? "" : " AS IDENTITY");
    return false;
}

/* pgoutput leaves stored generated columns out of the stream. */
static bool check_published(struct dw_check_context *context, struct dw_check_map *map,
                            const struct dw_pg_column *column, const char *path)
{
    if (!column->generated)
        return true;
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){.code = "DW-MAP-027",
                                 .path = path,
                                 .remedy = "Map the columns it is computed from, compute it in the "
                                           "map (\"compute\"), or fill it by a trigger instead."},
        "source column \"%.*s\" is GENERATED ALWAYS and so not in the change "
        "stream",
        DW_STR_ARG(column->name));
    return false;
}

/* --- keys ------------------------------------------------------------------------------------ */

static bool is_citext(const struct dw_pg_column *column)
{
    static const char name[] = ".citext";
    size_t len = sizeof name - 1;
    struct dw_str type = column->base_type_sql;
    return type.len > len && memcmp(type.ptr + type.len - len, name, len) == 0;
}

static bool is_bpchar(const struct dw_pg_column *column)
{
    return dw_str_is(column->base_type_sql, "pg_catalog.bpchar");
}

const char *dw_check_columns_folding(const struct dw_pg_column *source,
                                     const struct dw_pg_column *target, bool *out_certain)
{
    bool from_text = source->category == 'S' && !is_citext(source);
    *out_certain = true;
    if (is_citext(target) && !is_citext(source) && source->category == 'S')
        return "the target's type citext takes 'A' and 'a' for equal";
    if (!target->deterministic && source->deterministic && source->category == 'S')
        return "the target's collation is not deterministic and may take 'A' and 'a' for equal";
    if (from_text && strchr("NDBTUVI", target->category))
        return "different texts ('1', '01') become the same value of the target's type";
    *out_certain = false;
    if (from_text && !is_bpchar(source) && is_bpchar(target))
        return "the target's type ignores blanks at the end";
    return NULL;
}

static void check_folding(struct dw_check_context *context, struct dw_check_map *map, size_t index,
                          const struct dw_pg_column *source, const struct dw_pg_column *target)
{
    bool certain;
    const char *reason = dw_check_columns_folding(source, target, &certain);
    if (!reason)
        return;
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){.code = "DW-MAP-038",
                                 .path = dw_check_context_target_path(context, map->map, index),
                                 .warning = !certain},
        "keys that differ in source column \"%.*s\" (%.*s) may be one in target column \"%.*s\" "
        "(%.*s): %s",
        DW_STR_ARG(source->name), DW_STR_ARG(source->type), DW_STR_ARG(target->name),
        DW_STR_ARG(target->type), reason);
}

/* --- values ---------------------------------------------------------------------------------- */

/* A value and the column that it is for. */
struct fit {
    struct dw_check_system *system;
    const struct dw_pg_column *column;
    const char *path;
    const char *what; /* "constant", "default for null", "target value" */
};

static const char *value_text(struct dw_check_context *context, const struct dw_value *value)
{
    switch (value->kind) {
    case DW_VALUE_TRUE:
        return "true";
    case DW_VALUE_FALSE:
        return "false";
    case DW_VALUE_STRING:
    case DW_VALUE_NUMBER:
        return dw_arena_copy(context->arena, value->text).ptr;
    case DW_VALUE_ABSENT:
    case DW_VALUE_NULL:
    case DW_VALUE_NESTED:
        break;
    }
    return NULL;
}

/* First field: the value as the server prints it; second: whether nothing was cut. */
static const char *fit_sql(struct dw_check_context *context, const struct dw_pg_column *column)
{
    const char *type = column->type.ptr;
    const char *base = column->base_type_sql.ptr;
    const char *same = "true";
    if (column->category == 'S' || column->base_oid == CHAR_OID)
        same = dw_arena_printf(context->arena, "(($1::text)::%s)::text = $1", type);
    else if (column->typmod >= 0)
        same = dw_arena_printf(context->arena, "(($1::text)::%s)::%s = ($1::text)::%s", type, base,
                               base);
    return dw_arena_printf(context->arena, "SELECT (($1::text)::%s)::text, %s", type, same);
}

/* The text that the server makes of the value in the column's type; NULL when it does not fit
 * (reported). */
static const char *check_fit(struct dw_check_context *context, struct dw_check_map *map,
                             const struct fit *fit, const struct dw_value *value)
{
    const char *text = value_text(context, value);
    const char **fields;
    struct dw_err err = DW_ERR_INIT;
    struct dw_check_fault fault = {.code = "DW-MAP-037", .path = fit->path};
    if (!text && fit->column->not_null)
        dw_check_context_report(context, map, &fault, "%s null, but column \"%.*s\" is NOT NULL",
                                fit->what, DW_STR_ARG(fit->column->name));
    if (!text)
        return NULL;
    enum dw_rc rc = dw_check_context_row(
        context, fit->system->conn,
        &(struct dw_check_query){fit_sql(context, fit->column), 1, (const char *const[]){text}},
        &fields, &err);
    if (rc == DW_OK && fields[0] && fields[1] && *fields[1] == 't')
        return fields[0];
    if (rc != DW_OK && rc != DW_REJECT)
        dw_check_context_failed(context, map, fit->path, &err);
    else
        dw_check_context_report(
            context, map, &fault, "%s \"%.*s\" does not fit column \"%.*s\" (%.*s)%s", fit->what,
            VALUES_SHOWN, text, DW_STR_ARG(fit->column->name), DW_STR_ARG(fit->column->type),
            rc == DW_OK ? ": it would be cut or rounded" : "");
    return NULL;
}

/* A value map's source value has to look as the source prints it, or it never matches. Dates are
 * left out: events spell them in another form than the server. */
static void check_from(struct dw_check_context *context, struct dw_check_map *map,
                       const struct fit *fit, const struct dw_map_value *value)
{
    struct dw_err err = DW_ERR_INIT;
    const char **fields;
    const char *text = value->from.text.ptr;
    if (!strchr("NEBS", fit->column->category))
        return;
    const char *sql =
        dw_arena_printf(context->arena, "SELECT (($1::text)::%s)::text", fit->column->type.ptr);
    enum dw_rc rc = dw_check_context_row(
        context, fit->system->conn, &(struct dw_check_query){sql, 1, (const char *const[]){text}},
        &fields, &err);
    const struct dw_check_fault fault = {.code = "DW-MAP-057", .path = fit->path};
    if (rc == DW_REJECT || (rc == DW_OK && !fields[0]))
        dw_check_context_report(
            context, map, &fault, "\"%.*s\" is no value of source column \"%.*s\" (%.*s)",
            VALUES_SHOWN, text, DW_STR_ARG(fit->column->name), DW_STR_ARG(fit->column->type));
    else if (rc != DW_OK)
        dw_check_context_failed(context, map, fit->path, &err);
    else if (strcmp(fields[0], text) != 0)
        dw_check_context_report(context, map, &fault,
                                "\"%.*s\" never matches: the source writes this value as \"%.*s\"",
                                VALUES_SHOWN, text, VALUES_SHOWN, fields[0]);
}

/* Labels of an enum, or true and false, that the value map forgot. */
static void check_complete(struct dw_check_context *context, struct dw_check_map *map,
                           const struct fit *fit, const struct dw_map_column *column)
{
    static const char enum_sql[] =
        "SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum "
        "e WHERE e.enumtypid = $1::oid AND e.enumlabel <> ALL (string_to_array($2, E'\\x01'))";
    static const char bool_sql[] =
        "SELECT string_agg(v, ', ') FROM (VALUES ('false'), ('true')) AS b(v) WHERE $1::oid = 16 "
        "AND v <> ALL (string_to_array($2, E'\\x01'))";
    struct dw_err err = DW_ERR_INIT;
    const char **fields;
    struct dw_buf known;
    char oid[16];
    (void)snprintf(oid, sizeof oid, "%u", fit->column->base_oid);
    dw_buf_init(&known, LIST_BYTES);
    for (size_t i = 0; i < column->value_count; i++) {
        dw_buf_append_str(&known, column->values[i].from.text);
        dw_buf_append_char(&known, '\x01');
    }
    enum dw_rc rc = dw_check_context_row(
        context, fit->system->conn,
        &(struct dw_check_query){fit->column->category == 'B' ? bool_sql : enum_sql, 2,
                                 (const char *const[]){oid, known.data}},
        &fields, &err);
    dw_buf_done(&known);
    if (rc != DW_OK)
        dw_check_context_failed(context, map, fit->path, &err);
    else if (fields[0])
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){.code = "DW-MAP-056", .path = fit->path, .warning = true},
            "the value map says nothing of %s of source column \"%.*s\"; such rows become dead "
            "letters",
            fields[0], DW_STR_ARG(fit->column->name));
}

/* Target values that differ in the file ("1", "01") and are one in the target. */
static void check_same(struct dw_check_context *context, struct dw_check_map *map,
                       const struct fit *fit, const struct dw_map_column *column,
                       const char *const *fitted)
{
    struct dw_table seen;
    bool key = column->key_index >= 0;
    dw_table_init(&seen);
    for (size_t i = 0; i < column->value_count; i++) {
        if (!fitted[i])
            continue;
        void **place = dw_table_place(&seen, dw_str_from(fitted[i]));
        const struct dw_map_value *first = *place;
        const struct dw_map_value *value = &column->values[i];
        if (first && !dw_str_equal(first->to.text, value->to.text))
            dw_check_context_report(
                context, map,
                &(struct dw_check_fault){
                    .code = key ? "DW-MAP-038" : "DW-MAP-017", .path = fit->path, .warning = !key},
                "\"%.*s\" gets the same target value as \"%.*s\"", DW_STR_ARG(value->from.text),
                DW_STR_ARG(first->from.text));
        if (!first) {
            struct dw_map_value *copy = DW_ARENA_NEW(context->arena, struct dw_map_value);
            *copy = *value;
            *place = copy;
        }
    }
    dw_table_done(&seen);
}

static void check_values(struct dw_check_context *context, struct dw_check_map *map, size_t index,
                         const struct dw_pg_column *source, const struct dw_pg_column *target)
{
    const struct dw_map_column *column = &map->map->columns[index];
    const char *path = dw_arena_printf(context->arena, "columns[%zu].values", index);
    const char **fitted = DW_ARENA_ARRAY(context->arena, const char *, column->value_count + 1);
    struct fit from = {map->source_system, source, path, "source value"};
    struct fit to = {map->target_system, target, path, "target value"};
    for (size_t i = 0; i < column->value_count; i++) {
        fitted[i] = check_fit(context, map, &to, &column->values[i].to);
        check_from(context, map, &from, &column->values[i]);
    }
    if (source->category == 'E' || source->category == 'B')
        check_complete(context, map, &from, column);
    check_same(context, map, &to, column, fitted);
}

/* --- one column ------------------------------------------------------------------------------ */

static void check_conversion(struct dw_check_context *context, struct dw_check_map *map,
                             size_t index, const struct dw_pg_column *source,
                             const struct dw_pg_column *target)
{
    struct dw_resolved_column from = dw_pg_table_resolve(source);
    struct dw_resolved_column to = dw_pg_table_resolve(target);
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = dw_transform_can_convert(&from, &to, &err);
    if (rc == DW_OK)
        return;
    bool warning = rc == DW_REJECT;
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){.code = warning ? "DW-MAP-029" : "DW-MAP-028",
                                 .path = dw_check_context_target_path(context, map->map, index),
                                 .warning = warning},
        "source column \"%.*s\" to target column \"%.*s\": %s", DW_STR_ARG(source->name),
        DW_STR_ARG(target->name), err.message);
}

static void check_null(struct dw_check_context *context, struct dw_check_map *map, size_t index,
                       const struct dw_pg_column *source, const struct dw_pg_column *target)
{
    const struct dw_map_column *column = &map->map->columns[index];
    bool has_default = column->default_when_null.kind != DW_VALUE_ABSENT;
    if (source->not_null || !target->not_null || has_default || column->key_index >= 0)
        return;
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){.code = "DW-MAP-036",
                                 .path = dw_check_context_source_path(context, map->map, index),
                                 .warning = true},
        "source column \"%.*s\" may be null, target column \"%.*s\" is NOT NULL",
        DW_STR_ARG(source->name), DW_STR_ARG(target->name));
}

static void check_null_default(struct dw_check_context *context, struct dw_check_map *map,
                               size_t index, const struct dw_pg_column *target)
{
    const struct dw_map_column *column = &map->map->columns[index];
    struct fit fit = {map->target_system, target,
                      dw_arena_printf(context->arena, "columns[%zu].default_when_null", index),
                      "default for null"};
    if (column->default_when_null.kind != DW_VALUE_ABSENT)
        (void)check_fit(context, map, &fit, &column->default_when_null); /* reported */
}

static void check_copy(struct dw_check_context *context, struct dw_check_map *map, size_t index,
                       const struct dw_pg_column *target)
{
    const struct dw_map_column *column = &map->map->columns[index];
    const char *path = dw_check_context_source_path(context, map->map, index);
    const struct dw_pg_column *source = find(context, map, map->source, column->source, path);
    if (!source || !check_published(context, map, source, path) || !target)
        return;
    if (column->values)
        check_values(context, map, index, source, target);
    else
        check_conversion(context, map, index, source, target);
    if (column->key_index >= 0 && !column->values)
        check_folding(context, map, index, source, target);
    check_null(context, map, index, source, target);
    check_null_default(context, map, index, target);
}

static void check_computed(struct dw_check_context *context, struct dw_check_map *map, size_t index,
                           const struct dw_pg_column *target)
{
    dw_check_expr_column(context, map, index, target);
    if (target)
        check_null_default(context, map, index, target);
}

static void check_looked_up(struct dw_check_context *context, struct dw_check_map *map,
                            size_t index, const struct dw_pg_column *target)
{
    dw_check_lookup_column(context, map, index, target);
    if (target)
        check_null_default(context, map, index, target);
}

static void check_constant(struct dw_check_context *context, struct dw_check_map *map, size_t index,
                           const struct dw_pg_column *target)
{
    struct fit fit = {map->target_system, target,
                      dw_arena_printf(context->arena, "columns[%zu].default", index), "constant"};
    (void)check_fit(context, map, &fit, &map->map->columns[index].constant); /* reported */
}

/* --- on_delete, on_filter_exit, not-null
 * --------------------------------------------------------------------- */

static void check_flag(struct dw_check_context *context, struct dw_check_map *map,
                       const struct dw_map_flag *flag, const char *member)
{
    const char *path = dw_arena_printf(context->arena, "%s.set", member);
    const struct dw_pg_column *column = find(context, map, map->target, flag->column, path);
    if (!column || !check_writable(context, map, column, path))
        return;
    struct fit fit = {map->target_system, column, dw_arena_printf(context->arena, "%s.to", member),
                      "value"};
    (void)check_fit(context, map, &fit, &flag->value); /* reported */
    fit.path = dw_arena_printf(context->arena, "%s.live", member);
    (void)check_fit(context, map, &fit, &flag->live); /* reported */
}

static void check_flags(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_table_map *spec = map->map;
    const struct dw_map_flag deleted = {spec->delete_column, spec->delete_value, spec->live_value};
    if (spec->on_delete == DW_ON_DELETE_SET)
        check_flag(context, map, &deleted, "on_delete");
    if (spec->on_filter_exit == DW_ON_FILTER_EXIT_SET)
        check_flag(context, map, &spec->exit, "on_filter_exit");
}

static bool is_written(const struct dw_table_map *map, struct dw_str name)
{
    if (map->on_delete == DW_ON_DELETE_SET && dw_str_equal(map->delete_column, name))
        return true;
    if (map->on_filter_exit == DW_ON_FILTER_EXIT_SET && dw_str_equal(map->exit.column, name))
        return true;
    for (size_t i = 0; i < map->column_count; i++)
        if (dw_str_equal(map->columns[i].target, name))
            return true;
    return false;
}

static void check_unwritten(struct dw_check_context *context, struct dw_check_map *map)
{
    for (size_t i = 0; i < map->target->column_count; i++) {
        const struct dw_pg_column *column = &map->target->columns[i];
        if (!column->not_null || column->has_default || column->generated ||
            is_written(map->map, column->name))
            continue;
        dw_check_context_report(context, map,
                                &(struct dw_check_fault){.code = "DW-MAP-035", .path = "columns"},
                                "target column \"%.*s\" (%.*s) is NOT NULL, without a default, and "
                                "not mapped",
                                DW_STR_ARG(column->name), DW_STR_ARG(column->type));
    }
}

void dw_check_columns(struct dw_check_context *context, struct dw_check_map *map)
{
    for (size_t i = 0; i < map->map->column_count; i++) {
        const struct dw_map_column *column = &map->map->columns[i];
        const char *path = dw_check_context_target_path(context, map->map, i);
        const struct dw_pg_column *target = find(context, map, map->target, column->target, path);
        if (target && !check_writable(context, map, target, path))
            target = NULL;
        if (column->source.ptr)
            check_copy(context, map, i, target);
        else if (column->compute.ptr)
            check_computed(context, map, i, target);
        else if (column->lookup)
            check_looked_up(context, map, i, target);
        else if (target)
            check_constant(context, map, i, target);
    }
    dw_check_expr_filter(context, map);
    check_flags(context, map);
    check_unwritten(context, map);
}
