/* api_request.h - a request to the operator API, understood: route, names, query, body.
 *
 *   GET  /api/v1/status
 *   GET  /api/v1/maps
 *   GET  /api/v1/maps/NAME
 *   PUT  /api/v1/maps/NAME?dry_run=true        {"document": text or object, "file": "…",
 *                                 "backfill": false, "on_existing", "rate", "delete_extra" as
 * below} POST /api/v1/maps/NAME/start|pause|resume|stop   {"reason": "…"} or nothing; start: live
 * only GET  /api/v1/maps/NAME/history?limit= POST /api/v1/maps/NAME/rollback?dry_run=true
 * {"revision": 3, "reason": "…", "backfill", … as above} or nothing POST /api/v1/start {"maps":
 * ["…"], "copy": true, "on_existing": "overwrite|keep", "rate": 0, "delete_extra": false,
 * "dry_run": false, "reason": "…"} GET  /api/v1/syncs?map=&batch=&all=true&limit= GET
 * /api/v1/syncs/ID POST /api/v1/syncs
 * {"maps": ["…"] or "system": "…", "keys": […] or "from": …, "to": …, "on_existing", "rate",
 * "delete_extra", "dry_run" as above} POST /api/v1/syncs/ID/pause|resume|cancel|rate   {"rate":
 * 500} for rate GET  /api/v1/audit?map=&limit=&after= GET
 * /api/v1/dead-letters?map=&state=&code=&limit=&after= GET  /api/v1/dead-letters/ID
 *
 * Pure: no socket, no database. What is not understood is refused with a status and a reason.
 */
#ifndef DW_API_API_REQUEST_H
#define DW_API_API_REQUEST_H
#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/state/map_state.h"
#include "common/state/state_letters.h"
#include "common/state/state_sync.h"
#include <stdbool.h>
#include <stdint.h>

enum dw_api_route {
    DW_API_STATUS,
    DW_API_MAP_LIST,
    DW_API_MAP_SHOW,
    DW_API_MAP_APPLY,
    DW_API_MAP_ORDER,
    DW_API_LETTER_LIST,
    DW_API_LETTER_SHOW,
    DW_API_MAP_HISTORY,
    DW_API_MAP_ROLLBACK,
    DW_API_START,
    DW_API_SYNC_LIST,
    DW_API_SYNC_SHOW,
    DW_API_SYNC_ORDER,
    DW_API_SYNC_ACT,
    DW_API_AUDIT,
};

/* What is to be copied: DW_API_START, DW_API_SYNC_ORDER. */
struct dw_api_copy {
    const char *const *maps;
    size_t map_count;
    const char *system;           /* NULL: `maps` says which */
    bool live_only;               /* "copy": false */
    struct dw_str keys, from, to; /* JSON; .ptr NULL: none */
    bool keep_existing;
    bool delete_extra;
    int64_t rate;  /* 0 none; also of DW_API_SYNC_ACT */
    bool backfill; /* DW_API_MAP_APPLY, DW_API_MAP_ROLLBACK */
};

struct dw_api_input {
    const char *method;
    const char *path;
    struct dw_str body;
    /* A query parameter, NULL when absent. */
    const char *(*query)(void *context, const char *name);
    void *context;
};

struct dw_api_request {
    enum dw_api_route route;
    const char *map;         /* of the path */
    enum dw_map_event event; /* DW_API_MAP_ORDER */
    const char *reason;      /* "" when none */
    struct dw_str document;  /* DW_API_MAP_APPLY: the map file's text */
    const char *file;        /* for messages */
    bool dry_run;
    int64_t id;       /* DW_API_LETTER_SHOW, DW_API_SYNC_SHOW, DW_API_SYNC_ACT */
    int64_t revision; /* DW_API_MAP_ROLLBACK; 0: the one before */
    struct dw_api_copy copy;
    enum dw_sync_action action;
    struct dw_sync_filter syncs; /* DW_API_SYNC_LIST */
    struct dw_letter_filter filter;
};

struct dw_api_refusal {
    unsigned status; /* 400, 404, 405 */
    const char *code;
    const char *message; /* in the arena */
};

/* True: *out is filled, slices point into the input or `arena`. False: *refusal is. */
bool dw_api_request_parse(const struct dw_api_input *input, struct dw_arena *arena,
                          struct dw_api_request *out, struct dw_api_refusal *refusal);

#endif
