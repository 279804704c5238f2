/* pipeline.c - see pipeline.h. */
#include "consumer/pipeline/pipeline.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/kafka/kafka_admin.h"
#include "common/service/http_server.h"
#include "common/service/lifecycle.h"
#include "common/state/state_sync.h"
#include "consumer/pipeline/fetch.h"
#include "consumer/pipeline/lane.h"
#include "consumer/pipeline/status.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BEAT_MS = 2000,
    RELOAD_MS = 10000, /* without a notification */
    TICK_MS = 200,
    ADMIN_TIMEOUT_MS = 5000,
    LOOK_TIMEOUT_MS = 500,
    STATS_MAX_BYTES = 1024 * 1024,
    REREAD_KEYS = 1000,
    REREAD_MAX_BYTES = 64 * 1024 * 1024,
    LEAVE_MS = 8000,
};

struct control {
    struct dw_context context;
    struct dw_state *state;
    struct dw_fetch *fetch;
    struct dw_http_server *http;
    struct dw_retry retry; /* of the state database */
    int64_t state_at_ms;   /* not before */
    int64_t reload_at_ms;
    int64_t beat_at_ms;
    uint64_t beats;
    bool letters_topic; /* made or found */
    int64_t letters_topic_at_ms;
    bool state_failing;
    bool state_worked;  /* maps were loaded once */
    bool state_refused; /* before that: the settings are wrong, the process ends */
};

enum { EXIT_CONFIG = 2 };

/* --- the state database -----------------------------------------------------------------------
 */

/* An outage is waited for. A refusal (password, role, database, privilege) is a mistake in the
 * settings as long as it never worked; later somebody is changing something, and it is tried again.
 */
static void state_failed(struct control *control, const struct dw_err *err)
{
    if (err->rc != DW_RETRY && !control->state_worked) {
        dw_log_err(DW_LOG_FATAL, "consumer.start", err);
        control->state_refused = true;
        return;
    }
    int64_t wait = dw_retry_next_ms(&control->retry, dw_clock_jitter(UINT32_MAX));
    control->state_at_ms = dw_clock_mono_ms() + wait;
    if (!control->state_failing)
        dw_log_err(err->rc == DW_RETRY ? DW_LOG_WARN : DW_LOG_ERROR, "state.away", err);
    control->state_failing = true;
}

static void state_answered(struct control *control)
{
    if (control->state_failing)
        dw_log_plain(DW_LOG_INFO, "state.back", "the state database answers again");
    control->state_failing = false;
    control->state_worked = true;
    dw_retry_reset(&control->retry);
}

static bool open_state(struct control *control)
{
    struct dw_err err = DW_ERR_INIT;
    if (control->state)
        return true;
    enum dw_rc rc = dw_state_open(&control->state, &control->context.settings->state,
                                  "dualwrite-consumer", &err);
    if (rc == DW_OK)
        return true;
    err.rc = rc;
    state_failed(control, &err);
    return false;
}

static bool load_maps(struct control *control)
{
    struct dw_arena arena;
    struct dw_err err = DW_ERR_INIT;
    const struct dw_map_record *records = NULL;
    size_t count = 0;
    dw_arena_init(&arena, 65536);
    enum dw_rc rc = dw_state_maps_load(control->state, &arena, &records, &count, &err);
    if (rc == DW_OK) {
        dw_registry_update(control->context.registry, records, count);
        state_answered(control);
    } else {
        err.rc = rc;
        state_failed(control, &err);
    }
    dw_arena_done(&arena);
    return rc == DW_OK;
}

static bool tell_failure(struct control *control, const struct dw_registry_failure *failure)
{
    struct dw_err err = DW_ERR_INIT;
    char by[128];
    (void)snprintf(by, sizeof by, "consumer %s", control->context.instance);
    enum dw_rc rc = DW_OK;
    if (failure->gap)
        rc = dw_state_gap_add(control->state, failure->system, failure->map, failure->code,
                              failure->gap_lsn, failure->reason, &err);
    if (rc == DW_OK)
        rc = dw_state_map_fail(control->state, failure->map, failure->change, failure->code,
                               failure->reason, by, &err);
    if (rc == DW_OK)
        return true;
    err.rc = rc;
    state_failed(control, &err);
    return false;
}

static bool tell_failures(struct control *control)
{
    bool told = false;
    struct dw_registry_failure *failure;
    while ((failure = dw_registry_take_failure(control->context.registry))) {
        if (!tell_failure(control, failure)) {
            dw_registry_put_failure(control->context.registry, failure);
            return told;
        }
        told = true;
        dw_registry_failure_free(failure);
    }
    return told;
}

/* Rows that have to be read again, as one re-sync for each map. */
static void tell_rereads(struct control *control)
{
    struct dw_buf keys;
    char by[128];
    char *map;
    (void)snprintf(by, sizeof by, "consumer %s", control->context.instance);
    dw_buf_init(&keys, REREAD_MAX_BYTES);
    while ((map = dw_reread_take(&control->context.reread, REREAD_KEYS, &keys)) != NULL) {
        struct dw_err err = DW_ERR_INIT;
        int64_t id = 0;
        const struct dw_sync_order order = {.map = map, .keys = keys.data};
        enum dw_rc rc = dw_state_sync_create(control->state, &order, 1, by, &id, &err);
        free(map);
        keys.len = 0;
        dw_reread_settle(&control->context.reread, rc == DW_OK      ? DW_REREAD_STORED
                                                   : rc == DW_RETRY ? DW_REREAD_AGAIN
                                                                    : DW_REREAD_LOST);
        if (rc == DW_OK)
            continue;
        err.rc = rc;
        state_failed(control, &err);
        break;
    }
    dw_buf_done(&keys);
}

static void beat(struct control *control, const char *process_state)
{
    size_t count = 0;
    struct dw_partition **partitions = dw_fetch_partitions(control->fetch, &count);
    struct dw_status status;
    dw_status_init(&status, &control->context, partitions, count, control->beats++,
                   LOOK_TIMEOUT_MS);
    dw_status_gauges(&status, &control->context);
    struct dw_buf stats;
    dw_buf_init(&stats, STATS_MAX_BYTES);
    dw_status_json(&status, &control->context, process_state, &stats);
    struct dw_err err = DW_ERR_INIT;
    if (control->state && dw_buf_ok(&stats) && dw_clock_mono_ms() >= control->state_at_ms) {
        enum dw_rc rc = dw_state_process_beat(control->state, "consumer", control->context.instance,
                                              process_state, stats.data, &err);
        if (rc != DW_OK) {
            err.rc = rc;
            state_failed(control, &err);
        }
    }
    dw_buf_done(&stats);
    dw_status_done(&status);
    dw_kafka_consumer_rest(control->context.consumer);
}

/* --- the dead-letter topic --------------------------------------------------------------------
 */

/* A few partitions would do no harm, but one keeps the letters in the order of their commits. */
static void ensure_letters_topic(struct control *control)
{
    if (control->letters_topic || dw_clock_mono_ms() < control->letters_topic_at_ms)
        return;
    const struct dw_kafka_settings *kafka = &control->context.settings->kafka;
    const struct dw_kafka_topic_spec spec = {
        .name = kafka->dead_letter_topic, .partitions = 1, .retention_ms = -1};
    struct dw_kafka_admin *admin = NULL;
    struct dw_err err = DW_ERR_INIT;
    int32_t partitions = 0;
    enum dw_rc rc = dw_kafka_admin_open(&admin, kafka, "dualwrite-consumer-admin", &err);
    if (rc == DW_OK)
        rc = dw_kafka_admin_ensure_topic(admin, &spec, ADMIN_TIMEOUT_MS, &partitions, &err);
    dw_kafka_admin_close(admin);
    control->letters_topic = rc == DW_OK;
    control->letters_topic_at_ms = dw_clock_mono_ms() + RELOAD_MS;
    if (rc != DW_OK)
        dw_log_err(DW_LOG_WARN, "letters.topic", &err);
}

/* --- health -----------------------------------------------------------------------------------
 */

static bool is_ready(void *context, struct dw_buf *reason)
{
    struct control *control = context;
    uint64_t generation = dw_registry_generation(control->context.registry);
    if (dw_lifecycle_stopping())
        dw_buf_append_text(reason, "stopping");
    else if (generation == 0)
        dw_buf_append_text(reason, "no maps loaded yet: the state database does not answer");
    else if (!dw_fetch_assigned(control->fetch)) {
        size_t count = 0;
        struct dw_registry_map **entries = dw_registry_all(control->context.registry, &count);
        for (size_t i = 0; i < count; i++)
            dw_registry_release(entries[i]);
        free((void *)entries);
        if (count == 0)
            return true; /* no map to work for: nothing to be assigned */
        dw_buf_append_text(reason, "no partitions assigned by the group yet");
    } else
        return true;
    return false;
}

static int64_t tick_age_ms(void *context)
{
    struct control *control = context;
    return dw_clock_mono_ms() - dw_fetch_tick_ms(control->fetch);
}

static enum dw_rc start_http(struct control *control, struct dw_err *err)
{
    const char *listen = control->context.settings->consumer.listen;
    if (!listen || !*listen)
        return DW_OK;
    const struct dw_http_options options = {.listen = listen,
                                            .body_max_bytes = 1024,
                                            .context = control,
                                            .ready = is_ready,
                                            .tick_age_ms = tick_age_ms};
    return dw_http_server_start(&control->http, &options, err);
}

/* --- the loop ---------------------------------------------------------------------------------
 */

static void wait_for_news(struct control *control)
{
    struct pollfd fds[2] = {
        {.fd = dw_lifecycle_stop_fd(), .events = POLLIN},
        {.fd = control->state ? dw_state_socket(control->state) : -1, .events = POLLIN},
    };
    (void)poll(fds, 2, TICK_MS);
}

static void work_with_state(struct control *control, int64_t now)
{
    if (now < control->state_at_ms || !open_state(control))
        return;
    bool told = tell_failures(control);
    if (control->state_at_ms > now)
        return;
    tell_rereads(control);
    if (dw_state_maps_changed(control->state) || told || now >= control->reload_at_ms)
        if (load_maps(control))
            control->reload_at_ms = now + RELOAD_MS;
}

static void loop(struct control *control)
{
    while (!dw_lifecycle_stopping() && !dw_fetch_fatal(control->fetch) && !control->state_refused) {
        int64_t now = dw_clock_mono_ms();
        work_with_state(control, now);
        if (dw_registry_generation(control->context.registry))
            ensure_letters_topic(control);
        if (now >= control->beat_at_ms) {
            beat(control, "running");
            control->beat_at_ms = now + BEAT_MS;
        }
        wait_for_news(control);
    }
}

/* --- the end ----------------------------------------------------------------------------------
 */

/* True when every lane ended its batch in time. */
static bool stop_lanes(struct control *control)
{
    struct dw_context *context = &control->context;
    int64_t until_ms = dw_clock_wall_us() / 1000 + context->settings->consumer.drain_ms;
    bool all = true;
    pthread_mutex_lock(&context->lanes_lock);
    atomic_store(&context->draining, true);
    size_t count = context->lane_count;
    struct dw_lane **lanes = dw_mem_calloc(count + 1, sizeof(struct dw_lane *));
    for (size_t i = 0; i < count; i++)
        lanes[i] = context->lanes[i];
    pthread_mutex_unlock(&context->lanes_lock);
    for (size_t i = 0; i < count; i++)
        dw_lane_stop(lanes[i]);
    for (size_t i = 0; i < count; i++)
        if (!dw_lane_join(lanes[i], until_ms))
            all = false;
    free((void *)lanes);
    return all;
}

static void free_all(struct control *control)
{
    dw_fetch_free(control->fetch);
    for (size_t i = 0; i < control->context.lane_count; i++)
        dw_lane_free(control->context.lanes[i]);
    dw_context_done(&control->context);
    dw_registry_free(control->context.registry);
}

/* A lane whose target hangs is left behind: its transaction ends with the connection, and the next
 * worker finds the progress row as it was. */
static void shut_down(struct control *control, int code)
{
    dw_log_plain(DW_LOG_INFO, "consumer.draining", "finishing the batches in hand");
    bool ended = stop_lanes(control);
    atomic_store(&control->context.lanes_ended, ended);
    bool left = dw_fetch_stop(control->fetch, dw_clock_wall_us() / 1000 + LEAVE_MS);
    struct dw_err err = DW_ERR_INIT;
    if (control->state) {
        (void)tell_failures(control);
        if (dw_state_process_leave(control->state, "consumer", control->context.instance, &err) !=
            DW_OK)
            dw_log_err(DW_LOG_WARN, "state.leave", &err);
    }
    dw_http_server_stop(control->http);
    dw_state_close(control->state);
    dw_log(ended && left ? DW_LOG_INFO : DW_LOG_WARN, "consumer.stopped",
           ended && left ? "all batches were finished" : "a batch was given up: it is rolled back",
           DW_F_INT("lanes", control->context.lane_count));
    if (!ended || !left)
        _exit(code);
}

static enum dw_rc start(struct control *control, struct dw_err *err)
{
    enum dw_rc rc = dw_fetch_start(&control->fetch, &control->context, err);
    if (rc != DW_OK)
        return rc;
    rc = start_http(control, err);
    if (rc != DW_OK) {
        atomic_store(&control->context.lanes_ended, true);
        (void)dw_fetch_stop(control->fetch, dw_clock_wall_us() / 1000 + LEAVE_MS);
    }
    return rc;
}

int dw_pipeline_run(const struct dw_settings *settings, const char *instance)
{
    struct control control = {0};
    struct dw_err err = DW_ERR_INIT;
    struct dw_registry *registry = dw_registry_new(settings);
    dw_context_init(&control.context, settings, instance, registry);
    dw_retry_init(&control.retry, 100, 5000);
    /* How many maps there are decides how they are fetched; without an answer it is as for few. */
    if (open_state(&control) && load_maps(&control))
        control.reload_at_ms = dw_clock_mono_ms() + RELOAD_MS;
    if (start(&control, &err) != DW_OK) {
        dw_log_err(DW_LOG_FATAL, "consumer.start", &err);
        return err.rc == DW_CONFIG ? EXIT_CONFIG : EXIT_FAILURE;
    }
    loop(&control);
    int code = control.state_refused           ? EXIT_CONFIG
               : dw_fetch_fatal(control.fetch) ? EXIT_FAILURE
                                               : EXIT_SUCCESS;
    shut_down(&control, code);
    free_all(&control);
    return code;
}
