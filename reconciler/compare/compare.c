/* compare.c - see compare.h. */
#include "reconciler/compare/compare.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/state/state.h"
#include "common/state/state_reconcile.h"
#include "reconciler/compare/compare_run.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define IDLE_MS      500
#define AWAY_MS      2000
#define SCHEDULE_MS  30000
#define HOUR_MS      3600000
#define ARENA_BYTES  16384
#define ACTIVE_LIMIT 1

struct dw_compare {
    const struct dw_settings *settings;
    pthread_t thread;
    atomic_bool stopping;

    /* the thread's own */
    struct dw_state *state;
    int64_t schedule_at_ms;
    char logged[DW_ERR_MESSAGE_MAX];
};

static void sleep_for(struct dw_compare *compare, int64_t ms)
{
    int64_t until = dw_clock_mono_ms() + ms;
    for (int64_t left; !atomic_load(&compare->stopping) && (left = until - dw_clock_mono_ms()) > 0;)
        dw_clock_sleep_ms(left < 50 ? left : 50);
}

/* Whatever it was is tried again; said once. */
static void away(struct dw_compare *compare, const struct dw_err *err)
{
    if (strcmp(compare->logged, err->message) != 0) {
        (void)snprintf(compare->logged, sizeof compare->logged, "%s", err->message);
        dw_log_err(DW_LOG_WARN, "compare.retry", err);
    }
    sleep_for(compare, AWAY_MS);
}

/* --- the schedule --------------------------------------------------------------------------------
 */

static enum dw_rc order_due(struct dw_compare *compare, struct dw_err *err)
{
    int64_t interval_ms = compare->settings->reconciler.compare_every_hours * HOUR_MS;
    int64_t now = dw_clock_mono_ms();
    struct dw_arena arena;
    const char *const *maps = NULL;
    size_t count = 0;
    if (!interval_ms || now < compare->schedule_at_ms)
        return DW_OK;
    compare->schedule_at_ms = now + (interval_ms < SCHEDULE_MS ? interval_ms : SCHEDULE_MS);
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_reconcile_due(compare->state, interval_ms, &arena, &maps, &count, err);
    for (size_t i = 0; i < count && rc == DW_OK; i++) {
        const struct dw_reconcile_order order = {
            .map = maps[i], .rate = compare->settings->reconciler.compare_rate, .scheduled = true};
        int64_t id = 0;
        rc = dw_state_reconcile_create(compare->state, &order, 1, "schedule", &id, err);
        if (rc == DW_CONFLICT) /* it was stopped meanwhile */
            rc = DW_OK;
    }
    dw_arena_done(&arena);
    return rc;
}

/* --- runs ----------------------------------------------------------------------------------------
 */

static enum dw_rc next_run(struct dw_compare *compare, int64_t *out, struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_reconcile_filter filter = {.active = true, .limit = ACTIVE_LIMIT};
    const struct dw_reconcile_run *runs = NULL;
    size_t count = 0;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_reconcile_load(compare->state, &filter, &arena, &runs, &count, err);
    *out = rc == DW_OK && count ? runs[0].id : 0;
    dw_arena_done(&arena);
    return rc;
}

static enum dw_rc work_on(struct dw_compare *compare, int64_t id, struct dw_err *err)
{
    struct dw_compare_run *run = NULL;
    enum dw_run_step step = DW_RUN_MORE;
    enum dw_rc rc = dw_compare_run_open(&run, id, compare->state, compare->settings, err);
    while (rc == DW_OK && run && step != DW_RUN_OVER && !atomic_load(&compare->stopping)) {
        int64_t wait_ms = 0;
        rc = dw_compare_run_step(run, &step, &wait_ms, err);
        if (rc == DW_OK && step == DW_RUN_WAIT)
            sleep_for(compare, wait_ms);
        if (rc == DW_OK)
            compare->logged[0] = '\0';
    }
    dw_compare_run_close(run);
    return rc;
}

static enum dw_rc go_round(struct dw_compare *compare, struct dw_err *err)
{
    int64_t id = 0;
    enum dw_rc rc = DW_OK;
    if (!compare->state)
        rc = dw_state_open(&compare->state, &compare->settings->state,
                           "dualwrite-reconciler-compare", err);
    if (rc == DW_OK)
        rc = order_due(compare, err);
    if (rc == DW_OK)
        rc = next_run(compare, &id, err);
    if (rc == DW_OK && id)
        return work_on(compare, id, err);
    if (rc == DW_OK)
        sleep_for(compare, IDLE_MS);
    return rc;
}

static void *run(void *argument)
{
    struct dw_compare *compare = argument;
    while (!atomic_load(&compare->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        if (go_round(compare, &err) != DW_OK)
            away(compare, &err);
    }
    dw_state_close(compare->state);
    return NULL;
}

enum dw_rc dw_compare_start(struct dw_compare **out, const struct dw_settings *settings,
                            struct dw_err *err)
{
    struct dw_compare *compare = DW_MEM_NEW(struct dw_compare);
    compare->settings = settings;
    if (pthread_create(&compare->thread, NULL, run, compare) != 0) {
        free(compare);
        return dw_err_set(err, DW_FATAL, "DW-API-003", "cannot start the thread of comparisons");
    }
    *out = compare;
    return DW_OK;
}

void dw_compare_stop(struct dw_compare *compare)
{
    if (!compare)
        return;
    atomic_store(&compare->stopping, true);
    (void)pthread_join(compare->thread, NULL);
    free(compare);
}
