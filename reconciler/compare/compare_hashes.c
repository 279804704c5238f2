/* compare_hashes.c - the hash way; see compare_step.h.
 *
 *   source: every RANGE_ROWS-th key behind the cursor ─► ranges; of the next step while this one
 *           is hashed
 *   both at once: count and sum of hashes per range, in one statement
 *   where they differ: key and hash of each row ─► keys that only one side has, or has otherwise
 */
#include "common/base/hash.h"
#include "common/base/table.h"
#include "reconciler/compare/compare_sql.h"
#include "reconciler/compare/compare_step.h"
#include <libpq-fe.h>
#include <stdlib.h>

#define SQL_MAX    ((size_t)32 << 20)
#define RANGE_ROWS 1000
/* Of a range's rows, when it is narrowed: if one side has more, the keys behind the last one read
 * are a range of their own. */
#define NARROW_ROWS   4000
#define NARROW_RANGES 8 /* at once */

struct range {
    const struct dw_str *lower, *upper; /* texts in the plan's order; NULL: open */
    size_t equal;                       /* leading key columns with one value in all of it */
    bool skipped;                       /* not in the sample */
    bool differs;
};

struct step {
    const struct dw_compare_order *order;
    struct dw_compare_brought *brought;
    struct dw_arena *arena;
    struct dw_err *err;
    struct range *ranges;
    size_t range_count;
};

/* --- collecting ----------------------------------------------------------------------------------
 */

void dw_compare_brought_init(struct dw_compare_brought *brought, struct dw_arena *arena)
{
    *brought = (struct dw_compare_brought){.arena = arena};
}

static void add(struct dw_arena *arena, const char ***items, size_t *count, size_t *capacity,
                const char *item)
{
    if (*count == *capacity) {
        size_t wanted = *capacity ? *capacity * 2 : 64;
        const char **grown = DW_ARENA_ARRAY(arena, const char *, wanted);
        for (size_t i = 0; i < *count; i++)
            grown[i] = (*items)[i];
        *items = grown;
        *capacity = wanted;
    }
    (*items)[(*count)++] = item;
}

void dw_compare_brought_suspect(struct dw_compare_brought *brought, const char *key)
{
    add(brought->arena, &brought->suspects, &brought->suspect_count, &brought->suspect_capacity,
        key);
}

void dw_compare_brought_certain(struct dw_compare_brought *brought, const char *key)
{
    add(brought->arena, &brought->certain, &brought->certain_count, &brought->certain_capacity,
        key);
}

enum dw_rc dw_compare_hashes_probe(struct dw_compare_links *links, bool *out_alike,
                                   struct dw_err *err)
{
    struct dw_compare_asked source = {.sql = dw_compare_sql_probe()};
    struct dw_compare_asked target = {.sql = dw_compare_sql_probe()};
    enum dw_rc rc = dw_compare_ask_both(links, &source, &target, err);
    if (rc == DW_OK)
        *out_alike = strcmp(PQgetvalue(source.result, 0, 0), PQgetvalue(target.result, 0, 0)) == 0;
    PQclear(source.result);
    PQclear(target.result);
    return rc;
}

/* --- ranges --------------------------------------------------------------------------------------
 */

static const struct dw_str *read_key(struct step *step, const PGresult *result, int row, int first)
{
    size_t count = step->order->plan->key_count;
    struct dw_str *key = DW_ARENA_ARRAY(step->arena, struct dw_str, count);
    for (size_t i = 0; i < count; i++)
        key[i] = dw_arena_copy(step->arena, dw_str_from(PQgetvalue(result, row, first + (int)i)));
    return key;
}

/* Which ranges a sample has is the same for a run however often it begins again. The first is in
 * every one: of a small table, nothing would be compared else, and called equal. */
static bool is_sampled(const struct step *step, const struct dw_str *lower)
{
    if (step->order->sample <= 0 || !lower)
        return true;
    uint64_t hash = step->order->sample_seed;
    for (size_t i = 0; i < step->order->plan->key_count; i++)
        hash = dw_hash_bytes(lower[i].ptr, lower[i].len, hash);
    hash = dw_hash_bytes((const char *)&hash, sizeof hash, 0);
    return (double)(hash % 100000) < step->order->sample * 1000;
}

static struct range new_range(const struct step *step, const struct dw_str *lower,
                              const struct dw_str *upper)
{
    struct range range = {.lower = lower, .upper = upper, .skipped = !is_sampled(step, lower)};
    while (lower && upper && range.equal + 1 < step->order->plan->key_count &&
           dw_str_equal(lower[range.equal], upper[range.equal]))
        range.equal++;
    return range;
}

static struct dw_compare_bounds bounds_of(const struct range *range)
{
    return (struct dw_compare_bounds){range->lower != NULL, range->upper != NULL, range->equal};
}

/* Fewer cuts than asked for: behind the last one is less than a range, and the end. */
static void take_cuts(struct step *step, const PGresult *result, const struct dw_str *lower,
                      int wanted)
{
    int rows = PQntuples(result);
    step->ranges = DW_ARENA_ARRAY(step->arena, struct range, (size_t)rows + 1);
    for (int i = 0; i < rows; i++) {
        const struct dw_str *upper = read_key(step, result, i, 0);
        step->ranges[step->range_count++] = new_range(step, lower, upper);
        lower = upper;
    }
    if (rows == wanted) {
        step->brought->cursor =
            dw_compare_key_format(lower, step->order->plan->key_count, step->brought->arena);
        return;
    }
    step->ranges[step->range_count++] = new_range(step, lower, NULL);
    step->brought->cursor = NULL;
}

struct cuts { /* a question */
    struct dw_buf sql;
    struct dw_compare_params params;
    struct dw_str *lower; /* NULL: from the beginning */
    int wanted;
};

static enum dw_rc prepare_cuts(const struct step *step, const char *cursor, struct cuts *out)
{
    const struct dw_compare_plan *plan = step->order->plan;
    enum dw_rc rc = DW_OK;
    *out = (struct cuts){
        .wanted = step->order->rows > RANGE_ROWS ? (int)(step->order->rows / RANGE_ROWS) : 1};
    dw_buf_init(&out->sql, SQL_MAX);
    dw_compare_params_init(&out->params, step->arena);
    dw_compare_params_add_i64(&out->params, out->wanted);
    dw_compare_params_add_i64(&out->params, RANGE_ROWS);
    if (cursor) {
        out->lower = DW_ARENA_ARRAY(step->arena, struct dw_str, plan->key_count);
        rc = dw_compare_key_parse(cursor, plan->key_count, step->arena, out->lower, step->err);
        for (size_t i = 0; rc == DW_OK && i < plan->key_count; i++)
            dw_compare_params_add(&out->params, out->lower[i].ptr);
    }
    dw_compare_sql_cuts(plan, cursor != NULL, &out->sql);
    return rc;
}

void dw_compare_ahead_done(struct dw_compare_ahead *ahead)
{
    free(ahead->cursor);
    *ahead = (struct dw_compare_ahead){NULL, 0};
}

/* What was asked ahead, if it was this; NULL: it was not. */
static PGresult *take_ahead(const struct step *step, struct cuts *cuts)
{
    struct dw_compare_ahead *ahead = step->order->ahead;
    PGresult *result = NULL;
    if (!ahead->cursor)
        return NULL;
    if (step->order->cursor && strcmp(ahead->cursor, step->order->cursor) == 0) {
        result = dw_compare_take_ahead(step->order->links);
        cuts->wanted = result ? ahead->wanted : cuts->wanted;
    } else {
        dw_compare_drop_ahead(step->order->links);
    }
    dw_compare_ahead_done(ahead);
    return result;
}

static enum dw_rc cut(struct step *step)
{
    struct cuts cuts;
    PGresult *result = NULL;
    enum dw_rc rc = prepare_cuts(step, step->order->cursor, &cuts);
    if (rc == DW_OK)
        result = take_ahead(step, &cuts);
    if (rc == DW_OK && !result)
        rc = dw_compare_ask(step->order->links->source, cuts.sql.data, &cuts.params, &result,
                            step->err);
    if (rc == DW_OK)
        take_cuts(step, result, cuts.lower, cuts.wanted);
    dw_buf_done(&cuts.sql);
    PQclear(result);
    return rc;
}

static enum dw_rc cut_ahead(struct step *step)
{
    struct cuts cuts;
    if (!step->brought->cursor)
        return DW_OK;
    enum dw_rc rc = prepare_cuts(step, step->brought->cursor, &cuts);
    if (rc == DW_OK) {
        dw_compare_ask_ahead(step->order->links, cuts.sql.data, &cuts.params);
        step->order->ahead->cursor = dw_mem_strdup(step->brought->cursor);
        step->order->ahead->wanted = cuts.wanted;
    }
    dw_buf_done(&cuts.sql);
    return rc;
}

/* --- asking about ranges -------------------------------------------------------------------------
 */

/* The ranges of one statement: all with the same bounds. */
struct group {
    struct dw_compare_bounds bounds;
    struct range **ranges;
    size_t count;
};

static void add_bounds(struct step *step, const struct group *group, bool upper,
                       struct dw_compare_params *params)
{
    size_t keys = step->order->plan->key_count;
    struct dw_str *texts = DW_ARENA_ARRAY(step->arena, struct dw_str, group->count * keys);
    for (size_t i = 0; i < group->count; i++) {
        const struct dw_str *key = upper ? group->ranges[i]->upper : group->ranges[i]->lower;
        for (size_t j = 0; j < keys; j++)
            texts[i * keys + j] = key[j];
    }
    for (size_t j = 0; j < keys; j++)
        dw_compare_params_add_list(params, texts + j, group->count, keys);
}

static void prepare(struct step *step, const struct group *group, bool of_source, bool narrow,
                    struct dw_buf *sql, struct dw_compare_asked *out)
{
    const struct dw_compare_plan *plan = step->order->plan;
    const struct dw_compare_side *side = of_source ? &plan->source : &plan->target;
    dw_buf_init(sql, SQL_MAX);
    if (narrow)
        dw_compare_sql_rows(plan, of_source, group->bounds, NARROW_ROWS, sql);
    else
        dw_compare_sql_hashes(plan, of_source, group->bounds, sql);
    dw_compare_params_init(&out->params, step->arena);
    dw_compare_params_add_side(&out->params, side, side->param_count);
    if (group->bounds.lower)
        add_bounds(step, group, false, &out->params);
    if (group->bounds.upper)
        add_bounds(step, group, true, &out->params);
    out->sql = sql->data;
    out->result = NULL;
}

static enum dw_rc ask(struct step *step, const struct group *group, bool narrow, PGresult **source,
                      PGresult **target)
{
    struct dw_buf sql[2];
    struct dw_compare_asked asked[2];
    prepare(step, group, true, narrow, &sql[0], &asked[0]);
    prepare(step, group, false, narrow, &sql[1], &asked[1]);
    enum dw_rc rc = dw_compare_ask_both(step->order->links, &asked[0], &asked[1], step->err);
    dw_buf_done(&sql[0]);
    dw_buf_done(&sql[1]);
    *source = asked[0].result;
    *target = asked[1].result;
    return rc;
}

/* --- hashes --------------------------------------------------------------------------------------
 */

/* Rows of a lateral join over one unnest come in its order, but that is nothing to rely on. */
static void order_by_number(const PGresult *result, int *rows, size_t count)
{
    for (int i = 0; i < PQntuples(result); i++) {
        size_t number = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        if (number >= 1 && number <= count)
            rows[number - 1] = i;
    }
}

static void compare_group(struct step *step, const struct group *group, const PGresult *source,
                          const PGresult *target)
{
    int *of_source = DW_ARENA_ARRAY(step->arena, int, group->count);
    int *of_target = DW_ARENA_ARRAY(step->arena, int, group->count);
    order_by_number(source, of_source, group->count);
    order_by_number(target, of_target, group->count);
    for (size_t i = 0; i < group->count; i++) {
        const char *counts[] = {PQgetvalue(source, of_source[i], 1),
                                PQgetvalue(target, of_target[i], 1)};
        const char *sums[] = {PQgetvalue(source, of_source[i], 2),
                              PQgetvalue(target, of_target[i], 2)};
        step->brought->rows_source += strtoll(counts[0], NULL, 10);
        step->brought->rows_target += strtoll(counts[1], NULL, 10);
        group->ranges[i]->differs =
            strcmp(counts[0], counts[1]) != 0 || strcmp(sums[0], sums[1]) != 0;
    }
}

static enum dw_rc hash_group(struct step *step, const struct group *group)
{
    PGresult *source = NULL;
    PGresult *target = NULL;
    enum dw_rc rc = ask(step, group, false, &source, &target);
    if (rc == DW_OK)
        compare_group(step, group, source, target);
    PQclear(source);
    PQclear(target);
    return rc;
}

/* --- narrowing -----------------------------------------------------------------------------------
 */

struct row {
    const char *hash;
    const struct dw_str *key;
    bool matched;
};

static struct dw_str key_text(struct step *step, const struct dw_str *key)
{
    return dw_str_from(dw_compare_key_of_plan(step->order->plan, key, step->brought->arena));
}

/* Numbers print alike whatever zeros their scale adds. */
static struct dw_str without_zeros(const struct dw_compare_plan *plan, size_t key,
                                   struct dw_str text)
{
    if (plan->keys[key].source->base_oid != 1700 || !memchr(text.ptr, '.', text.len))
        return text;
    while (text.ptr[text.len - 1] == '0')
        text.len--;
    text.len -= text.ptr[text.len - 1] == '.';
    return text;
}

/* A text that is the same for both sides' keys when they are the same key. */
static struct dw_str match_text(struct step *step, const struct dw_str *key)
{
    struct dw_str turned[DW_TABLE_MAP_KEY_MAX];
    for (size_t i = 0; i < step->order->plan->key_count; i++)
        turned[i] = without_zeros(step->order->plan, i, key[i]);
    return dw_str_from(dw_compare_key_format(turned, step->order->plan->key_count, step->arena));
}

struct narrowing {
    struct step *step;
    const PGresult *source, *target;
    const bool *left_out; /* per range, from 1: it is narrowed by itself; NULL: none */
    struct dw_table rows; /* of the source: match text -> struct row */
};

static bool is_left_out(const struct narrowing *narrowing, const PGresult *result, int row)
{
    return narrowing->left_out &&
           narrowing->left_out[strtoul(PQgetvalue(result, row, 0), NULL, 10)];
}

static void take_source(struct narrowing *narrowing)
{
    struct step *step = narrowing->step;
    for (int i = 0; i < PQntuples(narrowing->source); i++) {
        if (is_left_out(narrowing, narrowing->source, i))
            continue;
        struct row *row = DW_ARENA_NEW(step->arena, struct row);
        row->hash = PQgetvalue(narrowing->source, i, 1);
        row->key = read_key(step, narrowing->source, i, 2);
        void **place = dw_table_place(&narrowing->rows, match_text(step, row->key));
        if (*place) /* two source keys for one of the target */
            dw_compare_brought_suspect(step->brought, key_text(step, row->key).ptr);
        *place = row;
    }
}

static void take_target(struct narrowing *narrowing)
{
    struct step *step = narrowing->step;
    for (int i = 0; i < PQntuples(narrowing->target); i++) {
        if (is_left_out(narrowing, narrowing->target, i))
            continue;
        const struct dw_str *key = read_key(step, narrowing->target, i, 2);
        struct row *row = dw_table_find(&narrowing->rows, match_text(step, key));
        if (row)
            row->matched = strcmp(row->hash, PQgetvalue(narrowing->target, i, 1)) == 0;
        if (!row)
            dw_compare_brought_suspect(step->brought, key_text(step, key).ptr);
    }
}

static void take_unmatched(struct narrowing *narrowing)
{
    struct step *step = narrowing->step;
    for (int i = 0; i < PQntuples(narrowing->source); i++) {
        if (is_left_out(narrowing, narrowing->source, i))
            continue;
        const struct dw_str *key = read_key(step, narrowing->source, i, 2);
        const struct row *row = dw_table_find(&narrowing->rows, match_text(step, key));
        if (row && !row->matched)
            dw_compare_brought_suspect(step->brought, key_text(step, row->key).ptr);
    }
}

/* The key that a side was read to, where it has more rows of the range; NULL: these were all. */
static const struct dw_str *full_to(struct step *step, const PGresult *result,
                                    const struct range *range)
{
    int rows = PQntuples(result);
    if (rows < NARROW_ROWS)
        return NULL;
    const struct dw_str *last = read_key(step, result, rows - 1, 2);
    bool is_upper = range->upper != NULL;
    for (size_t i = 0; is_upper && i < step->order->plan->key_count; i++)
        is_upper = dw_str_equal(last[i], range->upper[i]);
    return is_upper ? NULL : last;
}

static void narrow_rows(struct step *step, const PGresult *source, const PGresult *target,
                        const bool *left_out)
{
    struct narrowing narrowing = {
        .step = step, .source = source, .target = target, .left_out = left_out};
    dw_table_init(&narrowing.rows);
    take_source(&narrowing);
    take_target(&narrowing);
    take_unmatched(&narrowing);
    dw_table_done(&narrowing.rows);
}

/* Rows of one range on both sides. Where a side has more than are read at once, the keys up to the
 * one that it was read to are a range of their own, and then the rest is. */
static enum dw_rc narrow_range(struct step *step, struct range range)
{
    enum dw_rc rc = DW_OK;
    const struct dw_str *read_to = NULL;
    do {
        struct range *list[] = {&range};
        const struct group group = {bounds_of(&range), list, 1};
        PGresult *source = NULL;
        PGresult *target = NULL;
        rc = ask(step, &group, true, &source, &target);
        read_to = rc == DW_OK ? full_to(step, source, &range) : NULL;
        if (rc == DW_OK && !read_to)
            read_to = full_to(step, target, &range);
        if (rc == DW_OK && !read_to)
            narrow_rows(step, source, target, NULL);
        PQclear(source);
        PQclear(target);
        if (read_to)
            rc = narrow_range(step, new_range(step, range.lower, read_to));
        range = new_range(step, read_to, range.upper);
    } while (rc == DW_OK && read_to);
    return rc;
}

static void count_rows(const PGresult *result, size_t *counts, size_t count)
{
    for (int i = 0; i < PQntuples(result); i++) {
        size_t number = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        if (number >= 1 && number <= count)
            counts[number]++;
    }
}

/* Several ranges at once; those that have too many rows for that are done one by one. */
static enum dw_rc narrow_group(struct step *step, const struct group *group)
{
    size_t *sources = DW_ARENA_ARRAY(step->arena, size_t, group->count + 1);
    size_t *targets = DW_ARENA_ARRAY(step->arena, size_t, group->count + 1);
    bool *left_out = DW_ARENA_ARRAY(step->arena, bool, group->count + 1);
    PGresult *source = NULL;
    PGresult *target = NULL;
    enum dw_rc rc = ask(step, group, true, &source, &target);
    if (rc == DW_OK) {
        count_rows(source, sources, group->count);
        count_rows(target, targets, group->count);
        for (size_t i = 1; i <= group->count; i++)
            left_out[i] = sources[i] == NARROW_ROWS || targets[i] == NARROW_ROWS;
        narrow_rows(step, source, target, left_out);
    }
    PQclear(source);
    PQclear(target);
    for (size_t i = 0; i < group->count && rc == DW_OK; i++)
        if (left_out[i + 1])
            rc = narrow_range(step, *group->ranges[i]);
    return rc;
}

/* --- a step --------------------------------------------------------------------------------------
 */

/* Collects ranges with the bounds of the first one that is not taken yet, `limit` at most. */
static bool next_group(const struct step *step, bool differing, size_t limit, bool *taken,
                       struct group *out)
{
    out->count = 0;
    for (size_t i = 0; i < step->range_count && out->count < limit; i++) {
        struct range *range = &step->ranges[i];
        const struct dw_compare_bounds bounds = bounds_of(range);
        if (taken[i] || range->skipped || (differing && !range->differs))
            continue;
        if (!out->count)
            out->bounds = bounds;
        if (bounds.lower != out->bounds.lower || bounds.upper != out->bounds.upper ||
            bounds.equal != out->bounds.equal)
            continue;
        taken[i] = true;
        out->ranges[out->count++] = range;
    }
    return out->count > 0;
}

static enum dw_rc hash_ranges(struct step *step)
{
    struct group group = {.ranges = DW_ARENA_ARRAY(step->arena, struct range *, step->range_count)};
    bool *taken = DW_ARENA_ARRAY(step->arena, bool, step->range_count);
    enum dw_rc rc = DW_OK;
    while (rc == DW_OK && next_group(step, false, SIZE_MAX, taken, &group))
        rc = hash_group(step, &group);
    return rc;
}

static enum dw_rc narrow_ranges(struct step *step, struct dw_arena *scratch)
{
    struct group group = {.ranges = DW_ARENA_ARRAY(step->arena, struct range *, step->range_count)};
    bool *taken = DW_ARENA_ARRAY(step->arena, bool, step->range_count);
    enum dw_rc rc = DW_OK;
    while (rc == DW_OK && next_group(step, true, NARROW_RANGES, taken, &group)) {
        dw_arena_reset(scratch);
        step->arena = scratch;
        rc = narrow_group(step, &group);
    }
    return rc;
}

enum dw_rc dw_compare_hashes_step(const struct dw_compare_order *order,
                                  struct dw_compare_brought *brought, struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_arena scratch;
    struct step step = {.order = order, .brought = brought, .arena = &arena, .err = err};
    dw_arena_init(&arena, 262144);
    dw_arena_init(&scratch, 262144);
    enum dw_rc rc = cut(&step);
    if (rc == DW_OK)
        rc = cut_ahead(&step);
    if (rc == DW_OK)
        rc = hash_ranges(&step);
    if (rc == DW_OK)
        rc = narrow_ranges(&step, &scratch);
    for (size_t i = 0; i < step.range_count; i++)
        brought->segments += !step.ranges[i].skipped;
    dw_arena_done(&arena);
    dw_arena_done(&scratch);
    return rc;
}
