/* check_source.c - see check_source.h.
 *
 * Why the key has to be part of the replica identity: of an updated or deleted row the stream
 * brings the old values of the identity's columns only. A delete without the map's key cannot be
 * routed, and a changed key would go unseen and leave the old row in the target.
 */
#include "reconciler/maps/check_source.h"

#include "common/expr/map_expr.h"
#include <stdlib.h>
#include <string.h>

#define OLDEST_SERVER 140000
#define LIST_BYTES    ((size_t)1 << 20)

/* --- server ---------------------------------------------------------------------------------- */

void dw_check_source_server(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_check_system *system = map->source_system;
    const char *name = system->settings->name;
    struct dw_check_fault fault = {.path = "source.system"};
    if (system->version < OLDEST_SERVER) {
        fault.code = "DW-MAP-055";
        dw_check_context_report(context, map, &fault, "system %s is PostgreSQL %d", name,
                                system->version / 10000);
    }
    if (strcmp(system->wal_level, "logical") != 0) {
        fault.code = "DW-MAP-040";
        dw_check_context_report(context, map, &fault, "system %s has wal_level = %s", name,
                                system->wal_level);
    }
    if (!system->may_replicate) {
        fault.code = "DW-MAP-041";
        fault.remedy = dw_arena_printf(context->arena, "ALTER ROLE %s REPLICATION;",
                                       dw_check_context_name_sql(context, system->user));
        dw_check_context_report(context, map, &fault,
                                "user %s of system %s has no role attribute REPLICATION",
                                system->user, name);
        fault.remedy = NULL;
    }
    if (strcmp(system->encoding, "SQL_ASCII") == 0) {
        fault.code = "DW-MAP-080";
        fault.warning = true;
        dw_check_context_report(context, map, &fault,
                                "the database of system %s has the encoding SQL_ASCII", name);
        fault.warning = false;
    }
    if (!system->slot_exists && system->slots_full) {
        fault.code = "DW-MAP-051";
        fault.warning = true;
        dw_check_context_report(context, map, &fault,
                                "all replication slots of system %s are in use, and slot %s is "
                                "still to be made",
                                name, system->settings->slot);
    }
}

/* --- replica identity ------------------------------------------------------------------------ */

static const struct dw_pg_column *column_of(const struct dw_pg_table *table, int16_t number)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].number == number)
            return &table->columns[i];
    return NULL;
}

/* The index whose columns the stream brings of an old row; NULL when there is none. */
static const struct dw_pg_index *identity_index(const struct dw_pg_table *table)
{
    for (size_t i = 0; i < table->index_count; i++) {
        const struct dw_pg_index *index = &table->indexes[i];
        bool named = table->replica_identity == 'd' ? index->primary : index->replica_identity;
        if (named && index->immediate && index->usable)
            return index;
    }
    return NULL;
}

static bool all_not_null(const struct dw_pg_table *table, const struct dw_pg_index *index)
{
    for (size_t i = 0; i < index->column_count; i++) {
        const struct dw_pg_column *column = column_of(table, index->columns[i]);
        if (!column || !column->not_null)
            return false;
    }
    return true;
}

static const char *identity_remedy(struct dw_check_context *context, const struct dw_check_map *map)
{
    const struct dw_pg_table *table = map->source;
    const char *name = dw_check_context_table_sql(context, table);
    for (size_t i = 0; i < table->index_count; i++) {
        const struct dw_pg_index *index = &table->indexes[i];
        if (index->primary && !index->immediate)
            return "Make the primary key not deferrable, or create a unique index on its columns "
                   "and set the replica identity to that.";
        if (index->usable && index->immediate && all_not_null(table, index))
            return index->primary
                       ? dw_arena_printf(context->arena, "ALTER TABLE %s REPLICA IDENTITY DEFAULT;",
                                         name)
                       : dw_arena_printf(context->arena,
                                         "ALTER TABLE %s REPLICA IDENTITY USING INDEX %s;", name,
                                         dw_check_context_name_sql(context, index->name.ptr));
    }
    return dw_arena_printf(
        context->arena,
        "ALTER TABLE %s ADD PRIMARY KEY (%s);\nor, where that cannot be: ALTER "
        "TABLE %s REPLICA IDENTITY FULL;",
        name, dw_check_context_names_sql(context, map->map->source.key, map->map->source.key_count),
        name);
}

static bool index_has(const struct dw_pg_index *index, const struct dw_pg_column *column)
{
    for (size_t i = 0; column && i < index->column_count; i++)
        if (index->columns[i] == column->number)
            return true;
    return false;
}

static void check_covered(struct dw_check_context *context, struct dw_check_map *map,
                          const struct dw_pg_index *identity)
{
    for (size_t i = 0; i < map->map->source.key_count; i++) {
        struct dw_str name = map->map->source.key[i];
        const struct dw_pg_column *column = dw_pg_table_column(map->source, name);
        if (!column || index_has(identity, column))
            continue;
        struct dw_check_fault fault = {
            .code = "DW-MAP-033",
            .path = dw_arena_printf(context->arena, "source.key[%zu]", i),
            .remedy = dw_arena_printf(context->arena,
                                      "Use the columns of index \"%.*s\" as the key, or: ALTER "
                                      "TABLE %s REPLICA IDENTITY FULL;",
                                      DW_STR_ARG(identity->name),
                                      dw_check_context_table_sql(context, map->source)),
        };
        dw_check_context_report(context, map, &fault,
                                "key column \"%.*s\" is not in the replica identity (index "
                                "\"%.*s\"); updates and deletes would not tell which row they "
                                "mean",
                                DW_STR_ARG(name), DW_STR_ARG(identity->name));
    }
}

static void check_identity(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_pg_table *table = map->source;
    const struct dw_pg_index *identity = identity_index(table);
    if (table->replica_identity == 'f')
        return;
    if (table->replica_identity != 'n' && identity) {
        check_covered(context, map, identity);
        return;
    }
    const char *found = table->replica_identity == 'n'   ? "REPLICA IDENTITY NOTHING"
                        : table->replica_identity == 'i' ? "a replica identity whose index is gone"
                                                         : "no usable primary key";
    dw_check_context_report(context, map,
                            &(struct dw_check_fault){.code = "DW-MAP-032",
                                                     .path = "source.table",
                                                     .remedy = identity_remedy(context, map)},
                            "table %.*s.%.*s has %s; once it is published, the application's own "
                            "UPDATE and DELETE would fail",
                            DW_STR_ARG(table->schema), DW_STR_ARG(table->table), found);
}

/* --- key ------------------------------------------------------------------------------------- */

/* Unique when some index's columns are all in the key; deferrable ones allow duplicates for a
 * while, in which a swap of two keys loses a row. */
static bool is_unique(const struct dw_check_map *map)
{
    for (size_t i = 0; i < map->source->index_count; i++) {
        const struct dw_pg_index *index = &map->source->indexes[i];
        size_t found = 0;
        for (size_t k = 0; k < map->map->source.key_count; k++)
            found += index_has(index, dw_pg_table_column(map->source, map->map->source.key[k]));
        if (index->usable && index->immediate && index->column_count > 0 &&
            found == index->column_count)
            return true;
    }
    return false;
}

static void check_key(struct dw_check_context *context, struct dw_check_map *map)
{
    const char *table = dw_check_context_table_sql(context, map->source);
    for (size_t i = 0; i < map->map->source.key_count; i++) {
        const struct dw_pg_column *column =
            dw_pg_table_column(map->source, map->map->source.key[i]);
        if (!column)
            return; /* reported as unknown */
        if (column->not_null)
            continue;
        struct dw_check_fault fault = {
            .code = "DW-MAP-030",
            .path = dw_arena_printf(context->arena, "source.key[%zu]", i),
            .remedy =
                dw_arena_printf(context->arena, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;",
                                table, dw_check_context_name_sql(context, column->name.ptr)),
        };
        dw_check_context_report(context, map, &fault, "key column \"%.*s\" may be null",
                                DW_STR_ARG(column->name));
    }
    if (is_unique(map))
        return;
    const char *names =
        dw_check_context_names_sql(context, map->map->source.key, map->map->source.key_count);
    dw_check_context_report(
        context, map,
        &(struct dw_check_fault){
            .code = "DW-MAP-031",
            .path = "source.key",
            .remedy =
                dw_arena_printf(context->arena, "CREATE UNIQUE INDEX ON %s (%s);", table, names)},
        "no unique index covers the key (%s); partial, expression and deferrable ones do not count",
        names);
}

/* By a grant on the table, or on each of the mapped columns. */
static bool is_readable(const struct dw_check_map *map)
{
    for (size_t i = 0; !map->source->can_select && i < map->map->column_count; i++) {
        struct dw_str name = map->map->columns[i].source;
        const struct dw_pg_column *column = name.ptr ? dw_pg_table_column(map->source, name) : NULL;
        if (column && !column->can_select)
            return false;
    }
    return true;
}

static void check_privilege(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_pg_table *table = map->source;
    const char *sql = dw_check_context_table_sql(context, table);
    const char *user = dw_check_context_name_sql(context, map->source_system->user);
    if (!is_readable(map))
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){
                .code = "DW-MAP-047",
                .path = "source.table",
                .warning = true,
                .remedy = dw_arena_printf(context->arena, "GRANT SELECT ON %s TO %s;", sql, user)},
            "user %s may not read table %s; live sync works without, initial sync and comparison "
            "do not",
            map->source_system->user, sql);
    if (table->row_security)
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){
                .code = "DW-MAP-050",
                .path = "source.table",
                .warning = true,
                .remedy = dw_arena_printf(context->arena, "ALTER ROLE %s BYPASSRLS;", user)},
            "row-level security hides rows of table %s from user %s; the change stream brings them "
            "all the same, reading the table does not",
            sql, map->source_system->user);
}

void dw_check_source_table(struct dw_check_context *context, struct dw_check_map *map)
{
    const struct dw_pg_table *table = map->source;
    if (table->is_partition)
        dw_check_context_report(
            context, map, &(struct dw_check_fault){.code = "DW-MAP-025", .path = "source.table"},
            "table %.*s.%.*s is a partition", DW_STR_ARG(table->schema), DW_STR_ARG(table->table));
    if (table->kind != 'r' && table->kind != 'p') {
        const char *kind = table->kind == 'v'   ? "a view"
                           : table->kind == 'm' ? "a materialized view"
                           : table->kind == 'f' ? "a foreign table"
                                                : "no table";
        dw_check_context_report(
            context, map, &(struct dw_check_fault){.code = "DW-MAP-024", .path = "source.table"},
            "%.*s.%.*s is %s; its changes are not in the change stream", DW_STR_ARG(table->schema),
            DW_STR_ARG(table->table), kind);
        return;
    }
    check_key(context, map);
    check_identity(context, map);
    check_privilege(context, map);
}

/* --- storage and partitions ------------------------------------------------------------------ */

static void check_storage(struct dw_check_context *context, struct dw_check_map *map)
{
    static const char sql[] =
        "SELECT c.relpersistence, (SELECT format('%I.%I', n.nspname, p.relname)"
        "  FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid"
        "  JOIN pg_namespace n ON n.oid = p.relnamespace"
        "  WHERE t.isleaf AND t.relid <> c.oid AND (p.relpersistence <> 'p' OR p.relkind <> 'r'"
        "   OR p.relreplident <> c.relreplident) ORDER BY 1 LIMIT 1)"
        " FROM pg_class c WHERE c.oid = $1::oid";
    const char *oid = dw_arena_printf(context->arena, "%u", map->source->oid);
    const char **fields;
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = dw_check_context_row(
        context, map->source_system->conn,
        &(struct dw_check_query){sql, 1, (const char *const[]){oid}}, &fields, &err);
    if (rc == DW_END)
        return; /* dropped this moment */
    if (rc != DW_OK) {
        dw_check_context_failed(context, map, "source.table", &err);
        return;
    }
    if (*fields[0] != 'p')
        dw_check_context_report(
            context, map, &(struct dw_check_fault){.code = "DW-MAP-024", .path = "source.table"},
            "table %.*s.%.*s is %s; its changes are not in the change stream",
            DW_STR_ARG(map->source->schema), DW_STR_ARG(map->source->table),
            *fields[0] == 'u' ? "unlogged" : "temporary");
    if (fields[1])
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){
                .code = "DW-MAP-032",
                .path = "source.table",
                .remedy = "Give every partition the table's own replica identity, as a logged "
                          "ordinary table."},
            "partition %s is unlogged or foreign, or has another replica identity than its table; "
            "the identity of the partition is the one that counts",
            fields[1]);
}

/* --- publication ----------------------------------------------------------------------------- */

struct publication {
    bool exists, owned, all, holds, filtered, listed, via_root;
    const char *missing; /* operations not published: "update, delete"; "" when none */
    const char *hidden;  /* mapped columns that the column list leaves out, or NULL */
};

/* Column lists, filters and schemas came with version 15. */
static const char *publication_sql(struct dw_check_context *context, int version)
{
    const char *new_fields = "r.prqual IS NOT NULL, r.prattrs IS NOT NULL,"
                             " (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)"
                             "  FROM pg_attribute a WHERE a.attrelid = $2::oid"
                             "  AND a.attname = ANY (string_to_array($3, E'\\x01'))"
                             "  AND a.attnum <> ALL (r.prattrs::int2[]))";
    const char *in_schema = "EXISTS (SELECT FROM pg_publication_namespace s JOIN pg_class c ON"
                            " c.relnamespace = s.pnnspid WHERE s.pnpubid = p.oid AND c.oid ="
                            " $2::oid)";
    bool new_server = version >= 150000;
    return dw_arena_printf(context->arena,
                           "SELECT pg_has_role(p.pubowner, 'USAGE'), p.puballtables,"
                           " r.oid IS NOT NULL OR p.puballtables OR %s, p.pubviaroot,"
                           " concat_ws(', ', CASE WHEN NOT p.pubinsert THEN 'insert' END,"
                           "  CASE WHEN NOT p.pubupdate THEN 'update' END,"
                           "  CASE WHEN NOT p.pubdelete AND $4 <> '' THEN 'delete' END,"
                           "  CASE WHEN NOT p.pubtruncate AND $5 <> '' THEN 'truncate' END), %s"
                           " FROM pg_publication p LEFT JOIN pg_publication_rel r"
                           "  ON r.prpubid = p.oid AND r.prrelid = $2::oid WHERE p.pubname = $1",
                           new_server ? in_schema : "false",
                           new_server ? new_fields : "false, false, nullif($3, $3)");
}

static enum dw_rc ask_publication(struct dw_check_context *context, const struct dw_check_map *map,
                                  struct publication *out, struct dw_err *err)
{
    const struct dw_check_system *system = map->source_system;
    const char **fields;
    size_t count;
    const struct dw_str *names = dw_map_expr_source_columns(map->map, context->arena, &count);
    struct dw_buf list;
    dw_buf_init(&list, LIST_BYTES);
    for (size_t i = 0; i < count; i++) {
        dw_buf_append_str(&list, names[i]);
        dw_buf_append_char(&list, '\x01');
    }
    const char *params[] = {
        system->settings->publication,
        dw_arena_printf(context->arena, "%u", map->source->oid),
        dw_arena_copy(context->arena, dw_buf_str(&list)).ptr,
        map->map->on_delete == DW_ON_DELETE_IGNORE ? "" : "needed",
        map->map->on_truncate == DW_ON_TRUNCATE_IGNORE ? "" : "needed",
    };
    dw_buf_done(&list);
    enum dw_rc rc = dw_check_context_row(
        context, system->conn,
        &(struct dw_check_query){publication_sql(context, system->version), 5, params}, &fields,
        err);
    *out = (struct publication){.missing = ""};
    if (rc != DW_OK)
        return rc == DW_END ? DW_OK : rc;
    *out = (struct publication){
        .exists = true,
        .owned = *fields[0] == 't',
        .all = *fields[1] == 't',
        .holds = *fields[2] == 't',
        .via_root = *fields[3] == 't',
        .missing = fields[4],
        .filtered = *fields[5] == 't',
        .listed = *fields[6] == 't',
        .hidden = fields[7],
    };
    return DW_OK;
}

static void report_unpublished(struct dw_check_context *context, struct dw_check_map *map,
                               const struct publication *found)
{
    const struct dw_check_system *system = map->source_system;
    const char *table = dw_check_context_table_sql(context, map->source);
    const char *name = dw_check_context_name_sql(context, system->settings->publication);
    if (!found->exists && !(system->may_create && map->source->is_owner))
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){
                .code = "DW-MAP-042",
                .path = "source.table",
                .remedy = dw_arena_printf(
                    context->arena,
                    "CREATE PUBLICATION %s FOR TABLE %s WITH (publish = 'insert, update, delete, "
                    "truncate', publish_via_partition_root = true);",
                    name, table)},
            "publication %s does not exist, and user %s may not create it: %s", name, system->user,
            system->may_create ? "it does not own the table"
                               : "it has no CREATE privilege on the database");
    if (found->exists && !found->holds && !(found->owned && map->source->is_owner))
        dw_check_context_report(
            context, map,
            &(struct dw_check_fault){.code = "DW-MAP-043",
                                     .path = "source.table",
                                     .remedy = dw_arena_printf(context->arena,
                                                               "ALTER PUBLICATION %s ADD TABLE %s;",
                                                               name, table)},
            "publication %s does not hold table %s, and user %s may not add it", name, table,
            system->user);
}

static void report_hidden(struct dw_check_context *context, struct dw_check_map *map,
                          const struct publication *found)
{
    const char *name =
        dw_check_context_name_sql(context, map->source_system->settings->publication);
    const char *table = dw_check_context_table_sql(context, map->source);
    struct dw_check_fault fault = {.path = "source.table"};
    if (*found->missing) {
        fault.code = "DW-MAP-044";
        fault.remedy = dw_arena_printf(
            context->arena,
            "ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate');", name);
        dw_check_context_report(context, map, &fault, "publication %s does not publish: %s", name,
                                found->missing);
    }
    fault.code = "DW-MAP-045";
    fault.remedy = dw_arena_printf(
        context->arena, "ALTER PUBLICATION %s DROP TABLE %s;\nALTER PUBLICATION %s ADD TABLE %s;",
        name, table, name, table);
    if (found->filtered)
        dw_check_context_report(context, map, &fault,
                                "publication %s has a row filter for table %s", name, table);
    if (found->listed && found->hidden)
        dw_check_context_report(context, map, &fault,
                                "publication %s has a column list for table %s without %s", name,
                                table, found->hidden);
    if (map->source->kind == 'p' && !found->via_root) {
        fault.code = "DW-MAP-046";
        fault.remedy = dw_arena_printf(
            context->arena, "ALTER PUBLICATION %s SET (publish_via_partition_root = true);", name);
        dw_check_context_report(context, map, &fault,
                                "table %s is partitioned, and publication %s publishes changes "
                                "under the names of its partitions",
                                table, name);
    }
}

/* It takes rows away without a word in the stream. */
static void warn_of_truncates(struct dw_check_context *context, struct dw_check_map *map)
{
    if (map->source->kind != 'p' || map->map->on_truncate == DW_ON_TRUNCATE_IGNORE)
        return;
    const struct dw_check_fault fault = {
        .code = "DW-MAP-066",
        .path = "source.table",
        .warning = true,
        .remedy = dw_arena_printf(context->arena,
                                  "Use DELETE instead, or copy the rows again behind it: dualwrite "
                                  "map resync %.*s --delete-extra --yes",
                                  DW_STR_ARG(map->map->name)),
    };
    dw_check_context_report(context, map, &fault,
                            "table %s is partitioned: a TRUNCATE of a single partition is in no "
                            "stream",
                            dw_check_context_table_sql(context, map->source));
}

void dw_check_source_published(struct dw_check_context *context, struct dw_check_map *map)
{
    struct publication found;
    struct dw_err err = DW_ERR_INIT;
    check_storage(context, map);
    warn_of_truncates(context, map);
    if (map->source->kind != 'r' && map->source->kind != 'p')
        return;
    if (ask_publication(context, map, &found, &err) != DW_OK) {
        dw_check_context_failed(context, map, "source.table", &err);
        return;
    }
    report_unpublished(context, map, &found);
    if (found.exists)
        report_hidden(context, map, &found);
}
