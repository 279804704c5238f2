/* cli_client.c - see cli_client.h. */
#include "reconciler/cli/cli_client.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include <curl/curl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 5000L
#define ANSWER_TIMEOUT_MS  120000L /* a check asks two databases that may be slow to connect */
#define ANSWER_MAX_BYTES   (64u << 20)
#define TRIES              5
#define RETRY_AFTER_MAX_S  10

struct dw_cli_client {
    CURL *curl;
    struct curl_slist *headers;
    const char *url;
};

/* Who sits here, for history and audit log. */
static void format_user(char *out, size_t size)
{
    char host[65] = "";
    char buffer[1024];
    struct passwd entry;
    struct passwd *found = NULL;
    (void)gethostname(host, sizeof host - 1);
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) != 0)
        found = NULL;
    (void)snprintf(out, size, "X-Dualwrite-User: %.32s@%s", found ? found->pw_name : "unknown",
                   host);
}

static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"http://127.",  "http://localhost",  "http://[::1]",
                                        "https://127.", "https://localhost", "https://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strncmp(url, hosts[i], strlen(hosts[i])) == 0)
            return true;
    return false;
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct dw_buf *body = context;
    dw_buf_append(body, bytes, size * count);
    return dw_buf_ok(body) ? size * count : 0;
}

static bool set_protocols(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS) == CURLE_OK;
#endif
}

/* Instead of the system's certificates. */
static void trust(CURL *curl, const char *authority)
{
    struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};
    if (!authority)
        return;
    blob.data = (void *)(uintptr_t)authority; /* libcurl only reads it */
    blob.len = strlen(authority);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
}

enum dw_rc dw_cli_client_open(struct dw_cli_client **out,
                              const struct dw_reconciler_settings *settings, struct dw_err *err)
{
    char user[160];
    struct dw_buf bearer;
    CURL *curl = curl_easy_init();
    if (!curl || !set_protocols(curl)) {
        curl_easy_cleanup(curl);
        return dw_err_set(err, DW_FATAL, "DW-API-020", "libcurl cannot be used here");
    }
    struct dw_cli_client *client = DW_MEM_NEW(struct dw_cli_client);
    client->curl = curl;
    client->url = settings->url;
    format_user(user, sizeof user);
    client->headers = curl_slist_append(NULL, user);
    client->headers = curl_slist_append(client->headers, "Content-Type: application/json");
    client->headers = curl_slist_append(client->headers, "Expect:"); /* no 100-continue */
    dw_buf_init(&bearer, 8192);
    dw_buf_printf(&bearer, "Authorization: Bearer %s", settings->token ? settings->token : "");
    client->headers = curl_slist_append(client->headers, bearer.data);
    explicit_bzero(bearer.data, bearer.len);
    dw_buf_done(&bearer);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ANSWER_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    trust(curl, settings->tls_ca);
    if (is_loopback(settings->url))
        (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    *out = client;
    return DW_OK;
}

void dw_cli_client_close(struct dw_cli_client *client)
{
    if (!client)
        return;
    curl_slist_free_all(client->headers);
    curl_easy_cleanup(client->curl);
    free(client);
}

/* One request and its answer. */
static CURLcode perform(struct dw_cli_client *client, const char *method, struct dw_str body,
                        struct dw_buf *answer)
{
    CURL *curl = client->curl;
    bool sends = strcmp(method, "GET") != 0;
    dw_buf_reset(answer, ANSWER_MAX_BYTES);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (sends) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr ? body.ptr : "");
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    return curl_easy_perform(curl);
}

/* The answer was lost on its way: whether the request was done is not known. */
static bool is_lost(CURLcode code)
{
    return code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
           code == CURLE_PARTIAL_FILE;
}

/* How long until it is worth another try, in s; 0: it is not. */
static int64_t again_after(struct dw_cli_client *client, CURLcode code)
{
    curl_off_t seconds = 0;
    if (code != CURLE_OK)
        return is_lost(code) ? 1 : 0;
    (void)curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &seconds);
    return seconds <= RETRY_AFTER_MAX_S ? seconds : 0;
}

/* The headers of this request: those of all, and for a POST its key. */
static struct curl_slist *headers_of(struct dw_cli_client *client, const char *method)
{
    char line[64] = "Idempotency-Key: ";
    unsigned char random[16];
    size_t len = strlen(line);
    if (strcmp(method, "POST") != 0 || getrandom(random, sizeof random, 0) != sizeof random)
        return client->headers;
    for (size_t i = 0; i < sizeof random; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%02x", random[i]);
    struct curl_slist *headers = curl_slist_append(NULL, line);
    if (headers)
        headers->next = client->headers; /* shared: only the first is freed */
    return headers ? headers : client->headers;
}

static void free_headers(struct dw_cli_client *client, struct curl_slist *headers)
{
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
    if (headers == client->headers)
        return;
    headers->next = NULL;
    curl_slist_free_all(headers);
}

enum dw_rc dw_cli_client_send(struct dw_cli_client *client, const char *method, const char *path,
                              struct dw_str body, struct dw_arena *arena, struct dw_cli_answer *out,
                              struct dw_err *err)
{
    char reason[CURL_ERROR_SIZE] = "";
    struct dw_buf answer;
    struct curl_slist *headers = headers_of(client, method);
    size_t base = strlen(client->url);
    while (base && client->url[base - 1] == '/')
        base--;
    const char *url = dw_arena_printf(arena, "%.*s%s", (int)base, client->url, path);
    dw_buf_init(&answer, ANSWER_MAX_BYTES);
    (void)curl_easy_setopt(client->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, reason);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = perform(client, method, body, &answer);
    int64_t wait_s;
    for (int i = 1; i < TRIES && (wait_s = again_after(client, code)) > 0; i++) {
        dw_clock_sleep_ms(wait_s * 1000);
        code = perform(client, method, body, &answer);
    }
    enum dw_rc rc = DW_OK;
    if (code != CURLE_OK) {
        rc = dw_err_set(err, DW_RETRY, "DW-API-020", "no answer from %s: %s", client->url,
                        *reason ? reason : curl_easy_strerror(code));
    } else {
        (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &out->status);
        out->body = dw_arena_copy(arena, dw_buf_str(&answer));
    }
    free_headers(client, headers);
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, NULL);
    dw_buf_done(&answer);
    return rc;
}
