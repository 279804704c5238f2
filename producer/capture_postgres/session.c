/* session.c - see session.h. */
#include "producer/capture_postgres/session.h"

#include "common/base/log.h"
#include "common/postgres/pg.h"
#include "common/state/state_generation.h"
#include "producer/capture_postgres/position_record.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define TOPIC_TIMEOUT_MS 10000
#define COUNT_TIMEOUT_MS 2000 /* asked again and again: what else there is to do must not wait */
#define TOPICS_AT_ONCE   100
#define REST_FROM_MS     10000 /* between uses of the client for topics */
#define LOCK_TIMEOUT_MS  5000  /* ALTER PUBLICATION must not wait for ever behind the application */

/* --- links ------------------------------------------------------------------------------------ */

enum dw_rc dw_session_open_state(struct dw_session_links *links, struct dw_err *err)
{
    if (links->state)
        return DW_OK;
    return dw_state_open(&links->state, &links->settings->state, "dualwrite-producer", err);
}

static enum dw_rc connect_source(const struct dw_session_links *links, bool replication,
                                 PGconn **out, struct dw_err *err)
{
    char what[160];
    (void)snprintf(what, sizeof what, "system %s", links->system->name);
    struct dw_pg_options options = {
        .connection = links->system->connection,
        .password = links->system->password,
        .application_name = "dualwrite-producer",
        .what = what,
        .replication = replication,
        .lock_timeout_ms = replication ? 0 : LOCK_TIMEOUT_MS,
    };
    return dw_pg_connect(out, &options, err);
}

enum dw_rc dw_session_open_source(struct dw_session_links *links, struct dw_err *err)
{
    if (links->conn && PQstatus(links->conn) == CONNECTION_OK)
        return DW_OK;
    dw_session_drop_source(links);
    return connect_source(links, false, &links->conn, err);
}

void dw_session_drop_source(struct dw_session_links *links)
{
    dw_pg_disconnect(links->conn);
    links->conn = NULL;
}

enum dw_rc dw_session_open_admin(struct dw_session_links *links, struct dw_err *err)
{
    if (links->admin)
        return DW_OK;
    return dw_kafka_admin_open(&links->admin, &links->settings->kafka, links->instance, err);
}

/* An idle client costs more than to make one anew after a while, and goes on looking after each
 * topic that it was asked about. */
static void rest_admin(struct dw_session_links *links)
{
    dw_kafka_admin_close(links->admin);
    links->admin = NULL;
}

static enum dw_rc open_links(struct dw_session_links *links, struct dw_err *err)
{
    enum dw_rc rc = dw_session_open_state(links, err);
    if (rc == DW_OK)
        rc = dw_session_open_admin(links, err);
    if (rc == DW_OK)
        rc = dw_session_open_source(links, err);
    return rc;
}

static void forget_counts(struct dw_session_links *links)
{
    for (size_t i = 0; i < links->counted_count; i++)
        free(links->counted[i]);
    free(links->counted);
    free(links->counts);
    links->counted = NULL;
    links->counts = NULL;
    links->counted_count = 0;
}

void dw_session_links_close(struct dw_session_links *links)
{
    dw_session_drop_source(links);
    dw_kafka_admin_close(links->admin);
    dw_state_close(links->state);
    for (size_t i = 0; i < links->topic_count; i++)
        free(links->topics[i]);
    free(links->topics);
    forget_counts(links);
    dw_generation_done(&links->generations);
    links->admin = NULL;
    links->state = NULL;
    links->topics = NULL;
    links->topic_count = 0;
}

void dw_session_free(struct dw_session *session)
{
    if (!session)
        return;
    dw_pg_disconnect(session->replication);
    dw_map_set_free(session->maps);
    dw_generation_done(&session->generations);
    free(session);
}

/* --- maps ------------------------------------------------------------------------------------- */

static bool topic_is_known(const struct dw_session_links *links, const char *topic)
{
    for (size_t i = 0; i < links->topic_count; i++)
        if (strcmp(links->topics[i], topic) == 0)
            return true;
    return false;
}

static void remember_topic(struct dw_session_links *links, const char *topic)
{
    links->topics = dw_mem_realloc(links->topics, (links->topic_count + 1) * sizeof *links->topics);
    links->topics[links->topic_count++] = dw_mem_strdup(topic);
}

static void forget_topic(struct dw_session_links *links, const char *topic)
{
    for (size_t i = 0; i < links->topic_count; i++)
        if (strcmp(links->topics[i], topic) == 0) {
            free(links->topics[i]);
            links->topics[i] = links->topics[--links->topic_count];
            return;
        }
}

/* Only a topic that we did not see before is made: one that vanishes later has lost events, and
 * silently making it anew would hide that. */
static enum dw_rc ensure_topic(struct dw_session_links *links, const struct dw_capture_map *map,
                               struct dw_err *err)
{
    const char *topic = map->record.topic;
    if (topic_is_known(links, topic))
        return DW_OK;
    struct dw_kafka_topic_spec spec = {
        .name = topic,
        .partitions = map->record.partitions,
        .retention_ms = links->settings->kafka.retention_ms,
    };
    int32_t partitions = 0;
    enum dw_rc rc =
        dw_kafka_admin_ensure_topic(links->admin, &spec, TOPIC_TIMEOUT_MS, &partitions, err);
    if (rc != DW_OK)
        return rc;
    if (partitions < map->record.partitions)
        return dw_err_set(err, DW_CONFIG, DW_MAP_SET_TOPIC_CODE,
                          "topic %s has %d partitions, the map needs %d", topic, (int)partitions,
                          (int)map->record.partitions);
    remember_topic(links, topic);
    return DW_OK;
}

static void fail_map(struct dw_session_links *links, const struct dw_capture_map *map,
                     const char *code, const char *reason)
{
    struct dw_err err = DW_ERR_INIT;
    if (map->record.state == DW_MAP_ERROR)
        return;
    dw_log(DW_LOG_ERROR, "map.failed", reason, DW_F_TEXT("map", map->record.name),
           DW_F_TEXT("code", code));
    if (dw_state_map_fail(links->state, map->record.name, map->record.change, code, reason,
                          links->instance, &err) != DW_OK)
        dw_log_err(DW_LOG_WARN, "state.away", &err);
}

/* Was something published for the map before? */
static enum dw_rc topic_has_records(struct dw_session_links *links, const char *topic,
                                    bool *out_has, struct dw_err *err)
{
    int32_t partitions = 0;
    enum dw_rc rc =
        dw_kafka_admin_partitions(links->admin, topic, TOPIC_TIMEOUT_MS, &partitions, err);
    *out_has = false;
    if (rc == DW_CONFIG) /* there is no such topic yet */
        return DW_OK;
    for (int32_t i = 0; rc == DW_OK && i < partitions && !*out_has; i++) {
        int64_t low = 0;
        int64_t high = 0;
        rc = dw_kafka_admin_offsets(links->admin, topic, i, TOPIC_TIMEOUT_MS, &low, &high, err);
        *out_has = rc == DW_OK && high > 0;
    }
    return rc;
}

/* The table of a map that was published before is not in the publication any more: dropped and made
 * anew, renamed, or taken out. Changes from then until it is added again are in no stream. */
static enum dw_rc note_left_table(struct dw_session_links *links, struct dw_capture_map *map,
                                  struct dw_err *err)
{
    char reason[400];
    bool had = false;
    struct dw_state_position position = {.known = false};
    if (map->record.state == DW_MAP_ERROR && strcmp(map->record.code, "DW-CAPTURE-014") == 0)
        return DW_OK; /* noted, from where it began */
    bool told = links->slot_missing || links->publication_new;
    enum dw_rc rc = told ? DW_OK : topic_has_records(links, map->record.topic, &had, err);
    if (rc != DW_OK || !had)
        return rc;
    (void)snprintf(reason, sizeof reason,
                   "table %.*s.%.*s had left the publication (dropped and made anew, renamed, or "
                   "taken out); changes since then may be missing",
                   DW_STR_ARG(map->map->source.schema), DW_STR_ARG(map->map->source.table));
    rc = dw_state_position_load(links->state, links->system->name, &position, err);
    if (rc == DW_OK)
        rc = dw_state_gap_add(links->state, links->system->name, map->record.name, "DW-CAPTURE-014",
                              position.published_lsn, reason, err);
    if (rc == DW_OK)
        fail_map(links, map, "DW-CAPTURE-014", reason);
    return rc;
}

static enum dw_rc ensure_table(struct dw_session_links *links, struct dw_capture_map *map,
                               const struct dw_slot_tables *published, bool *out_added,
                               struct dw_err *err)
{
    const struct dw_map_side *source = &map->map->source;
    *out_added = false;
    map->source_oid = dw_slot_table_oid(published, source->schema, source->table);
    if (map->source_oid)
        return DW_OK;
    enum dw_rc rc = note_left_table(links, map, err);
    if (rc == DW_OK)
        rc = dw_slot_add_table(links->conn, links->system->publication, source->schema,
                               source->table, err);
    *out_added = rc == DW_OK;
    return rc;
}

/* All topics that were not seen before, many in a request: one by one they would take a minute for
 * a thousand. */
static void create_topics(struct dw_session_links *links, const struct dw_map_set *set)
{
    struct dw_kafka_topic_spec specs[TOPICS_AT_ONCE];
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct dw_capture_map *map = &set->maps[i];
        if (!map->out_of_service && !topic_is_known(links, map->record.topic))
            specs[count++] = (struct dw_kafka_topic_spec){
                .name = map->record.topic,
                .partitions = map->record.partitions,
                .retention_ms = links->settings->kafka.retention_ms,
            };
        if (count == TOPICS_AT_ONCE || (count && i + 1 == set->count)) {
            dw_kafka_admin_create_topics(links->admin, specs, count, TOPIC_TIMEOUT_MS);
            count = 0;
        }
    }
}

/* What was added to the publication is there under its own name, or is a partition of a table that
 * is published already. */
static enum dw_rc check_added(struct dw_session_links *links, struct dw_map_set *set,
                              const bool *added, struct dw_err *err)
{
    struct dw_slot_tables published;
    const char *publication = links->system->publication;
    enum dw_rc rc = dw_slot_tables(links->conn, publication, &set->arena, &published, err);
    for (size_t i = 0; i < set->count && rc == DW_OK; i++) {
        const struct dw_map_side *source = &set->maps[i].map->source;
        char reason[400];
        if (!added[i])
            continue;
        set->maps[i].source_oid = dw_slot_table_oid(&published, source->schema, source->table);
        if (set->maps[i].source_oid) {
            dw_log(DW_LOG_INFO, "publication.extended", "table added to the publication",
                   DW_F_TEXT("map", set->maps[i].record.name),
                   DW_F_TEXT("publication", publication));
            continue;
        }
        (void)snprintf(reason, sizeof reason,
                       "table %.*s.%.*s is a partition of a table in the publication \"%s\": its "
                       "changes come under that table's name; map that table",
                       DW_STR_ARG(source->schema), DW_STR_ARG(source->table), publication);
        fail_map(links, &set->maps[i], "DW-CAPTURE-043", reason);
    }
    return rc;
}

static enum dw_rc ensure_map(struct dw_session_links *links, struct dw_capture_map *map,
                             const struct dw_slot_tables *published, bool *added,
                             struct dw_err *err)
{
    if (map->out_of_service) {
        forget_topic(links, map->record.topic);
        return DW_OK;
    }
    enum dw_rc rc = ensure_table(links, map, published, added, err);
    if (rc == DW_RETRY)
        return rc;
    if (rc != DW_OK)
        fail_map(links, map, err->id, err->message);
    rc = ensure_topic(links, map, err);
    if (rc == DW_RETRY)
        return rc;
    if (rc != DW_OK) {
        map->out_of_service = true;
        fail_map(links, map, DW_MAP_SET_TOPIC_CODE, err->message);
    }
    return DW_OK;
}

/* What the stream has come to counts, even if the state database was restored to before. */
static void correct_partitions(const struct dw_session_links *links, struct dw_map_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct dw_map_record *record = &set->maps[i].record;
        const struct dw_generation *newest =
            dw_generation_newest(&links->generations, record->name);
        if (newest)
            record->partitions = newest->partitions;
    }
}

static enum dw_rc look_at_counts(struct dw_session_links *links, int32_t *out, struct dw_err *err)
{
    enum dw_rc rc = dw_session_open_admin(links, err);
    if (rc != DW_OK)
        return rc;
    return dw_kafka_admin_counts(links->admin, (const char *const *)links->counted,
                                 links->counted_count, COUNT_TIMEOUT_MS, out, err);
}

enum dw_rc dw_session_count_partitions(struct dw_session_links *links, struct dw_map_set *set,
                                       struct dw_err *err)
{
    forget_counts(links);
    links->counted = dw_mem_calloc(set->count + 1, sizeof *links->counted);
    links->counts = dw_mem_calloc(set->count + 1, sizeof *links->counts);
    for (size_t i = 0; i < set->count; i++)
        links->counted[links->counted_count++] = dw_mem_strdup(set->maps[i].record.topic);
    enum dw_rc rc = look_at_counts(links, links->counts, err);
    for (size_t i = 0; rc == DW_OK && i < set->count; i++)
        set->maps[i].topic_partitions = links->counts[i];
    return rc;
}

enum dw_rc dw_session_topics_grew(struct dw_session_links *links, bool *out, struct dw_err *err)
{
    int32_t *now = dw_mem_calloc(links->counted_count + 1, sizeof *now);
    enum dw_rc rc = look_at_counts(links, now, err);
    *out = false;
    for (size_t i = 0; rc == DW_OK && i < links->counted_count; i++)
        *out = *out || now[i] > links->counts[i];
    free(now);
    if (links->settings->producer.partitions_look_ms >= REST_FROM_MS)
        rest_admin(links);
    return rc;
}

enum dw_rc dw_session_load_maps(struct dw_session_links *links, struct dw_map_set **out,
                                struct dw_err *err)
{
    struct dw_map_set *set = NULL;
    size_t known = links->topic_count;
    enum dw_rc rc = dw_session_open_admin(links, err);
    if (rc != DW_OK)
        return rc;
    rc = dw_map_set_load(&set, links->state, links->system->name, err);
    if (rc == DW_OK)
        correct_partitions(links, set);
    if (rc == DW_OK)
        rc = dw_slot_ensure_publication(links->conn, links->system->publication,
                                        &links->publication_new, err);
    struct dw_slot_tables published = {NULL, 0};
    if (rc == DW_OK)
        rc = dw_slot_tables(links->conn, links->system->publication, &set->arena, &published, err);
    if (rc == DW_OK)
        create_topics(links, set);
    bool *added = DW_ARENA_ARRAY(&set->arena, bool, set->count + 1);
    bool any = false;
    for (size_t i = 0; rc == DW_OK && i < set->count; i++) {
        rc = ensure_map(links, &set->maps[i], &published, &added[i], err);
        any = any || added[i];
    }
    if (rc == DW_OK && any)
        rc = check_added(links, set, added, err);
    if (links->topic_count > known + TOPICS_AT_ONCE)
        rest_admin(links);
    if (rc != DW_OK) {
        dw_map_set_free(set);
        return rc;
    }
    *out = set;
    return DW_OK;
}

/* --- types ------------------------------------------------------------------------------------ */

enum dw_rc dw_session_types(struct dw_session_links *links, const uint32_t *oids, size_t count,
                            struct dw_relation_type **out, size_t *out_count, struct dw_err *err)
{
    static const char sql[] =
        "WITH RECURSIVE base AS (SELECT oid AS start, oid, typtype, typbasetype FROM pg_type"
        " WHERE oid = ANY ($1::oid[]) UNION ALL SELECT base.start, t.oid, t.typtype, t.typbasetype"
        " FROM base JOIN pg_type t ON base.typtype = 'd' AND t.oid = base.typbasetype)"
        " SELECT start, oid FROM base WHERE typtype <> 'd'";
    struct dw_buf list;
    dw_buf_init(&list, 1 << 20);
    dw_buf_append_char(&list, '{');
    for (size_t i = 0; i < count; i++)
        dw_buf_printf(&list, "%s%u", i ? "," : "", oids[i]);
    dw_buf_append_char(&list, '}');
    const char *params[] = {list.data};
    PGresult *result = NULL;
    enum dw_rc rc = dw_session_open_source(links, err);
    if (rc == DW_OK)
        rc = dw_pg_query(links->conn, sql, 1, params, &result, err);
    dw_buf_done(&list);
    if (rc != DW_OK)
        return rc;
    *out_count = (size_t)PQntuples(result);
    *out = dw_mem_calloc(*out_count + 1, sizeof **out);
    for (size_t i = 0; i < *out_count; i++)
        (*out)[i] = (struct dw_relation_type){
            (uint32_t)strtoul(PQgetvalue(result, (int)i, 0), NULL, 10),
            (uint32_t)strtoul(PQgetvalue(result, (int)i, 1), NULL, 10),
        };
    PQclear(result);
    return DW_OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

struct attempt {
    struct dw_session_links *links;
    const struct dw_session_request *request;
    struct dw_session *session;
    struct dw_session_result *result;
    struct dw_slot_server server;
    struct dw_slot_state slot;
};

static enum dw_rc ensure_own_topics(struct attempt *attempt, char *positions, size_t size,
                                    struct dw_err *err)
{
    const struct dw_kafka_settings *kafka = &attempt->links->settings->kafka;
    int32_t count = 0;
    (void)snprintf(positions, size, "%s.positions", kafka->topic_prefix);
    struct dw_kafka_topic_spec spec = {
        .name = positions, .partitions = 1, .compacted = true, .retention_ms = -1};
    enum dw_rc rc =
        dw_kafka_admin_ensure_topic(attempt->links->admin, &spec, TOPIC_TIMEOUT_MS, &count, err);
    if (rc != DW_OK)
        return rc;
    struct dw_kafka_topic_spec letters = {
        .name = kafka->dead_letter_topic, .partitions = 1, .retention_ms = -1};
    return dw_kafka_admin_ensure_topic(attempt->links->admin, &letters, TOPIC_TIMEOUT_MS,
                                       &attempt->session->letter_partitions, err);
}

/* From the state database and the topic, whichever is later; neither the epoch nor the partitions
 * of a map are ever lowered. */
static enum dw_rc load_position(struct attempt *attempt, struct dw_err *err)
{
    char topic[300];
    struct dw_state_position stored;
    struct dw_state_position recorded;
    const char *system = attempt->links->system->name;
    struct dw_generations *generations = &attempt->links->generations;
    enum dw_rc rc = dw_session_open_admin(attempt->links, err); /* it may rest since the maps */
    if (rc == DW_OK)
        rc = ensure_own_topics(attempt, topic, sizeof topic, err);
    if (rc == DW_OK)
        rc = dw_state_position_load(attempt->links->state, system, &stored, err);
    if (rc == DW_OK)
        rc = dw_state_generation_load(attempt->links->state, system, generations, err);
    if (rc == DW_OK)
        rc = dw_position_record_read(attempt->links->admin, topic, system, &recorded, generations,
                                     err);
    if (rc == DW_OK)
        attempt->session->position = *dw_position_record_later(&stored, &recorded);
    return rc;
}

static struct dw_start_facts facts_of(const struct attempt *attempt)
{
    const struct dw_state_position *position = &attempt->session->position;
    uint64_t looked = attempt->slot.server_lsn;
    return (struct dw_start_facts){
        .system_identifier = attempt->server.system_identifier,
        .timeline = attempt->server.timeline,
        .server_lsn = looked > attempt->server.lsn ? looked : attempt->server.lsn,
        .slot_exists = attempt->slot.exists,
        .slot_lost = attempt->slot.lost,
        .slot_confirmed_lsn = attempt->slot.confirmed_lsn,
        .known = position->known,
        .known_system_identifier = position->system_identifier,
        .known_timeline = position->timeline,
        .published_lsn = position->published_lsn,
        .confirmed_lsn = position->confirmed_lsn,
    };
}

static enum dw_rc make_slot(struct attempt *attempt, struct dw_err *err)
{
    const char *slot = attempt->links->system->slot;
    enum dw_rc rc = dw_slot_create(attempt->links->conn, slot, err);
    if (rc == DW_OK)
        rc = dw_slot_look(attempt->links->conn, slot, &attempt->slot, err);
    if (rc == DW_OK)
        dw_log(DW_LOG_INFO, "slot.created", "replication slot made", DW_F_TEXT("slot", slot),
               DW_F_LSN("lsn", attempt->slot.confirmed_lsn));
    return rc;
}

/* A position from which a history begins: at the slot's. */
static enum dw_rc begin_history(struct attempt *attempt, uint32_t epoch, struct dw_err *err)
{
    struct dw_state_position position = {
        .epoch = epoch,
        .confirmed_lsn = attempt->slot.confirmed_lsn,
        .timeline = attempt->server.timeline,
        .known = true,
    };
    memcpy(position.system_identifier, attempt->server.system_identifier,
           sizeof position.system_identifier);
    enum dw_rc rc =
        dw_state_position_save(attempt->links->state, attempt->links->system->name, &position, err);
    if (rc == DW_OK)
        attempt->session->position = position;
    return rc;
}

static enum dw_rc accept_gap(struct attempt *attempt, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    const char *slot = attempt->links->system->slot;
    bool useless = attempt->slot.lost || attempt->result->start == DW_START_PUBLICATION_LOST;
    if (attempt->slot.exists && useless) {
        rc = dw_slot_drop(attempt->links->conn, slot, err);
        attempt->slot.exists = false;
    }
    if (rc == DW_OK && !attempt->slot.exists)
        rc = make_slot(attempt, err);
    if (rc == DW_OK)
        rc = begin_history(attempt, attempt->session->position.epoch + 1, err);
    if (rc == DW_OK)
        dw_log(DW_LOG_WARN, "gap.accepted", "a new epoch begins at the slot's position",
               DW_F_TEXT("state", dw_start_position_name(attempt->result->start)),
               DW_F_INT("epoch", attempt->session->position.epoch),
               DW_F_LSN("lsn", attempt->slot.confirmed_lsn));
    return rc;
}

/* Decides; DW_END: stop here, the result says why. */
static enum dw_rc judge(struct attempt *attempt, struct dw_err *err)
{
    struct dw_start_facts facts = facts_of(attempt);
    enum dw_start start = dw_start_position_decide(&facts);
    if (start == DW_START_RESUME && dw_start_position_is_gap(attempt->request->shown) &&
        !attempt->result->gap_accepted)
        start = attempt->request->shown;
    attempt->result->start = start;
    if (start == DW_START_FIRST && !attempt->slot.exists)
        return make_slot(attempt, err);
    if (!dw_start_position_is_gap(start))
        return DW_OK;
    struct dw_buf text;
    dw_buf_init(&text, DW_ERR_MESSAGE_MAX);
    dw_start_position_explain(start, &facts, &text);
    const char *code = dw_start_position_code(start);
    enum dw_rc rc = dw_state_gap_add(attempt->links->state, attempt->links->system->name, "", code,
                                     facts.published_lsn, text.data, err);
    bool accepted = attempt->request->accept_gap;
    if (rc == DW_OK && !accepted)
        rc = dw_state_gap_is_accepted(attempt->links->state, attempt->links->system->name, code,
                                      facts.published_lsn, &accepted, err);
    if (rc == DW_OK && accepted) {
        attempt->result->gap_accepted = true;
        rc = accept_gap(attempt, err);
        if (rc == DW_OK)
            rc = dw_state_gap_use(attempt->links->state, attempt->links->system->name, code,
                                  facts.published_lsn, err);
    } else if (rc == DW_OK) {
        attempt->result->state = DW_SESSION_GAP;
        (void)dw_err_set(err, DW_CONFIG, code,
                         "%s; when that is understood: dualwrite system resync %s --accept-gap "
                         "--delete-extra --yes, which begins a new epoch and copies what may be "
                         "missing",
                         text.data, attempt->links->system->name);
        rc = DW_END;
    }
    dw_buf_done(&text);
    return rc;
}

/* What we read before is somebody else's while another producer held the slot: read it again. */
static enum dw_rc judge_again(struct attempt *attempt, struct dw_err *err)
{
    enum dw_rc rc =
        dw_slot_look(attempt->links->conn, attempt->links->system->slot, &attempt->slot, err);
    if (rc == DW_OK)
        rc = load_position(attempt, err);
    if (rc == DW_OK)
        rc = judge(attempt, err);
    if (rc == DW_OK && attempt->result->start == DW_START_FIRST)
        rc = begin_history(attempt, 1, err);
    return rc;
}

static enum dw_rc start_stream(struct attempt *attempt, struct dw_err *err)
{
    const struct dw_system_settings *system = attempt->links->system;
    enum dw_rc rc =
        dw_slot_start(attempt->session->replication, system->slot, system->publication, err);
    if (rc != DW_OK && strcmp(err->sqlstate, "55006") == 0) {
        attempt->result->state = DW_SESSION_STANDBY;
        return DW_END;
    }
    return rc;
}

static enum dw_rc attempt_all(struct attempt *attempt, struct dw_err *err)
{
    struct dw_session_links *links = attempt->links;
    struct dw_session *session = attempt->session;
    enum dw_rc rc = open_links(links, err);
    if (rc != DW_OK || (rc = dw_slot_look(links->conn, links->system->slot, &attempt->slot, err)))
        return rc;
    if (attempt->slot.active) {
        attempt->result->state = DW_SESSION_STANDBY;
        return DW_END;
    }
    links->slot_missing = !attempt->slot.exists;
    if ((rc = load_position(attempt, err)) != DW_OK ||
        (rc = connect_source(links, true, &session->replication, err)) != DW_OK ||
        (rc = dw_slot_identify(session->replication, &attempt->server, err)) != DW_OK ||
        (rc = dw_session_load_maps(links, &session->maps, err)) != DW_OK ||
        (rc = dw_session_count_partitions(links, session->maps, err)) != DW_OK ||
        (rc = judge(attempt, err)) != DW_OK || (rc = start_stream(attempt, err)) != DW_OK ||
        (rc = judge_again(attempt, err)) != DW_OK ||
        (rc = dw_map_set_at(session->maps, links->state, session->position.epoch,
                            session->position.confirmed_lsn, err)) != DW_OK)
        return rc;
    links->slot_missing = false;
    dw_generation_merge(&session->generations, &links->generations);
    session->slot_confirmed_lsn = attempt->slot.confirmed_lsn;
    (void)snprintf(session->database, sizeof session->database, "%s", attempt->server.database);
    return DW_OK;
}

void dw_session_open(struct dw_session_links *links, const struct dw_session_request *request,
                     struct dw_session **out, struct dw_session_result *result)
{
    *result = (struct dw_session_result){.state = DW_SESSION_FAILED};
    struct attempt attempt = {.links = links,
                              .request = request,
                              .session = DW_MEM_NEW(struct dw_session),
                              .result = result};
    enum dw_rc rc = attempt_all(&attempt, &result->err);
    if (rc == DW_OK) {
        result->state = DW_SESSION_READY;
        *out = attempt.session;
        return;
    }
    if (rc != DW_END)
        dw_session_drop_source(links);
    dw_session_free(attempt.session);
}
