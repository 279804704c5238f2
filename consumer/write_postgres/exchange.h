/* exchange.h - several statements sent at once, their results read at the end: one round trip.
 *
 * libpq's pipeline mode. The first error of an exchange makes the server skip the rest.
 * Threads: one owner. Ownership: results live until the next exchange opens.
 */
#ifndef DW_WRITE_POSTGRES_EXCHANGE_H
#define DW_WRITE_POSTGRES_EXCHANGE_H
#include "common/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DW_EXCHANGE_MAX 128

struct pg_conn;
struct pg_result;

struct dw_exchange_params {
    int count;
    const uint32_t *types; /* may be NULL */
    const char *const *values;
    const int *lengths; /* NULL: all text */
    const int *formats;
};

/* A statement that a session prepares at its first use. */
struct dw_exchange_statement {
    const char *name;
    const char *sql;
    int param_count;
    const uint32_t *types;
};

struct dw_exchange_reply {
    int tag;
    struct pg_result *result; /* NULL: skipped, or the connection was lost */
    bool *prepared;           /* of a Parse: set back when it did not take place */
};

struct dw_exchange {
    struct pg_conn *conn;
    bool open;
    bool broken; /* the connection is lost */
    struct dw_exchange_reply replies[DW_EXCHANGE_MAX];
    size_t count;
    int failed; /* index of the reply that failed, -1 none */
};

void dw_exchange_open(struct dw_exchange *exchange, struct pg_conn *conn);
/* `tag` is the caller's, to know the statement that failed. */
void dw_exchange_send(struct dw_exchange *exchange, int tag, const char *sql,
                      const struct dw_exchange_params *params);
/* *prepared (of this session) tells whether it must be prepared first; params->types unused. */
void dw_exchange_send_prepared(struct dw_exchange *exchange, int tag,
                               const struct dw_exchange_statement *statement, bool *prepared,
                               const struct dw_exchange_params *params);
/* Room for so many more? */
bool dw_exchange_has_room(const struct dw_exchange *exchange, size_t statements);
/* Waits for all results. False when one failed (see `failed`) or the connection was lost. */
bool dw_exchange_finish(struct dw_exchange *exchange) DW_MUST_CHECK;
/* The failed result; NULL when the connection was lost. */
const struct pg_result *dw_exchange_failure(const struct dw_exchange *exchange);
int dw_exchange_failed_tag(const struct dw_exchange *exchange); /* -1 none */
/* Frees the results; also leaves an exchange that was never finished. */
void dw_exchange_clear(struct dw_exchange *exchange);

#endif
