/* letter_news.h - what the held rows of a target say, carried into the index, and what the index
 * says, carried into the held rows.
 *
 *   held row has ended              the letter ends so; then the row goes
 *   held row wants its row          a re-sync of its key is ordered
 *   replay was sent                 tried and failed, or lost with its topic: open again
 *   its row was read again          and it is held still: open again; nobody holds it: superseded
 *   letter is to be discarded       its held row ends as discarded
 *
 * Each line may be cut off after any of its steps and begun again. Threads: the owner of the
 * connection.
 */
#ifndef DW_DEAD_LETTERS_LETTER_NEWS_H
#define DW_DEAD_LETTERS_LETTER_NEWS_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/state/state_replay.h"

struct pg_conn;
struct dw_state;

/* *out_busy: something is under way, look again soon. Allocates in `arena`, which it resets. */
enum dw_rc dw_letter_news_look(struct dw_state *state, struct pg_conn *target, const char *system,
                               struct dw_arena *arena, bool *out_busy,
                               struct dw_err *err) DW_MUST_CHECK;

/* What is to be done with a letter in flight, as its held row stands. Pure. */
struct dw_letter_held {
    bool exists, ended, wants_row;
    int64_t attempts;
    bool passed; /* its target has applied what came long behind the replay, and nothing waits */
};
/* False: it is still under way. */
bool dw_letter_news_judge(const struct dw_letter_flight *flight, const struct dw_letter_held *held,
                          struct dw_letter_landing *out);

#endif
