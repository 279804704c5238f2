/* compare_judge.c - see compare_judge.h. */
#include "reconciler/compare/compare_judge.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/postgres/pg.h"
#include "common/state/state_sync.h"
#include "reconciler/compare/compare_twins.h"
#include "reconciler/compare/compare_unclaimed.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_KEYS    2000
#define PAGE        "200"
#define ARENA_BYTES 65536

/* --- waiting -------------------------------------------------------------------------------------
 */

enum outcome { OUTCOME_WAIT, OUTCOME_ANSWERED, OUTCOME_GIVEN_UP };

static enum dw_rc look(struct dw_compare_judge *judge, enum outcome *out, struct dw_err *err)
{
    struct dw_arena arena;
    const struct dw_sync_filter filter = {.id = judge->sync};
    const struct dw_sync_record *sync = NULL;
    size_t count = 0;
    bool passed = false;
    dw_arena_init(&arena, ARENA_BYTES);
    enum dw_rc rc = dw_state_syncs_load(judge->state, &filter, &arena, &sync, &count, err);
    bool late = dw_clock_mono_ms() - judge->asked_ms > judge->timeout_ms;
    *out = late ? OUTCOME_GIVEN_UP : OUTCOME_WAIT;
    if (rc == DW_OK && (count == 0 || sync->state == DW_SYNC_CANCELLED))
        *out = OUTCOME_GIVEN_UP;
    else if (rc == DW_OK && sync->state == DW_SYNC_FAILED)
        rc = dw_err_set(err, DW_CONFIG, sync->code, "%s", sync->reason);
    else if (rc == DW_OK && sync->state == DW_SYNC_DRAINING)
        rc = dw_compare_has_passed(judge->links->target, judge->record,
                                   (struct dw_compare_place){sync->epoch, sync->end_lsn}, &passed,
                                   err);
    if (rc == DW_OK && (passed || (count && sync->state == DW_SYNC_DONE)))
        *out = OUTCOME_ANSWERED;
    dw_arena_done(&arena);
    return rc;
}

/* --- verdicts ------------------------------------------------------------------------------------
 */

/* The target's row has another spelling of the key, and other values: it is another source row's,
 * where twins cannot be looked for. */
static const char verdict_query[] =
    "SELECT DISTINCT ON (v.key) v.key, v.target_key, v.kind, v.columns, v.code, v.reason, v.epoch,"
    " v.commit_lsn, v.ordinal, h.topic, h.partition, h.record_offset, EXISTS (SELECT FROM"
    "  json_array_elements(v.columns::json) AS c WHERE c->>'column' = ANY ($2::text[]))"
    " FROM (SELECT * FROM dualwrite.verdict WHERE run = $1 ORDER BY key LIMIT " PAGE ") v"
    " LEFT JOIN dualwrite.held h ON h.map = v.map AND h.source_key = v.key AND h.outcome IS NULL"
    "  AND v.kind IN ('missing', 'different') ORDER BY v.key, h.epoch DESC NULLS LAST,"
    " h.commit_lsn DESC, h.ordinal DESC";

static const char *text_at(const PGresult *result, int row, int column, struct dw_arena *arena)
{
    return dw_arena_copy(arena, dw_str_from(PQgetvalue(result, row, column))).ptr;
}

static void judge_kind(struct dw_reconcile_verdict *verdict, const char *kind, bool other_key)
{
    verdict->equal = strcmp(kind, "equal") == 0;
    if (verdict->letter_topic)
        verdict->kind = DW_DIFFERENCE_HELD;
    else if (strcmp(kind, "missing") == 0)
        verdict->kind = DW_DIFFERENCE_MISSING;
    else if (strcmp(kind, "extra") == 0)
        verdict->kind = DW_DIFFERENCE_EXTRA;
    else if (strcmp(kind, "waiting") == 0)
        verdict->kind = DW_DIFFERENCE_WAITING;
    else /* unknown: too large to be asked about, but its hashes differ */
        verdict->kind = other_key ? DW_DIFFERENCE_DUPLICATE : DW_DIFFERENCE_DIFFERENT;
}

static void read_verdict(const PGresult *result, int row, struct dw_arena *arena,
                         struct dw_reconcile_verdict *out)
{
    bool held = !PQgetisnull(result, row, 9);
    *out = (struct dw_reconcile_verdict){
        .key = text_at(result, row, 0, arena),
        .target_key = text_at(result, row, 1, arena),
        .columns = text_at(result, row, 3, arena),
        .code = text_at(result, row, 4, arena),
        .reason = text_at(result, row, 5, arena),
        .epoch = (uint32_t)strtoul(PQgetvalue(result, row, 6), NULL, 10),
        .ordinal = strtoull(PQgetvalue(result, row, 8), NULL, 10),
        .letter_topic = held ? text_at(result, row, 9, arena) : NULL,
        .letter_partition = held ? (int32_t)strtol(PQgetvalue(result, row, 10), NULL, 10) : 0,
        .letter_offset = held ? strtoll(PQgetvalue(result, row, 11), NULL, 10) : 0,
    };
    (void)dw_pg_parse_lsn(PQgetvalue(result, row, 7), &out->commit_lsn);
    judge_kind(out, PQgetvalue(result, row, 2), PQgetvalue(result, row, 12)[0] == 't');
}

static void judge_twin(struct dw_reconcile_verdict *verdict, const char *twin,
                       struct dw_arena *arena)
{
    if (!twin) {
        if (verdict->kind == DW_DIFFERENCE_DUPLICATE)
            verdict->kind = DW_DIFFERENCE_DIFFERENT;
        return;
    }
    verdict->equal = false;
    verdict->kind = DW_DIFFERENCE_DUPLICATE;
    verdict->code = "DW-COMPARE-010";
    verdict->reason = dw_arena_printf(arena, "the source row %s has the same target row", twin);
}

/* Rows whose twin was written last, or may be next. */
static enum dw_rc judge_twins(struct dw_compare_judge *judge, struct dw_arena *arena,
                              struct dw_reconcile_verdict *items, size_t count, struct dw_err *err)
{
    const char **keys = DW_ARENA_ARRAY(arena, const char *, count);
    const char **twins = DW_ARENA_ARRAY(arena, const char *, count);
    size_t *places = DW_ARENA_ARRAY(arena, size_t, count);
    size_t asked = 0;
    if (!dw_compare_twins_possible(judge->plan))
        return DW_OK;
    for (size_t i = 0; i < count; i++)
        if (items[i].equal || items[i].kind == DW_DIFFERENCE_DIFFERENT ||
            items[i].kind == DW_DIFFERENCE_DUPLICATE) {
            keys[asked] = items[i].key;
            places[asked++] = i;
        }
    enum dw_rc rc =
        dw_compare_twins_find(judge->plan, judge->links->source, keys, asked, arena, twins, err);
    for (size_t i = 0; rc == DW_OK && i < asked; i++)
        judge_twin(&items[places[i]], twins[i], arena);
    return rc;
}

/* What no map's worker may touch looks equal to each. */
static enum dw_rc judge_unclaimed(struct dw_compare_judge *judge, struct dw_arena *arena,
                                  struct dw_reconcile_verdict *items, size_t count,
                                  struct dw_err *err)
{
    const char **keys = DW_ARENA_ARRAY(arena, const char *, count);
    const char **target_keys = DW_ARENA_ARRAY(arena, const char *, count);
    size_t *places = DW_ARENA_ARRAY(arena, size_t, count);
    bool *found = DW_ARENA_ARRAY(arena, bool, count);
    size_t asked = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i].equal && *items[i].target_key) {
            keys[asked] = items[i].key;
            target_keys[asked] = items[i].target_key;
            places[asked++] = i;
        }
    enum dw_rc rc = dw_compare_unclaimed_find(judge->plan, judge->links, keys, target_keys, asked,
                                              arena, found, err);
    for (size_t i = 0; rc == DW_OK && i < asked; i++) {
        struct dw_reconcile_verdict *verdict = &items[places[i]];
        if (!found[i])
            continue;
        verdict->equal = false;
        verdict->kind = DW_DIFFERENCE_EXTRA;
        verdict->code = DW_COMPARE_UNCLAIMED_CODE;
        verdict->reason = "the source's row is in no map's filter, and no map has written this one";
    }
    return rc;
}

static enum dw_rc read_page(struct dw_compare_judge *judge, struct dw_arena *arena,
                            struct dw_reconcile_verdicts *out, struct dw_err *err)
{
    const struct dw_map_side *side = &judge->plan->map->target;
    struct dw_compare_params params;
    PGresult *result = NULL;
    dw_compare_params_init(&params, arena);
    dw_compare_params_add_i64(&params, judge->run);
    dw_compare_params_add_list(&params, side->key, side->key_count, 1);
    enum dw_rc rc = dw_compare_ask(judge->links->target, verdict_query, &params, &result, err);
    if (rc != DW_OK)
        return rc;
    size_t count = (size_t)PQntuples(result);
    struct dw_reconcile_verdict *items = DW_ARENA_ARRAY(arena, struct dw_reconcile_verdict, count);
    for (size_t i = 0; i < count; i++)
        read_verdict(result, (int)i, arena, &items[i]);
    PQclear(result);
    rc = judge_twins(judge, arena, items, count, err);
    if (rc == DW_OK && judge->unclaimed)
        rc = judge_unclaimed(judge, arena, items, count, err);
    *out = (struct dw_reconcile_verdicts){
        .items = items, .count = count, .keep_max = judge->keep_max, .repair = judge->repair};
    return rc;
}

static enum dw_rc drop_page(struct dw_compare_judge *judge, struct dw_arena *arena,
                            const struct dw_reconcile_verdicts *page, struct dw_err *err)
{
    struct dw_str *keys = DW_ARENA_ARRAY(arena, struct dw_str, page->count);
    struct dw_compare_params params;
    PGresult *result = NULL;
    for (size_t i = 0; i < page->count; i++)
        keys[i] = dw_str_from(page->items[i].key);
    dw_compare_params_init(&params, arena);
    dw_compare_params_add_i64(&params, judge->run);
    dw_compare_params_add_list(&params, keys, page->count, 1);
    enum dw_rc rc = dw_pg_exec(judge->links->target, "BEGIN READ WRITE", err);
    if (rc == DW_OK)
        rc = dw_compare_ask(judge->links->target,
                            "DELETE FROM dualwrite.verdict WHERE run = $1"
                            " AND key = ANY ($2::text[])",
                            &params, &result, err);
    PQclear(result);
    struct dw_err ignored = DW_ERR_INIT; /* the first error is the one to tell */
    enum dw_rc ended = dw_pg_exec(judge->links->target, rc == DW_OK ? "COMMIT" : "ROLLBACK",
                                  rc == DW_OK ? err : &ignored);
    return rc == DW_OK ? ended : rc;
}

static enum dw_rc take_verdicts(struct dw_compare_judge *judge, struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_reconcile_verdicts page;
    enum dw_rc rc;
    dw_arena_init(&arena, ARENA_BYTES);
    do {
        dw_arena_reset(&arena);
        rc = read_page(judge, &arena, &page, err);
        dw_fault("compare.before_take");
        if (rc == DW_OK && page.count)
            rc = dw_state_verdicts_take(judge->state, judge->run, &page, err);
        dw_fault("compare.after_take");
        if (rc == DW_OK && page.count)
            rc = drop_page(judge, &arena, &page, err);
    } while (rc == DW_OK && page.count);
    dw_arena_done(&arena);
    return rc;
}

/* --- a step --------------------------------------------------------------------------------------
 */

/* DW_JUDGE_TAKEN: the others have passed, or there are none. */
static enum dw_rc wait_for_others(struct dw_compare_judge *judge, enum dw_judge_answer *out,
                                  struct dw_err *err)
{
    bool passed = true;
    *out = DW_JUDGE_TAKEN;
    if (!judge->share)
        return DW_OK;
    if (!judge->asked_ms)
        judge->asked_ms = dw_clock_mono_ms();
    enum dw_rc rc = dw_compare_share_passed(judge->share, judge->state, judge->links, &passed, err);
    if (rc != DW_OK)
        return rc;
    judge->given_up = !passed && dw_clock_mono_ms() - judge->asked_ms > judge->timeout_ms;
    if (judge->given_up)
        judge->asked_ms = 0;
    if (!passed)
        *out = judge->given_up ? DW_JUDGE_GIVEN_UP : DW_JUDGE_WAIT;
    return DW_OK;
}

static enum dw_rc ask(struct dw_compare_judge *judge, struct dw_err *err)
{
    enum dw_rc rc = dw_state_suspects_ask(judge->state, judge->run, judge->record->name, ASK_KEYS,
                                          &judge->sync, err);
    judge->asked_ms = dw_clock_mono_ms();
    return rc;
}

static enum dw_rc begin(struct dw_compare_judge *judge, enum dw_judge_answer *out,
                        struct dw_err *err)
{
    enum dw_rc rc = wait_for_others(judge, out, err);
    if (rc != DW_OK || *out != DW_JUDGE_TAKEN)
        return rc;
    rc = ask(judge, err);
    *out = judge->sync ? DW_JUDGE_WAIT : DW_JUDGE_NOTHING;
    return rc;
}

enum dw_rc dw_compare_judge_step(struct dw_compare_judge *judge, enum dw_judge_answer *out,
                                 struct dw_err *err)
{
    enum outcome outcome = OUTCOME_WAIT;
    *out = DW_JUDGE_WAIT;
    if (!judge->sync)
        return begin(judge, out, err);
    enum dw_rc rc = look(judge, &outcome, err);
    if (rc != DW_OK || outcome == OUTCOME_WAIT)
        return rc;
    if (outcome == OUTCOME_ANSWERED)
        rc = take_verdicts(judge, err);
    if (rc == DW_OK)
        rc = dw_state_verdicts_settle(judge->state, judge->run, judge->sync,
                                      outcome == OUTCOME_GIVEN_UP, err);
    if (rc != DW_OK)
        return rc;
    judge->sync = 0;
    judge->asked_ms = 0;
    judge->given_up = outcome == OUTCOME_GIVEN_UP;
    *out = judge->given_up ? DW_JUDGE_GIVEN_UP : DW_JUDGE_TAKEN;
    return DW_OK;
}
