/* cli_client.c - see cli_client.h. */
#include "reconciler/cli/cli_client.h"

#include "common/base/buf.h"
#include <curl/curl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 5000L
#define ANSWER_TIMEOUT_MS  120000L /* a check asks two databases that may be slow to connect */
#define ANSWER_MAX_BYTES   (64u << 20)

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

enum dw_rc dw_cli_client_open(struct dw_cli_client **out, const char *url, const char *token,
                              struct dw_err *err)
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
    client->url = url;
    format_user(user, sizeof user);
    client->headers = curl_slist_append(NULL, user);
    client->headers = curl_slist_append(client->headers, "Content-Type: application/json");
    client->headers = curl_slist_append(client->headers, "Expect:"); /* no 100-continue */
    dw_buf_init(&bearer, 8192);
    dw_buf_printf(&bearer, "Authorization: Bearer %s", token ? token : "");
    client->headers = curl_slist_append(client->headers, bearer.data);
    explicit_bzero(bearer.data, bearer.len);
    dw_buf_done(&bearer);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ANSWER_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (is_loopback(url))
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

enum dw_rc dw_cli_client_send(struct dw_cli_client *client, const char *method, const char *path,
                              struct dw_str body, struct dw_arena *arena, struct dw_cli_answer *out,
                              struct dw_err *err)
{
    char reason[CURL_ERROR_SIZE] = "";
    struct dw_buf answer;
    CURL *curl = client->curl;
    bool sends = strcmp(method, "GET") != 0;
    size_t base = strlen(client->url);
    while (base && client->url[base - 1] == '/')
        base--;
    const char *url = dw_arena_printf(arena, "%.*s%s", (int)base, client->url, path);
    dw_buf_init(&answer, ANSWER_MAX_BYTES);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (sends) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr ? body.ptr : "");
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    CURLcode code = curl_easy_perform(curl);
    enum dw_rc rc = DW_OK;
    if (code != CURLE_OK) {
        rc = dw_err_set(err, DW_RETRY, "DW-API-020", "no answer from %s: %s", client->url,
                        *reason ? reason : curl_easy_strerror(code));
    } else {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
        out->body = dw_arena_copy(arena, dw_buf_str(&answer));
    }
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    dw_buf_done(&answer);
    return rc;
}
