/* http_server.h - a small HTTP/1.1 server on libmicrohttpd: TLS, tokens, limits, health, metrics.
 *
 * Threads: handlers run on the server's own thread(s), one request at a time each.
 */
#ifndef DW_SERVICE_HTTP_SERVER_H
#define DW_SERVICE_HTTP_SERVER_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/service/bearer.h"
#include <stdbool.h>

struct dw_http_server;

struct dw_http_pair {
    const char *name;
    const char *value; /* NULL: "?name" */
};

struct dw_http_request {
    const char *method;
    const char *path;       /* decoded, without the query */
    struct dw_str body;     /* at most body_max_bytes */
    struct dw_arena *arena; /* freed after the response */
    const char *token;      /* name of the token that was sent; NULL: none is needed */
    void *connection;       /* of the server */
};

struct dw_http_response {
    unsigned status;          /* 200 … */
    const char *content_type; /* "application/json" by default; static */
    struct dw_buf body;
    unsigned retry_after_s; /* the header Retry-After; 0: none */
    const char *allow;      /* the header Allow of a 405, until it is sent; NULL: none */
};

typedef void (*dw_http_handler_fn)(void *context, const struct dw_http_request *request,
                                   struct dw_http_response *response);

struct dw_http_options {
    const char *listen;    /* "127.0.0.1:8085"; port 0 takes a free one; [::1]:8085 for IPv6 */
    size_t body_max_bytes; /* 413 above */
    const struct dw_bearer_token *tokens; /* copied */
    size_t token_count; /* 0: no authentication. /healthz, /readyz and /metrics are always
                           open */
    /* Of each token; more is answered with 429. Wrong tokens have a limit of their own, by client
     * address. 0: none of both. */
    int64_t requests_per_second;
    const char *certificate, *key; /* PEM; both NULL: no TLS */
    bool tls_abroad;               /* refuses to listen beyond loopback without TLS */
    dw_http_handler_fn handler;    /* NULL: 404 for all but the built-in three */
    void *context;
    /* Readiness: true when ready; else writes why into `reason`. NULL: always ready. */
    bool (*ready)(void *context, struct dw_buf *reason);
    /* Liveness: the age of the main loop's last tick in ms; NULL: always alive. */
    int64_t (*tick_age_ms)(void *context);
    unsigned threads; /* 1 when 0 */
};

enum dw_rc dw_http_server_start(struct dw_http_server **out, const struct dw_http_options *options,
                                struct dw_err *err) DW_MUST_CHECK;
void dw_http_server_stop(struct dw_http_server *server); /* accepts NULL; waits for handlers */
/* The port it listens on. */
unsigned dw_http_server_port(const struct dw_http_server *server);

/* All parameters of the query, in the request's arena; borrowed. */
const struct dw_http_pair *dw_http_query(const struct dw_http_request *request, size_t *out_count);
/* A header; NULL when absent. Borrowed for the request. */
const char *dw_http_header(const struct dw_http_request *request, const char *name);

/* Answers {"error":{"code":…,"message":…}} with a status. */
void dw_http_error(struct dw_http_response *response, unsigned status, const char *code,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
