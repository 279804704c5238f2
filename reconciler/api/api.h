/* api.h - the operator API: JSON over HTTP (routes: api_routes.c).
 *
 * Rooms: api_routes (the table), api_request (what is asked), api_maps, api_start, api_syncs,
 * api_letters, api_status (answers), flow and latency (what processes report). Errors are
 * {"error":{"code","message"}} with the fitting status. Threads: the HTTP server's call handle;
 * each call borrows a state handle of the pool.
 */
#ifndef DW_API_API_H
#define DW_API_API_H
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/service/http_server.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_letter_index;
struct dw_target_watch;
struct dw_sync_meter;
struct dw_api;

/* Borrows `settings` and `instance` for the API's life. */
struct dw_api *dw_api_new(const struct dw_settings *settings, const char *instance);
void dw_api_free(struct dw_api *api); /* accepts NULL */

/* This instance became the active one and shows what these know; both NULL: it is on standby, and
 * every request is answered with 503. Returns when no request uses what was given before. */
void dw_api_activate(struct dw_api *api, struct dw_letter_index *index,
                     struct dw_target_watch *watch);

/* Who notes the progress of syncs for the API; lives as long as it. */
struct dw_sync_meter *dw_api_meter(struct dw_api *api);

/* A dw_http_handler_fn; `context` is a struct dw_api. The server has to want a token. */
void dw_api_handle(void *context, const struct dw_http_request *request,
                   struct dw_http_response *response);

#endif
