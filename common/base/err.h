/* err.h - the error object that the caller owns and the callee fills.
 *
 * The lower layer sets it once, upper layers only add context. An id is stable and searchable
 * ("DW-MAP-012"); the catalogue of ids with cause and remedy is err_catalogue.h.
 * Threads: an error belongs to one thread.
 */
#ifndef DW_BASE_ERR_H
#define DW_BASE_ERR_H
#include "common/base/rc.h"
#include <stdbool.h>
#include <stddef.h>

#define DW_ERR_ID_MAX      16
#define DW_ERR_MESSAGE_MAX 1024

struct dw_err {
    enum dw_rc rc;
    char id[DW_ERR_ID_MAX]; /* "DW-MAP-012", empty when unset */
    char sqlstate[6];       /* from a PostgreSQL server, else empty */
    char message[DW_ERR_MESSAGE_MAX];
};

#define DW_ERR_INIT                                                                                \
    {                                                                                              \
        .rc = DW_OK, .id = "", .sqlstate = "", .message = ""                                       \
    }

/* Sets `err` (may be NULL) and returns `rc`, so that `return dw_err_set(...)` reads well. A message
 * that is too long is cut at a UTF-8 boundary and ends in "…". Control characters become spaces. */
enum dw_rc dw_err_set(struct dw_err *err, enum dw_rc rc, const char *id, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "context: " in front of the message; keeps rc, id and sqlstate. */
void dw_err_add_context(struct dw_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void dw_err_clear(struct dw_err *err);

/* One entry of the catalogue of error ids. */
struct dw_err_info {
    const char *id;
    const char *title;
    const char *cause;
    const char *remedy;
};

/* The catalogue, in order of ids. Borrowed, static. */
const struct dw_err_info *dw_err_catalogue(size_t *out_count);

/* Finds an id; NULL when unknown. */
const struct dw_err_info *dw_err_find(const char *id);

/* Thread-safe strerror: writes into `buffer` and returns it. */
const char *dw_err_errno_text(int number, char *buffer, size_t size);

#endif
