/* api_reconcile.c - comparisons of both sides: order, list, show, cancel, differences, repair. */
#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/model/table_map.h"
#include "common/state/state_reconcile.h"
#include "reconciler/api/api_answer.h"
#include "reconciler/maps/sync_filter.h"

#define ALMOST_DONE 99.9 /* the estimate was too low: it is not done before it says so */

/* --- writing -------------------------------------------------------------------------------------
 */

static void write_raw(struct dw_buf *out, const char *name, const char *json)
{
    dw_json_write_name(out, name);
    dw_buf_append_text(out, json ? json : "null");
}

static double percent_of(const struct dw_reconcile_run *run)
{
    double walked =
        run->phase == DW_RECONCILE_EXTRA ? (double)run->rows_target : (double)run->rows_source;
    if (run->state == DW_RECONCILE_DONE)
        return 100;
    if (run->phase == DW_RECONCILE_JUDGE)
        return ALMOST_DONE;
    double percent = run->rows_estimated > 0 ? 100.0 * walked / (double)run->rows_estimated : 0;
    if (strcmp(run->way, "rows") == 0) /* both sides are walked, one after the other */
        percent = percent / 2 + (run->phase == DW_RECONCILE_EXTRA ? 50 : 0);
    return percent < ALMOST_DONE ? percent : ALMOST_DONE;
}

static int64_t differences_of(const struct dw_reconcile_run *run)
{
    int64_t sum = 0;
    for (int kind = 0; kind < DW_DIFFERENCE_KINDS; kind++)
        sum += run->counts.by_kind[kind];
    return sum;
}

static void write_position(struct dw_buf *out, const char *name, uint32_t epoch, uint64_t lsn)
{
    dw_json_write_name(out, name);
    if (!lsn) {
        dw_buf_append_text(out, "null");
        return;
    }
    dw_buf_printf(out, "{\"epoch\":%u,\"lsn\":\"%X/%X\"}", epoch, (unsigned)(lsn >> 32),
                  (unsigned)lsn);
}

static void write_counts(struct dw_buf *out, const struct dw_reconcile_run *run)
{
    dw_json_write_i64(out, "differences", differences_of(run));
    dw_json_write_name(out, "by_kind");
    dw_buf_append_char(out, '{');
    for (int kind = 0; kind < DW_DIFFERENCE_KINDS; kind++)
        dw_json_write_i64(out, dw_state_difference_kind_name((enum dw_difference_kind)kind),
                          run->counts.by_kind[kind]);
    dw_buf_append_char(out, '}');
    dw_json_write_i64(out, "beyond_limit", run->beyond);
    dw_json_write_i64(out, "not_judged", run->unjudged);
}

static void write_repair(struct dw_buf *out, const struct dw_reconcile_run *run)
{
    dw_json_write_name(out, "repair");
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "state", dw_state_repair_state_name(run->repair));
    dw_json_write_i64(out, "delete_extra_limit", run->repair_extra);
    dw_json_write_i64(out, "repaired", run->counts.repaired);
    dw_json_write_i64(out, "left", run->counts.left);
    dw_json_write_text(out, "code", run->repair_code);
    dw_json_write_text(out, "reason", run->repair_reason);
    dw_json_write_text(out, "by", run->repair_by);
    dw_api_answer_time(out, "asked_at", run->repair_asked_us);
    dw_api_answer_time(out, "ended_at", run->repair_ended_us);
    dw_buf_append_char(out, '}');
}

void dw_api_reconcile_write_run(struct dw_buf *out, const struct dw_reconcile_run *run)
{
    dw_api_answer_open(out, '{');
    dw_json_write_i64(out, "run", run->id);
    dw_json_write_i64(out, "batch", run->batch);
    dw_json_write_text(out, "map", run->map);
    dw_json_write_text(out, "origin", run->scheduled ? "schedule" : "order");
    dw_json_write_text(out, "state", dw_state_reconcile_state_name(run->state));
    dw_json_write_text(out, "code", run->code);
    dw_json_write_text(out, "reason", run->reason);
    dw_json_write_text(out, "filter", run->filter);
    dw_json_write_real(out, "sample", run->sample > 0 ? run->sample : 100);
    dw_json_write_i64(out, "rate", run->rate);
    dw_api_answer_time(out, "since", run->since_us);
    dw_json_write_i64(out, "revision", run->revision);
    dw_json_write_text(out, "way", run->way);
    dw_json_write_text(out, "note", run->way_reason);
    dw_json_write_text(out, "phase", dw_state_reconcile_phase_name(run->phase));
    dw_json_write_real(out, "percent", percent_of(run));
    dw_json_write_i64(out, "rows_estimated", run->rows_estimated);
    dw_json_write_i64(out, "rows_source", run->rows_source);
    dw_json_write_i64(out, "rows_target", run->rows_target);
    dw_json_write_i64(out, "segments", run->segments);
    dw_json_write_i64(out, "suspects", run->suspects);
    dw_json_write_i64(out, "suspects_pending", run->pending);
    write_counts(out, run);
    write_position(out, "began_at", run->begin_epoch, run->begin_lsn);
    write_position(out, "ended_by", run->end_epoch, run->end_lsn);
    write_repair(out, run);
    dw_json_write_text(out, "by", run->by);
    dw_api_answer_time(out, "created_at", run->created_us);
    dw_api_answer_time(out, "started_at", run->started_us);
    dw_api_answer_time(out, "ended_at", run->ended_us);
    dw_buf_append_char(out, '}');
}

void dw_api_reconcile_write_difference(struct dw_buf *out, const struct dw_difference *difference)
{
    dw_api_answer_open(out, '{');
    dw_json_write_i64(out, "id", difference->id);
    dw_json_write_text(out, "kind", dw_state_difference_kind_name(difference->kind));
    write_raw(out, "key", difference->key);
    write_raw(out, "target_key", *difference->target_key ? difference->target_key : NULL);
    write_raw(out, "columns", difference->columns);
    dw_json_write_text(out, "code", difference->code);
    dw_json_write_text(out, "reason", difference->reason);
    dw_json_write_name(out, "dead_letter");
    if (difference->letter)
        dw_buf_append_i64(out, difference->letter);
    else
        dw_buf_append_text(out, "null");
    write_position(out, "judged_at", difference->epoch, difference->commit_lsn);
    dw_api_answer_time(out, "seen_at", difference->seen_us);
    dw_json_write_text(out, "repair", difference->repair);
    dw_api_answer_time(out, "repaired_at", difference->repaired_us);
    dw_buf_append_char(out, '}');
}

/* --- answering -----------------------------------------------------------------------------------
 */

static void answer_failure(struct dw_api_call *call, const struct dw_err *err)
{
    call->response->body.len = 0;
    dw_api_answer_error(call, err);
}

static enum dw_rc write_runs(struct dw_api_call *call, const struct dw_reconcile_filter *filter,
                             struct dw_err *err)
{
    const struct dw_reconcile_run *runs = NULL;
    size_t count = 0;
    struct dw_buf *out = &call->response->body;
    enum dw_rc rc = dw_state_reconcile_load(call->state, filter, call->arena, &runs, &count, err);
    if (rc)
        return rc;
    dw_buf_append_char(out, '{');
    dw_json_write_name(out, "runs");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++)
        dw_api_reconcile_write_run(out, &runs[i]);
    dw_buf_append_char(out, ']');
    dw_api_answer_next(out, filter->limit && (int64_t)count == filter->limit,
                       count ? runs[count - 1].id : 0);
    dw_buf_append_text(out, "}\n");
    return DW_OK;
}

void dw_api_reconcile_list(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_reconcile_filter filter = {
        .map = dw_api_request_text(&call->request, "map"),
        .batch = dw_api_request_number(&call->request, "batch"),
        .before = dw_api_request_number(&call->request, "after"),
        .limit = dw_api_request_number(&call->request, "limit"),
    };
    if (write_runs(call, &filter, &err))
        answer_failure(call, &err);
}

static enum dw_rc find_run(struct dw_api_call *call, int64_t id,
                           const struct dw_reconcile_run **out, struct dw_err *err)
{
    const struct dw_reconcile_filter filter = {.id = id};
    size_t count = 0;
    enum dw_rc rc = dw_state_reconcile_load(call->state, &filter, call->arena, out, &count, err);
    if (!rc && count == 0)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-021", "there is no comparison %lld",
                        (long long)id);
    return rc;
}

static enum dw_rc load_run(struct dw_api_call *call, const struct dw_reconcile_run **out,
                           struct dw_err *err)
{
    return find_run(call, dw_api_request_number(&call->request, "id"), out, err);
}

/* The moment from which on changes are compared; 0: all rows are. */
static enum dw_rc since(struct dw_api_call *call, int64_t *out, struct dw_err *err)
{
    const struct dw_reconcile_run *run = NULL;
    int64_t seconds = dw_api_request_number(&call->request, "since_seconds");
    int64_t id = dw_api_request_number(&call->request, "since_run");
    *out = seconds ? dw_clock_wall_us() - seconds * 1000000 : 0;
    if (!id)
        return DW_OK;
    enum dw_rc rc = find_run(call, id, &run, err);
    if (!rc)
        *out = run->started_us ? run->started_us : run->created_us;
    return rc;
}

/* A filter that does not fit the map's source is told now, not by a run that fails. A map that
 * there is not is told by the order. */
static enum dw_rc check_filter(struct dw_api_call *call, const char *map, struct dw_err *err)
{
    const char *filter = dw_api_request_text(&call->request, "filter");
    const struct dw_map_record *record = NULL;
    struct dw_map_problems ignored; /* what is applied was checked when it was */
    enum dw_rc rc = filter ? dw_state_map_load(call->state, map, call->arena, &record, err) : DW_OK;
    if (rc || !record)
        return rc;
    dw_map_problems_init(&ignored, call->arena);
    const struct dw_table_map *parsed =
        dw_table_map_parse(dw_str_from(record->document), map, call->arena, &ignored);
    return parsed ? dw_sync_filter_check(call->settings, parsed, filter, call->arena, err) : DW_OK;
}

void dw_api_reconcile_order(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    size_t count = 0;
    int64_t since_us = 0;
    const char *const *maps = dw_api_request_texts(&call->request, "maps", &count);
    struct dw_reconcile_order *orders =
        DW_ARENA_ARRAY(call->arena, struct dw_reconcile_order, count);
    int64_t *ids = DW_ARENA_ARRAY(call->arena, int64_t, count);
    enum dw_rc rc = since(call, &since_us, &err);
    for (size_t i = 0; i < count && !rc; i++)
        rc = check_filter(call, maps[i], &err);
    for (size_t i = 0; i < count; i++)
        orders[i] = (struct dw_reconcile_order){
            .map = maps[i],
            .filter = dw_api_request_text(&call->request, "filter"),
            .sample = (double)dw_api_request_number(&call->request, "sample"),
            .rate = dw_api_request_number(&call->request, "rate"),
            .way = dw_api_request_text(&call->request, "way"),
            .since_us = since_us,
        };
    if (!rc)
        rc = dw_state_reconcile_create(call->state, orders, count, call->by, ids, &err);
    const struct dw_reconcile_filter filter = {.batch = rc ? 0 : ids[0]};
    if (rc || write_runs(call, &filter, &err))
        answer_failure(call, &err);
}

static void answer_run(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_reconcile_run *run = NULL;
    if (load_run(call, &run, &err)) {
        answer_failure(call, &err);
        return;
    }
    dw_api_reconcile_write_run(&call->response->body, run);
    dw_buf_append_char(&call->response->body, '\n');
}

void dw_api_reconcile_show(struct dw_api_call *call)
{
    answer_run(call);
}

void dw_api_reconcile_cancel(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    if (dw_state_reconcile_cancel(call->state, dw_api_request_number(&call->request, "id"),
                                  call->by, &err))
        answer_failure(call, &err);
    else
        answer_run(call);
}

void dw_api_reconcile_differences(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_reconcile_run *run = NULL;
    const struct dw_difference *items = NULL;
    const char *kind = dw_api_request_text(&call->request, "kind");
    enum dw_difference_kind wanted;
    size_t count = 0;
    struct dw_buf *out = &call->response->body;
    struct dw_difference_filter filter = {
        .run = dw_api_request_number(&call->request, "id"),
        .kind = kind && dw_state_difference_kind_of(kind, &wanted) ? (int)wanted : -1,
        .repair = dw_api_request_text(&call->request, "repair"),
        .after = dw_api_request_number(&call->request, "after"),
        .limit = dw_api_request_number(&call->request, "limit"),
    };
    if (load_run(call, &run, &err) ||
        dw_state_differences_load(call->state, &filter, call->arena, &items, &count, &err)) {
        answer_failure(call, &err);
        return;
    }
    dw_buf_append_char(out, '{');
    dw_json_write_i64(out, "run", run->id);
    dw_json_write_text(out, "map", run->map);
    dw_json_write_name(out, "differences");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++)
        dw_api_reconcile_write_difference(out, &items[i]);
    dw_buf_append_char(out, ']');
    dw_api_answer_next(out, (int64_t)count == filter.limit, count ? items[count - 1].id : 0);
    dw_buf_append_text(out, "}\n");
}

void dw_api_reconcile_repair(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_reconcile_run *run = NULL;
    struct dw_repair_plan plan;
    struct dw_buf *out = &call->response->body;
    const struct dw_repair_order order = {
        .run = dw_api_request_number(&call->request, "id"),
        .extra = dw_api_request_flag(&call->request, "delete_extra")
                     ? dw_api_request_number(&call->request, "limit")
                     : 0,
        .dry_run = dw_api_request_flag(&call->request, "dry_run"),
        .by = call->by,
    };
    if (dw_state_repair_order(call->state, &order, &plan, &err) || load_run(call, &run, &err)) {
        answer_failure(call, &err);
        return;
    }
    dw_buf_append_char(out, '{');
    dw_json_write_bool(out, "dry_run", order.dry_run);
    dw_json_write_i64(out, "rows", plan.rows);
    dw_json_write_i64(out, "extra", order.extra ? plan.extra : 0);
    dw_json_write_i64(out, "extra_left", order.extra ? 0 : plan.extra);
    dw_json_write_i64(out, "held_left", plan.held);
    dw_json_write_name(out, "run");
    dw_api_reconcile_write_run(out, run);
    dw_buf_append_text(out, "}\n");
}
