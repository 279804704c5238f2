/* main.c - dualwrite-reconciler: dead letters, targets, operator API.
 *
 * One active instance, chosen by an advisory lock on the state database; others stand by and say so
 * in /readyz. The lock lives as long as its connection: when that is lost, this instance steps back
 * until it has the lock again. Dead letters are fenced by their offsets besides, so a moment with
 * two active ones harms nothing.
 */
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "common/service/http_server.h"
#include "common/service/lifecycle.h"
#include "common/state/state.h"
#include "common/state/state_request.h"
#include "reconciler/alerts/alert_sender.h"
#include "reconciler/alerts/alert_watch.h"
#include "reconciler/api/api.h"
#include "reconciler/api/map_gauges.h"
#include "reconciler/api/sync_gauges.h"
#include "reconciler/compare/compare.h"
#include "reconciler/dead_letters/letter_auto.h"
#include "reconciler/dead_letters/letter_gauges.h"
#include "reconciler/dead_letters/letter_index.h"
#include "reconciler/dead_letters/letter_work.h"
#include "reconciler/report/digest_work.h"
#include "reconciler/targets/target_watch.h"
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS           500
#define BEAT_MS           2000
#define MAPS_MS           10000
#define PROCESS_SILENT_MS 60000
#define API_THREADS       4
#define CLEAN_MS          (15 * 60000)
#define STATS_BYTES_MAX   4096
/* The active one asks twice a second: one that is frozen or cut off loses the lock. */
#define FROZEN_TIMEOUT "SET idle_session_timeout = '20s'"
#define ACTIVE_LOCK    "SELECT pg_try_advisory_lock(25719, 3)" /* 0x6477: "dw" */

enum { EXIT_CONFIG = 2 };

struct reconciler {
    const struct dw_settings *settings;
    const char *instance;
    struct dw_api *api;
    struct dw_http_server *server;
    struct dw_letter_index *index;  /* while active */
    struct dw_target_watch *watch;  /* while active */
    struct dw_letter_work *work;    /* while active */
    struct dw_alert_watch *alerts;  /* while active */
    struct dw_digest_work *digest;  /* while active */
    struct dw_alert_sender *sender; /* while active; NULL: no webhooks */
    struct dw_compare *compare;     /* while active */
    struct dw_letter_auto *tries;   /* while active */
    struct dw_state *state;
    PGconn *lock;     /* its session holds the advisory lock, or tries to get it */
    bool asked;       /* the lock was asked for and is held by somebody else */
    int64_t beat_ms;  /* when the last one was sent */
    int64_t count_ms; /* when letters may be counted again */
    int64_t maps_ms;  /* when maps are read again though nobody said that they changed */
    bool maps_news;   /* they were read, and the letters' series have not followed yet */
    int64_t clean_ms; /* when old answers are forgotten again */
    bool worked;      /* the state database has let us in once */
    bool refused;     /* before that: the settings are wrong, the process ends */
    struct dw_arena arena;
    _Atomic int64_t tick_ms;
    pthread_mutex_t why_lock; /* of why */
    char why[256];            /* why it is not ready; "" when it is */
};

static void set_why(struct reconciler *self, const char *why)
{
    pthread_mutex_lock(&self->why_lock);
    (void)snprintf(self->why, sizeof self->why, "%.250s", why);
    pthread_mutex_unlock(&self->why_lock);
}

static bool is_ready(void *context, struct dw_buf *reason)
{
    struct reconciler *self = context;
    pthread_mutex_lock(&self->why_lock);
    bool ready = self->why[0] == '\0';
    dw_buf_append_text(reason, self->why);
    pthread_mutex_unlock(&self->why_lock);
    return ready;
}

static int64_t tick_age_ms(void *context)
{
    struct reconciler *self = context;
    return dw_clock_mono_ms() - atomic_load(&self->tick_ms);
}

/* The server has one context for all its callbacks. */
static void handle(void *context, const struct dw_http_request *request,
                   struct dw_http_response *response)
{
    struct reconciler *self = context;
    dw_api_handle(self->api, request, response);
}

/* An outage is waited for. A refusal (password, role, database, privilege) is a mistake in the
 * settings as long as the state database never worked: the process ends. */
static bool is_refusal(struct reconciler *self, enum dw_rc rc, const struct dw_err *err)
{
    if (rc == DW_RETRY || self->worked)
        return false;
    dw_log_err(DW_LOG_FATAL, "reconciler.refused", err);
    self->refused = true;
    return true;
}

/* --- active or standby --------------------------------------------------------------------------
 */

static enum dw_rc try_lock(struct reconciler *self, bool *out_held, struct dw_err *err)
{
    PGresult *result = NULL;
    enum dw_rc rc = DW_OK;
    *out_held = false;
    if (!self->lock) {
        struct dw_pg_options options = {
            .connection = self->settings->state.connection,
            .password = self->settings->state.password,
            .application_name = "dualwrite-reconciler-lock",
            .what = "state database",
        };
        rc = dw_pg_connect(&self->lock, &options, err);
        if (!rc)
            rc = dw_pg_exec(self->lock, FROZEN_TIMEOUT, err);
    }
    if (!rc)
        rc = dw_pg_query(self->lock, self->index ? "SELECT true" : ACTIVE_LOCK, 0, NULL, &result,
                         err);
    if (rc) {
        dw_pg_disconnect(self->lock);
        self->lock = NULL;
        return rc;
    }
    *out_held = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return DW_OK;
}

/* What only the active one does; accepts what was not started. */
static void stop_parts(struct reconciler *self)
{
    dw_compare_stop(self->compare);
    dw_digest_work_stop(self->digest);
    dw_alert_sender_stop(self->sender);
    dw_alert_watch_stop(self->alerts);
    dw_letter_index_stop(self->index);
    dw_target_watch_stop(self->watch);
    dw_letter_work_stop(self->work);
    dw_letter_auto_stop(self->tries);
    self->compare = NULL;
    self->digest = NULL;
    self->sender = NULL;
    self->alerts = NULL;
    self->index = NULL;
    self->watch = NULL;
    self->work = NULL;
    self->tries = NULL;
}

static void step_back(struct reconciler *self)
{
    if (!self->index)
        return;
    dw_log_plain(DW_LOG_WARN, "reconciler.standby", "this instance is not the active one any more");
    dw_api_activate(self->api, NULL, NULL);
    stop_parts(self);
    dw_letter_gauges_clear();
    dw_map_gauges_clear();
    dw_sync_gauges_clear();
}

static enum dw_rc step_forward(struct reconciler *self, struct dw_err *err)
{
    enum dw_rc rc = dw_letter_index_start(&self->index, self->settings, err);
    if (!rc)
        rc = dw_target_watch_start(&self->watch, self->settings, err);
    if (!rc)
        rc = dw_letter_work_start(&self->work, self->settings, err);
    if (!rc)
        rc = dw_letter_auto_start(&self->tries, self->settings, err);
    if (!rc)
        rc = dw_alert_watch_start(&self->alerts, self->settings, self->watch, err);
    if (!rc)
        rc = dw_alert_sender_start(&self->sender, self->settings, err);
    if (!rc)
        rc = dw_digest_work_start(&self->digest, self->settings, self->watch, err);
    if (!rc)
        rc = dw_compare_start(&self->compare, self->settings, err);
    if (rc) {
        stop_parts(self);
        return rc;
    }
    self->beat_ms = self->count_ms = dw_clock_mono_ms() - BEAT_MS; /* this is news: tell at once */
    self->maps_ms = 0;
    dw_api_activate(self->api, self->index, self->watch);
    dw_log_plain(DW_LOG_INFO, "reconciler.active", "this instance is the active one");
    return DW_OK;
}

static void choose_role(struct reconciler *self)
{
    struct dw_err err = DW_ERR_INIT;
    bool held = false;
    enum dw_rc rc = try_lock(self, &held, &err);
    if (!rc && held && !self->index)
        rc = step_forward(self, &err);
    if (rc && is_refusal(self, rc, &err))
        return;
    if (rc) {
        dw_log_err(rc == DW_RETRY ? DW_LOG_WARN : DW_LOG_ERROR, "reconciler.lock", &err);
        step_back(self);
        set_why(self, err.message);
    } else if (!held) {
        if (!self->asked)
            dw_log_plain(DW_LOG_INFO, "reconciler.standby", "another instance is active");
        set_why(self, "standby: another instance is active");
    } else {
        set_why(self, "");
    }
    self->asked = !rc && !held;
}

/* --- housekeeping -------------------------------------------------------------------------------
 */

/* A thousand maps are ten thousand series, which nothing changes most of the time. */
static enum dw_rc show_maps(struct reconciler *self, struct dw_err *err)
{
    int64_t now_ms = dw_clock_mono_ms();
    bool changed = dw_state_maps_changed(self->state);
    if (!changed && now_ms < self->maps_ms)
        return DW_OK;
    dw_arena_reset(&self->arena);
    enum dw_rc rc = dw_map_gauges_refresh(self->state, &self->arena, err);
    self->maps_ms = rc ? 0 : now_ms + MAPS_MS;
    self->maps_news = true;
    return rc;
}

/* Counting a large index takes a while: it never takes more than a tenth of the time. */
static enum dw_rc show_letters(struct reconciler *self, struct dw_err *err)
{
    int64_t begun_ms = dw_clock_mono_ms();
    if (begun_ms < self->count_ms)
        return DW_OK;
    dw_arena_reset(&self->arena);
    enum dw_rc rc = dw_letter_gauges_refresh(self->state, self->maps_news, &self->arena, err);
    self->maps_news = self->maps_news && rc;
    int64_t now_ms = dw_clock_mono_ms();
    self->count_ms = now_ms + 10 * (now_ms - begun_ms);
    return rc;
}

static enum dw_rc beat(struct reconciler *self, struct dw_err *err)
{
    struct dw_buf stats;
    struct dw_buf problem;
    const char *role = self->index ? "active" : "standby";
    dw_buf_init(&stats, STATS_BYTES_MAX);
    dw_buf_init(&problem, STATS_BYTES_MAX / 4);
    if (self->index)
        dw_letter_index_problem(self->index, &problem);
    dw_buf_append_char(&stats, '{');
    dw_json_write_text(&stats, "state", role);
    dw_json_write_text(&stats, "dead_letter_problem", problem.data ? problem.data : "");
    dw_buf_append_char(&stats, '}');
    enum dw_rc rc =
        dw_state_process_beat(self->state, "reconciler", self->instance, role, stats.data, err);
    dw_buf_done(&stats);
    dw_buf_done(&problem);
    return rc;
}

static enum dw_rc clean(struct reconciler *self, struct dw_err *err)
{
    int64_t now_ms = dw_clock_mono_ms();
    if (now_ms < self->clean_ms)
        return DW_OK;
    self->clean_ms = now_ms + CLEAN_MS;
    return dw_state_request_clean(self->state, err);
}

static enum dw_rc keep_house(struct reconciler *self, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    if (!self->state)
        rc = dw_state_open(&self->state, &self->settings->state, "dualwrite-reconciler", err);
    if (!rc)
        rc = beat(self, err);
    if (rc || !self->index)
        return rc;
    rc = dw_state_processes_clean(self->state, PROCESS_SILENT_MS, err);
    if (!rc)
        rc = show_maps(self, err);
    dw_arena_reset(&self->arena);
    if (!rc)
        rc = dw_sync_gauges_refresh(self->state, dw_api_meter(self->api), &self->arena, err);
    if (!rc)
        rc = show_letters(self, err);
    if (!rc)
        rc = clean(self, err);
    return rc;
}

static void tick(struct reconciler *self)
{
    struct dw_err err = DW_ERR_INIT;
    atomic_store(&self->tick_ms, dw_clock_mono_ms());
    choose_role(self);
    if (self->refused || dw_clock_mono_ms() - self->beat_ms < BEAT_MS)
        return;
    self->beat_ms = dw_clock_mono_ms();
    enum dw_rc rc = keep_house(self, &err);
    if (!rc)
        self->worked = true;
    else if (!is_refusal(self, rc, &err))
        dw_log_err(DW_LOG_WARN, "reconciler.state", &err);
}

static const struct dw_bearer_token *tokens_of(const struct dw_settings *settings,
                                               struct dw_arena *arena, size_t *out_count)
{
    struct dw_bearer_token *tokens =
        DW_ARENA_ARRAY(arena, struct dw_bearer_token, settings->token_count + 1);
    size_t count = 0;
    if (settings->reconciler.token && *settings->reconciler.token)
        tokens[count++] = (struct dw_bearer_token){DW_TOKEN_ADMIN_NAME, settings->reconciler.token};
    for (size_t i = 0; i < settings->token_count; i++)
        tokens[count++] =
            (struct dw_bearer_token){settings->tokens[i].name, settings->tokens[i].token};
    *out_count = count;
    return tokens;
}

static enum dw_rc serve(struct reconciler *self, struct dw_err *err)
{
    struct dw_arena arena;
    size_t token_count = 0;
    dw_arena_init(&arena, 4096);
    const struct dw_bearer_token *tokens = tokens_of(self->settings, &arena, &token_count);
    /* Without a token the server would answer everybody. */
    if (token_count == 0) {
        dw_arena_done(&arena);
        return dw_err_set(err, DW_CONFIG, "DW-API-004",
                          "neither reconciler.token nor tokens is set");
    }
    struct dw_http_options options = {
        .listen = self->settings->reconciler.listen,
        .body_max_bytes = (size_t)self->settings->reconciler.body_max_bytes,
        .requests_per_second = self->settings->reconciler.requests_per_second,
        .certificate = self->settings->reconciler.tls_certificate,
        .key = self->settings->reconciler.tls_key,
        .tls_abroad = !self->settings->reconciler.allow_plain,
        .tokens = tokens,
        .token_count = token_count,
        .handler = handle,
        .context = self,
        .ready = is_ready,
        .tick_age_ms = tick_age_ms,
        .threads = API_THREADS,
    };
    enum dw_rc rc = dw_http_server_start(&self->server, &options, err);
    dw_arena_done(&arena); /* the server has its own copy */
    if (!rc)
        dw_log(DW_LOG_INFO, "api.listening", "the operator API listens",
               DW_F_TEXT("listen", options.listen),
               DW_F_INT("port", dw_http_server_port(self->server)));
    return rc;
}

static void finish(struct reconciler *self)
{
    struct dw_err err = DW_ERR_INIT;
    dw_http_server_stop(self->server);
    step_back(self);
    if (self->state &&
        dw_state_process_leave(self->state, "reconciler", self->instance, &err) != DW_OK)
        dw_log_err(DW_LOG_INFO, "reconciler.leave", &err);
    dw_state_close(self->state);
    dw_pg_disconnect(self->lock);
    dw_api_free(self->api);
    dw_arena_done(&self->arena);
    pthread_mutex_destroy(&self->why_lock);
}

int main(int argc, char **argv)
{
    static const struct dw_lifecycle_program program = {
        .name = "dualwrite-reconciler",
        .part = "reconciler",
        .kept_bytes = 1 << 20,
        .summary = "keeps dead letters and serves the operator API",
    };
    struct dw_arena arena;
    struct dw_lifecycle_arguments arguments;
    struct dw_settings settings;
    struct dw_err err = DW_ERR_INIT;
    dw_arena_init(&arena, 65536);
    dw_lifecycle_start(&program, argc, argv, &arena, &arguments, &settings);
    struct reconciler self = {
        .settings = &settings,
        .instance = arguments.instance,
        .api = dw_api_new(&settings, arguments.instance),
        .beat_ms = -BEAT_MS,
        .why = "starting",
    };
    pthread_mutex_init(&self.why_lock, NULL);
    dw_arena_init(&self.arena, 65536);
    atomic_store(&self.tick_ms, dw_clock_mono_ms());
    int exit_code = EXIT_SUCCESS;
    if (serve(&self, &err)) {
        dw_log_err(DW_LOG_FATAL, "api.failed", &err);
        exit_code = EXIT_CONFIG;
    }
    while (exit_code == EXIT_SUCCESS && !dw_lifecycle_stopping()) {
        struct pollfd stop = {.fd = dw_lifecycle_stop_fd(), .events = POLLIN};
        tick(&self);
        if (self.refused)
            exit_code = EXIT_CONFIG;
        else
            (void)poll(&stop, 1, TICK_MS);
    }
    finish(&self);
    dw_arena_done(&arena);
    return exit_code;
}
