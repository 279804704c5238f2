/* state.c - see state.h: the handle and its notifications. */
#include "common/state/state.h"

#include "common/postgres/pg.h"
#include "common/state/state_db.h"
#include "common/state/state_sync.h"
#include <stdlib.h>

enum dw_rc dw_state_open(struct dw_state **out, const struct dw_state_settings *settings,
                         const char *application_name, struct dw_err *err)
{
    struct dw_state *state = DW_MEM_NEW(struct dw_state);
    state->settings = settings;
    state->application_name = dw_mem_strdup(application_name);
    enum dw_rc rc = dw_state_db_connect(state, err);
    if (rc) {
        dw_state_close(state);
        return rc;
    }
    *out = state;
    return DW_OK;
}

void dw_state_close(struct dw_state *state)
{
    if (!state)
        return;
    dw_pg_disconnect(state->conn);
    free(state->application_name);
    free(state);
}

static void take_notifications(struct dw_state *state)
{
    if (state->conn && !PQconsumeInput(state->conn)) {
        dw_pg_disconnect(state->conn);
        state->conn = NULL;
    }
    PGnotify *notify;
    while (state->conn && (notify = PQnotifies(state->conn)) != NULL) {
        if (strcmp(notify->extra, "map") == 0)
            state->maps_changed = true;
        else if (strcmp(notify->extra, "sync") == 0)
            state->syncs_changed = true;
        PQfreemem(notify);
    }
}

bool dw_state_syncs_changed(struct dw_state *state)
{
    take_notifications(state);
    bool changed = state->syncs_changed;
    state->syncs_changed = false;
    return changed;
}

bool dw_state_maps_changed(struct dw_state *state)
{
    take_notifications(state);
    bool changed = state->maps_changed;
    state->maps_changed = false;
    return changed;
}

int dw_state_socket(struct dw_state *state)
{
    return state->conn ? PQsocket(state->conn) : -1;
}
