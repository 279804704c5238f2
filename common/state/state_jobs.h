/* state_jobs.h - work on many dead letters: replay, discard, purge.
 *
 * A job walks the letters that match its filter by rising id, a page at a time; page and place are
 * one transaction, so it goes on from there after a kill. It is done when all are looked at and
 * those taken have ended. Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_JOBS_H
#define DW_STATE_STATE_JOBS_H
#include "common/state/state_replay.h"

enum dw_letter_action { DW_LETTER_REPLAY, DW_LETTER_DISCARD, DW_LETTER_PURGE };
#define DW_LETTER_ACTION_COUNT 3
const char *dw_state_jobs_action_name(enum dw_letter_action action); /* never NULL */

/* The states of letters that it is for: "open", "open,unconfirmed", … */
const char *dw_state_jobs_action_states(enum dw_letter_action action);

struct dw_letter_job {
    int64_t id;
    enum dw_letter_action action;
    bool source_row;    /* replay: by the source's row of now */
    const char *filter; /* JSON */
    const char *by, *reason;
    const char *state; /* running, done, cancelled */
    int64_t last_id, at_id;
    int64_t total, taken, refused, applied, superseded, filtered, discarded, failed, purged;
    const char *refusal;
    int64_t in_flight;
    int64_t created_us, ended_us;
};

/* Starts a job on what matches now; `filter->state` names the states that are meant (NULL: those
 * that the action is for). Audited. *out_id 0: nothing matches, and there is no job. */
enum dw_rc dw_state_jobs_create(struct dw_state *state, const struct dw_letter_job *job,
                                const struct dw_letter_filter *filter, int64_t *out_id,
                                struct dw_err *err) DW_MUST_CHECK;

/* Newest first; `id` one of them, 0 all; `running` those that are. */
enum dw_rc dw_state_jobs_load(struct dw_state *state, int64_t id, bool running, int limit,
                              struct dw_arena *arena, const struct dw_letter_job **out,
                              size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

/* Takes no further letters. DW_CONFIG DW-STATE-014: no such job; DW_CONFLICT DW-STATE-015: it is
 * over. */
enum dw_rc dw_state_jobs_cancel(struct dw_state *state, int64_t id, const char *by,
                                struct dw_err *err) DW_MUST_CHECK;

/* The next letters of a job, by id; with key, without event. */
enum dw_rc dw_state_jobs_page(struct dw_state *state, const struct dw_letter_job *job, int limit,
                              struct dw_arena *arena, struct dw_letter_list *out,
                              struct dw_err *err) DW_MUST_CHECK;

enum dw_letter_choice {
    DW_LETTER_REFUSE,
    DW_LETTER_SEND,     /* replay through the topic */
    DW_LETTER_READ_ROW, /* by a re-sync of its key */
    DW_LETTER_LET_GO,   /* discard: the target holds it */
    DW_LETTER_END,      /* discard: nobody holds it */
    DW_LETTER_REMOVE,   /* purge */
};

struct dw_letter_take {
    int64_t id;
    const char *map;
    enum dw_letter_choice choice;
    const char *key;    /* READ_ROW: JSON array of texts */
    const char *reason; /* REFUSE */
};

/* Carries a page's choices out and moves the job behind `to_id`, in one transaction. */
enum dw_rc dw_state_jobs_take(struct dw_state *state, const struct dw_letter_job *job,
                              const struct dw_letter_take *takes, size_t count, int64_t to_id,
                              struct dw_err *err) DW_MUST_CHECK;

/* The job has come to the end of its letters: done once none of them is in flight. */
enum dw_rc dw_state_jobs_finish(struct dw_state *state, int64_t id,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
