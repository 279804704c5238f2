/* claim.h - taking a partition over: progress from the target, checked against the log, then fetch.
 *
 *   progress row ─┬─ none ──────────► group's committed offset, or the log's start
 *                 ├─ below the group's own commit ─► the target was restored: new incarnation,
 *                 │                                  rewind (trap 13)
 *                 └─ else ──────────► next_offset
 *   then: does the log still hold it, and is the record before it the one that was applied last?
 *   (trap 11; that record is read again through the feed and compared by its hash)
 *
 * Threads: the lane's.
 */
#ifndef DW_PIPELINE_CLAIM_H
#define DW_PIPELINE_CLAIM_H
#include "consumer/pipeline/lane.h"

/* Before a claim: asks the brokers about this partition and others of the lane that wait for
 * theirs, at once. Thousands are claimed after a restart, and three questions for each would take
 * minutes. What is found serves as long as it is fresh and shows nothing unusual. */
void dw_claim_look_ahead(struct dw_lane *lane, struct dw_partition *partition);

/* DW_OK: progress, waiting rows and feed are set. DW_RETRY; DW_CONFIG (the map has failed here
 * already when the reason is a gap). */
enum dw_rc dw_claim_partition(struct dw_lane *lane, struct dw_partition *partition,
                              struct dw_err *err) DW_MUST_CHECK;

/* For a partition that has had nothing to do for a while: does the target still stand where it was
 * left? A server that crashed after an unsynchronised commit, or was restored, does not, and no
 * event comes to notice it. DW_CONFLICT DW-APPLY-208: claim again; DW_RETRY. */
enum dw_rc dw_claim_verify(struct dw_lane *lane, struct dw_partition *partition,
                           struct dw_err *err) DW_MUST_CHECK;

/* Looks at the first record after a claim that has to prove the place. True: go on; false: nothing
 * there yet, or the map has failed with a gap. */
bool dw_claim_probe(struct dw_lane *lane, struct dw_partition *partition);

/* Where to start. Pure; the decision behind dw_claim_partition. */
struct dw_claim_facts {
    struct dw_progress progress;
    int64_t low, high, committed;  /* committed -1: none */
    bool committed_by_us;          /* the commit's metadata is ours */
    bool committed_by_incarnation; /* … and names the target's present incarnation */
    bool gap_accepted;             /* an operator resumed after a gap */
};
enum dw_claim_gap { DW_CLAIM_NO_GAP, DW_CLAIM_EXPIRED, DW_CLAIM_TRUNCATED };
struct dw_claim_decision {
    int64_t next_offset;
    bool fresh;   /* no progress row: begin one here */
    bool rewound; /* the target went back */
    bool new_incarnation;
    bool probe; /* read the record before next_offset first */
    enum dw_claim_gap gap;
    bool jump; /* an accepted gap: progress moves to next_offset */
};
struct dw_claim_decision dw_claim_decide(const struct dw_claim_facts *facts);
/* It goes on where it stood, or begins: so it would have been decided after another look, too, or
 * the fetch will find out. */
bool dw_claim_is_plain(const struct dw_claim_decision *decision);

#endif
