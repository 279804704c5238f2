/* capture.c - see capture.h. */
#include "producer/capture_postgres/capture.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/service/lifecycle.h"
#include "producer/capture_postgres/capture_stats.h"
#include "producer/capture_postgres/control.h"
#include "producer/capture_postgres/generation_mark.h"
#include "producer/capture_postgres/map_marker.h"
#include "producer/capture_postgres/position_record.h"
#include "producer/capture_postgres/row_event.h"
#include "producer/capture_postgres/stream.h"
#include "producer/capture_postgres/tap.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGES_PER_ROUND 4000
#define POLL_MAX_MS        250
#define TICK_MS            1000
#define UNREADY_SILENT_MS  10000 /* more than a broker takes to hand over its partitions */
#define DRAIN_MS           10000
#define SAVE_AT_STOP_MS    5000
#define SAVE_PATIENCE_MS   5000  /* then the state database counts as away */
#define POSITION_TOPIC_MS  60000 /* how often the topic gets the position while all is well */
#define EVIDENCE_ENOUGH    4     /* seconds in which other maps were acknowledged */
#define REOPEN_FIRST_MS    200
#define REOPEN_MAX_MS      10000
#define GENERATIONS_MAX    ((size_t)16 << 20)

struct dw_capture {
    struct dw_capture_options options;
    struct dw_control *control;
    struct dw_publisher publisher;
    struct dw_row_event row_event;
    struct dw_stream stream;
    struct dw_pgoutput decoder;
    struct dw_capture_stats stats;
    struct dw_start_history history;
    struct dw_state_position position; /* as stored: epoch, identifier, timeline; what the slot may
                                          be told is confirmed_lsn */
    char database[64];
    struct dw_map_set *next_maps;     /* to be taken between transactions */
    size_t generations_told;          /* of the publisher's, that the control thread knows */
    uint64_t streamed_lsn;            /* all before it has come by */
    struct dw_pgoutput_message begin; /* of the open transaction */
    bool in_transaction;
    bool skipping;     /* the open transaction was published before */
    bool types_wanted; /* no row may be read before they are known */
    bool want_session;
    bool save_running;
    bool save_by_topic; /* the state database is away: waiting for the topic's acknowledgement */
    uint64_t save_by_topic_number;
    struct dw_state_position saving;
    int64_t save_begun_ms, save_at_ms, topic_at_ms, tick_at_ms, reopen_at_ms, reopen_ms;
    _Atomic int64_t ticked_ms;
    pthread_mutex_t mutex; /* guards state and reason, for the health server */
    char state[32];
    char reason[512];
    _Atomic int64_t silent_ms; /* how long Kafka has acknowledged nothing of what waits */
};

static void set_state(struct dw_capture *capture, const char *state, const char *reason)
{
    pthread_mutex_lock(&capture->mutex);
    (void)snprintf(capture->state, sizeof capture->state, "%s", state);
    (void)snprintf(capture->reason, sizeof capture->reason, "%.511s", reason);
    pthread_mutex_unlock(&capture->mutex);
}

bool dw_capture_is_ready(void *context, struct dw_buf *reason)
{
    struct dw_capture *capture = context;
    pthread_mutex_lock(&capture->mutex);
    bool ready = strcmp(capture->state, "streaming") == 0;
    if (!ready)
        dw_buf_printf(reason, "%s%s%s", capture->state, capture->reason[0] ? ": " : "",
                      capture->reason);
    pthread_mutex_unlock(&capture->mutex);
    int64_t silent_ms = atomic_load(&capture->silent_ms);
    if (!ready || silent_ms < UNREADY_SILENT_MS)
        return ready;
    dw_buf_printf(reason, "kafka: nothing was acknowledged for %lld s",
                  (long long)(silent_ms / 1000));
    return false;
}

int64_t dw_capture_tick_age_ms(void *context)
{
    struct dw_capture *capture = context;
    return dw_clock_mono_ms() - atomic_load(&capture->ticked_ms);
}

/* --- sessions --------------------------------------------------------------------------------- */

static void tell_tap_end(struct dw_capture *capture, bool producer_lost)
{
    struct dw_tap *tap = capture->options.tap;
    if (tap)
        tap->ops->end(tap, producer_lost);
}

static void tell_tap_acknowledged(struct dw_capture *capture)
{
    struct dw_tap *tap = capture->options.tap;
    if (tap)
        tap->ops->acknowledged(tap, capture->publisher.window.first);
}

/* Ends the stream; what Kafka has in flight goes on. */
static void end_stream(struct dw_capture *capture, enum dw_start shown, const char *why)
{
    tell_tap_end(capture, false);
    dw_publisher_flush(&capture->publisher);
    dw_stream_close(&capture->stream);
    dw_commit_window_abandon(&capture->publisher.window);
    dw_row_event_end(&capture->row_event);
    dw_relation_forget(&capture->row_event.relations);
    capture->in_transaction = capture->skipping = capture->types_wanted = false;
    dw_control_set_streaming(capture->control, false);
    dw_control_want_session(capture->control, shown, why);
    capture->want_session = true;
    set_state(capture, "connecting", "");
}

static void adopt_maps(struct dw_capture *capture, struct dw_map_set *maps)
{
    /* The relations point into the old set, which goes with set_maps. */
    const struct dw_version place = {.epoch = capture->position.epoch,
                                     .commit_lsn = capture->streamed_lsn};
    dw_relation_set_maps(&capture->row_event.relations, maps);
    dw_publisher_set_maps(&capture->publisher, maps, &place);
    dw_log(DW_LOG_INFO, "maps.adopted", "maps in force", DW_F_INT("maps", maps->count));
}

/* The first session, another history than what is in the window, or another producer has published
 * beyond it meanwhile: nothing of it counts. */
static void begin_position(struct dw_capture *capture, const struct dw_session *session)
{
    struct dw_commit_window *window = &capture->publisher.window;
    bool same = capture->position.known && capture->position.epoch == session->position.epoch &&
                session->position.published_lsn <= window->newest.commit_lsn;
    capture->position = session->position;
    capture->save_running = capture->save_by_topic = false;
    if (same)
        return;
    dw_commit_window_reset(window);
    window->done = window->newest = (struct dw_commit){
        .commit_lsn = session->position.published_lsn,
        .end_lsn = session->position.confirmed_lsn,
        .xid = session->position.published_xid,
        .commit_us = session->position.published_commit_us,
    };
}

static void save_to_topic(struct dw_capture *capture, const struct dw_state_position *position)
{
    struct dw_buf text;
    dw_buf_init(&text, 4096);
    dw_position_record_format(position, &capture->publisher.generations, &text);
    dw_publisher_send_position(&capture->publisher, dw_buf_str(&text));
    dw_buf_done(&text);
    capture->topic_at_ms = dw_clock_mono_ms() + POSITION_TOPIC_MS;
}

/* The state database is to have what the topic has: it may have been restored. */
static void tell_generations(struct dw_capture *capture)
{
    struct dw_publisher *publisher = &capture->publisher;
    struct dw_buf json;
    if (publisher->generations.count == capture->generations_told)
        return;
    dw_buf_init(&json, GENERATIONS_MAX);
    dw_generation_format(&publisher->generations, &json);
    dw_control_set_generations(capture->control, dw_buf_str(&json));
    dw_buf_done(&json);
    capture->generations_told = publisher->generations.count;
    capture->topic_at_ms = 0; /* with the next position */
}

/* Before all else of an epoch of which nothing was published: under a version below all of its
 * commits, and with nothing in it that a position could be saved of. */
static void begin_epoch(struct dw_capture *capture)
{
    static const struct dw_commit nothing = {.commit_lsn = 0};
    struct dw_publisher *publisher = &capture->publisher;
    uint64_t begin_lsn = capture->position.confirmed_lsn;
    const struct dw_pgoutput_message begin = {.commit_lsn = begin_lsn - 1,
                                              .commit_us = dw_clock_wall_us()};
    struct dw_commit commit = nothing;
    if (capture->position.epoch <= 1 || capture->position.published_lsn ||
        publisher->window.newest.commit_lsn)
        return;
    publisher->sequence = dw_commit_window_begin(&publisher->window);
    dw_row_event_begin(&capture->row_event, &begin, capture->position.epoch,
                       dw_str_from(capture->database));
    dw_generation_mark_begin_epoch(&capture->row_event);
    commit.end_lsn = begin_lsn;
    dw_commit_window_commit(&publisher->window, &commit);
    dw_row_event_end(&capture->row_event);
}

static enum dw_rc begin_session(struct dw_capture *capture, struct dw_session *session,
                                struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    struct dw_publisher *publisher = &capture->publisher;
    begin_position(capture, session);
    dw_map_set_free(capture->next_maps);
    capture->next_maps = NULL;
    capture->streamed_lsn = session->position.confirmed_lsn;
    dw_generation_merge(&publisher->generations, &session->generations);
    dw_publisher_leave_place(publisher);
    adopt_maps(capture, session->maps);
    session->maps = NULL;
    publisher->letter_partitions = session->letter_partitions;
    (void)snprintf(capture->database, sizeof capture->database, "%s", session->database);
    if (!publisher->producer)
        rc = dw_publisher_open(publisher, err);
    if (rc == DW_OK) {
        dw_start_position_arm(&capture->history, &publisher->window.newest,
                              session->slot_confirmed_lsn);
        dw_stream_open(&capture->stream, session->replication);
        session->replication = NULL;
        begin_epoch(capture);
        tell_generations(capture);
        save_to_topic(capture, &capture->position);
        capture->want_session = false;
        if (capture->options.tap)
            capture->options.tap->ops->begin(capture->options.tap, capture->position.epoch);
        dw_control_set_streaming(capture->control, true);
        set_state(capture, "streaming", "");
        dw_log(DW_LOG_INFO, "producer.streaming", "streaming from the slot",
               DW_F_TEXT("system", capture->options.system->name),
               DW_F_INT("epoch", capture->position.epoch),
               DW_F_LSN("slot_lsn", session->slot_confirmed_lsn),
               DW_F_LSN("published_lsn", publisher->window.newest.commit_lsn));
    }
    dw_session_free(session);
    return rc;
}

/* --- the stream ------------------------------------------------------------------------------- */

static enum dw_rc other_history(struct dw_err *err)
{
    return dw_err_set(err, DW_CONFLICT, "DW-CAPTURE-026",
                      "the server sends other commits than those that were published");
}

static enum dw_rc take_keepalive(struct dw_capture *capture, uint64_t wal_end, struct dw_err *err)
{
    if (!dw_start_position_may_pass(&capture->history, wal_end))
        return other_history(err);
    dw_commit_window_keepalive(&capture->publisher.window, wal_end);
    if (wal_end > capture->streamed_lsn)
        capture->streamed_lsn = wal_end;
    return DW_OK;
}

static enum dw_rc begin_transaction(struct dw_capture *capture,
                                    const struct dw_pgoutput_message *message, struct dw_err *err)
{
    struct dw_commit commit = {
        .commit_lsn = message->commit_lsn, .xid = message->xid, .commit_us = message->commit_us};
    capture->begin = *message;
    capture->in_transaction = true;
    switch (dw_start_position_judge(&capture->history, &commit)) {
    case DW_START_MISMATCH:
        return other_history(err);
    case DW_START_SKIP:
        capture->skipping = true;
        if (capture->options.tap)
            capture->options.tap->ops->streamed(capture->options.tap, message->xid);
        return DW_OK;
    case DW_START_PUBLISH:
        break;
    }
    capture->skipping = false;
    capture->publisher.sequence = dw_commit_window_begin(&capture->publisher.window);
    dw_row_event_begin(&capture->row_event, message, capture->position.epoch,
                       dw_str_from(capture->database));
    return DW_OK;
}

static void end_transaction(struct dw_capture *capture, const struct dw_pgoutput_message *message)
{
    struct dw_commit commit = {.commit_lsn = message->commit_lsn,
                               .end_lsn = message->end_lsn,
                               .xid = capture->begin.xid,
                               .commit_us = message->commit_us};
    capture->in_transaction = false;
    if (commit.end_lsn > capture->streamed_lsn)
        capture->streamed_lsn = commit.end_lsn;
    if (capture->skipping)
        return;
    dw_commit_window_commit(&capture->publisher.window, &commit);
    dw_row_event_end(&capture->row_event);
    capture->stats.last_commit_us = message->commit_us;
    capture->stats.commits++;
}

static void take_relation(struct dw_capture *capture, const struct dw_pgoutput_message *message)
{
    size_t count;
    dw_relation_add(&capture->row_event.relations, message);
    const uint32_t *oids = dw_relation_unknown_types(&capture->row_event.relations, &count);
    if (count) {
        dw_control_want_types(capture->control, oids, count);
        capture->types_wanted = true;
    }
}

/* Published before; but a revision or a generation that began here has to be taken. */
static enum dw_rc skip_message(struct dw_capture *capture,
                               const struct dw_pgoutput_message *message, struct dw_err *err)
{
    bool marks = message->kind == DW_PGOUTPUT_MESSAGE && message->transactional &&
                 (dw_str_is(message->prefix, DW_EVENT_MAP) ||
                  dw_str_is(message->prefix, DW_EVENT_GENERATION));
    return marks ? dw_row_event_add(&capture->row_event, message, err) : DW_OK;
}

static enum dw_rc take_message(struct dw_capture *capture, struct dw_str data, struct dw_err *err)
{
    struct dw_pgoutput_message message;
    enum dw_rc rc = dw_pgoutput_decode(&capture->decoder, data, &message, err);
    if (rc != DW_OK)
        return rc;
    switch (message.kind) {
    case DW_PGOUTPUT_BEGIN:
        return begin_transaction(capture, &message, err);
    case DW_PGOUTPUT_COMMIT:
        end_transaction(capture, &message);
        return DW_OK;
    case DW_PGOUTPUT_RELATION:
        take_relation(capture, &message);
        return DW_OK;
    case DW_PGOUTPUT_ORIGIN:
    case DW_PGOUTPUT_TYPE:
        return DW_OK;
    case DW_PGOUTPUT_INSERT:
    case DW_PGOUTPUT_UPDATE:
    case DW_PGOUTPUT_DELETE:
    case DW_PGOUTPUT_TRUNCATE:
    case DW_PGOUTPUT_MESSAGE:
        if (!capture->in_transaction)
            return DW_OK;
        if (capture->skipping)
            return skip_message(capture, &message, err);
        capture->stats.messages++;
        return dw_row_event_add(&capture->row_event, &message, err);
    }
    return DW_OK;
}

/* Nothing in the publisher's batch may refer to the old maps. */
static bool may_adopt(struct dw_capture *capture)
{
    dw_publisher_flush(&capture->publisher);
    return capture->publisher.batch_count == 0;
}

static void adopt_in_stream(struct dw_capture *capture, struct dw_map_set *maps)
{
    size_t count;
    adopt_maps(capture, maps);
    const uint32_t *oids = dw_relation_unknown_types(&capture->row_event.relations, &count);
    if (count) {
        dw_control_want_types(capture->control, oids, count);
        capture->types_wanted = true;
    }
}

static void adopt_next(struct dw_capture *capture)
{
    struct dw_map_set *current = (struct dw_map_set *)(uintptr_t)capture->publisher.set;
    (void)dw_map_set_hold(capture->next_maps, current, capture->position.epoch,
                          capture->streamed_lsn);
    adopt_in_stream(capture, capture->next_maps);
    capture->next_maps = NULL;
}

/* Between transactions nothing refers to the old maps. */
static void take_next_maps(struct dw_capture *capture)
{
    if (capture->next_maps && !capture->in_transaction && may_adopt(capture))
        adopt_next(capture);
}

static void look_for_maps(struct dw_capture *capture)
{
    struct dw_map_set *maps = dw_control_take_maps(capture->control);
    if (!maps)
        return;
    dw_map_set_free(capture->next_maps);
    capture->next_maps = maps;
}

/* A map that was just started is in the mailbox before its marker is in the stream: it begins with
 * the marker at the latest. */
static void begin_map(struct dw_capture *capture, const char *name)
{
    if (dw_map_set_find(capture->publisher.set, name))
        return;
    look_for_maps(capture);
    if (dw_map_set_find(capture->next_maps, name))
        adopt_next(capture);
}

/* Another revision of a map begins where its marker stands in the stream. False: not yet. */
static bool take_revision(struct dw_capture *capture)
{
    struct dw_row_event *row_event = &capture->row_event;
    if (!may_adopt(capture))
        return false;
    struct dw_arena arena;
    struct dw_map_record record;
    dw_arena_init(&arena, 16384);
    if (dw_buf_ok(&row_event->marker) &&
        dw_map_marker_parse(dw_buf_str(&row_event->marker), &arena, &record)) {
        begin_map(capture, record.name);
        struct dw_map_set *current = (struct dw_map_set *)(uintptr_t)capture->publisher.set;
        struct dw_map_set *turned = dw_map_set_turn(current, &record);
        if (turned)
            adopt_in_stream(capture, turned);
        if (!capture->skipping)
            dw_row_event_publish_marker(row_event, record.name);
    }
    dw_buf_reset(&row_event->marker, 0);
    dw_arena_done(&arena);
    return true;
}

/* More partitions count from where the message stands that asks for them. */
static bool take_generation(struct dw_capture *capture)
{
    const struct dw_generation_mark_place place = {
        .version = {.epoch = capture->position.epoch, .commit_lsn = capture->begin.commit_lsn},
        .skipping = capture->skipping,
    };
    enum dw_generation_mark_taken taken = dw_generation_mark_take(&capture->row_event, &place);
    if (taken == DW_GENERATION_MARK_RAISED)
        tell_generations(capture);
    return taken != DW_GENERATION_MARK_NOT_YET;
}

static bool take_marker(struct dw_capture *capture)
{
    struct dw_row_event *row_event = &capture->row_event;
    if (!row_event->marker.len)
        return true;
    bool revision = strcmp(row_event->marker_prefix, DW_EVENT_MAP) == 0;
    return revision ? take_revision(capture) : take_generation(capture);
}

static bool may_read(const struct dw_capture *capture)
{
    return capture->stream.conn && !capture->types_wanted &&
           !dw_publisher_is_full(&capture->publisher) &&
           capture->row_event.answer.kind == DW_TAP_NOTHING && !capture->row_event.marker.len;
}

/* Reads what there is, up to a bound. *out_more: there is more to read at once. */
static enum dw_rc pump(struct dw_capture *capture, bool *out_more, struct dw_err *err)
{
    *out_more = false;
    bool filled = false;
    if (!dw_row_event_publish_answer(&capture->row_event) || !take_marker(capture))
        return DW_OK;
    for (int i = 0; i < MESSAGES_PER_ROUND && may_read(capture); i++) {
        struct dw_stream_message message;
        take_next_maps(capture);
        enum dw_rc rc = dw_stream_next(&capture->stream, &message, err);
        if (rc == DW_AGAIN) {
            if (filled)
                return DW_OK;
            filled = true;
            if ((rc = dw_stream_fill(&capture->stream, err)) != DW_OK)
                return rc;
            continue;
        }
        if (rc != DW_OK)
            return rc;
        filled = false;
        if (message.kind == DW_STREAM_DATA)
            rc = take_message(capture, message.data, err);
        else if (!capture->in_transaction)
            rc = take_keepalive(capture, message.wal_end, err);
        if (rc != DW_OK || !dw_row_event_publish_answer(&capture->row_event) ||
            !take_marker(capture))
            return rc;
    }
    *out_more = may_read(capture);
    return DW_OK;
}

/* --- positions -------------------------------------------------------------------------------- */

static void want_save(struct dw_capture *capture, int64_t now)
{
    const struct dw_commit *done = &capture->publisher.window.done;
    if (capture->save_running || !capture->position.known || now < capture->save_at_ms ||
        done->end_lsn <= capture->position.confirmed_lsn)
        return;
    dw_fault("producer.after_ack_before_confirm");
    capture->saving = capture->position;
    capture->saving.published_lsn = done->commit_lsn;
    capture->saving.published_xid = done->xid;
    capture->saving.published_commit_us = done->commit_us;
    capture->saving.confirmed_lsn = done->end_lsn;
    capture->save_running = true;
    capture->save_begun_ms = now;
    capture->save_at_ms = now + capture->options.settings->producer.position_save_ms;
    dw_control_save(capture->control, &capture->saving);
}

static void take_saved(struct dw_capture *capture)
{
    struct dw_state_position saved;
    enum dw_control_saved result = dw_control_take_saved(capture->control, &saved);
    if (!capture->save_running)
        return;
    /* A database that neither takes it nor refuses is away too. */
    bool away = result == DW_CONTROL_NOT_SAVED ||
                (result == DW_CONTROL_PENDING &&
                 dw_clock_mono_ms() - capture->save_begun_ms > SAVE_PATIENCE_MS);
    if (away && !capture->save_by_topic && capture->publisher.producer) {
        save_to_topic(capture, &capture->saving);
        capture->save_by_topic = true;
        capture->save_by_topic_number = capture->publisher.positions_sent;
    }
    bool by_topic = capture->save_by_topic &&
                    capture->publisher.positions_acknowledged >= capture->save_by_topic_number;
    bool by_state = result == DW_CONTROL_SAVED && saved.epoch == capture->saving.epoch &&
                    saved.confirmed_lsn == capture->saving.confirmed_lsn;
    if (!by_state && !by_topic)
        return;
    dw_fault("producer.before_confirm");
    capture->position = capture->saving;
    capture->save_running = capture->save_by_topic = false;
    if (dw_clock_mono_ms() >= capture->topic_at_ms)
        save_to_topic(capture, &capture->position);
}

/* --- trouble with Kafka ----------------------------------------------------------------------- */

static void notice_map(struct dw_capture *capture, struct dw_publisher_map *map,
                       enum dw_control_matter matter)
{
    struct dw_control_notice *notice = DW_MEM_NEW(struct dw_control_notice);
    notice->matter = matter;
    (void)snprintf(notice->map, sizeof notice->map, "%s", map->name);
    (void)snprintf(notice->topic, sizeof notice->topic, "%s", map->map->record.topic);
    (void)snprintf(notice->code, sizeof notice->code, "%s", DW_MAP_SET_TOPIC_CODE);
    (void)snprintf(notice->reason, sizeof notice->reason, "%s", map->reason);
    notice->change = map->map->record.change;
    notice->from_lsn = capture->publisher.window.done.commit_lsn;
    if (matter == DW_CONTROL_OUTAGE) {
        map->service = DW_PUBLISHER_NOTICED;
        dw_log(DW_LOG_ERROR, "map.topic_out_of_service",
               "the map's topic is out of service; it leaves the stream with a gap on record",
               DW_F_TEXT("map", map->name), DW_F_TEXT("reason", map->reason),
               DW_F_LSN("from_lsn", notice->from_lsn));
    } else {
        map->probing = true;
    }
    dw_control_send(capture->control, notice);
}

/* The stream has to begin again with a new producer, at the last confirmed commit. */
static void reopen_publisher(struct dw_capture *capture)
{
    struct dw_err err = DW_ERR_INIT;
    if (capture->stream.conn)
        end_stream(capture, DW_START_FIRST, "");
    tell_tap_end(capture, true);
    dw_row_event_restart(&capture->row_event);
    if (dw_publisher_open(&capture->publisher, &err) != DW_OK)
        dw_log_err(DW_LOG_ERROR, "producer.kafka", &err);
}

/* Maps whose topic has been silent or refusing for longer than the bound. */
static bool settle_suspects(struct dw_capture *capture, int64_t now)
{
    bool waiting = false;
    int64_t bound = capture->options.settings->producer.topic_outage_ms;
    struct dw_publisher *publisher = &capture->publisher;
    for (size_t i = 0; i < publisher->map_count; i++) {
        struct dw_publisher_map *map = publisher->maps[i];
        if (map->map && map->service == DW_PUBLISHER_SUSPECT && !map->probing &&
            now >= map->probe_at_ms && now - map->refused_since_ms >= bound) {
            /* Silence may be Kafka's, not the topic's: ask. */
            bool refused = publisher->fault.rc != DW_OK;
            notice_map(capture, map, refused ? DW_CONTROL_OUTAGE : DW_CONTROL_PROBE);
        }
        waiting = waiting || map->service == DW_PUBLISHER_NOTICED;
    }
    return waiting;
}

static void settle_fault(struct dw_capture *capture, int64_t now)
{
    bool waiting = settle_suspects(capture, now);
    struct dw_err *fault = &capture->publisher.fault;
    if (fault->rc == DW_OK || waiting) {
        if (fault->rc == DW_OK &&
            capture->publisher.window.done.end_lsn > capture->position.confirmed_lsn)
            capture->reopen_ms = 0; /* it takes records again */
        return;
    }
    if (!capture->reopen_at_ms) {
        capture->reopen_ms = capture->reopen_ms ? capture->reopen_ms * 2 : REOPEN_FIRST_MS;
        if (capture->reopen_ms > REOPEN_MAX_MS)
            capture->reopen_ms = REOPEN_MAX_MS;
        capture->reopen_at_ms =
            now + capture->reopen_ms / 2 + (int64_t)dw_clock_jitter((uint64_t)capture->reopen_ms);
        dw_log_err(DW_LOG_WARN, "producer.fault", fault);
        set_state(capture, "kafka", fault->message);
    }
    if (now < capture->reopen_at_ms)
        return;
    capture->reopen_at_ms = 0;
    reopen_publisher(capture);
}

static void take_probe(struct dw_capture *capture, const struct dw_control_notice *answer,
                       int64_t now)
{
    struct dw_publisher_map *map = dw_publisher_find(&capture->publisher, answer->map);
    if (!map || !map->probing)
        return;
    map->probing = false;
    if (!map->map || map->service != DW_PUBLISHER_SUSPECT)
        return;
    if (answer->rc == DW_CONFIG || (answer->rc == DW_OK && map->evidence >= EVIDENCE_ENOUGH))
        notice_map(capture, map, DW_CONTROL_OUTAGE);
    else
        map->probe_at_ms = now + TICK_MS; /* perhaps all of Kafka is away: wait on */
}

static void take_answers(struct dw_capture *capture, int64_t now)
{
    struct dw_control_notice *answer;
    while ((answer = dw_control_take_answer(capture->control)) != NULL) {
        struct dw_publisher_map *map = dw_publisher_find(&capture->publisher, answer->map);
        if (answer->matter == DW_CONTROL_PROBE) {
            take_probe(capture, answer, now);
        } else if (map && map->service == DW_PUBLISHER_NOTICED) {
            /* Out, unless the new maps say that somebody has acted meanwhile. */
            map->service = DW_PUBLISHER_OUT;
            capture->reopen_ms = 0;
            reopen_publisher(capture);
        }
        free(answer);
    }
}

/* Schema changes whose record Kafka has. */
static void send_notices(struct dw_capture *capture)
{
    struct dw_row_event_notice **link = &capture->row_event.notices;
    while (*link) {
        struct dw_row_event_notice *notice = *link;
        if (notice->sequence >= capture->publisher.window.first) {
            link = &notice->next;
            continue;
        }
        *link = notice->next;
        struct dw_control_notice *out = DW_MEM_NEW(struct dw_control_notice);
        out->matter = DW_CONTROL_SCHEMA;
        out->change = notice->change;
        out->from_lsn = notice->from_lsn;
        memcpy(out->map, notice->map, sizeof out->map);
        memcpy(out->reason, notice->reason, sizeof out->reason);
        (void)snprintf(out->code, sizeof out->code, "%s", notice->code);
        dw_control_send(capture->control, out);
        free(notice);
    }
}

/* --- the loop --------------------------------------------------------------------------------- */

static enum dw_rc take_control(struct dw_capture *capture, int64_t now, struct dw_err *err)
{
    dw_control_drain(capture->control);
    look_for_maps(capture);
    take_answers(capture, now);
    struct dw_relation_type *types = NULL;
    size_t count = 0;
    if (dw_control_take_types(capture->control, &types, &count)) {
        dw_relation_add_types(&capture->row_event.relations, types, count);
        free(types);
        capture->types_wanted = false;
    }
    take_saved(capture);
    if (dw_control_refused(capture->control, err))
        return DW_CONFIG;
    struct dw_session *session = dw_control_take_session(capture->control);
    if (!session)
        return DW_OK;
    enum dw_rc rc = begin_session(capture, session, err);
    if (rc == DW_OK || rc == DW_CONFIG)
        return rc;
    dw_log_err(DW_LOG_WARN, "producer.kafka", err);
    end_stream(capture, DW_START_FIRST, err->message);
    return DW_OK;
}

static void tick(struct dw_capture *capture, int64_t now)
{
    atomic_store(&capture->ticked_ms, now);
    if (now < capture->tick_at_ms)
        return;
    capture->tick_at_ms = now + TICK_MS;
    dw_publisher_watch(&capture->publisher, now);
    int64_t since = dw_publisher_silent_since(&capture->publisher);
    atomic_store(&capture->silent_ms, since ? now - since : 0);
    if (capture->want_session) {
        char state[32];
        char reason[512];
        dw_control_status(capture->control, state, reason);
        set_state(capture, state, reason);
    }
    struct dw_capture_stats_view view = {
        .system = capture->options.system->name,
        .state = capture->state,
        .reason = capture->reason,
        .epoch = capture->position.epoch,
        .confirmed_lsn = capture->position.confirmed_lsn,
        .received_lsn = capture->stream.received_lsn,
        .retained_bytes = dw_control_retained(capture->control),
        .publisher = &capture->publisher,
    };
    dw_control_wal_limit(capture->control, &view.wal_safe_bytes, &view.wal_limit_bytes);
    struct dw_buf json;
    dw_buf_init(&json, 4 << 20);
    dw_capture_stats_format(&capture->stats, &view, &json);
    dw_control_set_stats(capture->control, capture->state, dw_buf_str(&json));
    dw_buf_done(&json);
}

static void wait_for_events(struct dw_capture *capture, int64_t timeout)
{
    int kafka_fd =
        capture->publisher.producer ? dw_kafka_producer_fd(capture->publisher.producer) : -1;
    /* At the end nothing is read any more, and the stop signal stays readable. */
    bool draining = dw_lifecycle_stopping();
    bool reading = !draining && may_read(capture);
    short stream_events = (short)((reading ? POLLIN : 0) | (capture->stream.unsent ? POLLOUT : 0));
    struct pollfd fds[] = {
        {.fd = draining ? -1 : dw_lifecycle_stop_fd(), .events = POLLIN},
        {.fd = dw_control_fd(capture->control), .events = POLLIN},
        {.fd = kafka_fd, .events = POLLIN},
        {.fd = stream_events ? dw_stream_fd(&capture->stream) : -1, .events = stream_events},
    };
    int64_t now = dw_clock_mono_ms();
    if (capture->save_at_ms > now && capture->save_at_ms - now < timeout)
        timeout = capture->save_at_ms - now;
    (void)poll(fds, sizeof fds / sizeof *fds, (int)timeout);
}

/* The position that the slot may be told: stored, and nothing in it is still on its way. */
static enum dw_rc tell(struct dw_capture *capture, struct dw_err *err)
{
    if (!capture->stream.conn)
        return DW_OK;
    return dw_stream_tell(&capture->stream, capture->position.confirmed_lsn, 0, err);
}

static enum dw_start shown_by(enum dw_rc rc, const struct dw_err *err)
{
    if (rc != DW_CONFLICT)
        return DW_START_FIRST;
    return strcmp(err->id, "DW-CAPTURE-027") == 0 ? DW_START_PUBLICATION_LOST
                                                  : DW_START_HISTORY_CHANGED;
}

/* *out_wait_ms: how long there is nothing to do unless something comes. */
static enum dw_rc go_round(struct dw_capture *capture, int64_t *out_wait_ms, struct dw_err *err)
{
    int64_t now = dw_clock_mono_ms();
    bool more = false;
    *out_wait_ms = POLL_MAX_MS;
    dw_publisher_poll(&capture->publisher);
    tell_tap_acknowledged(capture);
    enum dw_rc rc = take_control(capture, now, err);
    if (rc != DW_OK)
        return rc;
    settle_fault(capture, now);
    take_next_maps(capture);
    if (capture->stream.conn)
        rc = pump(capture, &more, err);
    int64_t gathering = dw_publisher_flush_paced(&capture->publisher, now);
    if (more || gathering)
        *out_wait_ms = more ? 0 : gathering;
    send_notices(capture);
    want_save(capture, now);
    if (rc == DW_OK)
        rc = tell(capture, err);
    if (rc == DW_RETRY || rc == DW_CONFLICT) {
        dw_log_err(DW_LOG_WARN, "stream.ended", err);
        end_stream(capture, shown_by(rc, err), err->message);
        rc = DW_OK;
    }
    tick(capture, now);
    return rc;
}

/* What is in flight may arrive; then the position is stored and told. */
static void drain(struct dw_capture *capture)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t start = dw_clock_mono_ms();
    int64_t now = start;
    dw_commit_window_abandon(&capture->publisher.window);
    capture->save_at_ms = capture->topic_at_ms = 0;
    /* The topic, which has it once a minute otherwise, is what a restored state database is
     * corrected by: it must not stay behind the slot. */
    if (capture->position.known)
        save_to_topic(capture, &capture->position);
    while (now - start < DRAIN_MS && capture->publisher.fault.rc == DW_OK) {
        dw_publisher_flush(&capture->publisher);
        dw_publisher_poll(&capture->publisher);
        tell_tap_acknowledged(capture);
        dw_control_drain(capture->control);
        take_saved(capture);
        bool idle = dw_commit_window_is_idle(&capture->publisher.window);
        if (idle || now - start > DRAIN_MS - SAVE_AT_STOP_MS)
            want_save(capture, now);
        if (tell(capture, &err) != DW_OK)
            dw_stream_close(&capture->stream);
        if (idle && !capture->save_running &&
            capture->publisher.positions_acknowledged >= capture->publisher.positions_sent)
            break;
        wait_for_events(capture, POLL_MAX_MS);
        now = dw_clock_mono_ms();
        atomic_store(&capture->ticked_ms, now);
        capture->save_at_ms = 0;
    }
    dw_log(DW_LOG_INFO, "producer.stopped", "stopped",
           DW_F_LSN("confirmed_lsn", capture->position.confirmed_lsn),
           DW_F_INT("milliseconds", now - start));
}

enum dw_rc dw_capture_run(struct dw_capture *capture, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    dw_control_want_session(capture->control, DW_START_FIRST, "");
    capture->want_session = true;
    while (!dw_lifecycle_stopping() && rc == DW_OK) {
        int64_t wait_ms;
        rc = go_round(capture, &wait_ms, err);
        if (rc == DW_OK)
            wait_for_events(capture, wait_ms);
    }
    if (rc == DW_OK) {
        set_state(capture, "stopping", "");
        drain(capture);
    }
    return rc;
}

enum dw_rc dw_capture_open(struct dw_capture **out, const struct dw_capture_options *options,
                           struct dw_err *err)
{
    struct dw_capture *capture = DW_MEM_NEW(struct dw_capture);
    capture->options = *options;
    (void)pthread_mutex_init(&capture->mutex, NULL);
    set_state(capture, "connecting", "");
    atomic_store(&capture->ticked_ms, dw_clock_mono_ms());
    dw_publisher_init(&capture->publisher, options->settings, options->system, options->instance);
    dw_row_event_init(&capture->row_event, &capture->publisher, options->tap);
    dw_capture_stats_init(&capture->stats, options->system->name);
    struct dw_control_options control = {
        .settings = options->settings,
        .system = options->system,
        .instance = options->instance,
        .accept_gap = options->accept_gap,
    };
    enum dw_rc rc = dw_control_start(&capture->control, &control, err);
    if (rc != DW_OK) {
        dw_capture_close(capture);
        return rc;
    }
    *out = capture;
    return DW_OK;
}

void dw_capture_close(struct dw_capture *capture)
{
    if (!capture)
        return;
    dw_stream_close(&capture->stream);
    dw_control_stop(capture->control);
    dw_row_event_done(&capture->row_event);
    dw_publisher_done(&capture->publisher);
    dw_map_set_free(capture->next_maps);
    (void)pthread_mutex_destroy(&capture->mutex);
    free(capture);
}
