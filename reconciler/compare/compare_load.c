/* compare_load.c - see compare_load.h. */
#include "reconciler/compare/compare_load.h"

#include "common/postgres/pg.h"
#include "reconciler/compare/compare_step.h"
#include "reconciler/maps/map_share.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 4096

/* What a column's collation sorts by, as one text: provider, locale, version. "C", "POSIX" and
 * "C.UTF-8" are the order of bytes everywhere; of the database's default the locale counts. */
static const char collation_query[] =
    "SELECT coalesce(CASE WHEN s.provider IN ('b', 'c') AND s.locale ~ '^(C|POSIX)($|[.])' THEN 'C'"
    " WHEN s.version IS NULL THEN '' ELSE concat_ws('|', s.provider, s.locale, s.version) END, '')"
    " FROM unnest($2::text[]) WITH ORDINALITY AS k(name, n)"
    " LEFT JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attname = k.name AND NOT "
    "a.attisdropped"
    " LEFT JOIN pg_collation c ON c.oid = a.attcollation"
    " LEFT JOIN LATERAL (SELECT to_jsonb(d) AS j FROM pg_database d"
    "  WHERE d.datname = current_database()) d ON c.collprovider = 'd'"
    " LEFT JOIN LATERAL (SELECT CASE WHEN c.collprovider = 'd'"
    "   THEN coalesce(d.j->>'datlocprovider', 'c') ELSE c.collprovider::text END AS provider,"
    "  CASE WHEN c.collprovider = 'd' THEN coalesce(d.j->>'datlocale', d.j->>'daticulocale',"
    "   d.j->>'datcollate') ELSE coalesce(to_jsonb(c)->>'colllocale', "
    "to_jsonb(c)->>'colliculocale',"
    "   to_jsonb(c)->>'collcollate') END AS locale,"
    "  CASE WHEN c.collprovider = 'd' THEN d.j->>'datcollversion'"
    "   ELSE pg_collation_actual_version(c.oid) END AS version) s ON true ORDER BY k.n";

static enum dw_rc load_collations(struct pg_conn *conn, const struct dw_pg_table *table,
                                  const struct dw_str *names, size_t count, struct dw_arena *arena,
                                  const char *const **out, struct dw_err *err)
{
    struct dw_compare_params params;
    PGresult *result = NULL;
    const char **texts = DW_ARENA_ARRAY(arena, const char *, count);
    dw_compare_params_init(&params, arena);
    dw_compare_params_add_i64(&params, table->oid);
    dw_compare_params_add_list(&params, names, count, 1);
    enum dw_rc rc = dw_compare_ask(conn, collation_query, &params, &result, err);
    for (size_t i = 0; rc == DW_OK && i < count; i++)
        texts[i] = dw_arena_copy(arena, dw_str_from(PQgetvalue(result, (int)i, 0))).ptr;
    PQclear(result);
    *out = texts;
    return rc;
}

static enum dw_rc estimate(struct pg_conn *conn, const struct dw_pg_table *table,
                           struct dw_arena *arena, int64_t *out, struct dw_err *err)
{
    struct dw_compare_params params;
    PGresult *result = NULL;
    dw_compare_params_init(&params, arena);
    dw_compare_params_add_i64(&params, table->oid);
    enum dw_rc rc =
        dw_compare_ask(conn,
                       "SELECT coalesce(sum(CASE WHEN c.reltuples > 0 THEN c.reltuples"
                       " ELSE pg_relation_size(c.oid) / 100 END), 0)::bigint FROM pg_class c"
                       " WHERE c.relkind <> 'p' AND c.oid IN (SELECT $1::oid UNION ALL"
                       " SELECT relid FROM pg_partition_tree($1::oid::regclass))",
                       &params, &result, err);
    if (rc == DW_OK)
        *out = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return rc;
}

static enum dw_rc read_map(const struct dw_map_record *record, struct dw_arena *arena,
                           const struct dw_table_map **out, struct dw_err *err)
{
    struct dw_map_problems problems = {.arena = arena};
    *out = dw_table_map_parse(dw_str_from(record->document), record->name, arena, &problems);
    if (*out)
        return DW_OK;
    return dw_err_set(err, DW_CONFIG, "DW-COMPARE-002", "the stored map %s cannot be read",
                      record->name);
}

/* Maps that write the same table, stopped ones too: what they wrote is still there. */
static void find_others(struct dw_compare_loaded *loaded, const struct dw_map_record *maps,
                        size_t count, struct dw_arena *arena)
{
    struct dw_compare_other *others = DW_ARENA_ARRAY(arena, struct dw_compare_other, count);
    loaded->others = others;
    for (size_t i = 0; i < count; i++) {
        struct dw_compare_other other = {.record = &maps[i]};
        struct dw_err ignored = DW_ERR_INIT; /* one that cannot be read writes nothing */
        if (&maps[i] != loaded->record &&
            strcmp(maps[i].target_system, loaded->record->target_system) == 0 &&
            read_map(&maps[i], arena, &other.map, &ignored) == DW_OK &&
            dw_map_share_same_side(&other.map->target, &loaded->map->target))
            others[loaded->other_count++] = other;
    }
}

static enum dw_rc find_map(struct dw_state *state, const char *name, struct dw_arena *arena,
                           struct dw_compare_loaded *out, struct dw_err *err)
{
    const struct dw_map_record *maps = NULL;
    size_t count = 0;
    enum dw_rc rc = dw_state_maps_load(state, arena, &maps, &count, err);
    for (size_t i = 0; rc == DW_OK && i < count; i++)
        if (strcmp(maps[i].name, name) == 0)
            out->record = &maps[i];
    if (rc == DW_OK && !out->record)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-004", "there is no map %s", name);
    if (rc == DW_OK)
        rc = read_map(out->record, arena, &out->map, err);
    if (rc == DW_OK)
        find_others(out, maps, count, arena);
    return rc;
}

static enum dw_rc find_system(const struct dw_settings *settings, const char *name,
                              const struct dw_system_settings **out, struct dw_err *err)
{
    *out = dw_settings_system(settings, name);
    if (*out)
        return DW_OK;
    return dw_err_set(err, DW_CONFIG, "DW-COMPARE-005",
                      "%s has no system %s: the reconciler has to read both sides", settings->file,
                      name);
}

static enum dw_rc open_links(const struct dw_compare_loaded *loaded,
                             const struct dw_settings *settings, struct dw_compare_links *links,
                             struct dw_err *err)
{
    const struct dw_system_settings *source = NULL;
    const struct dw_system_settings *target = NULL;
    enum dw_rc rc = find_system(settings, loaded->record->source_system, &source, err);
    if (rc == DW_OK)
        rc = find_system(settings, loaded->record->target_system, &target, err);
    return rc == DW_OK ? dw_compare_links_open(links, source, target, err) : rc;
}

/* The target column that a source key column is paired with, for its collation. */
static struct dw_str target_key(const struct dw_table_map *map, struct dw_str source)
{
    for (size_t i = 0; i < map->column_count; i++)
        if (map->columns[i].key_index >= 0 && map->columns[i].source.ptr &&
            dw_str_equal(map->columns[i].source, source))
            return map->columns[i].target;
    return (struct dw_str){"", 0};
}

static enum dw_rc ask_collations(struct dw_compare_question *asked, struct dw_compare_links *links,
                                 struct dw_arena *arena, struct dw_err *err)
{
    const struct dw_table_map *map = asked->map;
    size_t count = map->source.key_count;
    struct dw_str *names = DW_ARENA_ARRAY(arena, struct dw_str, count);
    for (size_t i = 0; i < count; i++)
        names[i] = target_key(map, map->source.key[i]);
    enum dw_rc rc = load_collations(links->source, asked->source, map->source.key, count, arena,
                                    &asked->source_collations, err);
    return rc == DW_OK ? load_collations(links->target, asked->target, names, count, arena,
                                         &asked->target_collations, err)
                       : rc;
}

/* Servers of other kinds may hash otherwise; then it is no way at all. */
static enum dw_rc probe(struct dw_compare_plan *plan, const char *forced,
                        struct dw_compare_links *links, struct dw_err *err)
{
    bool alike = true;
    if (!plan->by_hash)
        return DW_OK;
    enum dw_rc rc = dw_compare_hashes_probe(links, &alike, err);
    if (rc != DW_OK || alike)
        return rc;
    plan->by_hash = false;
    plan->why_rows = "the two servers compute different hashes";
    if (strcmp(forced, "hash") == 0)
        return dw_err_set(err, DW_CONFIG, "DW-COMPARE-004",
                          "map %.*s cannot be compared by "
                          "hashes: %s",
                          DW_STR_ARG(plan->map->name), plan->why_rows);
    return DW_OK;
}

enum dw_rc dw_compare_load(struct dw_compare_loaded *out, const struct dw_reconcile_run *run,
                           struct dw_state *state, const struct dw_settings *settings,
                           struct dw_compare_links *links, struct dw_arena *arena,
                           struct dw_err *err)
{
    struct dw_compare_question asked = {.filter = run->filter, .forced_way = run->forced_way};
    *out = (struct dw_compare_loaded){.rows_estimated = 0};
    enum dw_rc rc = find_map(state, run->map, arena, out, err);
    if (rc == DW_OK)
        rc = open_links(out, settings, links, err);
    if (rc != DW_OK)
        return rc;
    asked.map = out->map;
    asked.others = out->others;
    asked.other_count = out->other_count;
    rc = dw_pg_table_load(links->source, out->map->source.schema, out->map->source.table, arena,
                          &asked.source, err);
    if (rc == DW_OK)
        rc = dw_pg_table_load(links->target, out->map->target.schema, out->map->target.table, arena,
                              &asked.target, err);
    if (rc == DW_OK)
        rc = ask_collations(&asked, links, arena, err);
    if (rc == DW_OK)
        rc = dw_compare_plan_make(&out->plan, &asked, arena, err);
    if (rc == DW_OK)
        rc = probe(&out->plan, run->forced_way, links, err);
    return rc == DW_OK ? estimate(links->source, asked.source, arena, &out->rows_estimated, err)
                       : rc;
}
