/* letter_auto.c - see letter_auto.h. */
#include "reconciler/dead_letters/letter_auto.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/service/lifecycle.h"
#include "common/state/state.h"
#include "common/state/state_retry.h"
#include "reconciler/dead_letters/letter_facts.h"
#include "reconciler/dead_letters/letter_trial.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENT_ID   "dualwrite-reconciler-auto"
#define ARENA_BYTES 65536
#define ROUND_MS    1000
#define BACKOFF_MS  3000

struct dw_letter_auto {
    const struct dw_settings *settings;
    pthread_t thread;
    atomic_bool stopping;

    /* the thread's own */
    struct dw_state *state;
    struct dw_letter_trial *trial;
    struct dw_arena arena; /* of a round */
    struct dw_arena one;   /* of a letter in it */
};

/* What a try came to: true, the letter is to be replayed. */
static bool judge(const struct dw_letter_tried *tried)
{
    switch (tried->would) {
    case DW_LETTER_WOULD_APPLY:
    case DW_LETTER_WOULD_FILTER:
        return true;
    case DW_LETTER_WOULD_READ_ROW: /* a person decides: it reads more than the letter */
    case DW_LETTER_WOULD_FAIL:
    case DW_LETTER_WOULD_SUPERSEDE:
    case DW_LETTER_WOULD_UNKNOWN:
        break;
    }
    return false;
}

static enum dw_rc try_one(struct dw_letter_auto *self, const struct dw_retry_letter *due,
                          struct dw_retry_verdict *out, struct dw_err *err)
{
    struct dw_letter_facts facts;
    struct dw_letter_tried tried;
    const struct dw_letter *letter = NULL;
    *out = (struct dw_retry_verdict){.letter = *due, .why_not = ""};
    dw_arena_reset(&self->one);
    enum dw_rc rc = dw_state_letters_load(self->state, due->id, &self->one, &letter, err);
    if (rc || !letter)
        return rc;
    rc = dw_letter_facts_load(self->state, self->settings, letter->map, &self->one, &facts, err);
    if (rc)
        return rc;
    struct dw_letter_chosen chosen =
        dw_letter_choose(DW_LETTER_REPLAY, false, letter, &facts, &self->one);
    out->why_not = dw_arena_printf(&self->arena, "%s", chosen.reason);
    if (chosen.choice != DW_LETTER_SEND)
        return DW_OK;
    rc = dw_letter_trial_run(self->trial, facts.map, letter, false, &self->one, &tried, err);
    if (rc == DW_RETRY) { /* that target is away; others may not be */
        out->why_not = dw_arena_printf(&self->arena, "%s", err->message);
        dw_err_clear(err);
        return DW_OK;
    }
    out->replay = !rc && judge(&tried);
    out->why_not = dw_arena_printf(&self->arena, "%s", tried.message);
    return rc;
}

static enum dw_rc round_once(struct dw_letter_auto *self, struct dw_err *err)
{
    const struct dw_reconciler_settings *settings = &self->settings->reconciler;
    const struct dw_retry_rules rules = {
        .mode = settings->auto_replay,
        .limit = (int)settings->auto_replay_per_second,
        .every_ms = settings->auto_replay_ms,
    };
    struct dw_retry_due due = {.count = 0};
    size_t tried = 0;
    size_t replayed = 0;
    enum dw_rc rc = DW_OK;
    dw_arena_reset(&self->arena);
    if (!self->state)
        rc = dw_state_open(&self->state, &self->settings->state, CLIENT_ID, err);
    if (!rc)
        rc = dw_state_retry_due(self->state, &rules, &self->arena, &due, err);
    if (rc || (!due.count && strcmp(due.walks, "[]") == 0))
        return rc;
    struct dw_retry_verdict *verdicts =
        DW_ARENA_ARRAY(&self->arena, struct dw_retry_verdict, due.count);
    for (; tried < due.count && !rc && !atomic_load(&self->stopping); tried++) {
        rc = try_one(self, &due.letters[tried], &verdicts[tried], err);
        replayed += verdicts[tried].replay;
    }
    if (!rc)
        rc = dw_state_retry_tried(self->state, &rules, &due, verdicts, tried, err);
    if (!rc && replayed)
        dw_log(DW_LOG_INFO, "letters.cause_gone", "dead letters would be applied now: replayed",
               DW_F_INT("letters", replayed));
    return rc;
}

static void *run(void *argument)
{
    struct dw_letter_auto *self = argument;
    while (!atomic_load(&self->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        enum dw_rc rc = round_once(self, &err);
        if (rc)
            dw_log_err(rc == DW_RETRY ? DW_LOG_WARN : DW_LOG_ERROR, "letters.auto_failed", &err);
        dw_lifecycle_sleep(&self->stopping, rc ? BACKOFF_MS : ROUND_MS);
    }
    return NULL;
}

enum dw_rc dw_letter_auto_start(struct dw_letter_auto **out, const struct dw_settings *settings,
                                struct dw_err *err)
{
    struct dw_letter_auto *self = DW_MEM_NEW(struct dw_letter_auto);
    self->settings = settings;
    self->trial = dw_letter_trial_open(settings);
    dw_arena_init(&self->arena, ARENA_BYTES);
    dw_arena_init(&self->one, ARENA_BYTES);
    if (pthread_create(&self->thread, NULL, run, self) != 0) {
        dw_letter_trial_close(self->trial);
        dw_arena_done(&self->arena);
        dw_arena_done(&self->one);
        free(self);
        return dw_err_set(err, DW_FATAL, "DW-API-003",
                          "cannot start the thread that tries dead letters");
    }
    *out = self;
    return DW_OK;
}

void dw_letter_auto_stop(struct dw_letter_auto *self)
{
    if (!self)
        return;
    atomic_store(&self->stopping, true);
    (void)pthread_join(self->thread, NULL);
    dw_letter_trial_close(self->trial);
    dw_state_close(self->state);
    dw_arena_done(&self->arena);
    dw_arena_done(&self->one);
    free(self);
}
