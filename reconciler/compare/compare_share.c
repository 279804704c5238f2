/* compare_share.c - see compare_share.h. */
#include "reconciler/compare/compare_share.h"

#include "common/postgres/pg.h"
#include "common/state/state.h"
#include "reconciler/maps/map_share.h"
#include <libpq-fe.h>
#include <stdio.h>

static const char *why_not(const struct dw_table_map *map, const struct dw_compare_other *other)
{
    enum dw_map_state state = other->record->state;
    if (!dw_map_share_are_shares(map, other->map))
        return "writes the same table, and not by a filter over the same source rows";
    if (other->map->on_delete == DW_ON_DELETE_IGNORE)
        return "writes the same table, and leaves rows there whose source rows are deleted";
    if (state == DW_MAP_PAUSED || state == DW_MAP_ERROR)
        return state == DW_MAP_PAUSED
                   ? "writes the same table and is paused: what it has yet to remove is not known"
                   : "writes the same table and is in error: what it has yet to remove is not "
                     "known";
    return NULL;
}

const char *dw_compare_share_why_not(const struct dw_table_map *map,
                                     const struct dw_compare_other *others, size_t count,
                                     struct dw_arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        const char *why = why_not(map, &others[i]);
        if (why)
            return dw_arena_printf(arena, "map %.*s %s", DW_STR_ARG(others[i].map->name), why);
    }
    return "";
}

/* --- waiting for the others ----------------------------------------------------------------------
 */

/* A commit that a statement has seen lies before the end of the WAL as of then. */
static enum dw_rc take_place(struct dw_compare_share *share, struct dw_state *state,
                             struct dw_compare_links *links, struct dw_err *err)
{
    struct dw_state_position position;
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_position_load(state, share->source_system, &position, err);
    if (rc == DW_OK)
        rc = dw_pg_query(links->source,
                         "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
                         " ELSE pg_current_wal_insert_lsn() END",
                         0, NULL, &result, err);
    if (rc == DW_OK && !dw_pg_parse_lsn(PQgetvalue(result, 0, 0), &share->place.lsn))
        rc = dw_err_set(err, DW_RETRY, "DW-PG-003", "the source does not say where its WAL ends");
    if (rc == DW_OK)
        share->place.epoch = position.epoch;
    PQclear(result);
    return rc;
}

/* An event that waits for another row lies behind the progress. */
static enum dw_rc has_applied(const struct dw_compare_share *share,
                              const struct dw_map_record *record, struct dw_compare_links *links,
                              bool *out, struct dw_err *err)
{
    char epoch[24];
    char lsn[24];
    const char *params[] = {record->topic, epoch, dw_pg_format_lsn(share->place.lsn, lsn)};
    PGresult *result = NULL;
    enum dw_rc rc = dw_compare_has_passed(links->target, record, share->place, out, err);
    if (rc != DW_OK || !*out)
        return rc;
    (void)snprintf(epoch, sizeof epoch, "%u", share->place.epoch);
    rc = dw_pg_query(links->target,
                     "SELECT NOT EXISTS (SELECT FROM dualwrite.waiting WHERE topic = $1"
                     " AND (epoch, commit_lsn) <= ($2::bigint, $3::pg_lsn))",
                     3, params, &result, err);
    if (rc == DW_OK)
        *out = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return rc;
}

enum dw_rc dw_compare_share_passed(struct dw_compare_share *share, struct dw_state *state,
                                   struct dw_compare_links *links, bool *out, struct dw_err *err)
{
    bool passed = true;
    enum dw_rc rc = share->place.lsn ? DW_OK : take_place(share, state, links, err);
    for (size_t i = 0; rc == DW_OK && passed && i < share->count; i++)
        if (share->others[i].record->state != DW_MAP_STOPPED) /* it removes nothing any more */
            rc = has_applied(share, share->others[i].record, links, &passed, err);
    if (rc == DW_OK)
        *out = passed;
    return rc;
}
