/* api_letter_jobs.c - work on dead letters: replay, discard, purge; how far it is. */
#include "common/state/state_jobs.h"
#include "reconciler/api/api_answer.h"
#include "reconciler/dead_letters/letter_facts.h"
#include "reconciler/dead_letters/letter_trial.h"
#include <inttypes.h>

#define WOULD_MAX 100 /* letters of a dry run that are shown */

static void write_job(struct dw_buf *out, const struct dw_letter_job *job)
{
    dw_json_write_i64(out, "job", job->id);
    dw_json_write_text(out, "action", dw_state_jobs_action_name(job->action));
    dw_json_write_bool(out, "source_row", job->source_row);
    dw_json_write_text(out, "state", job->state);
    dw_json_write_name(out, "filter");
    dw_buf_append_text(out, job->filter);
    dw_json_write_text(out, "by", job->by);
    dw_json_write_text(out, "reason", job->reason);
    dw_json_write_i64(out, "total", job->total);
    dw_json_write_i64(out, "taken", job->taken);
    dw_json_write_i64(out, "in_flight", job->in_flight);
    dw_json_write_i64(out, "applied", job->applied);
    dw_json_write_i64(out, "superseded", job->superseded);
    dw_json_write_i64(out, "filtered", job->filtered);
    dw_json_write_i64(out, "discarded", job->discarded);
    dw_json_write_i64(out, "purged", job->purged);
    dw_json_write_i64(out, "failed", job->failed);
    dw_json_write_i64(out, "refused", job->refused);
    dw_json_write_text(out, "refusal", job->refusal);
    dw_api_answer_time(out, "created_at", job->created_us);
    dw_api_answer_time(out, "ended_at", job->ended_us);
}

static void answer_job(struct dw_api_call *call, int64_t id)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_letter_job *jobs = NULL;
    size_t count = 0;
    struct dw_buf *out = &call->response->body;
    if (dw_state_jobs_load(call->state, id, false, 1, call->arena, &jobs, &count, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    if (!count) {
        dw_http_error(call->response, 404, "DW-STATE-030", "there is no job %" PRId64, id);
        return;
    }
    dw_buf_append_char(out, '{');
    write_job(out, jobs);
    dw_buf_append_text(out, "}\n");
}

/* Nothing matches: that is no job, and no fault. */
static void answer_nothing(struct dw_api_call *call, enum dw_letter_action action)
{
    struct dw_buf *out = &call->response->body;
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "job", NULL);
    dw_json_write_text(out, "action", dw_state_jobs_action_name(action));
    dw_json_write_text(out, "state", "done");
    dw_json_write_i64(out, "total", 0);
    dw_buf_append_text(out, "}\n");
}

/* A number that is no letter's is a slip. */
static bool check_known(struct dw_api_call *call, const struct dw_letter_filter *filter)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t unknown = 0;
    if (!filter->id_count)
        return true;
    if (dw_state_letters_unknown(call->state, filter->ids, filter->id_count, &unknown, &err))
        dw_api_answer_error(call, &err);
    else if (unknown)
        dw_http_error(call->response, 404, "DW-API-017", "there is no dead letter %" PRId64,
                      unknown);
    else
        return true;
    return false;
}

/* One letter asked for by its number: what cannot be done with it is said at once. */
static bool check_one(struct dw_api_call *call, enum dw_letter_action action, int64_t id)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_letter_facts facts;
    const struct dw_letter *letter = NULL;
    enum dw_rc rc = dw_state_letters_load(call->state, id, call->arena, &letter, &err);
    if (!rc && !letter) /* purged this moment */
        return true;
    if (!rc)
        rc = dw_letter_facts_load(call->state, call->settings, letter->map, call->arena, &facts,
                                  &err);
    if (rc) {
        dw_api_answer_error(call, &err);
        return false;
    }
    struct dw_letter_chosen chosen = dw_letter_choose(
        action, dw_api_request_flag(&call->request, "source_row"), letter, &facts, call->arena);
    if (chosen.choice != DW_LETTER_REFUSE)
        return true;
    dw_http_error(call->response, 409, "DW-API-060", "dead letter %" PRId64 ": %s", id,
                  chosen.reason);
    return false;
}

/* ---- dry run ---- */

static const char *word_of(enum dw_letter_choice choice)
{
    static const char *const words[] = {
        [DW_LETTER_REFUSE] = "refuse",     [DW_LETTER_SEND] = "replay",
        [DW_LETTER_READ_ROW] = "read_row", [DW_LETTER_LET_GO] = "discard",
        [DW_LETTER_END] = "discard",       [DW_LETTER_REMOVE] = "purge",
    };
    return words[choice];
}

/* What a replay would come to: tried in the target, and rolled back. */
static enum dw_rc try_letter(struct dw_api_call *call, struct dw_letter_trial *trial,
                             const struct dw_map_record *map, int64_t id, const char **out_would,
                             const char **out_why, struct dw_err *err)
{
    const struct dw_letter *letter = NULL;
    struct dw_letter_tried tried;
    enum dw_rc rc = dw_state_letters_load(call->state, id, call->arena, &letter, err);
    if (rc || !letter)
        return rc;
    rc = dw_letter_trial_run(trial, map, letter, false, call->arena, &tried, err);
    if (rc)
        return rc;
    *out_would = dw_letter_trial_word(tried.would);
    *out_why = *tried.code ? dw_arena_printf(call->arena, "%s %s", tried.code, tried.message)
                           : tried.message;
    return DW_OK;
}

static enum dw_rc write_would(struct dw_api_call *call, const struct dw_letter_job *job,
                              const struct dw_letter_list *letters, struct dw_err *err)
{
    struct dw_letter_facts facts = {.incarnation = ""};
    const char *map = NULL;
    enum dw_rc rc = DW_OK;
    struct dw_buf *out = &call->response->body;
    struct dw_letter_trial *trial = dw_letter_trial_open(call->settings);
    for (size_t i = 0; i < letters->count && !rc; i++) {
        const struct dw_letter *letter = &letters->items[i];
        if (!map || strcmp(map, letter->map) != 0)
            rc = dw_letter_facts_load(call->state, call->settings, letter->map, call->arena, &facts,
                                      err);
        map = letter->map;
        if (rc)
            break;
        struct dw_letter_chosen chosen =
            dw_letter_choose(job->action, job->source_row, letter, &facts, call->arena);
        const char *would = word_of(chosen.choice);
        const char *why = chosen.reason ? chosen.reason : "";
        if (chosen.choice == DW_LETTER_SEND)
            rc = try_letter(call, trial, facts.map, letter->id, &would, &why, err);
        dw_api_answer_open(out, '{');
        dw_json_write_i64(out, "id", letter->id);
        dw_json_write_text(out, "map", letter->map);
        dw_json_write_text(out, "would", would);
        dw_json_write_text(out, "why", why);
        dw_buf_append_char(out, '}');
    }
    dw_letter_trial_close(trial);
    return rc;
}

static void answer_would(struct dw_api_call *call, const struct dw_letter_job *job,
                         struct dw_letter_filter filter)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_letter_list letters;
    int64_t total = 0;
    struct dw_buf *out = &call->response->body;
    filter.limit = WOULD_MAX;
    if (!filter.state)
        filter.state = dw_state_jobs_action_states(job->action);
    enum dw_rc rc = dw_state_letters_total(call->state, &filter, &total, &err);
    if (!rc)
        rc = dw_state_letters_list(call->state, &filter, call->arena, &letters, &err);
    dw_buf_append_text(out, "{\"dry_run\":true,\"letters\":[");
    if (!rc)
        rc = write_would(call, job, &letters, &err);
    if (rc) {
        out->len = 0;
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(out, ']');
    dw_json_write_i64(out, "total", total);
    dw_buf_append_text(out, "}\n");
}

void dw_api_letter_jobs_start(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t id = 0;
    struct dw_letter_filter filter;
    const struct dw_letter_job job = {
        .action = (enum dw_letter_action)call->request.route->value,
        .source_row = dw_api_request_flag(&call->request, "source_row"),
        .by = call->by,
        .reason = dw_api_answer_reason(call),
    };
    if (!dw_api_letters_filter(call, &filter))
        return;
    if (!check_known(call, &filter))
        return;
    if (filter.id_count == 1 && !check_one(call, job.action, filter.ids[0]))
        return;
    if (dw_api_request_flag(&call->request, "dry_run"))
        answer_would(call, &job, filter);
    else if (dw_state_jobs_create(call->state, &job, &filter, &id, &err))
        dw_api_answer_error(call, &err);
    else if (id)
        answer_job(call, id);
    else if (!filter.id_count || check_one(call, job.action, filter.ids[0]))
        answer_nothing(call, job.action);
}

void dw_api_letter_jobs_list(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_letter_job *jobs = NULL;
    size_t count = 0;
    struct dw_buf *out = &call->response->body;
    if (dw_state_jobs_load(call->state, 0, dw_api_request_flag(&call->request, "running"),
                           (int)dw_api_request_number(&call->request, "limit"), call->arena, &jobs,
                           &count, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_text(out, "{\"jobs\":[");
    for (size_t i = 0; i < count; i++) {
        dw_api_answer_open(out, '{');
        write_job(out, &jobs[i]);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_text(out, "]}\n");
}

void dw_api_letter_jobs_show(struct dw_api_call *call)
{
    answer_job(call, dw_api_request_number(&call->request, "id"));
}

void dw_api_letter_jobs_cancel(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t id = dw_api_request_number(&call->request, "id");
    if (dw_state_jobs_cancel(call->state, id, call->by, &err))
        dw_api_answer_error(call, &err);
    else
        answer_job(call, id);
}
