/* sync.h - copies rows that exist already, beside the live stream: initial syncs and re-syncs.
 *
 *   planner thread  takes syncs from the state database, cuts the key space into spans, saves what
 *                   Kafka has, sends the begin and end marks
 *   reader threads  read a chunk each between two watermarks (chunk_read.h)
 *   stream thread   through the tap: opens and closes windows, publishes chunks in their place
 *
 * No snapshot is exported and no transaction stays open: a change between a chunk's watermarks wins
 * over the chunk's row, and after a crash only chunks that Kafka does not have wholly are read
 * again.
 */
#ifndef DW_INITIAL_SYNC_SYNC_H
#define DW_INITIAL_SYNC_SYNC_H
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_sync;
struct dw_tap;

struct dw_sync_options { /* borrowed for ever */
    const struct dw_settings *settings;
    const struct dw_system_settings *system;
    const char *instance;
};

/* Starts the threads; they do nothing until a stream has begun. */
enum dw_rc dw_sync_open(struct dw_sync **out, const struct dw_sync_options *options,
                        struct dw_err *err) DW_MUST_CHECK;
/* Ends them; the stream must have ended. Accepts NULL. */
void dw_sync_close(struct dw_sync *sync);
/* For the capture. */
struct dw_tap *dw_sync_tap(struct dw_sync *sync);

#endif
