/* compare_link.c - see compare_link.h. */
#include "reconciler/compare/compare_link.h"

#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include "common/postgres/pg.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_MAX     ((size_t)256 << 20)
#define PARAMS_FIRST 32

/* Nothing of ours may make a server do more than one thing at a time, or plan for long. */
static const char session_sql[] =
    "SET default_transaction_read_only = on; SET statement_timeout = '60s'; SET jit = off;"
    " SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0";

/* --- connections ---------------------------------------------------------------------------------
 */

static enum dw_rc open_one(struct pg_conn **out, const struct dw_system_settings *system,
                           struct dw_err *err)
{
    char what[160];
    (void)snprintf(what, sizeof what, "system %s", system->name);
    const struct dw_pg_options options = {
        .connection = system->connection,
        .password = system->password,
        .application_name = "dualwrite-reconciler compare",
        .what = what,
        .lock_timeout_ms = 5000,
    };
    enum dw_rc rc = dw_pg_connect(out, &options, err);
    return rc == DW_OK ? dw_pg_exec(*out, session_sql, err) : rc;
}

enum dw_rc dw_compare_links_open(struct dw_compare_links *links,
                                 const struct dw_system_settings *source,
                                 const struct dw_system_settings *target, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    links->source_system = source;
    if (!links->source || PQstatus(links->source) != CONNECTION_OK) {
        dw_pg_disconnect(links->source);
        links->source = NULL;
        rc = open_one(&links->source, source, err);
    }
    if (rc == DW_OK && (!links->target || PQstatus(links->target) != CONNECTION_OK)) {
        dw_pg_disconnect(links->target);
        links->target = NULL;
        rc = open_one(&links->target, target, err);
    }
    return rc;
}

void dw_compare_links_close(struct dw_compare_links *links)
{
    dw_pg_disconnect(links->source);
    dw_pg_disconnect(links->target);
    dw_pg_disconnect(links->ahead);
    *links = (struct dw_compare_links){.source = NULL};
}

/* --- parameters ----------------------------------------------------------------------------------
 */

void dw_compare_params_init(struct dw_compare_params *params, struct dw_arena *arena)
{
    *params = (struct dw_compare_params){.arena = arena};
}

void dw_compare_params_add(struct dw_compare_params *params, const char *value)
{
    if (params->count == params->capacity) {
        int capacity = params->capacity ? params->capacity * 2 : PARAMS_FIRST;
        const char **grown = DW_ARENA_ARRAY(params->arena, const char *, (size_t)capacity);
        for (int i = 0; i < params->count; i++)
            grown[i] = params->values[i];
        params->values = grown;
        params->capacity = capacity;
    }
    params->values[params->count++] = value;
}

void dw_compare_params_add_i64(struct dw_compare_params *params, int64_t value)
{
    dw_compare_params_add(params, dw_arena_printf(params->arena, "%lld", (long long)value));
}

void dw_compare_params_add_side(struct dw_compare_params *params,
                                const struct dw_compare_side *side, int count)
{
    for (int i = 0; i < count; i++)
        dw_compare_params_add(params, side->params[i]);
}

static void put_element(struct dw_buf *out, struct dw_str text)
{
    if (!text.ptr) {
        dw_buf_append_text(out, "NULL");
        return;
    }
    dw_buf_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            dw_buf_append_char(out, '\\');
        dw_buf_append_char(out, text.ptr[i]);
    }
    dw_buf_append_char(out, '"');
}

void dw_compare_params_add_list(struct dw_compare_params *params, const struct dw_str *texts,
                                size_t count, size_t stride)
{
    struct dw_buf out;
    dw_buf_init(&out, LIST_MAX);
    dw_buf_append_char(&out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_char(&out, ',');
        put_element(&out, texts[i * stride]);
    }
    dw_buf_append_char(&out, '}');
    dw_compare_params_add(params, dw_arena_copy(params->arena, dw_buf_str(&out)).ptr);
    dw_buf_done(&out);
}

/* --- asking --------------------------------------------------------------------------------------
 */

enum dw_rc dw_compare_ask(struct pg_conn *conn, const char *sql,
                          const struct dw_compare_params *params, struct pg_result **out,
                          struct dw_err *err)
{
    enum dw_rc rc = dw_pg_query(conn, sql, params->count, params->values, out, err);
    if (rc == DW_CONFIG || rc == DW_REJECT)
        dw_err_add_context(err, "comparison");
    return rc;
}

static bool send(struct pg_conn *conn, const char *sql, const struct dw_compare_params *params)
{
    return PQsendQueryParams(conn, sql, params->count, NULL, params->values, NULL, NULL, 0) == 1;
}

/* The last result; NULL when the connection was lost. */
static PGresult *receive(struct pg_conn *conn)
{
    PGresult *last = NULL;
    for (PGresult *next; (next = PQgetResult(conn)) != NULL;) {
        PQclear(last);
        last = next;
    }
    return last;
}

static enum dw_rc judge(struct pg_conn *conn, const struct dw_compare_asked *asked,
                        struct dw_err *err)
{
    if (asked->result && PQresultStatus(asked->result) == PGRES_TUPLES_OK)
        return DW_OK;
    return dw_pg_error(conn, asked->result, "DW-PG-003", err);
}

enum dw_rc dw_compare_ask_both(struct dw_compare_links *links, struct dw_compare_asked *source,
                               struct dw_compare_asked *target, struct dw_err *err)
{
    bool sent_source = send(links->source, source->sql, &source->params);
    bool sent_target = send(links->target, target->sql, &target->params);
    source->result = sent_source ? receive(links->source) : NULL;
    target->result = sent_target ? receive(links->target) : NULL;
    enum dw_rc rc = judge(links->source, source, err);
    return rc == DW_OK ? judge(links->target, target, err) : rc;
}

void dw_compare_drop_ahead(struct dw_compare_links *links)
{
    dw_pg_disconnect(links->ahead);
    links->ahead = NULL;
}

void dw_compare_ask_ahead(struct dw_compare_links *links, const char *sql,
                          const struct dw_compare_params *params)
{
    struct dw_err ignored = DW_ERR_INIT; /* whoever wants the answer asks again */
    if (!links->ahead && open_one(&links->ahead, links->source_system, &ignored) != DW_OK) {
        dw_compare_drop_ahead(links);
        return;
    }
    if (!send(links->ahead, sql, params))
        dw_compare_drop_ahead(links);
}

PGresult *dw_compare_take_ahead(struct dw_compare_links *links)
{
    PGresult *result = links->ahead ? receive(links->ahead) : NULL;
    if (result && PQresultStatus(result) == PGRES_TUPLES_OK)
        return result;
    PQclear(result);
    dw_compare_drop_ahead(links);
    return NULL;
}

/* --- keys ----------------------------------------------------------------------------------------
 */

enum dw_rc dw_compare_has_passed(struct pg_conn *target, const struct dw_map_record *record,
                                 struct dw_compare_place place, bool *out, struct dw_err *err)
{
    char epoch[24];
    char lsn[24];
    const char *params[] = {record->topic, epoch, dw_pg_format_lsn(place.lsn, lsn)};
    PGresult *result = NULL;
    (void)snprintf(epoch, sizeof epoch, "%u", place.epoch);
    enum dw_rc rc = dw_pg_query(target,
                                "SELECT count(*) FROM dualwrite.progress WHERE topic = $1"
                                " AND (epoch, commit_lsn) >= ($2::bigint, $3::pg_lsn)",
                                3, params, &result, err);
    if (rc != DW_OK)
        return rc;
    *out = strtol(PQgetvalue(result, 0, 0), NULL, 10) >= record->partitions;
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_compare_key_parse(const char *json, size_t count, struct dw_arena *arena,
                                struct dw_str *out, struct dw_err *err)
{
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, dw_str_from(json), arena);
    bool good = dw_json_pull_next(&pull) == DW_JSON_ARRAY_OPEN;
    for (size_t i = 0; good && i < count; i++) {
        good = dw_json_pull_next(&pull) == DW_JSON_STRING;
        if (good)
            out[i] = dw_arena_copy(arena, pull.text);
    }
    if (good && dw_json_pull_next(&pull) == DW_JSON_ARRAY_CLOSE)
        return DW_OK;
    return dw_err_set(err, DW_CONFIG, "DW-SYNC-003",
                      "a key has to be a JSON array of %zu texts, found %.200s", count, json);
}

const char *dw_compare_key_format(const struct dw_str *texts, size_t count, struct dw_arena *arena)
{
    struct dw_buf out;
    dw_buf_init(&out, LIST_MAX);
    dw_buf_append_char(&out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            dw_buf_append_char(&out, ',');
        dw_json_write_string(&out, texts[i]);
    }
    dw_buf_append_char(&out, ']');
    const char *copy = dw_arena_copy(arena, dw_buf_str(&out)).ptr;
    dw_buf_done(&out);
    return copy;
}

const char *dw_compare_key_of_plan(const struct dw_compare_plan *plan, const struct dw_str *texts,
                                   struct dw_arena *arena)
{
    struct dw_str turned[DW_TABLE_MAP_KEY_MAX];
    for (size_t i = 0; i < plan->key_count; i++)
        turned[plan->keys[i].source_index] = texts[i];
    return dw_compare_key_format(turned, plan->key_count, arena);
}

enum dw_rc dw_compare_params_add_keys(struct dw_compare_params *params,
                                      const struct dw_compare_plan *plan, const char *const *keys,
                                      size_t count, struct dw_err *err)
{
    struct dw_str *texts = DW_ARENA_ARRAY(params->arena, struct dw_str, count * plan->key_count);
    for (size_t i = 0; i < count; i++) {
        struct dw_str key[DW_TABLE_MAP_KEY_MAX];
        enum dw_rc rc = dw_compare_key_parse(keys[i], plan->key_count, params->arena, key, err);
        if (rc != DW_OK)
            return rc;
        for (size_t j = 0; j < plan->key_count; j++)
            texts[i * plan->key_count + j] = key[plan->keys[j].source_index];
    }
    for (size_t j = 0; j < plan->key_count; j++)
        dw_compare_params_add_list(params, texts + j, count, plan->key_count);
    return DW_OK;
}
