/* state_db.h - the connection behind a state handle; for the files of this folder only.
 *
 * A lost connection is renewed by the next statement outside a transaction; inside one every
 * statement fails with DW_RETRY until the transaction was given up.
 */
#ifndef DW_STATE_STATE_DB_H
#define DW_STATE_STATE_DB_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/model/version.h"
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#define DW_STATE_DB_CHANNEL "dualwrite"

struct dw_state {
    const struct dw_state_settings *settings;
    char *application_name;
    PGconn *conn;
    bool maps_changed;
    bool syncs_changed;
    bool in_transaction;
};

/* A parameter: text by default; bytes when `len` is not 0 or `binary` is set. */
struct dw_state_db_param {
    const char *value; /* NULL: null */
    size_t len;
    bool binary;
};

/* Connects when needed: session, migrations, LISTEN. */
enum dw_rc dw_state_db_connect(struct dw_state *state, struct dw_err *err) DW_MUST_CHECK;

/* Runs a statement with text parameters; *out (may be NULL) is the caller's to PQclear. */
enum dw_rc dw_state_db_query(struct dw_state *state, const char *sql, int param_count,
                             const char *const *params, PGresult **out,
                             struct dw_err *err) DW_MUST_CHECK;
/* The same with parameters that may be binary (bytea as it is, not as hexadecimal text). */
enum dw_rc dw_state_db_query_binary(struct dw_state *state, const char *sql, int param_count,
                                    const struct dw_state_db_param *params, PGresult **out,
                                    struct dw_err *err) DW_MUST_CHECK;

enum dw_rc dw_state_db_begin(struct dw_state *state, struct dw_err *err) DW_MUST_CHECK;
/* Ends the transaction: commits when `rc` is DW_OK, else rolls back. Returns the outcome. */
enum dw_rc dw_state_db_end(struct dw_state *state, enum dw_rc rc, struct dw_err *err) DW_MUST_CHECK;
/* The same for a dry run: what was done is rolled back in any case. */
enum dw_rc dw_state_db_undo(struct dw_state *state, enum dw_rc rc,
                            struct dw_err *err) DW_MUST_CHECK;

/* Numbers as parameters; return `out`. */
const char *dw_state_db_i64(int64_t number, char out[24]);

/* Fields of a result. Texts are copied into the arena; a null is "" (text) or 0 (number). */
const char *dw_state_db_text(const PGresult *result, int row, int column, struct dw_arena *arena);
int64_t dw_state_db_number(const PGresult *result, int row, int column);
/* Errors: DW_CONFIG DW-STATE-006 when the field is no LSN. */
enum dw_rc dw_state_db_lsn(const PGresult *result, int row, int column, uint64_t *out,
                           struct dw_err *err) DW_MUST_CHECK;

/* Applies the migrations that are missing; see state_migrate.c. */
enum dw_rc dw_state_migrate_run(PGconn *conn, struct dw_err *err) DW_MUST_CHECK;

#endif
