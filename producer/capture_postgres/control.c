/* control.c - see control.h. One mutex guards the mailbox; no call that may block is made under it.
 */
#include "producer/capture_postgres/control.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/model/event.h"
#include "common/postgres/pg.h"
#include "common/state/state_generation.h"
#include "producer/capture_postgres/generation_mark.h"
#include "producer/capture_postgres/map_marker.h"
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BEAT_MS        2000
#define STANDBY_MS     500
#define GAP_MS         10000
#define RELOAD_MS      60000
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS   2000
#define LASTING_MS     10000
#define IDLE_MS        1000
#define STOP_S                                                                                     \
    5 /* a call under way may take so long; it blocks for ever when its server is frozen */

struct mailbox {
    /* wants */
    bool stop, want_session, streaming, save_wanted, types_wanted;
    enum dw_start shown;
    char why[512]; /* the stream has ended */
    struct dw_state_position save;
    char *generations; /* to be noted; NULL: none */
    uint32_t *oids;
    size_t oid_count;
    uint64_t types_generation; /* of the request: an answer to an older one is thrown away */
    struct dw_control_notice *notices, **notices_end;
    char process_state[32];
    char *stats;
    /* gives */
    struct dw_session *session;
    struct dw_map_set *maps;
    enum dw_control_saved saved;
    struct dw_state_position saved_position;
    bool types_ready;
    struct dw_relation_type *types;
    size_t type_count;
    struct dw_control_notice *answers;
    char state[32];
    char reason[512];
    bool refused;
    struct dw_err refusal;
};

struct dw_control {
    struct dw_control_options options;
    struct dw_session_links links;
    pthread_t thread;
    pthread_mutex_t mutex;
    int wake_fd;  /* for the control thread */
    int ready_fd; /* for the stream thread */
    struct mailbox box;
    _Atomic uint64_t retained;
    _Atomic int64_t wal_safe, wal_limit; /* 0: not looked yet */
    /* the control thread's own */
    bool accept_gap;
    uint32_t epoch; /* of the session; 0: there was none */
    int64_t session_at_ms, begun_ms, retry_ms, beat_at_ms, heartbeat_at_ms, reload_at_ms;
    int64_t notice_at_ms, types_at_ms, topics_at_ms, generations_at_ms;
    char *generations; /* not noted yet; NULL: all are */
    struct dw_generation_asks asks;
    bool stands;   /* before a gap */
    bool answered; /* all servers have let us in once */
    bool joined;   /* has told the state database that it lives */
    char logged[DW_ERR_MESSAGE_MAX];
};

static void signal_fd(int fd)
{
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
}

static void clear_fd(int fd)
{
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
}

/* A failure that repeats is logged once, until another one or success. */
static void log_once(struct dw_control *control, enum dw_log_level level, const char *event,
                     const struct dw_err *err)
{
    if (strcmp(control->logged, err->message) == 0)
        return;
    (void)snprintf(control->logged, sizeof control->logged, "%s", err->message);
    dw_log_err(level, event, err);
}

static void set_status(struct dw_control *control, const char *state, const char *reason)
{
    pthread_mutex_lock(&control->mutex);
    (void)snprintf(control->box.state, sizeof control->box.state, "%s", state);
    (void)snprintf(control->box.reason, sizeof control->box.reason, "%.511s", reason);
    pthread_mutex_unlock(&control->mutex);
    signal_fd(control->ready_fd);
}

/* --- the control thread's work ---------------------------------------------------------------- */

/* What never worked and cannot work as it is set up: the process ends with this. */
static void refuse(struct dw_control *control, const struct dw_err *err)
{
    pthread_mutex_lock(&control->mutex);
    control->box.refusal = *err;
    control->box.refused = true;
    control->box.want_session = false;
    pthread_mutex_unlock(&control->mutex);
    set_status(control, "refused", err->message);
}

static int64_t next_retry(struct dw_control *control)
{
    control->retry_ms = control->retry_ms ? control->retry_ms * 2 : RETRY_FIRST_MS;
    if (control->retry_ms > RETRY_MAX_MS)
        control->retry_ms = RETRY_MAX_MS;
    return control->retry_ms / 2 + (int64_t)dw_clock_jitter((uint64_t)control->retry_ms);
}

static void hand_over_session(struct dw_control *control, struct dw_session *session)
{
    control->epoch = session->position.epoch;
    bool wanted = dw_map_marker_wanted(session->maps, control->epoch) ||
                  dw_generation_mark_wanted(session->maps);
    pthread_mutex_lock(&control->mutex);
    control->box.session = session;
    control->box.want_session = false;
    control->box.shown = DW_START_FIRST;
    control->box.why[0] = '\0';
    pthread_mutex_unlock(&control->mutex);
    control->begun_ms = dw_clock_mono_ms();
    control->logged[0] = '\0';
    control->reload_at_ms = dw_clock_mono_ms() + (wanted ? 0 : RELOAD_MS);
    set_status(control, "connecting", "");
}

static void try_session(struct dw_control *control, enum dw_start shown)
{
    struct dw_session *session = NULL;
    struct dw_session_result result;
    struct dw_session_request request = {.shown = shown, .accept_gap = control->accept_gap};
    dw_session_open(&control->links, &request, &session, &result);
    int64_t wait_ms = 0;
    if (result.gap_accepted)
        control->accept_gap = false;
    if (result.state != DW_SESSION_FAILED)
        control->answered = true;
    control->stands = result.state == DW_SESSION_GAP;
    switch (result.state) {
    case DW_SESSION_READY:
        hand_over_session(control, session);
        return;
    case DW_SESSION_STANDBY:
        if (strcmp(control->logged, "standby") != 0)
            dw_log_plain(DW_LOG_INFO, "producer.standby",
                         "another producer has the slot; waiting to take over");
        (void)snprintf(control->logged, sizeof control->logged, "standby");
        set_status(control, "standby", "another producer has the replication slot");
        wait_ms = STANDBY_MS;
        break;
    case DW_SESSION_GAP:
        log_once(control, DW_LOG_ERROR, "producer.gap", &result.err);
        set_status(control, dw_start_position_name(result.start), result.err.message);
        wait_ms = GAP_MS;
        break;
    case DW_SESSION_FAILED:
        if (result.err.rc == DW_CONFIG && !control->answered) {
            refuse(control, &result.err);
            return;
        }
        log_once(control, result.err.rc == DW_RETRY ? DW_LOG_WARN : DW_LOG_ERROR,
                 "producer.connecting", &result.err);
        set_status(control, result.err.rc == DW_RETRY ? "connecting" : "refused",
                   result.err.message);
        wait_ms = next_retry(control);
        break;
    }
    control->session_at_ms = dw_clock_mono_ms() + wait_ms;
}

/* DW_OK when the state database has all that the stream thread has told of. */
static enum dw_rc note_generations(struct dw_control *control, struct dw_err *err)
{
    pthread_mutex_lock(&control->mutex);
    char *news = control->box.generations;
    control->box.generations = NULL;
    pthread_mutex_unlock(&control->mutex);
    if (news) {
        free(control->generations);
        control->generations = news;
        (void)dw_generation_parse(dw_str_from(news), &control->links.generations);
    }
    if (!control->generations)
        return DW_OK;
    enum dw_rc rc = dw_session_open_state(&control->links, err);
    if (rc == DW_OK)
        rc = dw_state_generation_note(control->links.state, dw_str_from(control->generations),
                                      control->options.instance, err);
    if (rc != DW_OK)
        return rc;
    free(control->generations);
    control->generations = NULL;
    return DW_OK;
}

/* Without a position to be saved there is no hurry, but others wait to see it. */
static void note_in_time(struct dw_control *control, int64_t now)
{
    struct dw_err err = DW_ERR_INIT;
    if (now < control->generations_at_ms || note_generations(control, &err) == DW_OK)
        return;
    log_once(control, DW_LOG_WARN, "state.away", &err);
    control->generations_at_ms = now + IDLE_MS;
}

/* A stream that lasted was good: it is opened again at once. */
static void wait_after_failure(struct dw_control *control, const char *why, int64_t now)
{
    if (now - control->begun_ms >= LASTING_MS) {
        control->retry_ms = 0;
        return;
    }
    control->session_at_ms = now + next_retry(control);
    set_status(control, "retrying", why);
}

static void save_position(struct dw_control *control, const struct dw_state_position *position)
{
    struct dw_err err = DW_ERR_INIT;
    dw_fault("producer.before_position_save");
    enum dw_rc rc = dw_session_open_state(&control->links, &err);
    if (rc == DW_OK)
        rc = note_generations(control, &err);
    if (rc == DW_OK)
        rc = dw_state_position_save(control->links.state, control->options.system->name, position,
                                    &err);
    if (rc != DW_OK)
        log_once(control, DW_LOG_WARN, "state.away", &err);
    pthread_mutex_lock(&control->mutex);
    control->box.saved = rc == DW_OK ? DW_CONTROL_SAVED : DW_CONTROL_NOT_SAVED;
    control->box.saved_position = *position;
    pthread_mutex_unlock(&control->mutex);
    signal_fd(control->ready_fd);
}

static void look_up_types(struct dw_control *control, const uint32_t *oids, size_t count,
                          uint64_t generation)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_relation_type *types = NULL;
    size_t type_count = 0;
    if (dw_session_types(&control->links, oids, count, &types, &type_count, &err) != DW_OK) {
        log_once(control, DW_LOG_WARN, "types.away", &err);
        dw_session_drop_source(&control->links);
        control->types_at_ms = dw_clock_mono_ms() + IDLE_MS;
        return;
    }
    pthread_mutex_lock(&control->mutex);
    if (generation == control->box.types_generation) {
        struct dw_relation_type *old = control->box.types;
        control->box.types_wanted = false;
        control->box.types = types;
        control->box.type_count = type_count;
        control->box.types_ready = true;
        types = old;
    }
    pthread_mutex_unlock(&control->mutex);
    free(types);
    signal_fd(control->ready_fd);
}

/* While Kafka is away the maps are news all the same. */
static bool count_partitions(struct dw_control *control, struct dw_map_set *set)
{
    struct dw_err err = DW_ERR_INIT;
    if (dw_session_count_partitions(&control->links, set, &err) == DW_OK)
        return true;
    log_once(control, DW_LOG_WARN, "topics.away", &err);
    return false;
}

static void give_maps(struct dw_control *control, struct dw_map_set *set)
{
    pthread_mutex_lock(&control->mutex);
    struct dw_map_set *unused = control->box.maps;
    control->box.maps = set;
    pthread_mutex_unlock(&control->mutex);
    dw_map_set_free(unused);
    signal_fd(control->ready_fd);
}

/* Takes the set. */
static enum dw_rc give_and_announce(struct dw_control *control, struct dw_map_set *set,
                                    struct dw_err *err)
{
    struct dw_map_announcement announcement;
    dw_map_marker_prepare(&announcement, set, control->epoch);
    give_maps(control, set);
    enum dw_rc rc = dw_map_marker_announce(&announcement, control->epoch, control->links.conn,
                                           control->links.state, err);
    dw_map_marker_done(&announcement);
    return rc;
}

/* False: the state database is away, try again. */
static bool load_maps(struct dw_control *control)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_map_set *set = NULL;
    enum dw_rc rc = dw_session_open_source(&control->links, &err);
    if (rc == DW_OK)
        rc = dw_session_load_maps(&control->links, &set, &err);
    if (rc == DW_OK && count_partitions(control, set))
        rc = dw_generation_mark_ask(&control->asks, set, control->links.conn, dw_clock_mono_ms(),
                                    &err);
    if (rc == DW_OK)
        rc = give_and_announce(control, set, &err);
    else
        dw_map_set_free(set);
    control->reload_at_ms = dw_clock_mono_ms() + (rc == DW_OK ? RELOAD_MS : IDLE_MS);
    if (rc != DW_OK)
        log_once(control, DW_LOG_WARN, "maps.away", &err);
    return rc == DW_OK;
}

/* Puts the notice's map in error, behind a gap on record where there is one. */
static bool fail_map(struct dw_control *control, const struct dw_control_notice *notice)
{
    struct dw_err err = DW_ERR_INIT;
    enum dw_rc rc = dw_session_open_state(&control->links, &err);
    if (rc == DW_OK && (notice->from_lsn || notice->matter == DW_CONTROL_OUTAGE))
        rc = dw_state_gap_add(control->links.state, control->options.system->name, notice->map,
                              notice->code, notice->from_lsn, notice->reason, &err);
    if (rc == DW_OK)
        rc = dw_state_map_fail(control->links.state, notice->map, notice->change, notice->code,
                               notice->reason, control->options.instance, &err);
    if (rc != DW_OK)
        log_once(control, DW_LOG_WARN, "state.away", &err);
    return rc == DW_OK;
}

/* True when the notice is dealt with. */
static bool settle_notice(struct dw_control *control, struct dw_control_notice *notice)
{
    struct dw_err err = DW_ERR_INIT;
    int32_t partitions;
    switch (notice->matter) {
    case DW_CONTROL_OUTAGE:
        return fail_map(control, notice) && load_maps(control);
    case DW_CONTROL_PROBE:
        notice->rc = dw_session_open_admin(&control->links, &err);
        if (notice->rc == DW_OK)
            notice->rc = dw_kafka_admin_partitions(control->links.admin, notice->topic, 5000,
                                                   &partitions, &err);
        return true;
    case DW_CONTROL_SCHEMA:
        return fail_map(control, notice);
    }
    return true;
}

static void settle_notices(struct dw_control *control, int64_t now)
{
    while (now >= control->notice_at_ms) {
        pthread_mutex_lock(&control->mutex);
        struct dw_control_notice *notice = control->box.notices;
        pthread_mutex_unlock(&control->mutex);
        if (!notice)
            return;
        if (!settle_notice(control, notice)) {
            control->notice_at_ms = now + IDLE_MS;
            return;
        }
        pthread_mutex_lock(&control->mutex);
        control->box.notices = notice->next;
        if (!control->box.notices)
            control->box.notices_end = &control->box.notices;
        bool answered = notice->matter != DW_CONTROL_SCHEMA;
        if (answered) {
            notice->next = control->box.answers;
            control->box.answers = notice;
        }
        pthread_mutex_unlock(&control->mutex);
        if (!answered)
            free(notice);
        signal_fd(control->ready_fd);
    }
}

/* A transaction of its own on the source; it comes back in the stream. */
static void send_heartbeat(struct dw_control *control, int64_t now)
{
    struct dw_err err = DW_ERR_INIT;
    char sql[200];
    control->heartbeat_at_ms = now + control->options.settings->producer.heartbeat_ms;
    (void)snprintf(sql, sizeof sql,
                   "SELECT pg_logical_emit_message(true, '" DW_EVENT_HEARTBEAT
                   "', '{\"sent_us\":%lld}')",
                   (long long)dw_clock_wall_us());
    enum dw_rc rc = dw_session_open_source(&control->links, &err);
    if (rc == DW_OK)
        rc = dw_pg_exec(control->links.conn, sql, &err);
    if (rc == DW_OK)
        return;
    log_once(control, DW_LOG_WARN, "heartbeat.failed", &err);
    dw_session_drop_source(&control->links);
    control->heartbeat_at_ms = now + IDLE_MS;
}

static void look_at_slot(struct dw_control *control)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_slot_state slot;
    if (control->links.conn &&
        dw_slot_look(control->links.conn, control->options.system->slot, &slot, &err) == DW_OK) {
        atomic_store(&control->retained, slot.retained_bytes);
        atomic_store(&control->wal_safe, slot.wal_safe_bytes);
        atomic_store(&control->wal_limit, slot.wal_limit_bytes);
    }
}

static void beat(struct dw_control *control, int64_t now, bool streaming)
{
    struct dw_err err = DW_ERR_INIT;
    char state[32];
    control->beat_at_ms = now + BEAT_MS;
    if (streaming)
        look_at_slot(control);
    pthread_mutex_lock(&control->mutex);
    char *stats = control->box.stats ? dw_mem_strdup(control->box.stats) : NULL;
    (void)snprintf(state, sizeof state, "%s", control->box.process_state);
    pthread_mutex_unlock(&control->mutex);
    enum dw_rc rc = stats ? dw_session_open_state(&control->links, &err) : DW_OK;
    if (stats && rc == DW_OK)
        rc = dw_state_process_beat(control->links.state, "producer", control->options.instance,
                                   state, stats, &err);
    if (rc != DW_OK)
        log_once(control, DW_LOG_WARN, "state.away", &err);
    control->joined = control->joined || (stats && rc == DW_OK);
    free(stats);
}

/* Anybody may give a topic more partitions. */
static void look_at_topics(struct dw_control *control, int64_t now, bool streaming)
{
    struct dw_err err = DW_ERR_INIT;
    bool grew = false;
    if (!streaming || now < control->topics_at_ms)
        return;
    control->topics_at_ms = now + control->options.settings->producer.partitions_look_ms;
    if (dw_session_topics_grew(&control->links, &grew, &err) != DW_OK)
        log_once(control, DW_LOG_WARN, "topics.away", &err);
    else if (grew)
        control->reload_at_ms = now;
}

static void watch_maps(struct dw_control *control, int64_t now, bool streaming)
{
    if (control->links.state && dw_state_maps_changed(control->links.state)) {
        control->reload_at_ms = now;
        if (control->stands) /* somebody may have accepted the gap */
            control->session_at_ms = now;
    }
    look_at_topics(control, now, streaming);
    if (streaming && now >= control->reload_at_ms)
        (void)load_maps(control);
}

static void wait_for_work(struct dw_control *control, bool streaming, bool want_session)
{
    int64_t now = dw_clock_mono_ms();
    int64_t until = control->beat_at_ms;
    if (streaming && control->heartbeat_at_ms < until)
        until = control->heartbeat_at_ms;
    if (want_session && control->session_at_ms < until)
        until = control->session_at_ms;
    if (streaming && control->reload_at_ms < until)
        until = control->reload_at_ms;
    if (streaming && control->topics_at_ms < until)
        until = control->topics_at_ms;
    if (until - now > IDLE_MS)
        until = now + IDLE_MS;
    int state_fd = control->links.state ? dw_state_socket(control->links.state) : -1;
    struct pollfd fds[] = {{.fd = control->wake_fd, .events = POLLIN},
                           {.fd = state_fd, .events = POLLIN}};
    (void)poll(fds, 2, until > now ? (int)(until - now) : 0);
    clear_fd(control->wake_fd);
}

/* One round; false at the end. */
static bool work(struct dw_control *control)
{
    int64_t now = dw_clock_mono_ms();
    pthread_mutex_lock(&control->mutex);
    struct mailbox *box = &control->box;
    bool stop = box->stop;
    bool want_session = box->want_session;
    enum dw_start shown = box->shown;
    char why[sizeof box->why];
    memcpy(why, box->why, sizeof why);
    box->why[0] = '\0';
    bool streaming = box->streaming;
    bool save = box->save_wanted;
    struct dw_state_position position = box->save;
    box->save_wanted = false;
    uint32_t *oids = NULL;
    size_t oid_count = box->oid_count;
    uint64_t generation = box->types_generation;
    if (box->types_wanted && now >= control->types_at_ms) {
        oids = dw_mem_calloc(oid_count + 1, sizeof *oids);
        memcpy(oids, box->oids, oid_count * sizeof *oids);
    }
    pthread_mutex_unlock(&control->mutex);

    if (save)
        save_position(control, &position);
    else
        note_in_time(control, now);
    if (oids)
        look_up_types(control, oids, oid_count, generation);
    free(oids);
    if (stop)
        return false;
    settle_notices(control, now);
    if (*why)
        wait_after_failure(control, why, now);
    if (want_session && now >= control->session_at_ms)
        try_session(control, shown);
    if (streaming && now >= control->heartbeat_at_ms)
        send_heartbeat(control, now);
    watch_maps(control, now, streaming);
    if (now >= control->beat_at_ms)
        beat(control, now, streaming);
    wait_for_work(control, streaming, want_session);
    return true;
}

static void *run(void *context)
{
    struct dw_control *control = context;
    while (work(control))
        continue;
    struct dw_err err = DW_ERR_INIT;
    if (control->links.state && control->joined &&
        dw_state_process_leave(control->links.state, "producer", control->options.instance, &err) !=
            DW_OK)
        dw_log_err(DW_LOG_WARN, "state.away", &err);
    dw_session_links_close(&control->links);
    dw_generation_mark_done(&control->asks);
    free(control->generations);
    return NULL;
}

/* --- the stream thread's side ----------------------------------------------------------------- */

enum dw_rc dw_control_start(struct dw_control **out, const struct dw_control_options *options,
                            struct dw_err *err)
{
    struct dw_control *control = DW_MEM_NEW(struct dw_control);
    control->options = *options;
    control->accept_gap = options->accept_gap;
    control->links = (struct dw_session_links){
        .settings = options->settings, .system = options->system, .instance = options->instance};
    control->box.notices_end = &control->box.notices;
    (void)snprintf(control->box.state, sizeof control->box.state, "connecting");
    (void)pthread_mutex_init(&control->mutex, NULL);
    control->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    control->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int failed = control->wake_fd < 0 || control->ready_fd < 0
                     ? errno
                     : pthread_create(&control->thread, NULL, run, control);
    if (failed) {
        char text[128];
        (void)close(control->wake_fd);
        (void)close(control->ready_fd);
        free(control);
        return dw_err_set(err, DW_FATAL, "DW-CAPTURE-050", "control thread: %s",
                          dw_err_errno_text(failed, text, sizeof text));
    }
    *out = control;
    return DW_OK;
}

void dw_control_stop(struct dw_control *control)
{
    if (!control)
        return;
    pthread_mutex_lock(&control->mutex);
    control->box.stop = true;
    pthread_mutex_unlock(&control->mutex);
    signal_fd(control->wake_fd);
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_S;
    if (pthread_timedjoin_np(control->thread, NULL, &until) != 0) {
        dw_log_plain(
            DW_LOG_WARN, "control.stuck",
            "a server does not answer; the thread that waits for it ends with the process");
        return;
    }
    dw_session_free(control->box.session);
    dw_map_set_free(control->box.maps);
    free(control->box.oids);
    free(control->box.types);
    free(control->box.stats);
    free(control->box.generations);
    while (control->box.notices) {
        struct dw_control_notice *notice = control->box.notices;
        control->box.notices = notice->next;
        free(notice);
    }
    struct dw_control_notice *answer;
    while ((answer = control->box.answers) != NULL) {
        control->box.answers = answer->next;
        free(answer);
    }
    (void)close(control->wake_fd);
    (void)close(control->ready_fd);
    (void)pthread_mutex_destroy(&control->mutex);
    free(control);
}

int dw_control_fd(const struct dw_control *control)
{
    return control->ready_fd;
}

void dw_control_drain(struct dw_control *control)
{
    clear_fd(control->ready_fd);
}

void dw_control_want_session(struct dw_control *control, enum dw_start shown, const char *why)
{
    pthread_mutex_lock(&control->mutex);
    control->box.want_session = true;
    if (dw_start_position_is_gap(shown))
        control->box.shown = shown;
    (void)snprintf(control->box.why, sizeof control->box.why, "%.511s", why);
    pthread_mutex_unlock(&control->mutex);
    signal_fd(control->wake_fd);
}

struct dw_session *dw_control_take_session(struct dw_control *control)
{
    pthread_mutex_lock(&control->mutex);
    struct dw_session *session = control->box.session;
    control->box.session = NULL;
    pthread_mutex_unlock(&control->mutex);
    return session;
}

bool dw_control_refused(struct dw_control *control, struct dw_err *err)
{
    pthread_mutex_lock(&control->mutex);
    bool refused = control->box.refused;
    if (refused)
        *err = control->box.refusal;
    pthread_mutex_unlock(&control->mutex);
    return refused;
}

void dw_control_set_streaming(struct dw_control *control, bool streaming)
{
    pthread_mutex_lock(&control->mutex);
    control->box.streaming = streaming;
    pthread_mutex_unlock(&control->mutex);
    signal_fd(control->wake_fd);
}

struct dw_map_set *dw_control_take_maps(struct dw_control *control)
{
    pthread_mutex_lock(&control->mutex);
    struct dw_map_set *maps = control->box.maps;
    control->box.maps = NULL;
    pthread_mutex_unlock(&control->mutex);
    return maps;
}

void dw_control_save(struct dw_control *control, const struct dw_state_position *position)
{
    pthread_mutex_lock(&control->mutex);
    control->box.save = *position;
    control->box.save_wanted = true;
    pthread_mutex_unlock(&control->mutex);
    signal_fd(control->wake_fd);
}

void dw_control_set_generations(struct dw_control *control, struct dw_str json)
{
    char *copy = dw_mem_strndup(json.ptr, json.len);
    pthread_mutex_lock(&control->mutex);
    char *old = control->box.generations;
    control->box.generations = copy;
    pthread_mutex_unlock(&control->mutex);
    free(old);
    signal_fd(control->wake_fd);
}

enum dw_control_saved dw_control_take_saved(struct dw_control *control,
                                            struct dw_state_position *out)
{
    pthread_mutex_lock(&control->mutex);
    enum dw_control_saved saved = control->box.saved;
    *out = control->box.saved_position;
    control->box.saved = DW_CONTROL_PENDING;
    pthread_mutex_unlock(&control->mutex);
    return saved;
}

void dw_control_want_types(struct dw_control *control, const uint32_t *oids, size_t count)
{
    uint32_t *copy = dw_mem_calloc(count + 1, sizeof *copy);
    memcpy(copy, oids, count * sizeof *copy);
    pthread_mutex_lock(&control->mutex);
    uint32_t *old = control->box.oids;
    control->box.oids = copy;
    control->box.oid_count = count;
    control->box.types_wanted = true;
    control->box.types_ready = false;
    control->box.types_generation++;
    pthread_mutex_unlock(&control->mutex);
    free(old);
    signal_fd(control->wake_fd);
}

bool dw_control_take_types(struct dw_control *control, struct dw_relation_type **out,
                           size_t *out_count)
{
    pthread_mutex_lock(&control->mutex);
    bool ready = control->box.types_ready;
    if (ready) {
        *out = control->box.types;
        *out_count = control->box.type_count;
        control->box.types = NULL;
        control->box.types_ready = false;
    }
    pthread_mutex_unlock(&control->mutex);
    return ready;
}

void dw_control_send(struct dw_control *control, struct dw_control_notice *notice)
{
    notice->next = NULL;
    pthread_mutex_lock(&control->mutex);
    *control->box.notices_end = notice;
    control->box.notices_end = &notice->next;
    pthread_mutex_unlock(&control->mutex);
    signal_fd(control->wake_fd);
}

struct dw_control_notice *dw_control_take_answer(struct dw_control *control)
{
    pthread_mutex_lock(&control->mutex);
    struct dw_control_notice *answer = control->box.answers;
    if (answer)
        control->box.answers = answer->next;
    pthread_mutex_unlock(&control->mutex);
    return answer;
}

void dw_control_set_stats(struct dw_control *control, const char *state, struct dw_str json)
{
    char *copy = dw_mem_strndup(json.ptr, json.len);
    pthread_mutex_lock(&control->mutex);
    char *old = control->box.stats;
    control->box.stats = copy;
    (void)snprintf(control->box.process_state, sizeof control->box.process_state, "%s", state);
    pthread_mutex_unlock(&control->mutex);
    free(old);
}

void dw_control_status(struct dw_control *control, char state[32], char reason[512])
{
    pthread_mutex_lock(&control->mutex);
    memcpy(state, control->box.state, sizeof control->box.state);
    memcpy(reason, control->box.reason, sizeof control->box.reason);
    pthread_mutex_unlock(&control->mutex);
}

void dw_control_wal_limit(struct dw_control *control, int64_t *out_safe_bytes,
                          int64_t *out_limit_bytes)
{
    int64_t limit = atomic_load(&control->wal_limit);
    *out_safe_bytes = limit > 0 ? atomic_load(&control->wal_safe) : -1;
    *out_limit_bytes = limit > 0 ? limit : -1;
}

uint64_t dw_control_retained(struct dw_control *control)
{
    return atomic_load(&control->retained);
}
