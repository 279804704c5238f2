/* start_position.c - see start_position.h. */
#include "producer/capture_postgres/start_position.h"

#include <inttypes.h>
#include <string.h>

enum dw_start dw_start_position_decide(const struct dw_start_facts *facts)
{
    if (!facts->known) {
        /* A lost slot without a memory of ours is somebody's leftover: it cannot be used either. */
        return facts->slot_exists && facts->slot_lost ? DW_START_SLOT_LOST : DW_START_FIRST;
    }
    if (strcmp(facts->system_identifier, facts->known_system_identifier) != 0)
        return DW_START_SYSTEM_CHANGED;
    if (facts->timeline != facts->known_timeline)
        return DW_START_TIMELINE_CHANGED;
    if (facts->server_lsn < facts->published_lsn || facts->server_lsn < facts->confirmed_lsn)
        return DW_START_SERVER_BEHIND;
    if (!facts->slot_exists)
        return DW_START_SLOT_MISSING;
    if (facts->slot_lost)
        return DW_START_SLOT_LOST;
    if (facts->slot_confirmed_lsn > facts->confirmed_lsn)
        return DW_START_SLOT_AHEAD;
    return DW_START_RESUME;
}

static const struct {
    const char *name;
    const char *code;
    const char *text;
} starts[] = {
    [DW_START_FIRST] = {"streaming", NULL, "first start"},
    [DW_START_RESUME] = {"streaming", NULL, "resumes"},
    [DW_START_SLOT_MISSING] = {"slot_missing", "DW-CAPTURE-020",
                               "the replication slot is gone; changes since then may be missing"},
    [DW_START_SLOT_LOST] = {"slot_lost", "DW-CAPTURE-021",
                            "the server has invalidated the replication slot and removed WAL"},
    [DW_START_SLOT_AHEAD] = {"slot_ahead", "DW-CAPTURE-022",
                             "the slot is ahead of what we have published: somebody moved it"},
    [DW_START_SYSTEM_CHANGED] = {"system_changed", "DW-CAPTURE-023",
                                 "this is another database cluster than before"},
    [DW_START_TIMELINE_CHANGED] = {"timeline_changed", "DW-CAPTURE-024",
                                   "the server is on another timeline: promoted or restored"},
    [DW_START_SERVER_BEHIND] = {"server_behind", "DW-CAPTURE-025",
                                "the server's WAL ends before what we have published: restored"},
    [DW_START_HISTORY_CHANGED] = {"history_changed", "DW-CAPTURE-026",
                                  "the commits that the server sends again are others than those "
                                  "published: restored from an image"},
    [DW_START_PUBLICATION_LOST] = {"publication_lost", "DW-CAPTURE-027",
                                   "the publication was dropped while changes were made, which "
                                   "the server cannot decode any more"},
};

const char *dw_start_position_name(enum dw_start start)
{
    return starts[start].name;
}

const char *dw_start_position_code(enum dw_start start)
{
    return starts[start].code;
}

static void append_lsn(struct dw_buf *out, const char *name, uint64_t lsn)
{
    dw_buf_printf(out, ", %s %" PRIX32 "/%" PRIX32, name, (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

void dw_start_position_explain(enum dw_start start, const struct dw_start_facts *facts,
                               struct dw_buf *out)
{
    dw_buf_append_text(out, starts[start].text);
    if (start == DW_START_SYSTEM_CHANGED)
        dw_buf_printf(out, ", system identifier %s, before %s", facts->system_identifier,
                      facts->known_system_identifier);
    if (start == DW_START_TIMELINE_CHANGED)
        dw_buf_printf(out, ", timeline %" PRIu32 ", before %" PRIu32, facts->timeline,
                      facts->known_timeline);
    append_lsn(out, "server at", facts->server_lsn);
    if (facts->slot_exists)
        append_lsn(out, "slot confirmed", facts->slot_confirmed_lsn);
    if (facts->known) {
        append_lsn(out, "we had published", facts->published_lsn);
        append_lsn(out, "we had confirmed", facts->confirmed_lsn);
    }
}

void dw_start_position_arm(struct dw_start_history *history, const struct dw_commit *expected,
                           uint64_t slot_confirmed_lsn)
{
    /* The server sends a commit again if its record is not before the slot's position. */
    *history = (struct dw_start_history){
        .armed = expected->commit_lsn && slot_confirmed_lsn <= expected->commit_lsn,
        .expected = *expected,
    };
}

enum dw_start_verdict dw_start_position_judge(struct dw_start_history *history,
                                              const struct dw_commit *begin)
{
    if (!history->armed)
        return DW_START_PUBLISH;
    const struct dw_commit *expected = &history->expected;
    if (begin->commit_lsn < expected->commit_lsn)
        return DW_START_SKIP;
    if (begin->commit_lsn > expected->commit_lsn || begin->xid != expected->xid ||
        begin->commit_us != expected->commit_us)
        return DW_START_MISMATCH;
    history->armed = false;
    return DW_START_SKIP;
}

bool dw_start_position_may_pass(const struct dw_start_history *history, uint64_t lsn)
{
    return !history->armed || lsn <= history->expected.commit_lsn;
}
