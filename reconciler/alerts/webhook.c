/* webhook.c - see webhook.h. */
#include "reconciler/alerts/webhook.h"

#include "common/base/buf.h"
#include "common/base/utf8.h"
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#define CONNECT_TIMEOUT_MS 5000L
#define ANSWER_MAX_BYTES   65536
#define ANSWER_SHOWN       200

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct dw_buf *answer = context;
    if (answer->len + size * count < ANSWER_MAX_BYTES)
        dw_buf_append(answer, bytes, size * count);
    return size * count; /* the status counts, whatever else is said */
}

static int look_up(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                   curl_off_t up)
{
    const atomic_bool *stopping = context;
    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return stopping && atomic_load(stopping) ? 1 : 0;
}

static struct curl_slist *headers_of(const struct dw_webhook_settings *webhook)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "User-Agent: dualwrite/" DW_VERSION);
    headers = curl_slist_append(headers, "Expect:"); /* no 100-continue */
    if (!webhook->authorization)
        return headers;
    struct dw_buf line;
    dw_buf_init(&line, 8192);
    dw_buf_printf(&line, "Authorization: %s", webhook->authorization);
    headers = curl_slist_append(headers, line.data);
    explicit_bzero(line.data, line.len);
    dw_buf_done(&line);
    return headers;
}

static void set_options(CURL *curl, const struct dw_webhook_settings *webhook, struct dw_str body,
                        const atomic_bool *stopping)
{
    (void)curl_easy_setopt(curl, CURLOPT_URL, webhook->url);
    (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)webhook->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)stopping);
#if LIBCURL_VERSION_NUM >= 0x075500
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    if (!webhook->tls_ca)
        return;
    struct curl_blob blob = {.data = (void *)(uintptr_t)webhook->tls_ca,
                             .len = strlen(webhook->tls_ca),
                             .flags = CURL_BLOB_NOCOPY};
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
}

/* The answer's first words, for the log. */
static enum dw_rc refuse(const struct dw_webhook_settings *webhook, long status,
                         const struct dw_buf *answer, struct dw_err *err)
{
    size_t len = answer->len < ANSWER_SHOWN ? answer->len : ANSWER_SHOWN;
    len = answer->data ? dw_utf8_valid_prefix(answer->data, len) : 0;
    return dw_err_set(err, DW_RETRY, "DW-API-050", "webhook %s answers %ld%s%.*s", webhook->name,
                      status, len ? ": " : "", (int)len, len ? answer->data : "");
}

enum dw_rc dw_webhook_post(const struct dw_webhook_settings *webhook, struct dw_str body,
                           const atomic_bool *stopping, struct dw_err *err)
{
    struct dw_buf answer;
    long status = 0;
    CURL *curl = curl_easy_init();
    if (!curl)
        return dw_err_set(err, DW_RETRY, "DW-API-050", "webhook %s: libcurl cannot be used here",
                          webhook->name);
    struct curl_slist *headers = headers_of(webhook);
    dw_buf_init(&answer, ANSWER_MAX_BYTES);
    set_options(curl, webhook, body, stopping);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    enum dw_rc rc = DW_OK;
    if (code != CURLE_OK)
        rc = dw_err_set(err, DW_RETRY, "DW-API-050", "webhook %s: %s", webhook->name,
                        curl_easy_strerror(code));
    else if (status < 200 || status > 299)
        rc = refuse(webhook, status, &answer, err);
    dw_buf_done(&answer);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return rc;
}

const struct dw_webhook_settings *dw_webhook_find(const struct dw_settings *settings,
                                                  const char *name)
{
    for (size_t i = 0; i < settings->webhook_count; i++)
        if (strcmp(settings->webhooks[i].name, name) == 0)
            return &settings->webhooks[i];
    return NULL;
}
