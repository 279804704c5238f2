/* claim.c - see claim.h. */
#include "consumer/pipeline/claim.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "consumer/pipeline/accounting.h"
#include "consumer/pipeline/batch.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    LOOK_TIMEOUT_MS = 5000,
    LOOK_FRESH_MS = 5000, /* an older look ahead does not serve; nor is one tried sooner after a
                             failure */
    LOOKS_AHEAD = 256,
};

/* --- the decision -----------------------------------------------------------------------------
 */

/* Without a progress row: an offset that an operator committed for the group is a wish to begin
 * there; one of our own means that the target lost its row. */
static int64_t fresh_offset(const struct dw_claim_facts *facts, struct dw_claim_decision *decision)
{
    if (facts->committed >= 0 && !facts->committed_by_us)
        return facts->committed;
    if (facts->committed > facts->low) {
        decision->rewound = true;
        decision->new_incarnation = facts->committed_by_incarnation;
    }
    return facts->low;
}

struct dw_claim_decision dw_claim_decide(const struct dw_claim_facts *facts)
{
    const struct dw_progress *progress = &facts->progress;
    struct dw_claim_decision decision = {.next_offset = progress->next_offset};
    if (!progress->exists) {
        decision.fresh = true;
        decision.next_offset = fresh_offset(facts, &decision);
    } else if (facts->committed_by_us && progress->next_offset < facts->committed) {
        decision.rewound = true;
        decision.new_incarnation = facts->committed_by_incarnation;
    }
    if (facts->low > decision.next_offset)
        decision.gap = DW_CLAIM_EXPIRED;
    else if (facts->high < decision.next_offset)
        decision.gap = DW_CLAIM_TRUNCATED;
    if (decision.gap != DW_CLAIM_NO_GAP && facts->gap_accepted) {
        decision.gap = DW_CLAIM_NO_GAP;
        decision.jump = true;
        decision.next_offset = facts->low;
        return decision;
    }
    bool seen = progress->exists && progress->next_offset > progress->first_offset;
    decision.probe = decision.gap == DW_CLAIM_NO_GAP && seen && facts->low < decision.next_offset;
    return decision;
}

bool dw_claim_is_plain(const struct dw_claim_decision *decision)
{
    return decision->gap == DW_CLAIM_NO_GAP && !decision->rewound && !decision->jump;
}

/* --- looking ahead ----------------------------------------------------------------------------
 */

static bool is_fresh(const struct dw_partition *partition, int64_t now)
{
    return partition->ahead && now - partition->ahead_ms < LOOK_FRESH_MS;
}

/* One that has just come has not had its first turn, which makes it claim. */
static bool wants_look(const struct dw_partition *partition, int64_t now)
{
    bool claims = dw_partition_in(partition) == DW_PARTITION_CLAIMING || !partition->entry;
    return claims && now >= partition->wake_at_ms && !is_fresh(partition, now);
}

static void take_look(struct dw_partition *partition, const struct dw_kafka_look *look, int64_t now)
{
    if (!partition->ahead)
        partition->ahead = DW_MEM_NEW(struct dw_kafka_look);
    *partition->ahead = *look;
    partition->ahead_ms = now;
}

void dw_claim_look_ahead(struct dw_lane *lane, struct dw_partition *partition)
{
    struct dw_kafka_place places[LOOKS_AHEAD];
    struct dw_partition *of[LOOKS_AHEAD];
    size_t count = 0;
    int64_t now = dw_clock_mono_ms();
    struct dw_err err = DW_ERR_INIT;
    if (now < lane->look_ahead_at_ms || !wants_look(partition, now))
        return;
    for (; partition && count < LOOKS_AHEAD; partition = partition->next) {
        if (!wants_look(partition, now))
            continue;
        of[count] = partition;
        places[count++] = (struct dw_kafka_place){partition->topic, partition->number, {0}};
    }
    if (count < 2)
        return;
    if (dw_kafka_consumer_look_at_all(lane->context->consumer, places, count, LOOK_TIMEOUT_MS,
                                      &err) != DW_OK) {
        dw_log_err(DW_LOG_DEBUG, "claim.look_ahead", &err);
        lane->look_ahead_at_ms = dw_clock_mono_ms() + LOOK_FRESH_MS;
        return;
    }
    for (size_t i = 0; i < count; i++)
        take_look(of[i], &places[i].look, now);
}

/* --- carrying it out --------------------------------------------------------------------------
 */

static bool same_place(const struct dw_progress *a, const struct dw_progress *b)
{
    if (!a->exists || !b->exists)
        return a->exists == b->exists;
    return a->next_offset == b->next_offset && a->tail_hash == b->tail_hash &&
           dw_version_compare(&a->version, &b->version) == 0;
}

static void load_waiting(struct dw_lane *lane, struct dw_partition *partition,
                         const struct dw_waiting *rows, size_t count)
{
    (void)atomic_fetch_sub(&lane->context->waiting, (int64_t)partition->waiting.entries);
    dw_waiting_clear(&partition->waiting);
    for (size_t i = 0; i < count; i++)
        (void)dw_waiting_add(&partition->waiting, &rows[i], 0);
    (void)atomic_fetch_add(&lane->context->waiting, (int64_t)count);
    partition->waiting_round++;
    partition->waiting_at_ms = 0;
}

static void fail_gap(struct dw_lane *lane, struct dw_partition *partition,
                     const struct dw_progress *progress, const char *what)
{
    char reason[512];
    (void)snprintf(reason, sizeof reason,
                   "topic %s [%d]: %s; offset %lld is the next to apply, so events may be missing. "
                   "Re-sync the map, or resume it to go on without them",
                   partition->topic, (int)partition->number, what,
                   (long long)progress->next_offset);
    dw_lane_fail_map(lane, partition, DW_REGISTRY_GAP_CODE, reason, &progress->version.commit_lsn);
}

static enum dw_rc gap_error(struct dw_lane *lane, struct dw_partition *partition,
                            const struct dw_claim_facts *facts, enum dw_claim_gap gap,
                            struct dw_err *err)
{
    char what[160];
    if (gap == DW_CLAIM_EXPIRED)
        (void)snprintf(what, sizeof what, "the log begins at %lld only", (long long)facts->low);
    else
        (void)snprintf(what, sizeof what, "the log ends at %lld already", (long long)facts->high);
    fail_gap(lane, partition, &facts->progress, what);
    return dw_err_set(err, DW_CONFIG, DW_REGISTRY_GAP_CODE, "%s", what);
}

/* The commit's metadata is "dualwrite INCARNATION". */
static void read_metadata(const struct dw_kafka_look *look, const char *incarnation,
                          struct dw_claim_facts *facts)
{
    static const char mark[] = "dualwrite ";
    facts->committed_by_us = strncmp(look->metadata, mark, sizeof mark - 1) == 0;
    facts->committed_by_incarnation =
        facts->committed_by_us && strcmp(look->metadata + sizeof mark - 1, incarnation) == 0;
}

/* After a commit of unknown fate the records in hand are still good when the row stands at one of
 * the two places we know. */
static bool settle_uncertain(struct dw_partition *partition, const struct dw_progress *progress)
{
    if (!partition->has_uncertain)
        return false;
    partition->has_uncertain = false;
    if (dw_feed_out_of_range(&partition->feed) || (!same_place(progress, &partition->uncertain) &&
                                                   !same_place(progress, &partition->progress)))
        return false;
    if (progress->exists)
        partition->progress = *progress;
    (void)dw_partition_advance(partition, partition->progress.next_offset);
    return true;
}

static void log_claim(const struct dw_partition *partition,
                      const struct dw_claim_decision *decision)
{
    dw_log(decision->rewound || decision->jump ? DW_LOG_WARN : DW_LOG_INFO, "partition.claimed",
           decision->rewound ? "the target stands before what was committed: rewound"
           : decision->jump  ? "resumed over a gap"
                             : "goes on where the target stands",
           DW_F_TEXT("map", partition->entry->name), DW_F_INT("partition", partition->number),
           DW_F_INT("offset", decision->next_offset),
           DW_F_INT("waiting", partition->waiting.entries));
}

/* Several partitions find the target restored at the same time; one of them names the new
 * incarnation, the others take it over. */
static enum dw_rc renew_locked(struct dw_lane *lane, struct dw_partition *partition,
                               struct dw_err *err)
{
    struct dw_partition_id id = dw_lane_id(partition);
    struct dw_progress ignored;
    struct dw_waiting *rows = NULL;
    size_t count = 0;
    char before[sizeof partition->incarnation];
    memcpy(before, partition->incarnation, sizeof before);
    enum dw_rc rc = dw_writer_claim(lane->writer, &id, &lane->arena, &ignored, &rows, &count,
                                    partition->incarnation, err);
    if (rc != DW_OK || strcmp(before, partition->incarnation) != 0)
        return rc;
    rc = dw_writer_new_incarnation(lane->writer, partition->incarnation, err);
    if (rc == DW_OK)
        dw_log(DW_LOG_WARN, "target.restored", "the target went back: it has a new incarnation",
               DW_F_TEXT("system", lane->system->name),
               DW_F_TEXT("incarnation", partition->incarnation));
    return rc;
}

static enum dw_rc new_incarnation(struct dw_lane *lane, struct dw_partition *partition,
                                  struct dw_err *err)
{
    pthread_mutex_lock(&lane->context->incarnation_lock);
    enum dw_rc rc = renew_locked(lane, partition, err);
    pthread_mutex_unlock(&lane->context->incarnation_lock);
    return rc;
}

static enum dw_rc carry_out(struct dw_lane *lane, struct dw_partition *partition,
                            const struct dw_claim_facts *facts,
                            const struct dw_claim_decision *decision, struct dw_err *err)
{
    if (decision->gap != DW_CLAIM_NO_GAP)
        return gap_error(lane, partition, facts, decision->gap, err);
    if (decision->new_incarnation) {
        enum dw_rc rc = new_incarnation(lane, partition, err);
        if (rc != DW_OK)
            return rc;
    }
    partition->progress = facts->progress;
    if (decision->fresh)
        partition->progress = (struct dw_progress){.next_offset = decision->next_offset,
                                                   .first_offset = decision->next_offset};
    else if (decision->jump)
        dw_accounting_jump(&partition->progress, decision->next_offset);
    partition->base = facts->progress;
    if (decision->fresh)
        partition->base = partition->progress;
    partition->probe = decision->probe;
    dw_partition_drop_records(partition);
    dw_feed_start(&partition->feed, decision->next_offset - (decision->probe ? 1 : 0));
    dw_context_attention(lane->context);
    log_claim(partition, decision);
    return DW_OK;
}

/* The revision in force here is what the progress row names, if the stream brought it. */
static enum dw_rc load_version(struct dw_lane *lane, struct dw_partition *partition,
                               const struct dw_progress *progress, struct dw_err *err)
{
    struct dw_partition_id id = dw_lane_id(partition);
    struct dw_writer_version version;
    bool found = false;
    id.revision = progress->revision;
    enum dw_rc rc = progress->exists
                        ? dw_writer_version(lane->writer, &id, &lane->arena, &version, &found, err)
                        : DW_OK;
    if (rc != DW_OK)
        return rc;
    dw_registry_release(partition->marked);
    partition->marked = NULL;
    partition->marked_unsaved = false;
    if (found)
        partition->marked = dw_registry_version(partition->entry, id.revision, version.document,
                                                version.resolved, err);
    if (found && !partition->marked)
        dw_log_err(DW_LOG_ERROR, "map.unreadable", err); /* the newest one takes its place */
    dw_lane_look_again(partition);
    return DW_OK;
}

static struct dw_claim_decision decide(const struct dw_partition *partition,
                                       const struct dw_kafka_look *look, bool went_back,
                                       struct dw_claim_facts *facts)
{
    facts->low = look->low;
    facts->high = look->high;
    facts->committed = look->committed;
    read_metadata(look, partition->incarnation, facts);
    if (went_back && !facts->committed_by_us) {
        facts->committed = partition->progress.next_offset;
        facts->committed_by_us = facts->committed_by_incarnation = true;
    }
    return dw_claim_decide(facts);
}

/* A look from before the claim may be behind the row that was claimed: the log has grown since, or
 * the worker before committed. Then it shows something unusual, and another one is taken. */
static enum dw_rc find_place(struct dw_lane *lane, struct dw_partition *partition, bool went_back,
                             struct dw_claim_facts *facts, struct dw_claim_decision *out,
                             struct dw_err *err)
{
    if (is_fresh(partition, dw_clock_mono_ms())) {
        *out = decide(partition, partition->ahead, went_back, facts);
        free(partition->ahead);
        partition->ahead = NULL;
        if (dw_claim_is_plain(out))
            return DW_OK;
    }
    struct dw_kafka_look look;
    enum dw_rc rc = dw_kafka_consumer_look(lane->context->consumer, partition->topic,
                                           partition->number, true, LOOK_TIMEOUT_MS, &look, err);
    if (rc != DW_OK)
        return rc == DW_CONFIG ? DW_RETRY : rc; /* a topic that is being made anew */
    *out = decide(partition, &look, went_back, facts);
    return DW_OK;
}

enum dw_rc dw_claim_partition(struct dw_lane *lane, struct dw_partition *partition,
                              struct dw_err *err)
{
    struct dw_partition_id id = dw_lane_id(partition);
    struct dw_claim_facts facts = {0};
    struct dw_waiting *rows = NULL;
    size_t count = 0;
    dw_arena_reset(&lane->arena);
    enum dw_rc rc = dw_writer_claim(lane->writer, &id, &lane->arena, &facts.progress, &rows, &count,
                                    partition->incarnation, err);
    if (rc != DW_OK)
        return rc;
    bool went_back = partition->has_progress && facts.progress.exists &&
                     facts.progress.next_offset < partition->progress.next_offset;
    dw_fault("consumer.after_claim");
    if (facts.progress.generation.reach)
        dw_partition_turn(partition);
    load_waiting(lane, partition, rows, count);
    rc = load_version(lane, partition, &facts.progress, err);
    if (rc == DW_OK)
        rc = dw_writer_holds(lane->writer, partition->topic, &partition->holds, err);
    if (rc != DW_OK)
        return rc;
    if (settle_uncertain(partition, &facts.progress)) {
        partition->base = partition->progress;
        return DW_OK;
    }
    facts.gap_accepted = dw_registry_gap_accepted(partition->entry);
    struct dw_claim_decision decision;
    rc = find_place(lane, partition, went_back, &facts, &decision, err);
    if (rc != DW_OK)
        return rc;
    rc = carry_out(lane, partition, &facts, &decision, err);
    partition->has_progress = rc == DW_OK;
    return rc;
}

enum dw_rc dw_claim_verify(struct dw_lane *lane, struct dw_partition *partition, struct dw_err *err)
{
    struct dw_partition_id id = dw_lane_id(partition);
    struct dw_progress progress = {0};
    enum dw_rc rc = dw_writer_progress(lane->writer, &id, &progress, err);
    if (rc == DW_RETRY || (rc == DW_OK && same_place(&progress, &partition->base)))
        return rc;
    if (rc != DW_OK) /* the table may be gone, with all of the target: the claim looks at it */
        return DW_CONFLICT;
    return dw_err_set(err, DW_CONFLICT, "DW-APPLY-208",
                      "progress of %s [%d] is not where this worker left it", partition->topic,
                      (int)partition->number);
}

bool dw_claim_probe(struct dw_lane *lane, struct dw_partition *partition)
{
    const struct dw_feed_record *record = dw_partition_peek(partition, lane->take_bytes);
    if (!record)
        return false;
    const struct dw_progress *progress = &partition->progress;
    if (record->offset == progress->next_offset - 1 &&
        dw_batch_hash(record->key, record->value) == progress->tail_hash) {
        partition->probe = false;
        (void)dw_partition_advance(partition, progress->next_offset);
        return true;
    }
    if (dw_registry_gap_accepted(partition->entry)) {
        /* The topic was made anew: all that it holds is new to us; versions tell what is not. */
        struct dw_kafka_look look;
        struct dw_err err = DW_ERR_INIT;
        if (dw_kafka_consumer_look(lane->context->consumer, partition->topic, partition->number,
                                   false, LOOK_TIMEOUT_MS, &look, &err) != DW_OK)
            return false;
        dw_accounting_jump(&partition->progress, look.low);
        partition->probe = false;
        dw_partition_drop_records(partition);
        dw_feed_start(&partition->feed, look.low);
        dw_context_attention(lane->context);
        return false;
    }
    fail_gap(lane, partition, progress,
             record->offset == progress->next_offset - 1
                 ? "the record before is not the one that was applied last (the topic was made "
                   "anew, or lost its end)"
                 : "the record that was applied last is missing");
    return false;
}
