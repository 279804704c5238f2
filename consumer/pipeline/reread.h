/* reread.h - asks for source rows to be read again: an event that lacks unchanged TOAST columns, of
 * a row that the target has not, cannot be applied and waits; a re-sync of its key brings the row.
 *
 * A worker never reads the source itself: it would see a later or an earlier row than its place in
 * the stream (trap 5). Requests are kept in memory until the state database has them as a re-sync,
 * which outlives every process: what waits is kept in the target, and asks again. Threads: any.
 */
#ifndef DW_PIPELINE_REREAD_H
#define DW_PIPELINE_REREAD_H
#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/base/table.h"
#include <pthread.h>

struct dw_reread_request;

struct dw_reread {
    pthread_mutex_t lock;
    struct dw_reread_request *first;
    struct dw_reread_request *taken; /* by dw_reread_take, until it is settled */
    size_t count;
    uint64_t tickets;      /* given out */
    uint64_t lost;         /* no re-sync came of some up to this one */
    uint64_t stored_below; /* of those below, all that are not lost are re-syncs */
};

void dw_reread_init(struct dw_reread *reread);
void dw_reread_done(struct dw_reread *reread);

/* `key`: texts of the map's source key. The request's ticket; 0: too many are waiting to be sent,
 * ask later. */
uint64_t dw_reread_want(struct dw_reread *reread, const char *map, const struct dw_str *key,
                        size_t count);
/* Whether a re-sync that is kept has come of the request, so that nobody needs to remember it. */
bool dw_reread_is_stored(struct dw_reread *reread, uint64_t ticket);

/* The requests of one map, at most `limit`, as a JSON array of keys appended to `out`; the map's
 * name, owned (free()), or NULL when there is none. To be settled before the next ones are taken.
 */
char *dw_reread_take(struct dw_reread *reread, size_t limit, struct dw_buf *out);
enum dw_reread_result {
    DW_REREAD_STORED,
    DW_REREAD_AGAIN, /* they are taken again later */
    DW_REREAD_LOST,  /* who still wants them has to ask anew */
};
void dw_reread_settle(struct dw_reread *reread, enum dw_reread_result result);

#endif
