/* target_watch.c - see target_watch.h. */
#include "reconciler/targets/target_watch.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "common/service/lifecycle.h"
#include "common/state/state.h"
#include "common/state/state_letters.h"
#include "reconciler/dead_letters/letter_judge.h"
#include "reconciler/dead_letters/letter_news.h"
#include "reconciler/targets/catch_up.h"
#include "reconciler/targets/mended_look.h"
#include "reconciler/targets/stale_look.h"
#include "reconciler/targets/sync_finish.h"
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_MS   1000
#define BUSY_MS       200 /* while letters are on their way */
#define BACKOFF_MS    3000
#define ARENA_BYTES   65536
#define LETTERS_LIMIT 500
#define PROBLEM_BYTES DW_ERR_MESSAGE_MAX

struct watcher { /* of one system */
    struct dw_target_watch *watch;
    const struct dw_system_settings *system;
    pthread_t thread;
    bool started;

    /* under the watch's lock */
    struct dw_arena snapshot_arena;
    struct dw_target_snapshot snapshot;
    char problem[PROBLEM_BYTES];
    bool is_target;

    /* the thread's own */
    struct dw_state *state;
    PGconn *conn;
    struct dw_arena arena;
    char incarnation[64];
    bool busy;
};

struct dw_target_watch {
    const struct dw_settings *settings;
    pthread_mutex_t lock;
    atomic_bool stopping;
    struct watcher *watchers;
    size_t count;
};

/* --- reading the target ------------------------------------------------------------------------
 */

/* Letters that have ended are no longer dead, but what they ended as. */
static const char progress_query[] =
    "SELECT p.map, count(*), min(p.revision), sum(p.applied) + coalesce(max(e.applied), 0),"
    " sum(p.superseded) + coalesce(max(e.superseded), 0), sum(p.duplicate),"
    " sum(p.filtered) + coalesce(max(e.filtered), 0),"
    " sum(p.dead) - coalesce(max(e.applied + e.superseded + e.filtered + e.discarded), 0),"
    " sum(p.waiting), sum(p.control), sum(p.next_offset - p.first_offset),"
    " bool_and(p.applied + p.superseded + p.duplicate + p.filtered + p.dead + p.waiting"
    "  + p.control = p.next_offset - p.first_offset),"
    " min(greatest(p.heartbeat_us, p.commit_us)), max(greatest(p.heartbeat_us, p.commit_us)),"
    " coalesce(max(e.discarded), 0), sum(p.dead) FROM dualwrite.progress p LEFT JOIN (SELECT topic,"
    "  sum(applied) AS applied, sum(superseded) AS superseded, sum(filtered) AS filtered,"
    "  sum(discarded) AS discarded FROM dualwrite.held_end GROUP BY topic) e USING (topic)"
    " GROUP BY p.map ORDER BY p.map";

static int64_t number_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static void take_snapshot(struct watcher *watcher, const PGresult *result)
{
    int rows = PQntuples(result);
    pthread_mutex_lock(&watcher->watch->lock);
    struct dw_arena *arena = &watcher->snapshot_arena;
    dw_arena_reset(arena);
    struct dw_target_progress *maps =
        DW_ARENA_ARRAY(arena, struct dw_target_progress, (size_t)rows);
    for (int i = 0; i < rows; i++)
        maps[i] = (struct dw_target_progress){
            .map = dw_arena_printf(arena, "%s", PQgetvalue(result, i, 0)),
            .partitions = number_at(result, i, 1),
            .revision = number_at(result, i, 2),
            .applied = number_at(result, i, 3),
            .superseded = number_at(result, i, 4),
            .duplicate = number_at(result, i, 5),
            .filtered = number_at(result, i, 6),
            .dead = number_at(result, i, 7),
            .waiting = number_at(result, i, 8),
            .control = number_at(result, i, 9),
            .records = number_at(result, i, 10),
            .balanced = PQgetvalue(result, i, 11)[0] == 't',
            .position_us = number_at(result, i, 12),
            .newest_us = number_at(result, i, 13),
            .discarded = number_at(result, i, 14),
            .died = number_at(result, i, 15),
        };
    watcher->snapshot = (struct dw_target_snapshot){
        .system = watcher->system->name,
        .incarnation = dw_arena_printf(arena, "%s", watcher->incarnation),
        .read_us = dw_clock_wall_us(),
        .maps = maps,
        .map_count = (size_t)rows,
    };
    pthread_mutex_unlock(&watcher->watch->lock);
}

/* *out: whether our tables are there; no consumer has written to this target before that. */
static enum dw_rc find_tables(struct watcher *watcher, bool *out, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(watcher->conn,
                                "SELECT to_regclass('dualwrite.target') IS NOT NULL"
                                " AND to_regclass('dualwrite.progress') IS NOT NULL"
                                " AND to_regclass('dualwrite.held_end') IS NOT NULL"
                                " AND to_regclass('dualwrite.waiting') IS NOT NULL"
                                " AND to_regclass('dualwrite.generation') IS NOT NULL",
                                0, NULL, &result, err);
    if (rc)
        return rc;
    *out = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return DW_OK;
}

static enum dw_rc read_incarnation(struct watcher *watcher, struct dw_err *err)
{
    PGresult *result = NULL;
    bool restored = false;
    enum dw_rc rc = dw_pg_query(watcher->conn, "SELECT incarnation FROM dualwrite.target", 0, NULL,
                                &result, err);
    if (rc)
        return rc;
    char now[sizeof watcher->incarnation] = "";
    if (PQntuples(result))
        (void)snprintf(now, sizeof now, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    if (strcmp(now, watcher->incarnation) == 0)
        return DW_OK;
    rc = dw_state_system_seen(watcher->state, watcher->system->name, now, &restored, err);
    if (rc)
        return rc;
    memcpy(watcher->incarnation, now, sizeof now);
    if (restored)
        dw_log(DW_LOG_WARN, "target.restored",
               "the target has a new incarnation: its dead letters are confirmed again",
               DW_F_TEXT("system", watcher->system->name));
    return DW_OK;
}

static enum dw_rc read_progress(struct watcher *watcher, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = dw_pg_query(watcher->conn, progress_query, 0, NULL, &result, err);
    if (rc)
        return rc;
    take_snapshot(watcher, result);
    PQclear(result);
    return DW_OK;
}

/* --- settling letters ---------------------------------------------------------------------------
 */

static enum dw_rc settle_some(struct watcher *watcher, const struct dw_letter_list *letters,
                              struct dw_err *err)
{
    struct dw_letter_evidence *evidence =
        DW_ARENA_ARRAY(&watcher->arena, struct dw_letter_evidence, letters->count);
    int64_t *ids = DW_ARENA_ARRAY(&watcher->arena, int64_t, letters->count);
    enum dw_rc rc =
        dw_letter_judge_ask(watcher->conn, letters->items, letters->count, evidence, err);
    static const enum dw_letter_state settled[] = {DW_LETTER_OPEN, DW_LETTER_VOID};
    for (size_t s = 0; s < sizeof settled / sizeof *settled && !rc; s++) {
        size_t count = 0;
        for (size_t i = 0; i < letters->count; i++) {
            evidence[i].outdated = letters->items[i].outdated;
            if (dw_letter_judge_state(letters->items[i].offset, &evidence[i]) == settled[s])
                ids[count++] = letters->items[i].id;
        }
        if (count)
            rc = dw_state_letters_settle(watcher->state, ids, count, settled[s], err);
    }
    return rc;
}

static enum dw_rc settle_letters(struct watcher *watcher, struct dw_err *err)
{
    struct dw_letter_question question = {
        .system = watcher->system->name,
        .incarnation = watcher->incarnation,
        .limit = LETTERS_LIMIT,
    };
    for (;;) {
        struct dw_letter_list letters;
        dw_arena_reset(&watcher->arena);
        enum dw_rc rc =
            dw_state_letters_unconfirmed(watcher->state, &question, &watcher->arena, &letters, err);
        if (rc || letters.count == 0)
            return rc;
        question.after = letters.items[letters.count - 1].id;
        bool more = letters.count == LETTERS_LIMIT && !atomic_load(&watcher->watch->stopping);
        rc = settle_some(watcher, &letters, err);
        if (rc || !more)
            return rc;
    }
}

/* --- the thread ---------------------------------------------------------------------------------
 */

static void set_problem(struct watcher *watcher, const char *problem)
{
    pthread_mutex_lock(&watcher->watch->lock);
    (void)snprintf(watcher->problem, sizeof watcher->problem, "%s", problem);
    pthread_mutex_unlock(&watcher->watch->lock);
}

/* Looks up whether any map writes into this system. */
static enum dw_rc look_for_maps(struct watcher *watcher, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    if (!watcher->state)
        rc = dw_state_open(&watcher->state, &watcher->watch->settings->state,
                           "dualwrite-reconciler-targets", err);
    if (rc || !dw_state_maps_changed(watcher->state))
        return rc;
    const struct dw_map_record *maps = NULL;
    size_t count = 0;
    dw_arena_reset(&watcher->arena);
    rc = dw_state_maps_load(watcher->state, &watcher->arena, &maps, &count, err);
    if (rc) { /* a new handle will say "changed" again */
        dw_state_close(watcher->state);
        watcher->state = NULL;
        return rc;
    }
    bool is_target = false;
    for (size_t i = 0; i < count; i++)
        is_target = is_target || strcmp(maps[i].target_system, watcher->system->name) == 0;
    pthread_mutex_lock(&watcher->watch->lock);
    watcher->is_target = is_target;
    pthread_mutex_unlock(&watcher->watch->lock);
    return DW_OK;
}

/* This thread alone writes the snapshot: it may read it without the lock. */
static enum dw_rc see_caught_up(struct watcher *watcher, struct dw_err *err)
{
    const struct dw_catch_up_options options = {
        .system = watcher->system->name,
        .heartbeat_ms = watcher->watch->settings->producer.heartbeat_ms,
    };
    return dw_catch_up_look(watcher->state, &options, &watcher->snapshot, &watcher->arena, err);
}

static enum dw_rc look_at_target(struct watcher *watcher, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    bool has_tables = false;
    if (!watcher->conn) {
        struct dw_pg_options options = {
            .connection = watcher->system->connection,
            .password = watcher->system->password,
            .application_name = "dualwrite-reconciler",
            .what = watcher->system->name,
            .lock_timeout_ms = 5000,
        };
        rc = dw_pg_connect(&watcher->conn, &options, err);
    }
    if (!rc)
        rc = find_tables(watcher, &has_tables, err);
    if (rc || !has_tables)
        return rc;
    rc = read_incarnation(watcher, err);
    if (!rc)
        rc = read_progress(watcher, err);
    if (!rc)
        rc = settle_letters(watcher, err);
    if (!rc)
        rc = dw_letter_news_look(watcher->state, watcher->conn, watcher->system->name,
                                 &watcher->arena, &watcher->busy, err);
    if (!rc)
        rc = dw_sync_finish_look(watcher->state, watcher->conn, watcher->system->name,
                                 &watcher->arena, err);
    if (!rc)
        rc = see_caught_up(watcher, err);
    if (!rc)
        rc = dw_mended_look(watcher->state, watcher->system->name, &watcher->snapshot,
                            &watcher->arena, err);
    if (!rc)
        rc = dw_stale_look(watcher->state, watcher->conn, &watcher->arena, err);
    return rc;
}

static void *run(void *argument)
{
    struct watcher *watcher = argument;
    struct dw_target_watch *watch = watcher->watch;
    while (!atomic_load(&watch->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        watcher->busy = false;
        enum dw_rc rc = look_for_maps(watcher, &err);
        if (!rc && watcher->is_target) {
            rc = look_at_target(watcher, &err);
        } else if (watcher->conn) {
            dw_pg_disconnect(watcher->conn);
            watcher->conn = NULL;
        }
        set_problem(watcher, rc ? err.message : "");
        if (rc) {
            dw_log_err(DW_LOG_WARN, "target.unread", &err);
            dw_pg_disconnect(watcher->conn);
            watcher->conn = NULL;
        }
        dw_lifecycle_sleep(&watch->stopping, rc              ? BACKOFF_MS
                                             : watcher->busy ? BUSY_MS
                                                             : INTERVAL_MS);
    }
    return NULL;
}

enum dw_rc dw_target_watch_start(struct dw_target_watch **out, const struct dw_settings *settings,
                                 struct dw_err *err)
{
    struct dw_target_watch *watch = DW_MEM_NEW(struct dw_target_watch);
    watch->settings = settings;
    watch->count = settings->system_count;
    watch->watchers = dw_mem_calloc(watch->count, sizeof *watch->watchers);
    pthread_mutex_init(&watch->lock, NULL);
    for (size_t i = 0; i < watch->count; i++) {
        struct watcher *watcher = &watch->watchers[i];
        watcher->watch = watch;
        watcher->system = &settings->systems[i];
        watcher->snapshot.system = watcher->system->name;
        watcher->snapshot.incarnation = "";
        dw_arena_init(&watcher->arena, ARENA_BYTES);
        dw_arena_init(&watcher->snapshot_arena, ARENA_BYTES);
    }
    for (size_t i = 0; i < watch->count; i++) {
        struct watcher *watcher = &watch->watchers[i];
        if (pthread_create(&watcher->thread, NULL, run, watcher) != 0) {
            dw_target_watch_stop(watch);
            return dw_err_set(err, DW_FATAL, "DW-API-003", "cannot start a thread for system %s",
                              watcher->system->name);
        }
        watcher->started = true;
    }
    *out = watch;
    return DW_OK;
}

void dw_target_watch_stop(struct dw_target_watch *watch)
{
    if (!watch)
        return;
    atomic_store(&watch->stopping, true);
    for (size_t i = 0; i < watch->count; i++) {
        struct watcher *watcher = &watch->watchers[i];
        if (watcher->started)
            (void)pthread_join(watcher->thread, NULL);
        dw_pg_disconnect(watcher->conn);
        dw_state_close(watcher->state);
        dw_arena_done(&watcher->arena);
        dw_arena_done(&watcher->snapshot_arena);
    }
    pthread_mutex_destroy(&watch->lock);
    free(watch->watchers);
    free(watch);
}

const struct dw_target_progress *dw_target_snapshot_find(const struct dw_target_snapshot *snapshot,
                                                         const char *map)
{
    for (size_t i = 0; i < snapshot->map_count; i++)
        if (strcmp(snapshot->maps[i].map, map) == 0)
            return &snapshot->maps[i];
    return NULL;
}

static void copy_snapshot(const struct watcher *watcher, struct dw_arena *arena,
                          struct dw_target_snapshot *out)
{
    *out = watcher->snapshot;
    out->incarnation = dw_arena_printf(arena, "%s", watcher->snapshot.incarnation);
    out->problem = dw_arena_printf(arena, "%s", watcher->problem);
    struct dw_target_progress *maps =
        DW_ARENA_ARRAY(arena, struct dw_target_progress, out->map_count);
    for (size_t i = 0; i < out->map_count; i++) {
        maps[i] = watcher->snapshot.maps[i];
        maps[i].map = dw_arena_printf(arena, "%s", maps[i].map);
    }
    out->maps = maps;
}

void dw_target_watch_read(struct dw_target_watch *watch, struct dw_arena *arena,
                          struct dw_target_list *out)
{
    struct dw_target_snapshot *items =
        DW_ARENA_ARRAY(arena, struct dw_target_snapshot, watch->count);
    size_t count = 0;
    pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < watch->count; i++)
        if (watch->watchers[i].is_target)
            copy_snapshot(&watch->watchers[i], arena, &items[count++]);
    pthread_mutex_unlock(&watch->lock);
    *out = (struct dw_target_list){items, count};
}
