/* cli_client.h - HTTP to the operator API, on libcurl.
 *
 * No redirects, no protocols but http and https, TLS verified, bounded answers; a loopback address
 * is never asked through a proxy. Threads: one owner.
 */
#ifndef DW_CLI_CLI_CLIENT_H
#define DW_CLI_CLI_CLIENT_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/config/settings.h"

struct dw_cli_client;

struct dw_cli_answer {
    long status;
    struct dw_str body;
};

/* Borrows the settings for the client's life. */
enum dw_rc dw_cli_client_open(struct dw_cli_client **out,
                              const struct dw_reconciler_settings *settings,
                              struct dw_err *err) DW_MUST_CHECK;
void dw_cli_client_close(struct dw_cli_client *client); /* accepts NULL */

/* `path` starts with "/". A POST carries an Idempotency-Key: when its answer is lost on the way it
 * is sent again, and done once. Where the server says Retry-After it is asked again, a few times.
 * The body of the answer is copied into `arena`. DW_OK whatever the status; DW_RETRY DW-API-020
 * when there was no answer. */
enum dw_rc dw_cli_client_send(struct dw_cli_client *client, const char *method, const char *path,
                              struct dw_str body, struct dw_arena *arena, struct dw_cli_answer *out,
                              struct dw_err *err) DW_MUST_CHECK;

#endif
