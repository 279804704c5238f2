/* check_expr.c - see check_expr.h. */
#include "reconciler/maps/check_expr.h"

#include "common/expr/map_expr.h"
#include "common/transform/transform.h"

#define NUMERIC_OID  1700
#define VARCHAR_OID  1043
#define BPCHAR_OID   1042
#define HEADER_BYTES 4 /* of a value of variable length, and of its typmod */

/* Whether a value may be stored apart, and so be missing in an update: PostgreSQL never moves what
 * is no longer than the pointer that it would leave, 24 bytes. */
static bool may_be_apart(const struct dw_pg_column *column)
{
    const int limit = 24;
    int declared = column->typmod - HEADER_BYTES;
    if (!column->toastable || declared < 0)
        return column->toastable;
    if (column->base_oid == VARCHAR_OID || column->base_oid == BPCHAR_OID)
        return HEADER_BYTES + 4 * declared > limit; /* UTF-8 */
    if (column->base_oid == NUMERIC_OID) /* groups of four digits, on both sides of the point */
        return 2 * HEADER_BYTES + 2 * ((declared >> 16) / 4 + 3) > limit;
    return true;
}

static struct dw_expr_column *source_columns(struct dw_check_context *context,
                                             const struct dw_pg_table *table)
{
    struct dw_expr_column *columns =
        DW_ARENA_ARRAY(context->arena, struct dw_expr_column, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        columns[i] = (struct dw_expr_column){
            .name = table->columns[i].name,
            .base_oid = table->columns[i].base_oid,
            .category = table->columns[i].category,
            .deterministic = table->columns[i].deterministic,
        };
    return columns;
}

static const char *full_identity(struct dw_check_context *context, const struct dw_check_map *map)
{
    return dw_arena_printf(context->arena, "ALTER TABLE %s REPLICA IDENTITY FULL;",
                           dw_check_context_table_sql(context, map->source));
}

void dw_check_expr_used(struct dw_check_context *context, struct dw_check_map *map,
                        const struct dw_pg_column *column, const char *path)
{
    if (column->generated)
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){.code = "DW-MAP-027",
                                     .path = path,
                                     .remedy = "Use the columns it is computed from instead."},
            "source column \"%.*s\" is GENERATED ALWAYS and so not in the change stream",
            DW_STR_ARG(column->name));
    if (may_be_apart(column) && map->source->replica_identity != 'f')
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){
                .code = "DW-MAP-061", .path = path, .remedy = full_identity(context, map)},
            "source column \"%.*s\" (%.*s) can be stored apart (TOAST), and the "
            "table's replica identity is not FULL",
            DW_STR_ARG(column->name), DW_STR_ARG(column->type));
}

/* NULL when it cannot be compiled (reported). */
static struct dw_expr *compile(struct dw_check_context *context, struct dw_check_map *map,
                               struct dw_str text, enum dw_expr_use use, const char *path)
{
    const struct dw_expr_source spec = {.text = text,
                                        .use = use,
                                        .columns = source_columns(context, map->source),
                                        .column_count = map->source->column_count};
    struct dw_err err = DW_ERR_INIT;
    struct dw_expr *expr = NULL;
    size_t count = 0;
    if (dw_expr_compile(&expr, &spec, context->arena, NULL, &err) != DW_OK) {
        dw_check_context_report(context, map,
                                &(struct dw_check_fault){.code = err.id, .path = path}, "%s",
                                err.message);
        return NULL;
    }
    const size_t *used = dw_expr_columns(expr, &count);
    for (size_t i = 0; i < count; i++)
        dw_check_expr_used(context, map, &map->source->columns[used[i]], path);
    return expr;
}

/* A row that came back with an unchanged TOAST value would keep the one that the target has from
 * before it left. */
static void check_comeback(struct dw_check_context *context, struct dw_check_map *map)
{
    if (map->map->on_filter_exit == DW_ON_FILTER_EXIT_DELETE ||
        map->source->replica_identity == 'f')
        return;
    for (size_t i = 0; i < map->map->column_count; i++) {
        struct dw_str name = map->map->columns[i].source;
        const struct dw_pg_column *column = name.ptr ? dw_pg_table_column(map->source, name) : NULL;
        if (!column || !may_be_apart(column))
            continue;
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){.code = "DW-MAP-061",
                                     .path = "on_filter_exit",
                                     .remedy = full_identity(context, map)},
            "a row that left the filter stays in the target; when it comes back, source column "
            "\"%.*s\" (%.*s) may not be in its event: it can be stored apart (TOAST), and the "
            "table's replica identity is not FULL",
            DW_STR_ARG(column->name), DW_STR_ARG(column->type));
        return;
    }
}

void dw_check_expr_filter(struct dw_check_context *context, struct dw_check_map *map)
{
    if (!map->map->filter.ptr)
        return;
    (void)compile(context, map, map->map->filter, DW_EXPR_FILTER, "source.filter"); /* reported */
    check_comeback(context, map);
}

void dw_check_expr_column(struct dw_check_context *context, struct dw_check_map *map, size_t index,
                          const struct dw_pg_column *target)
{
    const char *path = dw_arena_printf(context->arena, "columns[%zu].compute", index);
    const struct dw_expr *expr =
        compile(context, map, map->map->columns[index].compute, DW_EXPR_COMPUTE, path);
    if (!expr || !target)
        return;
    struct dw_resolved_column result;
    struct dw_err err = DW_ERR_INIT;
    const struct dw_resolved_column to = {.name = target->name,
                                          .type = target->type,
                                          .oid = target->type_oid,
                                          .base_oid = target->base_oid,
                                          .typmod = target->typmod};
    dw_expr_result(expr, &result);
    enum dw_rc rc = dw_transform_can_convert(&result, &to, &err);
    bool warning = rc == DW_REJECT;
    if (rc != DW_OK)
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){.code = warning ? "DW-MAP-029" : "DW-MAP-028",
                                     .path = path,
                                     .warning = warning,
                                     .remedy = warning ? NULL
                                                       : "Cast the expression's value, or name "
                                                         "another target column."},
            "the expression's value (%.*s) to target column \"%.*s\": %s", DW_STR_ARG(result.type),
            DW_STR_ARG(target->name), err.message);
}
