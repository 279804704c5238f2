/* state_request.h - requests that are to be done once, and their answers, in the state database.
 *
 * A request is claimed by token and key before it is done, and settled behind it; a session lock
 * is held in between, which tells a request that is under way from one whose process died. Answers
 * are kept for a day. Threads and errors: as state.h; claim and settle on the same handle.
 */
#ifndef DW_STATE_STATE_REQUEST_H
#define DW_STATE_STATE_REQUEST_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

struct dw_state;

struct dw_request_id {
    const char *token;
    const char *key;
    unsigned char digest[32]; /* of what is asked for */
};

enum dw_request_fate {
    DW_REQUEST_NEW,      /* do it, then settle */
    DW_REQUEST_DONE,     /* *out_status and *out_answer are what it got */
    DW_REQUEST_BUSY,     /* it is being done by another session at this moment */
    DW_REQUEST_CUT_OFF,  /* whoever did it died: nobody knows how far it came */
    DW_REQUEST_DIFFERENT /* the key was used for another request */
};

struct dw_request_claim {
    enum dw_request_fate fate;
    unsigned status;
    struct dw_str answer; /* in the arena */
};

enum dw_rc dw_state_request_claim(struct dw_state *state, const struct dw_request_id *id,
                                  struct dw_arena *arena, struct dw_request_claim *out,
                                  struct dw_err *err) DW_MUST_CHECK;
/* Keeps the answer of one that was NEW; status 0: nothing was done, it may be tried again. */
enum dw_rc dw_state_request_settle(struct dw_state *state, const struct dw_request_id *id,
                                   unsigned status, struct dw_str answer,
                                   struct dw_err *err) DW_MUST_CHECK;
/* Forgets answers older than a day. */
enum dw_rc dw_state_request_clean(struct dw_state *state, struct dw_err *err) DW_MUST_CHECK;

#endif
