/* apply.c - see apply.h. */
#include "consumer/write_postgres/apply.h"

#include "common/postgres/pg.h"
#include "consumer/write_postgres/coalesce.h"
#include "consumer/write_postgres/failure.h"
#include "consumer/write_postgres/lookup_resolve.h"
#include "consumer/write_postgres/merge_groups.h"
#include "consumer/write_postgres/owner.h"
#include "consumer/write_postgres/parents.h"
#include "consumer/write_postgres/stale.h"

/* A key whose first event waits, with those behind it, in order. */
struct queue {
    struct queue *next;
    struct dw_change **changes;
    size_t count, capacity;
};

struct apply {
    struct dw_writer *writer;
    struct dw_writer_table *table;
    struct dw_arena *arena;
    struct dw_err *err;
    struct queue *queues; /* as writer->blocked finds them by key */
};

/* ---- what waits ---- */

static void enqueue(struct apply *apply, struct queue *queue, struct dw_change *change)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity ? queue->capacity * 2 : 4;
        struct dw_change **grown =
            DW_ARENA_ARRAY(apply->arena, struct dw_change *, queue->capacity);
        for (size_t i = 0; i < queue->count; i++)
            grown[i] = queue->changes[i];
        queue->changes = grown;
    }
    queue->changes[queue->count++] = change;
}

static void block(struct apply *apply, struct dw_change *change)
{
    struct queue *queue = DW_ARENA_NEW(apply->arena, struct queue);
    enqueue(apply, queue, change);
    queue->next = apply->queues;
    apply->queues = queue;
    *dw_table_place(&apply->writer->blocked, change->key_text) = queue;
}

/* ---- outcomes of a part that went in ---- */

/* It waits until the row was read again, what comes behind it in the batch too. */
static void settle_incomplete(struct apply *apply, struct dw_change *change, const char *why)
{
    struct queue *queue = dw_table_find(&apply->writer->blocked, change->key_text);
    dw_failure_incomplete(change, why, apply->arena);
    if (!queue)
        block(apply, change);
    else if (queue->changes[queue->count - 1]->offset < change->offset)
        enqueue(apply, queue, change); /* else it stands there: its key is tried as a whole */
}

static void settle_in_op(struct apply *apply, struct dw_change *change,
                         const struct dw_coalesce_op *op)
{
    if (op->missing)
        settle_incomplete(apply, change,
                          "an update without all columns (unchanged TOAST values) found no row in "
                          "the target");
    else
        change->outcome = op->last == change ? DW_OUTCOME_APPLIED : DW_OUTCOME_SUPERSEDED;
}

static void settle_part(struct apply *apply, struct dw_change **changes, size_t count,
                        const struct dw_coalesce_plan *plan)
{
    for (size_t i = 0; i < count; i++) {
        if (plan->parts[i] == DW_COALESCE_IN_OP)
            settle_in_op(apply, changes[i], &plan->ops[plan->op_of[i]]);
        else if (plan->parts[i] == DW_COALESCE_IGNORED)
            changes[i]->outcome = DW_OUTCOME_FILTERED;
        else
            settle_incomplete(apply, changes[i],
                              "a new row came without all columns (unchanged TOAST values)");
    }
}

/* ---- parts ---- */

/* Groups the plan and copies what goes by COPY; under a savepoint nothing does. */
static enum dw_rc stage(struct apply *apply, struct dw_coalesce_plan *plan, bool savepoint,
                        struct dw_merge_groups *groups)
{
    bool straight = !savepoint && dw_straight_wanted(apply->table, plan);
    dw_merge_groups_build(apply->table, plan, straight, apply->arena, groups);
    enum dw_rc rc = savepoint ? DW_OK : dw_merge_groups_stage(apply->table, groups, apply->err);
    while (rc == DW_AGAIN) {
        dw_writer_session_restart(apply->writer);
        dw_merge_groups_build(apply->table, plan, false, apply->arena, groups);
        rc = dw_merge_groups_stage(apply->table, groups, apply->err);
    }
    return rc;
}

/* Merges a part; settles it when that works. DW_REJECT: the server refused something in it. */
static enum dw_rc try_part(struct apply *apply, struct dw_change **changes, size_t count,
                           bool savepoint)
{
    struct dw_coalesce_plan plan;
    struct dw_merge_groups groups;
    dw_coalesce_plan(changes, count, apply->table->map, &apply->writer->keys, apply->arena, &plan);
    enum dw_rc rc = stage(apply, &plan, savepoint, &groups);
    if (rc == DW_OK && groups.count)
        rc = dw_merge_groups_run(apply->table, &groups, changes[0]->origin, savepoint, apply->err);
    if (rc == DW_OK)
        settle_part(apply, changes, count, &plan);
    return rc;
}

static enum dw_rc undo_part(struct apply *apply)
{
    return dw_pg_exec(apply->writer->conn, "ROLLBACK TO dw_part; RELEASE dw_part", apply->err);
}

/* The part that failed just now says what to look at before the next one. */
static void take_refusal(struct apply *apply)
{
    const struct pg_result *failure = dw_exchange_failure(&apply->writer->exchange);
    if (failure)
        dw_parents_refused(apply->table, failure);
}

/* The one change of the part that failed just now; the transaction is still the failed one. */
static void settle_failed(struct apply *apply, struct dw_change *change)
{
    dw_failure_settle(change, apply->table, dw_exchange_failure(&apply->writer->exchange),
                      apply->arena);
    if (change->outcome == DW_OUTCOME_WAITING)
        block(apply, change);
}

static void find_column(struct apply *apply, struct dw_change *change)
{
    if (change->outcome == DW_OUTCOME_DEAD && strncmp(change->err->sqlstate, "22", 2) == 0)
        dw_failure_find_column(change, apply->table, apply->arena);
}

/* Takes out what waits behind a waiting change of its key; returns how many are left. */
static size_t without_blocked(struct apply *apply, struct dw_change **changes, size_t count,
                              struct dw_change **out)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        struct queue *queue = dw_table_find(&apply->writer->blocked, changes[i]->key_text);
        if (queue) {
            dw_failure_behind(changes[i], apply->arena);
            enqueue(apply, queue, changes[i]);
        } else {
            out[left++] = changes[i];
        }
    }
    return left;
}

/* Halves what was refused, each half under a savepoint, the earlier one first. The depth is the
 * logarithm of the batch's size. */
static enum dw_rc settle_by_halves(struct apply *apply, struct dw_change **changes, size_t count)
{
    struct dw_change **left = DW_ARENA_ARRAY(apply->arena, struct dw_change *, count);
    size_t left_count = without_blocked(apply, changes, count, left);
    if (!left_count)
        return DW_OK;
    enum dw_rc rc = try_part(apply, left, left_count, true);
    if (rc != DW_REJECT)
        return rc;
    take_refusal(apply);
    if (left_count == 1)
        settle_failed(apply, left[0]);
    rc = undo_part(apply);
    if (rc != DW_OK)
        return rc;
    if (left_count == 1) {
        find_column(apply, left[0]);
        return DW_OK;
    }
    size_t half = left_count / 2;
    rc = settle_by_halves(apply, left, half);
    return rc == DW_OK ? settle_by_halves(apply, left + half, left_count - half) : rc;
}

static bool says_all(const struct apply *apply, const struct dw_change *change)
{
    if (change->kind == DW_CHANGE_DELETE)
        return true;
    for (size_t i = 0; i < apply->table->map->column_count; i++)
        if (change->cells[i].kind == DW_VALUE_ABSENT || change->cells[i].kind == DW_VALUE_NESTED)
            return false;
    return true;
}

/* Whether the queue's last event says all that the row is, whatever those before it lack. */
static bool is_settled_by_last(const struct apply *apply, const struct queue *queue)
{
    const struct dw_change *last = queue->changes[queue->count - 1];
    bool lacks = false;
    for (size_t i = 0; i < queue->count; i++)
        lacks = lacks || dw_lookup_resolve_lacks(apply->table, queue->changes[i]);
    return !lacks || says_all(apply, last);
}

/* What could not be built is no loss where the key's last event says it all, though that one has to
 * wait itself: for what the server says in `failure`. */
static void settle_incomplete_before(struct apply *apply, struct queue *queue)
{
    struct dw_change *last = queue->changes[queue->count - 1];
    size_t settled = 0;
    for (size_t i = 0; i + 1 < queue->count; i++) {
        struct dw_change *change = queue->changes[i];
        if (!dw_failure_is_incomplete(change))
            continue;
        change->outcome = DW_OUTCOME_SUPERSEDED;
        settled++;
    }
    if (settled && settled + 1 == queue->count)
        dw_failure_settle(last, apply->table, dw_exchange_failure(&apply->writer->exchange),
                          apply->arena);
}

/* As a whole the queue would be what its last event says: there is no row to refer to for it. */
static bool ends_without_parent(const struct queue *queue)
{
    const struct dw_change *last = queue->changes[queue->count - 1];
    return last->kind == DW_CHANGE_UPSERT && last->outcome == DW_OUTCOME_WAITING &&
           strcmp(last->err->id, DW_PARENTS_MISSING) == 0;
}

/* A later event of its key may settle a waiter: its delete, or a version that refers to another
 * parent (trap 3). The halves kept them apart, so each key is tried as a whole. */
static enum dw_rc settle_queues(struct apply *apply)
{
    enum dw_rc rc = DW_OK;
    for (struct queue *queue = apply->queues; rc == DW_OK && queue; queue = queue->next) {
        if (queue->count < 2 || ends_without_parent(queue) || !is_settled_by_last(apply, queue))
            continue;
        rc = try_part(apply, queue->changes, queue->count, true);
        if (rc != DW_REJECT)
            continue;
        if (says_all(apply, queue->changes[queue->count - 1]))
            settle_incomplete_before(apply, queue);
        rc = undo_part(apply); /* they wait */
    }
    return rc;
}

static enum dw_rc settle_all(struct apply *apply, struct dw_change **changes, size_t count)
{
    size_t half = count / 2;
    enum dw_rc rc = half ? settle_by_halves(apply, changes, half) : DW_OK;
    if (rc == DW_OK)
        rc = settle_by_halves(apply, changes + half, count - half);
    return rc == DW_OK ? settle_queues(apply) : rc;
}

/* Without the changes that are another map's matter. */
static enum dw_rc sift(struct apply *apply, struct dw_change ***changes, size_t *count)
{
    if (!apply->table->shared)
        return DW_OK;
    struct dw_change **ours = DW_ARENA_ARRAY(apply->arena, struct dw_change *, *count);
    enum dw_rc rc = dw_owner_sift(apply->table, *changes, *count, ours, count, apply->err);
    *changes = ours;
    return rc;
}

/* ---- lookups and parents ---- */

/* What found its looked-up rows and its parents goes on; what waits for one blocks its key. */
static void part_by_outcome(struct apply *apply, struct dw_change **changes, size_t count,
                            struct dw_change **out, size_t *out_count)
{
    *out_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct dw_change *change = changes[i];
        struct queue *queue = dw_table_find(&apply->writer->blocked, change->key_text);
        if (change->outcome == DW_OUTCOME_DEAD)
            continue;
        if (queue) {
            if (change->outcome != DW_OUTCOME_WAITING)
                dw_failure_behind(change, apply->arena);
            enqueue(apply, queue, change);
        } else if (change->outcome == DW_OUTCOME_WAITING) {
            block(apply, change);
        } else {
            out[(*out_count)++] = change;
        }
    }
}

/* Finds what the changes refer to. In the transaction. */
static enum dw_rc find_referred(struct apply *apply, struct dw_change *const *changes, size_t count)
{
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < count; i++)
        changes[i]->outcome = DW_OUTCOME_PENDING;
    if (apply->table->lookup_count)
        rc = dw_lookup_resolve(apply->table, changes, count, apply->arena, apply->err);
    return rc == DW_OK ? dw_parents_look(apply->table, changes, count, apply->arena, apply->err)
                       : rc;
}

/* Begins the transaction where it has to be looked for other rows in it; *changes becomes what can
 * be merged. */
static enum dw_rc resolve(struct apply *apply, struct dw_change ***changes, size_t *count)
{
    struct dw_writer *writer = apply->writer;
    enum dw_rc rc = DW_OK;
    dw_table_reset(&writer->blocked);
    apply->queues = NULL;
    rc = dw_stale_before(apply->table, *changes, *count, apply->arena, apply->err);
    if (rc != DW_OK || (!apply->table->lookup_count && !dw_parents_suspected(apply->table)))
        return rc;
    if (writer->state == DW_SESSION_NOTED)
        rc = dw_writer_session_stage(writer, apply->err);
    if (rc == DW_OK)
        rc = find_referred(apply, *changes, *count);
    if (rc != DW_OK)
        return rc == DW_REJECT ? DW_CONFIG : rc;
    struct dw_change **found = DW_ARENA_ARRAY(apply->arena, struct dw_change *, *count);
    part_by_outcome(apply, *changes, *count, found, count);
    *changes = found;
    return DW_OK;
}

/* The transaction anew, in parts. */
static enum dw_rc resolve_and_settle(struct apply *apply, struct dw_change **changes, size_t count)
{
    enum dw_rc rc = resolve(apply, &changes, &count);
    return rc == DW_OK ? settle_all(apply, changes, count) : rc;
}

static enum dw_rc apply_all(struct apply *apply, struct dw_change **changes, size_t count)
{
    struct dw_writer *writer = apply->writer;
    struct dw_change **found = changes;
    size_t found_count = count;
    if (writer->state != DW_SESSION_NOTED) /* a second call in one transaction */
        return resolve_and_settle(apply, changes, count);
    enum dw_rc rc = resolve(apply, &found, &found_count);
    if (rc == DW_OK && found_count)
        rc = try_part(apply, found, found_count, false);
    if (rc == DW_OK)
        return settle_queues(apply);
    if (rc != DW_REJECT)
        return rc;
    bool is_merge = dw_exchange_failure(&writer->exchange) != NULL;
    bool alone = count == 1 && is_merge;
    take_refusal(apply);
    if (alone)
        settle_failed(apply, changes[0]);
    dw_writer_session_restart(writer);
    if (!writer->conn)
        return dw_err_set(apply->err, DW_RETRY, "DW-APPLY-020", "system %s: connection lost",
                          writer->system->name);
    if (alone) {
        find_column(apply, changes[0]);
        return DW_OK;
    }
    return resolve_and_settle(apply, changes, count);
}

enum dw_rc dw_apply_changes(struct dw_writer *writer, struct dw_writer_table *table,
                            struct dw_change **changes, size_t count, struct dw_arena *arena,
                            struct dw_err *err)
{
    struct apply apply = {writer, table, arena, err, NULL};
    if (!count)
        return DW_OK;
    dw_writer_table_refresh(table);
    enum dw_rc rc = sift(&apply, &changes, &count);
    if (rc == DW_OK && count)
        rc = apply_all(&apply, changes, count);
    if (rc == DW_OK)
        rc = dw_stale_after(table, changes, count, arena, err);
    return rc == DW_OK ? dw_lookup_missed_keep(table, changes, count, arena, err) : rc;
}
