/* compare_run.c - see compare_run.h. */
#include "reconciler/compare/compare_run.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/model/map_reconcile.h"
#include "common/postgres/pg.h"
#include "common/state/state_sync.h"
#include "reconciler/compare/compare_judge.h"
#include "reconciler/compare/compare_load.h"
#include "reconciler/compare/compare_step.h"
#include "reconciler/compare/compare_tempo.h"
#include "reconciler/compare/compare_topic.h"
#include "reconciler/compare/compare_unclaimed.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define ARENA_BYTES 65536
#define JUDGE_AT    2000 /* suspects, before the walk goes on */
#define POLL_MS     50
#define REPAIR_KEYS 1000
#define LOOK_AT_MS  2000 /* between looks whether the map is still the one that is compared */

struct dw_compare_run {
    struct dw_state *state;
    const struct dw_settings *settings;
    struct dw_arena arena; /* of what follows */
    const struct dw_reconcile_run *record;
    struct dw_compare_loaded loaded;
    struct dw_compare_links links;
    struct dw_compare_ahead ahead;
    struct dw_compare_rows *rows;   /* of the rows way */
    struct dw_compare_topic *topic; /* of what changed since a moment */
    struct dw_compare_judge judge;
    struct dw_compare_share share; /* of the table, with other maps */
    struct dw_compare_tempo tempo;
    enum dw_reconcile_phase phase;
    char *cursor;    /* owned; NULL: at the beginning */
    int64_t pending; /* suspects, about */
    int64_t kept;    /* differences, about */
    int64_t repair_sync;
    int64_t looked_ms;
    bool checking; /* a repair's end */
};

/* --- the end -------------------------------------------------------------------------------------
 */

/* Answers that came too late for their run would stay for ever. */
static void drop_verdicts(struct dw_compare_run *run)
{
    struct dw_arena arena;
    struct dw_compare_params params;
    struct dw_err ignored = DW_ERR_INIT; /* the next run's end does it again */
    PGresult *result = NULL;
    if (!run->links.target)
        return;
    dw_arena_init(&arena, 4096);
    dw_compare_params_init(&params, &arena);
    dw_compare_params_add_i64(&params, run->record->id);
    if (dw_pg_exec(run->links.target, "BEGIN READ WRITE", &ignored) == DW_OK &&
        dw_compare_ask(run->links.target,
                       "DELETE FROM dualwrite.verdict WHERE run = $1 OR at < now() - interval"
                       " '1 day'",
                       &params, &result, &ignored) == DW_OK &&
        dw_pg_exec(run->links.target, "COMMIT", &ignored) == DW_OK)
        dw_log(DW_LOG_DEBUG, "compare.cleaned", "no answers are left",
               DW_F_INT("run", run->record->id));
    PQclear(result);
    dw_arena_done(&arena);
}

static int64_t or_default(int64_t own, int64_t otherwise)
{
    return own == DW_MAP_RECONCILE_DEFAULT ? otherwise : own;
}

/* Of a comparison that a person ordered, a person orders the repair. */
static struct dw_repair_policy policy_of(struct dw_compare_run *run)
{
    const struct dw_reconciler_settings *settings = &run->settings->reconciler;
    const struct dw_table_map *map = run->loaded.map;
    if (!run->record->scheduled || !map)
        return (struct dw_repair_policy){.max_rows = 0};
    return (struct dw_repair_policy){
        .max_rows = or_default(map->reconcile.max_rows, settings->compare_repair_max),
        .max_percent = or_default(map->reconcile.max_percent, settings->compare_repair_percent),
        .kinds = map->reconcile.kinds
                     ? dw_map_reconcile_kinds(map->reconcile.kinds)
                     : dw_arena_printf(&run->arena, "{%s}", settings->compare_repair_kinds),
    };
}

static enum dw_rc end_run(struct dw_compare_run *run, const struct dw_err *failure,
                          struct dw_err *err)
{
    const struct dw_reconcile_ending ending = {
        .to = failure ? DW_RECONCILE_FAILED : DW_RECONCILE_DONE,
        .code = failure ? failure->id : "",
        .reason = failure ? failure->message : "",
        .repair = policy_of(run),
    };
    enum dw_rc rc = dw_state_reconcile_end(run->state, run->record->id, &ending, err);
    dw_fault("compare.after_end");
    return rc;
}

static enum dw_rc end_repair(struct dw_compare_run *run, const struct dw_err *failure,
                             struct dw_err *err)
{
    return dw_state_repair_move(run->state, run->record->id,
                                failure ? DW_REPAIR_FAILED : DW_REPAIR_DONE,
                                failure ? failure->id : "", failure ? failure->message : "", err);
}

static enum dw_rc end(struct dw_compare_run *run, const struct dw_err *failure, struct dw_err *err)
{
    drop_verdicts(run);
    enum dw_rc rc = run->record->state == DW_RECONCILE_DONE ? end_repair(run, failure, err)
                                                            : end_run(run, failure, err);
    if (failure)
        dw_log_err(DW_LOG_ERROR, "compare.failed", failure);
    else if (rc == DW_OK)
        dw_log(DW_LOG_INFO, "compare.done", "a comparison is over",
               DW_F_TEXT("map", run->record->map), DW_F_INT("run", run->record->id));
    return rc;
}

/* What a person has to mend ends the run; all else is tried again. */
static enum dw_rc fail(struct dw_compare_run *run, enum dw_rc rc, enum dw_run_step *out,
                       struct dw_err *err)
{
    if (rc == DW_OK || rc == DW_RETRY || rc == DW_AGAIN)
        return rc;
    struct dw_err failure = *err;
    dw_err_clear(err);
    *out = DW_RUN_OVER;
    return end(run, &failure, err);
}

/* --- the beginning -------------------------------------------------------------------------------
 */

static const char *note_of(const struct dw_compare_run *run, struct dw_arena *arena)
{
    const struct dw_compare_plan *plan = &run->loaded.plan;
    if (run->topic)
        return dw_compare_topic_is_cut(run->topic)
                   ? "Kafka does not keep all that changed since then"
                   : "";
    if (plan->finds_extra)
        return plan->why_rows;
    return dw_arena_printf(arena, "%s%sextra rows are not looked for: %s", plan->why_rows,
                           *plan->why_rows ? "; " : "", plan->why_no_extra);
}

static int64_t estimate(const struct dw_compare_run *run)
{
    if (run->topic)
        return dw_compare_topic_records(run->topic);
    return run->record->since_us ? run->record->rows_estimated : run->loaded.rows_estimated;
}

static enum dw_rc changed(const struct dw_compare_run *run, struct dw_err *err)
{
    return dw_err_set(err, DW_CONFIG, "DW-COMPARE-006",
                      "map %s is at revision %lld now, the comparison is of revision %lld",
                      run->record->map, (long long)run->loaded.record->revision,
                      (long long)run->record->revision);
}

static enum dw_rc begin(struct dw_compare_run *run, struct dw_err *err)
{
    const struct dw_compare_plan *plan = &run->loaded.plan;
    bool held = false;
    const struct dw_reconcile_begin begin = {
        .revision = run->loaded.record->revision,
        .way = run->record->since_us ? "changes"
               : plan->by_hash       ? "hash"
                                     : "rows",
        .way_reason = run->record->since_us && !run->topic ? run->record->way_reason
                                                           : note_of(run, &run->arena),
        .rows_estimated = estimate(run),
    };
    if (run->record->revision && run->record->revision != begin.revision)
        return changed(run, err);
    enum dw_rc rc = dw_state_reconcile_begin(run->state, run->record->id, &begin, &held, err);
    if (rc == DW_OK && !held)
        rc = dw_err_set(err, DW_AGAIN, "DW-STATE-022", "the comparison was cancelled");
    if (rc == DW_OK && !run->rows && !plan->by_hash)
        rc = dw_compare_rows_new(&run->rows, plan, &run->links, err);
    return rc;
}

static enum dw_rc open_topic(struct dw_compare_run *run, struct dw_err *err)
{
    enum dw_rc rc = dw_compare_rows_new(&run->rows, &run->loaded.plan, &run->links, err);
    if (rc != DW_OK)
        return rc;
    const struct dw_compare_topic_order order = {
        .kafka = &run->settings->kafka,
        .map = run->loaded.map,
        .transform = dw_compare_rows_transform(run->rows),
        .topic = run->loaded.record->topic,
        .since_us = run->record->since_us,
        .cursor = run->record->cursor,
    };
    return dw_compare_topic_open(&run->topic, &order, err);
}

static enum dw_rc prepare(struct dw_compare_run *run, struct dw_err *err)
{
    const struct dw_reconcile_run *record = run->record;
    enum dw_rc rc = dw_compare_load(&run->loaded, record, run->state, run->settings, &run->links,
                                    &run->arena, err);
    if (rc != DW_OK)
        return rc;
    run->judge = (struct dw_compare_judge){
        .state = run->state,
        .links = &run->links,
        .plan = &run->loaded.plan,
        .record = run->loaded.record,
        .run = record->id,
        .keep_max = run->settings->reconciler.compare_differences_max,
        .timeout_ms = run->settings->reconciler.compare_judge_timeout_ms,
        .repair = record->state == DW_RECONCILE_DONE,
    };
    run->share = (struct dw_compare_share){
        .source_system = run->loaded.record->source_system,
        .others = run->loaded.others,
        .count = run->loaded.other_count,
    };
    if (record->state == DW_RECONCILE_DONE && record->revision != run->loaded.record->revision)
        return changed(run, err);
    if (record->state == DW_RECONCILE_DONE) /* its repair is what is active */
        return dw_state_repair_move(run->state, record->id, DW_REPAIR_RUNNING, "", "", err);
    dw_compare_tempo_init(&run->tempo, run->loaded.plan.by_hash, record->rate);
    run->phase = record->phase;
    run->cursor = record->cursor ? dw_mem_strdup(record->cursor) : NULL;
    run->pending = record->pending;
    for (int kind = 0; kind < DW_DIFFERENCE_KINDS; kind++)
        run->kept += record->counts.by_kind[kind];
    if (record->since_us && run->phase == DW_RECONCILE_ROWS)
        rc = open_topic(run, err);
    return rc == DW_OK ? begin(run, err) : rc;
}

enum dw_rc dw_compare_run_open(struct dw_compare_run **out, int64_t id, struct dw_state *state,
                               const struct dw_settings *settings, struct dw_err *err)
{
    struct dw_compare_run *run = DW_MEM_NEW(struct dw_compare_run);
    const struct dw_reconcile_filter filter = {.id = id};
    enum dw_run_step step = DW_RUN_MORE;
    size_t count = 0;
    run->state = state;
    run->settings = settings;
    dw_arena_init(&run->arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_reconcile_load(state, &filter, &run->arena, &run->record, &count, err);
    if (rc == DW_OK && !count)
        rc = dw_err_set(err, DW_AGAIN, "DW-STATE-021", "the comparison is gone");
    if (rc == DW_OK)
        rc = fail(run, prepare(run, err), &step, err);
    if (rc == DW_OK && step != DW_RUN_OVER) {
        *out = run;
        return DW_OK;
    }
    dw_compare_run_close(run);
    *out = NULL;
    return rc == DW_AGAIN ? DW_OK : rc;
}

void dw_compare_run_close(struct dw_compare_run *run)
{
    if (!run)
        return;
    dw_compare_rows_free(run->rows);
    dw_compare_topic_close(run->topic);
    dw_compare_ahead_done(&run->ahead);
    dw_compare_links_close(&run->links);
    dw_arena_done(&run->arena);
    free(run->cursor);
    free(run);
}

/* --- walking -------------------------------------------------------------------------------------
 */

static void set_cursor(struct dw_compare_run *run, const char *cursor)
{
    char *copy = cursor ? dw_mem_strdup(cursor) : NULL;
    free(run->cursor);
    run->cursor = copy;
}

/* Where the walk goes when a phase has come to its end. */
static enum dw_reconcile_phase next_phase(const struct dw_compare_run *run)
{
    const struct dw_compare_plan *plan = &run->loaded.plan;
    bool extra =
        run->phase == DW_RECONCILE_ROWS && !run->topic && !plan->by_hash && plan->finds_extra;
    return extra ? DW_RECONCILE_EXTRA : DW_RECONCILE_JUDGE;
}

static enum dw_rc walk(struct dw_compare_run *run, struct dw_compare_brought *brought,
                       struct dw_err *err)
{
    const struct dw_compare_order order = {
        .plan = &run->loaded.plan,
        .links = &run->links,
        .ahead = &run->ahead,
        .cursor = run->cursor,
        .rows = dw_compare_tempo_rows(&run->tempo),
        .sample = run->record->sample,
        .sample_seed = (uint64_t)run->record->id,
    };
    if (run->topic)
        return dw_compare_topic_step(run->topic, order.rows, brought, err);
    if (run->phase == DW_RECONCILE_EXTRA)
        return dw_compare_extra_step(&order, brought, err);
    return run->loaded.plan.by_hash ? dw_compare_hashes_step(&order, brought, err)
                                    : dw_compare_rows_step(run->rows, &order, brought, err);
}

static enum dw_rc keep_certain(struct dw_compare_run *run, const struct dw_compare_brought *brought,
                               struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < brought->certain_count && rc == DW_OK; i++) {
        const struct dw_reconcile_verdict verdict = {
            .key = brought->certain[i],
            .target_key = "",
            .kind = DW_DIFFERENCE_EXTRA,
            .columns = "[]",
            .code = "DW-COMPARE-007",
            .reason = "its key is no value of the source's key type",
        };
        rc = dw_state_difference_add(run->state, run->record->id, run->judge.keep_max, &verdict,
                                     err);
    }
    return rc;
}

static enum dw_rc save(struct dw_compare_run *run, const struct dw_compare_brought *brought,
                       enum dw_run_step *out, struct dw_err *err)
{
    int64_t room = run->judge.keep_max * 2 - run->kept - run->pending;
    size_t taken = brought->suspect_count;
    bool held = false;
    if (room < 0)
        room = 0;
    if (taken > (size_t)room)
        taken = (size_t)room;
    const struct dw_reconcile_progress progress = {
        .phase = brought->cursor ? run->phase : next_phase(run),
        .cursor = brought->cursor,
        .rows_source = brought->rows_source,
        .rows_target = brought->rows_target,
        .segments = brought->segments,
        .suspects = brought->suspects,
        .suspect_count = taken,
        .beyond = (int64_t)(brought->suspect_count - taken),
    };
    dw_fault("compare.before_save");
    enum dw_rc rc = keep_certain(run, brought, err);
    if (rc == DW_OK)
        rc = dw_state_reconcile_save(run->state, run->record->id, &progress, &held, err);
    if (rc != DW_OK)
        return rc;
    if (!held)
        *out = DW_RUN_OVER; /* it was cancelled */
    run->phase = progress.phase;
    run->pending += (int64_t)taken;
    if (taken) /* seen later than the place that the other maps were waited for at */
        run->share.place.lsn = 0;
    set_cursor(run, progress.cursor);
    return DW_OK;
}

static enum dw_rc walk_on(struct dw_compare_run *run, enum dw_run_step *out, int64_t *out_wait_ms,
                          struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_compare_brought brought;
    int64_t begun_us = dw_clock_mono_us();
    dw_arena_init(&arena, ARENA_BYTES);
    dw_compare_brought_init(&brought, &arena);
    enum dw_rc rc = walk(run, &brought, err);
    if (rc == DW_OK) {
        *out_wait_ms =
            dw_compare_tempo_took(&run->tempo, dw_clock_mono_us() - begun_us,
                                  brought.rows_source + brought.rows_target, brought.bytes);
        *out = *out_wait_ms ? DW_RUN_WAIT : DW_RUN_MORE;
        rc = save(run, &brought, out, err);
    } else if (rc == DW_RETRY && strcmp(err->sqlstate, "57014") == 0) {
        dw_compare_tempo_too_long(&run->tempo); /* fewer rows next time */
        dw_err_clear(err);
        rc = DW_OK;
    }
    dw_arena_done(&arena);
    return rc;
}

/* --- judging -------------------------------------------------------------------------------------
 */

static bool is_before_extra(const struct dw_compare_run *run)
{
    return run->phase == DW_RECONCILE_EXTRA && !run->cursor;
}

/* Rows that may be extra, and others that nothing is known of, are asked for when the maps that
 * share the table are not behind. */
static bool waits_for_others(const struct dw_compare_run *run)
{
    bool own_rows = (run->phase == DW_RECONCILE_ROWS && !run->topic) || is_before_extra(run);
    return run->share.count && run->pending && run->loaded.plan.finds_extra && !own_rows &&
           !run->judge.repair;
}

static enum dw_rc judge_on(struct dw_compare_run *run, bool last, enum dw_run_step *out,
                           int64_t *out_wait_ms, struct dw_err *err)
{
    enum dw_judge_answer answer = DW_JUDGE_NOTHING;
    bool waits = waits_for_others(run);
    run->judge.share = waits ? &run->share : NULL;
    run->judge.unclaimed = run->share.count && run->loaded.plan.finds_extra && !run->topic &&
                           (waits || run->judge.repair);
    enum dw_rc rc = dw_compare_judge_step(&run->judge, &answer, err);
    if (rc != DW_OK)
        return rc;
    *out = DW_RUN_MORE;
    *out_wait_ms = 0;
    if (answer == DW_JUDGE_WAIT) {
        *out = DW_RUN_WAIT;
        *out_wait_ms = POLL_MS;
    } else if (answer == DW_JUDGE_NOTHING || answer == DW_JUDGE_GIVEN_UP) {
        run->pending = 0;
        if (last) {
            *out = DW_RUN_OVER;
            rc = end(run, NULL, err);
        }
    }
    return rc;
}

/* --- repairing -----------------------------------------------------------------------------------
 */

static enum dw_rc sync_is_over(struct dw_compare_run *run, bool *out, struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_sync_filter filter = {.id = run->repair_sync};
    const struct dw_sync_record *sync = NULL;
    size_t count = 0;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_syncs_load(run->state, &filter, &arena, &sync, &count, err);
    *out = rc == DW_OK && (!count || sync->state == DW_SYNC_DONE);
    if (rc == DW_OK && count && (sync->state == DW_SYNC_FAILED || sync->state == DW_SYNC_CANCELLED))
        rc = dw_err_set(err, DW_CONFIG, "DW-COMPARE-008", "the re-sync %lld of its rows is %s: %s",
                        (long long)sync->id, dw_state_sync_state_name(sync->state), sync->reason);
    dw_arena_done(&arena);
    return rc;
}

/* Rows of no map go by themselves, each looked at once more: a map may have taken it meanwhile.
 * *out: there was one. */
static enum dw_rc repair_unclaimed(struct dw_compare_run *run, bool *out, struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_repair_unclaimed rows = {.code = DW_COMPARE_UNCLAIMED_CODE};
    *out = false;
    if (!run->record->repair_extra)
        return DW_OK;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_repair_unclaimed_load(run->state, run->record->id, REPAIR_KEYS, &arena,
                                                   &rows, err);
    bool *found = DW_ARENA_ARRAY(&arena, bool, rows.count);
    if (rc == DW_OK && rows.count)
        rc = dw_compare_unclaimed_find(&run->loaded.plan, &run->links, rows.keys, rows.target_keys,
                                       rows.count, &arena, found, err);
    if (rc == DW_OK && rows.count)
        rc = dw_state_repair_unclaimed_order(run->state, run->record, &rows, found,
                                             &run->repair_sync, err);
    *out = rows.count > 0;
    dw_arena_done(&arena);
    return rc;
}

/* The differences go through the ordinary path, in parts; then all are judged once more. */
static enum dw_rc repair_on(struct dw_compare_run *run, enum dw_run_step *out, int64_t *out_wait_ms,
                            struct dw_err *err)
{
    bool over = true;
    bool more = false;
    enum dw_rc rc = DW_OK;
    if (run->checking)
        return judge_on(run, true, out, out_wait_ms, err);
    if (run->repair_sync)
        rc = sync_is_over(run, &over, err);
    if (rc == DW_OK && !over) {
        *out = DW_RUN_WAIT;
        *out_wait_ms = POLL_MS;
        return DW_OK;
    }
    if (rc == DW_OK)
        rc = dw_state_repair_next(run->state, run->record, REPAIR_KEYS, &run->repair_sync, err);
    if (rc == DW_OK && !run->repair_sync)
        rc = repair_unclaimed(run, &more, err);
    if (rc == DW_OK && !run->repair_sync && !more) {
        rc = dw_state_repair_check(run->state, run->record->id, err);
        run->checking = true;
    }
    *out = DW_RUN_MORE;
    return rc;
}

/* --- a step --------------------------------------------------------------------------------------
 */

/* Another revision of the map would judge by other rules than the walk. */
static enum dw_rc check_map(struct dw_compare_run *run, struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_map_record *record = NULL;
    int64_t now = dw_clock_mono_ms();
    if (now - run->looked_ms < LOOK_AT_MS)
        return DW_OK;
    run->looked_ms = now;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_map_load(run->state, run->record->map, &arena, &record, err);
    if (rc == DW_OK && (!record || record->revision != run->loaded.record->revision))
        rc = dw_err_set(err, DW_CONFIG, "DW-COMPARE-006",
                        "map %s was changed while it was compared", run->record->map);
    dw_arena_done(&arena);
    return rc;
}

/* Whether somebody has cancelled it: the walk notices by itself, waiting does not. */
static enum dw_rc check_held(struct dw_compare_run *run, bool *out_held, struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_reconcile_filter filter = {.id = run->record->id, .active = true};
    const struct dw_reconcile_run *record = NULL;
    size_t count = 0;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_reconcile_load(run->state, &filter, &arena, &record, &count, err);
    *out_held = count > 0;
    dw_arena_done(&arena);
    return rc;
}

static enum dw_rc step(struct dw_compare_run *run, enum dw_run_step *out, int64_t *out_wait_ms,
                       struct dw_err *err)
{
    bool held = true;
    bool looks = dw_clock_mono_ms() - run->looked_ms >= LOOK_AT_MS;
    enum dw_rc rc = check_map(run, err);
    if (rc == DW_OK && looks)
        rc = check_held(run, &held, err);
    if (rc != DW_OK)
        return rc;
    if (!held) {
        *out = DW_RUN_OVER;
        return DW_OK;
    }
    if (run->record->state == DW_RECONCILE_DONE)
        return repair_on(run, out, out_wait_ms, err);
    if (run->phase == DW_RECONCILE_JUDGE)
        return judge_on(run, true, out, out_wait_ms, err);
    bool many =
        run->pending >= JUDGE_AT || (run->pending && run->share.count && is_before_extra(run));
    if (run->judge.sync || (many && !run->judge.given_up))
        return judge_on(run, false, out, out_wait_ms, err);
    return walk_on(run, out, out_wait_ms, err);
}

enum dw_rc dw_compare_run_step(struct dw_compare_run *run, enum dw_run_step *out,
                               int64_t *out_wait_ms, struct dw_err *err)
{
    *out = DW_RUN_MORE;
    *out_wait_ms = 0;
    return fail(run, step(run, out, out_wait_ms, err), out, err);
}
