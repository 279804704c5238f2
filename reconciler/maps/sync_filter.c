/* sync_filter.c - see sync_filter.h. */
#include "reconciler/maps/sync_filter.h"

#include "common/expr/expr.h"
#include "common/model/table_map.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_table.h"

static enum dw_rc compile(const struct dw_pg_table *table, const char *filter,
                          struct dw_arena *arena, struct dw_err *err)
{
    struct dw_expr *expr;
    struct dw_expr_column *columns =
        DW_ARENA_ARRAY(arena, struct dw_expr_column, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        columns[i] = (struct dw_expr_column){
            .name = table->columns[i].name,
            .base_oid = table->columns[i].base_oid,
            .category = table->columns[i].category,
            .deterministic = table->columns[i].deterministic,
        };
    const struct dw_expr_source source = {.text = dw_str_from(filter),
                                          .use = DW_EXPR_FILTER,
                                          .columns = columns,
                                          .column_count = table->column_count};
    if (dw_expr_compile(&expr, &source, arena, NULL, err) == DW_OK)
        return DW_OK;
    return err->rc = DW_CONFLICT; /* what was asked for does not fit, nothing is set up wrongly */
}

enum dw_rc dw_sync_filter_check(const struct dw_settings *settings, const struct dw_table_map *map,
                                const char *filter, struct dw_arena *arena, struct dw_err *err)
{
    const char *name = dw_arena_copy(arena, map->source.system).ptr;
    const struct dw_system_settings *system = dw_settings_system(settings, name);
    const struct dw_pg_table *table = NULL;
    struct pg_conn *conn = NULL;
    if (!system)
        return dw_err_set(err, DW_CONFIG, "DW-MAP-020", "%s has no system %s", settings->file,
                          name);
    const struct dw_pg_options options = {
        .connection = system->connection,
        .password = system->password,
        .application_name = "dualwrite-reconciler",
        .what = name,
        .lock_timeout_ms = 5000,
    };
    enum dw_rc rc = dw_pg_connect(&conn, &options, err);
    if (rc == DW_OK)
        rc = dw_pg_table_load(conn, map->source.schema, map->source.table, arena, &table, err);
    dw_pg_disconnect(conn);
    return rc == DW_OK ? compile(table, filter, arena, err) : rc;
}
