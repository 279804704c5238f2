/* letter_work.c - see letter_work.h. */
#include "reconciler/dead_letters/letter_work.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/service/lifecycle.h"
#include "common/state/state.h"
#include "common/state/state_jobs.h"
#include "reconciler/dead_letters/letter_archive.h"
#include "reconciler/dead_letters/letter_facts.h"
#include "reconciler/dead_letters/letter_mail.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CLIENT_ID   "dualwrite-reconciler-work"
#define ARENA_BYTES 65536
#define PAGE        500
#define JOBS_MAX    16
#define IDLE_MS     250
#define BUSY_MS     20
#define BACKOFF_MS  1000
#define RETIRE_MS   600000 /* between looks for letters that ended long ago */

struct dw_letter_work {
    const struct dw_settings *settings;
    pthread_t thread;
    atomic_bool stopping;

    /* the thread's own */
    struct dw_state *state;
    struct dw_letter_mail *mail;
    struct dw_arena arena; /* of a round */
    struct dw_arena page;  /* of a page in it */
    bool busy;
    int64_t retire_ms; /* monotonic: the next look for letters that ended long ago */
};

/* ---- jobs ---- */

/* Letters of one page mostly belong to one map. */
static enum dw_rc choose(struct dw_letter_work *work, const struct dw_letter_job *job,
                         const struct dw_letter_list *letters, struct dw_letter_take *takes,
                         struct dw_err *err)
{
    struct dw_letter_facts facts = {.incarnation = ""};
    const char *map = NULL;
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < letters->count && !rc; i++) {
        const struct dw_letter *letter = &letters->items[i];
        if (!map || strcmp(map, letter->map) != 0)
            rc = dw_letter_facts_load(work->state, work->settings, letter->map, &work->page, &facts,
                                      err);
        map = letter->map;
        struct dw_letter_chosen chosen =
            dw_letter_choose(job->action, job->source_row, letter, &facts, &work->page);
        takes[i] = (struct dw_letter_take){
            .id = letter->id,
            .map = letter->map,
            .choice = chosen.choice,
            .key = chosen.key,
            .reason = dw_arena_printf(&work->page, "letter %lld: %s", (long long)letter->id,
                                      chosen.reason ? chosen.reason : ""),
        };
    }
    return rc;
}

static enum dw_rc step_job(struct dw_letter_work *work, const struct dw_letter_job *job,
                           struct dw_err *err)
{
    struct dw_letter_list letters;
    dw_arena_reset(&work->page);
    if (job->at_id >= job->last_id)
        return dw_state_jobs_finish(work->state, job->id, err);
    work->busy = true;
    int64_t room = work->settings->reconciler.replay_in_flight - job->in_flight;
    if (room <= 0)
        return DW_OK;
    int limit = room < PAGE ? (int)room : PAGE;
    enum dw_rc rc = dw_state_jobs_page(work->state, job, limit, &work->page, &letters, err);
    if (rc)
        return rc;
    struct dw_letter_take *takes =
        DW_ARENA_ARRAY(&work->page, struct dw_letter_take, letters.count);
    rc = choose(work, job, &letters, takes, err);
    int64_t to_id =
        letters.count == (size_t)limit ? letters.items[letters.count - 1].id : job->last_id;
    return rc ? rc : dw_state_jobs_take(work->state, job, takes, letters.count, to_id, err);
}

static enum dw_rc step_jobs(struct dw_letter_work *work, struct dw_err *err)
{
    const struct dw_letter_job *jobs = NULL;
    size_t count = 0;
    enum dw_rc rc =
        dw_state_jobs_load(work->state, 0, true, JOBS_MAX, &work->arena, &jobs, &count, err);
    for (size_t i = count; i > 0 && !rc; i--) /* the oldest first */
        rc = step_job(work, &jobs[i - 1], err);
    return rc;
}

/* ---- sending ---- */

static enum dw_rc send_parcels(struct dw_letter_work *work, struct dw_err *err)
{
    const struct dw_letter_parcel *parcels = NULL;
    struct dw_letter_mailing mailing = {.sent = NULL};
    const struct dw_map_record *maps = NULL;
    size_t count = 0;
    size_t map_count = 0;
    dw_arena_reset(&work->page);
    enum dw_rc rc = dw_state_replay_parcels(work->state, PAGE, &work->page, &parcels, &count, err);
    if (rc || !count)
        return rc;
    work->busy = true;
    rc = dw_state_maps_load(work->state, &work->page, &maps, &map_count, err);
    if (!rc && !work->mail)
        rc = dw_letter_mail_open(&work->mail, work->settings, err);
    dw_fault("reconciler.before_replay");
    if (!rc)
        rc = dw_letter_mail_send(work->mail, parcels, count, maps, map_count, &work->page, &mailing,
                                 err);
    dw_fault("reconciler.after_replay");
    if (rc == DW_FATAL || rc == DW_RETRY) {
        dw_letter_mail_close(work->mail);
        work->mail = NULL;
    }
    struct dw_err second = DW_ERR_INIT;
    enum dw_rc noted = dw_state_replay_sent(work->state, mailing.sent, mailing.sent_count, &second);
    if (!noted)
        noted =
            dw_state_replay_land(work->state, mailing.returned, mailing.returned_count, &second);
    if (!rc && noted)
        *err = second;
    return rc ? rc : noted;
}

/* ---- retention ---- */

static enum dw_rc retire(struct dw_letter_work *work, struct dw_err *err)
{
    bool more = false;
    int64_t now_ms = dw_clock_mono_ms();
    if (now_ms < work->retire_ms)
        return DW_OK;
    dw_arena_reset(&work->page);
    work->retire_ms = now_ms + RETIRE_MS;
    enum dw_rc rc =
        dw_letter_archive_step(work->state, &work->settings->reconciler, &work->page, &more, err);
    if (more)
        work->retire_ms = now_ms;
    return rc;
}

/* ---- the thread ---- */

static enum dw_rc round_once(struct dw_letter_work *work, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    work->busy = false;
    dw_arena_reset(&work->arena);
    if (!work->state)
        rc = dw_state_open(&work->state, &work->settings->state, CLIENT_ID, err);
    if (!rc)
        rc = step_jobs(work, err);
    if (!rc)
        rc = send_parcels(work, err);
    return rc ? rc : retire(work, err);
}

static void *run(void *argument)
{
    struct dw_letter_work *work = argument;
    while (!atomic_load(&work->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        enum dw_rc rc = round_once(work, &err);
        if (rc)
            dw_log_err(rc == DW_RETRY ? DW_LOG_WARN : DW_LOG_ERROR, "letters.work_failed", &err);
        dw_lifecycle_sleep(&work->stopping, rc ? BACKOFF_MS : work->busy ? BUSY_MS : IDLE_MS);
    }
    return NULL;
}

enum dw_rc dw_letter_work_start(struct dw_letter_work **out, const struct dw_settings *settings,
                                struct dw_err *err)
{
    struct dw_letter_work *work = DW_MEM_NEW(struct dw_letter_work);
    work->settings = settings;
    dw_arena_init(&work->arena, ARENA_BYTES);
    dw_arena_init(&work->page, ARENA_BYTES);
    if (pthread_create(&work->thread, NULL, run, work) != 0) {
        dw_arena_done(&work->arena);
        dw_arena_done(&work->page);
        free(work);
        return dw_err_set(err, DW_FATAL, "DW-API-003",
                          "cannot start the thread that works on dead letters");
    }
    *out = work;
    return DW_OK;
}

void dw_letter_work_stop(struct dw_letter_work *work)
{
    if (!work)
        return;
    atomic_store(&work->stopping, true);
    (void)pthread_join(work->thread, NULL);
    dw_letter_mail_close(work->mail);
    dw_state_close(work->state);
    dw_arena_done(&work->arena);
    dw_arena_done(&work->page);
    free(work);
}
