/* api_syncs.c - syncs: list, show with their ranges, pause, resume, cancel, rate. */
#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/state/state_sync.h"
#include "reconciler/api/api_answer.h"

#define ALMOST_DONE 99.9 /* the estimate was too low: it is not done before it says so */

static bool is_over(const struct dw_sync_record *sync)
{
    return sync->state == DW_SYNC_DONE || sync->state == DW_SYNC_CANCELLED ||
           sync->state == DW_SYNC_FAILED;
}

static void write_known(struct dw_buf *out, const char *name, bool known, double number)
{
    if (known)
        dw_json_write_real(out, name, number);
    else
        dw_json_write_text(out, name, NULL);
}

static struct dw_sync_pace pace_of(struct dw_api_call *call, const struct dw_sync_record *sync)
{
    struct dw_sync_pace pace = {.rows_per_second = 0, .seconds_left = -1};
    if (sync->state == DW_SYNC_RUNNING && !sync->rows_over)
        pace = dw_sync_meter_pace(call->meter, sync->id, sync->rows_done, sync->rows_estimated,
                                  sync->started_us, dw_clock_wall_us());
    return pace;
}

static double percent_of(int64_t done, int64_t estimated)
{
    double percent = estimated > 0 ? 100.0 * (double)done / (double)estimated : 0;
    return percent < ALMOST_DONE ? percent : ALMOST_DONE;
}

static void write_progress(struct dw_api_call *call, const struct dw_sync_record *sync)
{
    struct dw_buf *out = &call->response->body;
    struct dw_sync_pace pace = pace_of(call, sync);
    bool published = sync->state == DW_SYNC_DONE || sync->state == DW_SYNC_DRAINING;
    dw_json_write_i64(out, "rows_done", sync->rows_done);
    write_known(out, "rows_estimated", sync->planned, (double)sync->rows_estimated);
    write_known(out, "percent", sync->planned || published,
                published ? 100 : percent_of(sync->rows_done, sync->rows_estimated));
    dw_json_write_real(out, "rows_per_second", pace.rows_per_second);
    write_known(out, "seconds_left", pace.seconds_left >= 0, pace.seconds_left);
    dw_json_write_i64(out, "rows_deleted", sync->rows_deleted);
    dw_json_write_i64(out, "ranges", sync->ranges);
    dw_json_write_i64(out, "ranges_done", sync->ranges_done);
    dw_json_write_i64(out, "chunks_done", sync->chunks_done);
    dw_json_write_i64(out, "chunks_repeated", sync->chunks_repeated);
}

static void write_sync(struct dw_api_call *call, const struct dw_sync_record *sync)
{
    struct dw_buf *out = &call->response->body;
    dw_json_write_i64(out, "sync", sync->id);
    dw_json_write_i64(out, "batch", sync->batch);
    dw_json_write_text(out, "map", sync->map);
    dw_json_write_text(out, "kind", sync->initial ? "initial" : "resync");
    dw_json_write_text(out, "state", dw_state_sync_state_name(sync->state));
    dw_json_write_bool(out, "waits_for_parents", sync->state == DW_SYNC_WAITING && !sync->ready);
    dw_json_write_bool(out, "looks_for_extra", sync->state == DW_SYNC_RUNNING && sync->rows_over);
    dw_json_write_text(out, "code", sync->code);
    dw_json_write_text(out, "reason", sync->reason);
    dw_json_write_text(out, "map_state", dw_map_state_name(sync->map_state));
    dw_json_write_text(out, "map_code", sync->map_code);
    dw_json_write_text(out, "map_reason", sync->map_reason);
    dw_json_write_text(out, "scope", dw_state_sync_scope(sync));
    dw_json_write_text(out, "filter", sync->filter);
    dw_json_write_text(out, "on_existing", sync->keep_existing ? "keep" : "overwrite");
    dw_json_write_bool(out, "delete_extra", sync->delete_extra);
    dw_json_write_i64(out, "rate", sync->rate);
    write_progress(call, sync);
    dw_json_write_text(out, "by", sync->by);
    dw_api_answer_time(out, "created_at", sync->created_us);
    dw_api_answer_time(out, "started_at", sync->started_us);
    dw_api_answer_time(out, "ended_at", sync->ended_us);
}

/* Sums over those of a batch that are in the list. */
static void write_batch(struct dw_api_call *call, const struct dw_sync_record *syncs, size_t count,
                        int64_t batch)
{
    struct dw_buf *out = &call->response->body;
    int64_t all = 0;
    int64_t over = 0;
    int64_t done = 0;
    int64_t estimated = 0;
    double rate = 0;
    bool planned = true;
    for (size_t i = 0; i < count; i++) {
        if (syncs[i].batch != batch)
            continue;
        all++;
        over += is_over(&syncs[i]);
        done += syncs[i].rows_done;
        estimated += syncs[i].rows_estimated;
        planned = planned && syncs[i].planned;
        rate += pace_of(call, &syncs[i]).rows_per_second;
    }
    bool known = planned && rate > 0 && estimated >= done;
    dw_api_answer_open(out, '{');
    dw_json_write_i64(out, "batch", batch);
    dw_json_write_i64(out, "syncs", all);
    dw_json_write_i64(out, "syncs_over", over);
    dw_json_write_i64(out, "rows_done", done);
    write_known(out, "rows_estimated", planned, (double)estimated);
    write_known(out, "percent", planned, over == all ? 100 : percent_of(done, estimated));
    dw_json_write_real(out, "rows_per_second", rate);
    write_known(out, "seconds_left", known, known ? (double)(estimated - done) / rate : 0);
    dw_buf_append_char(out, '}');
}

enum dw_rc dw_api_syncs_write(struct dw_api_call *call, const struct dw_sync_filter *filter,
                              int64_t *out_next, struct dw_err *err)
{
    const struct dw_sync_record *syncs = NULL;
    size_t count = 0;
    struct dw_buf *out = &call->response->body;
    enum dw_rc rc = dw_state_syncs_load(call->state, filter, call->arena, &syncs, &count, err);
    if (rc)
        return rc;
    *out_next = count && (int64_t)count == filter->limit ? syncs[count - 1].id : 0;
    dw_json_write_name(out, "syncs");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        dw_api_answer_open(out, '{');
        write_sync(call, &syncs[i]);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
    dw_json_write_name(out, "batches");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t before = 0; before < i && !seen; before++)
            seen = syncs[before].batch == syncs[i].batch;
        if (!seen)
            write_batch(call, syncs, count, syncs[i].batch);
    }
    dw_buf_append_char(out, ']');
    return DW_OK;
}

void dw_api_syncs_list(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_sync_filter filter = {
        .map = dw_api_request_text(&call->request, "map"),
        .batch = dw_api_request_number(&call->request, "batch"),
        .after = dw_api_request_number(&call->request, "after"),
        .limit = dw_api_request_number(&call->request, "limit"),
    };
    int64_t next = 0;
    filter.mates = !filter.batch && !dw_api_request_flag(&call->request, "all");
    dw_buf_append_char(&call->response->body, '{');
    if (dw_api_syncs_write(call, &filter, &next, &err)) {
        call->response->body.len = 0;
        dw_api_answer_error(call, &err);
        return;
    }
    dw_api_answer_next(&call->response->body, next != 0, next);
    dw_buf_append_text(&call->response->body, "}\n");
}

static enum dw_rc load_sync(struct dw_api_call *call, const struct dw_sync_record **out,
                            struct dw_err *err)
{
    int64_t id = dw_api_request_number(&call->request, "id");
    const struct dw_sync_filter filter = {.id = id};
    size_t count = 0;
    enum dw_rc rc = dw_state_syncs_load(call->state, &filter, call->arena, out, &count, err);
    if (!rc && count == 0)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-011", "there is no sync %lld", (long long)id);
    return rc;
}

static void write_raw(struct dw_buf *out, const char *name, const char *json)
{
    dw_json_write_name(out, name);
    dw_buf_append_text(out, json ? json : "null");
}

static void write_ranges(struct dw_buf *out, const struct dw_sync_range *ranges, size_t count)
{
    dw_json_write_name(out, "range_list");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        dw_api_answer_open(out, '{');
        dw_json_write_i64(out, "number", ranges[i].number);
        dw_json_write_text(out, "part", ranges[i].part == DW_SYNC_PART_EXTRA ? "extra" : "rows");
        write_raw(out, "lower", ranges[i].lower);
        write_raw(out, "upper", ranges[i].upper);
        write_raw(out, "done_to", ranges[i].done_to);
        dw_json_write_i64(out, "rows_done", ranges[i].rows_done);
        dw_json_write_i64(out, "chunks_done", ranges[i].chunks_done);
        dw_json_write_bool(out, "done", ranges[i].done);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

void dw_api_syncs_show(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_sync_record *sync = NULL;
    struct dw_sync_range *ranges = NULL;
    size_t count = 0;
    struct dw_buf *out = &call->response->body;
    if (load_sync(call, &sync, &err) ||
        dw_state_sync_ranges_load(call->state, sync->id, call->arena, &ranges, &count, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(out, '{');
    write_sync(call, sync);
    write_raw(out, "from", sync->from_key);
    write_raw(out, "to", sync->to_key);
    write_raw(out, "keys", sync->keys);
    write_ranges(out, ranges, count);
    dw_buf_append_text(out, "}\n");
}

void dw_api_syncs_act(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_sync_record *sync = NULL;
    const struct dw_sync_act order = {
        .sync = dw_api_request_number(&call->request, "id"),
        .action = (enum dw_sync_action)call->request.route->value,
        .rate = dw_api_request_number(&call->request, "rate"),
        .by = call->by,
        .dry_run = dw_api_request_flag(&call->request, "dry_run"),
    };
    if (dw_state_sync_act(call->state, &order, &err) || load_sync(call, &sync, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(&call->response->body, '{');
    write_sync(call, sync);
    dw_json_write_bool(&call->response->body, "dry_run", order.dry_run);
    dw_buf_append_text(&call->response->body, "}\n");
}
