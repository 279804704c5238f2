/* check_context.h - what all rooms of the check share: sessions, facts of a server, reporting.
 *
 * Only for reconciler/maps. Threads: one.
 */
#ifndef DW_MAPS_CHECK_CONTEXT_H
#define DW_MAPS_CHECK_CONTEXT_H
#include "common/postgres/pg.h"
#include "common/postgres/pg_table.h"
#include "reconciler/maps/map_check.h"

struct dw_node;

/* A system, connected at most once. */
struct dw_check_system {
    const struct dw_system_settings *settings;
    struct pg_conn *conn; /* NULL: not tried, or failed */
    bool tried;
    struct dw_err err; /* why it failed */
    /* facts */
    const char *user;
    const char *database;
    const char *wal_level;
    const char *encoding;
    int version; /* server_version_num */
    bool may_replicate;
    bool may_create; /* in the database */
    bool may_temp;
    bool slot_exists;
    bool slots_full;
};

/* A map being checked. */
struct dw_check_map {
    struct dw_map_check_item *item;
    const struct dw_table_map *map;
    const struct dw_node *root; /* of the file's text; NULL: lines are unknown */
    struct dw_check_system *source_system, *target_system;
    const struct dw_pg_table *source, *target; /* NULL: not found, reported */
};

struct dw_check_context {
    const struct dw_settings *settings;
    struct dw_map_problems *problems;
    struct dw_arena *arena; /* the problems' */
    struct dw_check_system *systems;
};

/* What is wrong, and where; the message follows as a format. */
struct dw_check_fault {
    const char *code;
    const char *path; /* in the map's file */
    bool warning;
    const char *remedy; /* NULL: the catalogue's */
};

void dw_check_context_report(struct dw_check_context *context, struct dw_check_map *map,
                             const struct dw_check_fault *fault, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Connects and asks for the facts, once. DW_OK, or what dw_pg_connect returned, kept in
 * system->err. */
enum dw_rc dw_check_context_connect(struct dw_check_context *context,
                                    struct dw_check_system *system);
void dw_check_context_close(struct dw_check_context *context);

struct dw_check_query {
    const char *sql;
    int param_count;
    const char *const *params;
};

/* The first row of a query as texts (NULL for null) in the arena. DW_END when there is none. */
enum dw_rc dw_check_context_row(struct dw_check_context *context, struct pg_conn *conn,
                                const struct dw_check_query *query, const char ***out_fields,
                                struct dw_err *err) DW_MUST_CHECK;

/* Reports that the server failed while it was asked. */
void dw_check_context_failed(struct dw_check_context *context, struct dw_check_map *map,
                             const char *path, const struct dw_err *err);

/* Places of a column in the file; implied columns stand in the keys. */
const char *dw_check_context_source_path(const struct dw_check_context *context,
                                         const struct dw_table_map *map, size_t column);
const char *dw_check_context_target_path(const struct dw_check_context *context,
                                         const struct dw_table_map *map, size_t column);

/* "schema"."table" and "name" for remedies. */
const char *dw_check_context_table_sql(const struct dw_check_context *context,
                                       const struct dw_pg_table *table);
const char *dw_check_context_name_sql(const struct dw_check_context *context, const char *name);
/* "a", "b" */
const char *dw_check_context_names_sql(const struct dw_check_context *context,
                                       const struct dw_str *names, size_t count);

#endif
