/* http_server.c - see http_server.h.
 *
 * libmicrohttpd calls answer() for the headers, for each piece of the body and once more at the
 * end; the state between these calls is a struct exchange, freed by completed().
 */
#include "common/service/http_server.h"

#include "common/base/clock.h"
#include "common/base/json_write.h"
#include "common/service/metrics.h"
#include "common/service/rate_limit.h"
#include "common/service/tls_pair.h"
#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RESPONSE_MAX_BYTES (64u << 20)
#define ALIVE_WITHIN_MS    30000
#define IDLE_TIMEOUT_S     30
#define CONNECTIONS_MAX    256
#define BURST_SECONDS      2  /* so many seconds' requests may come at once */
#define WRONG_PER_SECOND   10 /* wrong tokens from one address */

struct dw_http_server {
    struct MHD_Daemon *daemon;
    struct dw_http_options options;
    struct dw_bearer *bearer;    /* NULL: no authentication */
    struct dw_rate_limit *limit; /* by token; NULL: none */
    struct dw_rate_limit *wrong; /* by client, of those without a right token */
    unsigned port;
};

struct exchange {
    struct dw_arena arena;
    struct dw_buf body;
    const char *token; /* the name of the one sent */
    bool authorised;
    bool unknown; /* a token was sent, and it is none of ours */
    bool too_large;
    int64_t wait_ms; /* it asks too often */
};

void dw_http_error(struct dw_http_response *response, unsigned status, const char *code,
                   const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    dw_buf_reset(&response->body, 1 << 16);
    response->status = status;
    response->content_type = "application/json";
    dw_buf_append_text(&response->body, "{\"error\":{");
    dw_json_write_text(&response->body, "code", code);
    dw_json_write_text(&response->body, "message", message);
    dw_buf_append_text(&response->body, "}}\n");
}

struct pairs {
    struct dw_http_pair *items;
    size_t count, room;
};

static enum MHD_Result take_pair(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct pairs *pairs = context;
    (void)kind;
    if (pairs->count < pairs->room)
        pairs->items[pairs->count++] = (struct dw_http_pair){name, value};
    return MHD_YES;
}

const struct dw_http_pair *dw_http_query(const struct dw_http_request *request, size_t *out_count)
{
    int count = MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, NULL, NULL);
    struct pairs pairs = {.room = count > 0 ? (size_t)count : 0};
    pairs.items = DW_ARENA_ARRAY(request->arena, struct dw_http_pair, pairs.room);
    (void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, take_pair, &pairs);
    *out_count = pairs.count;
    return pairs.items;
}

const char *dw_http_header(const struct dw_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static void answer_health(const struct dw_http_server *server, struct dw_http_response *response)
{
    int64_t age =
        server->options.tick_age_ms ? server->options.tick_age_ms(server->options.context) : 0;
    response->content_type = "text/plain";
    if (age <= ALIVE_WITHIN_MS) {
        dw_buf_append_text(&response->body, "alive\n");
        return;
    }
    response->status = 503;
    dw_buf_printf(&response->body, "main loop stands still for %lld ms\n", (long long)age);
}

static void answer_ready(const struct dw_http_server *server, struct dw_http_response *response)
{
    response->content_type = "text/plain";
    struct dw_buf reason;
    dw_buf_init(&reason, 1024);
    if (!server->options.ready || server->options.ready(server->options.context, &reason)) {
        dw_buf_append_text(&response->body, "ready\n");
    } else {
        response->status = 503;
        dw_buf_printf(&response->body, "not ready: %s\n", reason.data ? reason.data : "starting");
    }
    dw_buf_done(&reason);
}

static bool answer_built_in(const struct dw_http_server *server,
                            const struct dw_http_request *request,
                            struct dw_http_response *response)
{
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (!reads)
        return false;
    if (strcmp(request->path, "/healthz") == 0) {
        answer_health(server, response);
    } else if (strcmp(request->path, "/readyz") == 0) {
        answer_ready(server, response);
    } else if (strcmp(request->path, "/metrics") == 0) {
        response->content_type = "text/plain; version=0.0.4; charset=utf-8";
        dw_metrics_render(&response->body);
    } else {
        return false;
    }
    return true;
}

static void handle(const struct dw_http_server *server, const struct exchange *exchange,
                   const struct dw_http_request *request, struct dw_http_response *response)
{
    if (answer_built_in(server, request, response))
        return;
    if (exchange->wait_ms) {
        dw_http_error(response, 429, "DW-API-028",
                      exchange->token ? "token %s asks too often"
                                      : "too many requests without a right token%s",
                      exchange->token ? exchange->token : "");
        response->retry_after_s = (unsigned)(exchange->wait_ms / 1000 + 1);
    } else if (!exchange->authorised)
        dw_http_error(response, 401, "DW-API-018",
                      exchange->unknown
                          ? "the token that was sent is none of those that may ask here"
                          : "a bearer token is needed: Authorization: Bearer TOKEN");
    else if (exchange->too_large)
        dw_http_error(response, 413, "DW-API-019", "the body is over %zu bytes",
                      server->options.body_max_bytes);
    else if (server->options.handler)
        server->options.handler(server->options.context, request, response);
    else
        dw_http_error(response, 404, "DW-API-011", "there is nothing at %s", request->path);
}

static enum MHD_Result send_response(struct MHD_Connection *connection,
                                     struct dw_http_response *response)
{
    if (!dw_buf_ok(&response->body))
        dw_http_error(response, 500, "DW-API-019", "the answer is over %u bytes: ask for less",
                      RESPONSE_MAX_BYTES);
    size_t len = response->body.len;
    char *body = dw_buf_take(&response->body);
    struct MHD_Response *message =
        MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (!message) {
        free(body);
        return MHD_NO;
    }
    (void)MHD_add_response_header(message, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    (void)MHD_add_response_header(message, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(message, "X-Content-Type-Options", "nosniff");
    if (response->retry_after_s) {
        char seconds[16];
        (void)snprintf(seconds, sizeof seconds, "%u", response->retry_after_s);
        (void)MHD_add_response_header(message, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (response->allow)
        (void)MHD_add_response_header(message, MHD_HTTP_HEADER_ALLOW, response->allow);
    if (response->status == 401)
        (void)MHD_add_response_header(message, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    enum MHD_Result sent = MHD_queue_response(connection, response->status, message);
    MHD_destroy_response(message);
    return sent;
}

/* Who may not ask gets no memory, and a body that is too large none any more. */
static void collect_body(struct exchange *exchange, const char *data, size_t size)
{
    if (!exchange->authorised || exchange->wait_ms || exchange->too_large)
        return;
    dw_buf_append(&exchange->body, data, size);
    if (dw_buf_ok(&exchange->body))
        return;
    exchange->too_large = true;
    dw_buf_done(&exchange->body);
}

/* "127.0.0.1"; the port changes with each connection. */
static const char *client_of(struct MHD_Connection *connection, char out[NI_MAXHOST])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    socklen_t len = address && address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                              : sizeof(struct sockaddr_in);
    if (!address || getnameinfo(address, len, out, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) != 0)
        (void)snprintf(out, NI_MAXHOST, "unknown");
    return out;
}

/* Health and metrics are asked by machines, and cost little. */
static bool is_built_in(const char *path)
{
    return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 ||
           strcmp(path, "/metrics") == 0;
}

static int64_t wait_of(const struct dw_http_server *server, const struct exchange *exchange,
                       struct MHD_Connection *connection, const char *path)
{
    char client[NI_MAXHOST];
    if (!server->limit || is_built_in(path))
        return 0;
    if (exchange->authorised)
        return dw_rate_limit_take(server->limit, exchange->token ? exchange->token : "",
                                  dw_clock_mono_ms());
    return dw_rate_limit_take(server->wrong, client_of(connection, client), dw_clock_mono_ms());
}

/* A client that waits for a word before it sends its body is told before it does. Another one is
 * listened to: it would not hear the answer while it sends. */
static bool announces_too_much(const struct dw_http_server *server,
                               struct MHD_Connection *connection)
{
    const char *expect =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return expect && length && strtoull(length, NULL, 10) > server->options.body_max_bytes;
}

static struct exchange *new_exchange(const struct dw_http_server *server,
                                     struct MHD_Connection *connection, const char *path)
{
    struct exchange *exchange = DW_MEM_NEW(struct exchange);
    const char *header =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    exchange->token = dw_bearer_find(server->bearer, header);
    exchange->authorised = !server->bearer || exchange->token;
    exchange->unknown = header && strncasecmp(header, "Bearer ", 7) == 0;
    exchange->too_large = announces_too_much(server, connection);
    exchange->wait_ms = wait_of(server, exchange, connection, path);
    dw_arena_init(&exchange->arena, 16384);
    dw_buf_init(&exchange->body, server->options.body_max_bytes);
    return exchange;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **connection_state)
{
    struct dw_http_server *server = context;
    struct exchange *exchange = *connection_state;
    (void)version;
    if (!exchange) {
        *connection_state = exchange = new_exchange(server, connection, url);
        if (!exchange->too_large)
            return MHD_YES;
    }
    if (*data_size) {
        collect_body(exchange, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    struct dw_http_request request = {
        .method = method,
        .path = url,
        .body = dw_buf_str(&exchange->body),
        .arena = &exchange->arena,
        .token = exchange->token,
        .connection = connection,
    };
    struct dw_http_response response = {.status = 200, .content_type = "application/json"};
    dw_buf_init(&response.body, RESPONSE_MAX_BYTES);
    handle(server, exchange, &request, &response);
    return send_response(connection, &response);
}

static void completed(void *context, struct MHD_Connection *connection, void **connection_state,
                      enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *connection_state;
    (void)context;
    (void)connection;
    (void)code;
    if (!exchange)
        return;
    dw_arena_done(&exchange->arena);
    dw_buf_done(&exchange->body);
    free(exchange);
    *connection_state = NULL;
}

/* "127.0.0.1:8085", "[::1]:8085", "localhost:0" into an address. */
static enum dw_rc resolve(const char *listen, struct addrinfo **out, struct dw_err *err)
{
    char host[256];
    const char *colon = strrchr(listen, ':');
    const char *from = listen;
    size_t len = colon ? (size_t)(colon - listen) : 0;
    if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']') {
        from++;
        len -= 2;
    }
    if (!colon || len == 0 || len >= sizeof host)
        return dw_err_set(err, DW_CONFIG, "DW-API-001", "listen \"%s\": HOST:PORT is expected",
                          listen);
    memcpy(host, from, len);
    host[len] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    int code = getaddrinfo(host, colon + 1, &hints, out);
    if (code != 0)
        return dw_err_set(err, DW_CONFIG, "DW-API-001", "listen \"%s\": %s", listen,
                          gai_strerror(code));
    return DW_OK;
}

/* A zero byte would end a text unseen: it becomes one that no UTF-8 has, and is refused as such. */
static size_t unescape(void *context, struct MHD_Connection *connection, char *text)
{
    size_t len = MHD_http_unescape(text);
    (void)context;
    (void)connection;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0')
            text[i] = (char)0xff;
    return len;
}

/* libmicrohttpd wants void *, and only reads. */
static void *unconst(const char *text)
{
    return (void *)(uintptr_t)text;
}

static struct MHD_Daemon *start_daemon(struct dw_http_server *server, struct sockaddr *address)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (address->sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    struct MHD_OptionItem more[4];
    size_t count = 0;
    if (server->options.certificate) {
        flags |= MHD_USE_TLS;
        more[count++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0,
                                                unconst(server->options.certificate)};
        more[count++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, unconst(server->options.key)};
    }
    if (server->options.threads > 1)
        more[count++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE,
                                                (intptr_t)server->options.threads, NULL};
    more[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(
        flags, 0, NULL, NULL, answer, server, MHD_OPTION_SOCK_ADDR, address,
        MHD_OPTION_NOTIFY_COMPLETED, completed, server, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof six);
        return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    }
    struct sockaddr_in four;
    memcpy(&four, address, sizeof four);
    return ntohl(four.sin_addr.s_addr) >> 24 == 127;
}

static enum dw_rc check_tls(const struct dw_http_options *options, const struct sockaddr *address,
                            struct dw_err *err)
{
    if (options->certificate || options->key)
        return dw_tls_pair_check(options->certificate, options->key, err);
    if (options->tls_abroad && !is_loopback(address))
        return dw_err_set(err, DW_CONFIG, "DW-API-005",
                          "%s is reached from other machines, and there is no TLS: tokens would be "
                          "readable on the way",
                          options->listen);
    return DW_OK;
}

static void free_server(struct dw_http_server *server)
{
    dw_bearer_free(server->bearer);
    dw_rate_limit_free(server->limit);
    dw_rate_limit_free(server->wrong);
    free(server);
}

enum dw_rc dw_http_server_start(struct dw_http_server **out, const struct dw_http_options *options,
                                struct dw_err *err)
{
    struct addrinfo *address = NULL;
    enum dw_rc rc = resolve(options->listen, &address, err);
    if (rc != DW_OK)
        return rc;
    assert(address); /* a look-up that succeeded has one */
    rc = check_tls(options, address->ai_addr, err);
    if (rc != DW_OK) {
        freeaddrinfo(address);
        return rc;
    }
    struct dw_http_server *server = DW_MEM_NEW(struct dw_http_server);
    server->options = *options;
    server->bearer =
        options->token_count ? dw_bearer_new(options->tokens, options->token_count) : NULL;
    if (options->requests_per_second) {
        double rate = (double)options->requests_per_second;
        server->limit = dw_rate_limit_new(rate, rate * BURST_SECONDS);
        server->wrong = dw_rate_limit_new(WRONG_PER_SECOND, WRONG_PER_SECOND * BURST_SECONDS);
    }
    server->daemon = start_daemon(server, address->ai_addr);
    freeaddrinfo(address);
    if (!server->daemon) {
        free_server(server);
        return dw_err_set(err, DW_CONFIG, "DW-API-002",
                          "cannot listen on %s: the port is taken or the address is not ours",
                          options->listen);
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info ? info->port : 0;
    *out = server;
    return DW_OK;
}

void dw_http_server_stop(struct dw_http_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    free_server(server);
}

unsigned dw_http_server_port(const struct dw_http_server *server)
{
    return server->port;
}
