/* letter_index.h - the thread that indexes the dead-letter topic into the state database.
 *
 * A batch of records of one partition and the offset behind it are written in one transaction,
 * fenced by the offset stored before: each letter is indexed once, whatever is killed and whoever
 * else tries. Whatever stands on the topic gets past: what is not ours is indexed as foreign.
 * Outages are retried for ever. Threads: start and stop by the owner; problem by any.
 */
#ifndef DW_DEAD_LETTERS_LETTER_INDEX_H
#define DW_DEAD_LETTERS_LETTER_INDEX_H
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_letter_index;

/* Borrows `settings` until stop. */
enum dw_rc dw_letter_index_start(struct dw_letter_index **out, const struct dw_settings *settings,
                                 struct dw_err *err) DW_MUST_CHECK;
void dw_letter_index_stop(struct dw_letter_index *index); /* accepts NULL; waits for the thread */

/* Appends why nothing is indexed at the moment; nothing when all is well. */
void dw_letter_index_problem(struct dw_letter_index *index, struct dw_buf *out);

#endif
