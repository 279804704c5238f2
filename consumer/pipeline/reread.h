/* reread.h - asks for source rows to be read again: an event that lacks unchanged TOAST columns, of
 * a row that the target has not, cannot be applied and waits; a re-sync of its key brings the row.
 *
 * A worker never reads the source itself: it would see a later or an earlier row than its place in
 * the stream (trap 5). Requests are kept in memory only: what waits is kept in the target, and asks
 * again. Threads: any.
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
    size_t count;
};

void dw_reread_init(struct dw_reread *reread);
void dw_reread_done(struct dw_reread *reread);

/* `key`: texts of the map's source key. False: too many are waiting to be sent; ask later. */
bool dw_reread_want(struct dw_reread *reread, const char *map, const struct dw_str *key,
                    size_t count);
/* The requests of one map, at most `limit`, as a JSON array of keys appended to `out`; the map's
 * name, owned (free()), or NULL when there is none. */
char *dw_reread_take(struct dw_reread *reread, size_t limit, struct dw_buf *out);

#endif
