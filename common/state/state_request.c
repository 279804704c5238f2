/* state_request.c - see state_request.h. */
#include "common/state/state_request.h"

#include "common/state/state_db.h"
#include <string.h>

#define KEPT "interval '1 day'"
/* Locks by one 64-bit number are others than those by two numbers (state_migrate.c, main.c). */
#define LOCK_KEY "hashtextextended($1::text || E'\\n' || $2::text, 25720)"

static enum dw_rc try_lock(struct dw_state *state, const struct dw_request_id *id, bool *out,
                           struct dw_err *err)
{
    const char *params[] = {id->token, id->key};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(state, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", 2, params,
                                      &result, err);
    if (rc)
        return rc;
    *out = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return DW_OK;
}

static enum dw_rc unlock(struct dw_state *state, const struct dw_request_id *id, enum dw_rc rc,
                         struct dw_err *err)
{
    const char *params[] = {id->token, id->key};
    struct dw_err ignored = DW_ERR_INIT; /* the first error is the one to tell */
    enum dw_rc last = dw_state_db_query(state, "SELECT pg_advisory_unlock(" LOCK_KEY ")", 2, params,
                                        NULL, rc ? &ignored : err);
    return rc ? rc : last;
}

/* *out_new: the row was made by us. */
static enum dw_rc insert(struct dw_state *state, const struct dw_request_id *id, bool *out_new,
                         struct dw_err *err)
{
    const struct dw_state_db_param params[] = {
        {.value = id->token},
        {.value = id->key},
        {.value = (const char *)id->digest, .len = sizeof id->digest, .binary = true},
    };
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query_binary(
        state,
        "INSERT INTO dualwrite.request AS r (token, key, digest) VALUES ($1, $2, $3)"
        " ON CONFLICT (token, key) DO UPDATE SET digest = excluded.digest, status = NULL,"
        "  answer = NULL, at = now() WHERE r.at < now() - " KEPT " RETURNING true",
        3, params, &result, err);
    if (rc)
        return rc;
    *out_new = PQntuples(result) == 1;
    PQclear(result);
    return DW_OK;
}

/* The bytes of a bytea that came as text. */
static struct dw_str bytes_of(const PGresult *result, int column, struct dw_arena *arena)
{
    size_t len = 0;
    unsigned char *bytes =
        PQunescapeBytea((const unsigned char *)PQgetvalue(result, 0, column), &len);
    struct dw_str copy = dw_arena_copy(arena, (struct dw_str){(const char *)bytes, len});
    PQfreemem(bytes);
    return copy;
}

static enum dw_rc look(struct dw_state *state, const struct dw_request_id *id,
                       struct dw_arena *arena, struct dw_request_claim *out, struct dw_err *err)
{
    const char *params[] = {id->token, id->key};
    PGresult *result = NULL;
    enum dw_rc rc = dw_state_db_query(
        state, "SELECT status, digest, answer FROM dualwrite.request WHERE token = $1 AND key = $2",
        2, params, &result, err);
    if (rc)
        return rc;
    *out = (struct dw_request_claim){.fate = DW_REQUEST_BUSY}; /* it was given up meanwhile */
    if (PQntuples(result)) {
        struct dw_str digest = bytes_of(result, 1, arena);
        bool same =
            digest.len == sizeof id->digest && memcmp(digest.ptr, id->digest, digest.len) == 0;
        out->status = (unsigned)dw_state_db_number(result, 0, 0);
        out->answer = bytes_of(result, 2, arena);
        out->fate = !same         ? DW_REQUEST_DIFFERENT
                    : out->status ? DW_REQUEST_DONE
                                  : DW_REQUEST_CUT_OFF;
    }
    PQclear(result);
    return DW_OK;
}

enum dw_rc dw_state_request_claim(struct dw_state *state, const struct dw_request_id *id,
                                  struct dw_arena *arena, struct dw_request_claim *out,
                                  struct dw_err *err)
{
    bool locked = false;
    bool is_new = false;
    *out = (struct dw_request_claim){.fate = DW_REQUEST_BUSY};
    enum dw_rc rc = try_lock(state, id, &locked, err);
    if (rc || !locked)
        return rc;
    rc = insert(state, id, &is_new, err);
    if (!rc && is_new) {
        out->fate = DW_REQUEST_NEW;
        return DW_OK; /* the lock is kept until it is settled */
    }
    if (!rc)
        rc = look(state, id, arena, out, err);
    return unlock(state, id, rc, err);
}

enum dw_rc dw_state_request_settle(struct dw_state *state, const struct dw_request_id *id,
                                   unsigned status, struct dw_str answer, struct dw_err *err)
{
    char number[24];
    const struct dw_state_db_param params[] = {
        {.value = id->token},
        {.value = id->key},
        {.value = dw_state_db_i64((int64_t)status, number)},
        {.value = answer.ptr, .len = answer.len, .binary = true},
    };
    enum dw_rc rc = status
                        ? dw_state_db_query_binary(state,
                                                   "UPDATE dualwrite.request SET status = $3::int,"
                                                   " answer = $4 WHERE token = $1 AND key = $2",
                                                   4, params, NULL, err)
                        : dw_state_db_query_binary(
                              state, "DELETE FROM dualwrite.request WHERE token = $1 AND key = $2",
                              2, params, NULL, err);
    return unlock(state, id, rc, err);
}

enum dw_rc dw_state_request_clean(struct dw_state *state, struct dw_err *err)
{
    return dw_state_db_query(state, "DELETE FROM dualwrite.request WHERE at < now() - " KEPT, 0,
                             NULL, NULL, err);
}
