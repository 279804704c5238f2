/* start_position.h - may the stream start where the slot stands? A pure decision.
 *
 * PostgreSQL starts silently at the slot's own position, whatever a client asks for, so every way
 * in which changes could be missing has to be seen beforehand, or (a restored image: same
 * identifier, same timeline, other history) in the first commits that come again (trap 12).
 */
#ifndef DW_CAPTURE_POSTGRES_START_POSITION_H
#define DW_CAPTURE_POSTGRES_START_POSITION_H
#include "common/base/buf.h"
#include "producer/capture_postgres/commit_window.h"
#include <stdbool.h>
#include <stdint.h>

enum dw_start {
    DW_START_FIRST,  /* nothing was ever published: make the slot if missing, begin */
    DW_START_RESUME, /* go on */
    /* gaps: stop with this state until an operator accepts the gap */
    DW_START_SLOT_MISSING,
    DW_START_SLOT_LOST,
    DW_START_SLOT_AHEAD,
    DW_START_SYSTEM_CHANGED,
    DW_START_TIMELINE_CHANGED,
    DW_START_SERVER_BEHIND,
    DW_START_HISTORY_CHANGED,
    DW_START_PUBLICATION_LOST,
};

struct dw_start_facts {
    /* the server */
    const char *system_identifier;
    uint32_t timeline;
    uint64_t server_lsn; /* end of its WAL */
    bool slot_exists;
    bool slot_lost; /* wal_status lost, or invalidated */
    uint64_t slot_confirmed_lsn;
    /* what we remember */
    bool known;
    const char *known_system_identifier;
    uint32_t known_timeline;
    uint64_t published_lsn; /* commit LSN of the last commit known to be in Kafka; 0 none */
    uint64_t confirmed_lsn; /* the most that the slot was told */
};

enum dw_start dw_start_position_decide(const struct dw_start_facts *facts);

static inline bool dw_start_position_is_gap(enum dw_start start)
{
    return start > DW_START_RESUME;
}

/* "slot_missing", …; "streaming" for those that start. */
const char *dw_start_position_name(enum dw_start start);
/* "DW-CAPTURE-020", …; NULL for those that start. */
const char *dw_start_position_code(enum dw_start start);
/* A sentence for a person, with the figures. */
void dw_start_position_explain(enum dw_start start, const struct dw_start_facts *facts,
                               struct dw_buf *out);

/* --- the first commits after a start (trap 12) --- */

/* Commits up to and with `expected` were published before: they are not published again, and
 * `expected` itself must come by, unchanged. */
struct dw_start_history {
    bool armed;
    struct dw_commit expected; /* commit_lsn, xid, commit_us */
};

enum dw_start_verdict {
    DW_START_PUBLISH,  /* new */
    DW_START_SKIP,     /* published before */
    DW_START_MISMATCH, /* another history */
};

/* Arms when the slot will send `expected` again. */
void dw_start_position_arm(struct dw_start_history *history, const struct dw_commit *expected,
                           uint64_t slot_confirmed_lsn);
/* What to do with a transaction, by what its BEGIN says. */
enum dw_start_verdict dw_start_position_judge(struct dw_start_history *history,
                                              const struct dw_commit *begin);
/* The server has sent every commit before `lsn`: false when the expected one should have come. */
bool dw_start_position_may_pass(const struct dw_start_history *history, uint64_t lsn);

#endif
