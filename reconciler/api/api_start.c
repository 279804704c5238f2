/* api_start.c - starting several maps with a copy of their rows, and re-syncs: parents first. */
#include "common/base/json_write.h"
#include "common/model/table_map.h"
#include "common/state/state_life.h"
#include "reconciler/api/api_answer.h"
#include "reconciler/maps/map_order.h"
#include "reconciler/maps/sync_filter.h"
#include "reconciler/maps/sync_keys.h"
#include "reconciler/maps/sync_values.h"

struct wish { /* one map of the request */
    const char *name;
    const struct dw_map_record *record; /* NULL: there is none */
    struct dw_err err;                  /* why it is refused */
    bool skipped;                       /* it has nothing to do: stopped, or active already */
    struct dw_map_outcome outcome;
    int64_t sync; /* 0 none */
};

struct batch {
    struct dw_api_call *call;
    struct wish *wishes;
    size_t count;
    /* those that take part, parents first */
    struct wish **chosen;
    size_t chosen_count;
    struct dw_sync_order *orders;
    bool initial, copies;
    bool dry_run;
    int64_t gaps;        /* accepted, or that would be */
    size_t key_count;    /* 0: not by keys */
    const char *problem; /* why the order is not known, "" */
};

static const struct dw_map_record *find_record(const struct dw_map_record *records, size_t count,
                                               const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(records[i].name, name) == 0)
            return &records[i];
    return NULL;
}

static enum dw_rc load_wishes(struct batch *batch, struct dw_err *err)
{
    struct dw_api_call *call = batch->call;
    const char *system = dw_api_request_text(&call->request, "system");
    const struct dw_map_record *records = NULL;
    size_t count = 0;
    size_t named = 0;
    const char *const *names = dw_api_request_texts(&call->request, "maps", &named);
    enum dw_rc rc = dw_state_maps_load(call->state, call->arena, &records, &count, err);
    if (rc)
        return rc;
    batch->wishes = DW_ARENA_ARRAY(call->arena, struct wish, system ? count : named);
    for (size_t i = 0; i < named; i++)
        batch->wishes[batch->count++] =
            (struct wish){.name = names[i], .record = find_record(records, count, names[i])};
    for (size_t i = 0; system && i < count; i++)
        if (strcmp(records[i].source_system, system) == 0)
            batch->wishes[batch->count++] =
                (struct wish){.name = records[i].name, .record = &records[i]};
    if (batch->count == 0)
        return dw_err_set(err, DW_CONFIG, "DW-STATE-004", "there is no map from system %s", system);
    for (size_t i = 0; i < batch->count; i++) {
        struct wish *wish = &batch->wishes[i];
        wish->err = (struct dw_err)DW_ERR_INIT;
        if (!wish->record)
            (void)dw_err_set(&wish->err, DW_CONFIG, "DW-STATE-004", "there is no map %s",
                             wish->name);
        else
            wish->outcome = (struct dw_map_outcome){.state = wish->record->state,
                                                    .revision = wish->record->revision,
                                                    .change = wish->record->change};
    }
    return DW_OK;
}

static bool takes_part(const struct wish *wish)
{
    return wish->record && wish->err.rc == DW_OK && !wish->skipped;
}

/* The orders of those that take part, parents first. */
static void put_in_order(struct batch *batch)
{
    struct dw_api_call *call = batch->call;
    const struct dw_api_request *request = &call->request;
    const struct dw_map_order_edge *edges = NULL;
    const struct dw_map_order_item *items = NULL;
    size_t edge_count = 0;
    size_t count = 0;
    struct wish **all = DW_ARENA_ARRAY(call->arena, struct wish *, batch->count);
    const struct dw_table_map **maps =
        DW_ARENA_ARRAY(call->arena, const struct dw_table_map *, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        struct wish *wish = &batch->wishes[i];
        struct dw_map_problems ignored; /* what is applied was checked when it was */
        if (!wish->record || !takes_part(wish))
            continue;
        dw_map_problems_init(&ignored, call->arena);
        maps[count] = dw_table_map_parse(dw_str_from(wish->record->document), wish->name,
                                         call->arena, &ignored);
        if (maps[count])
            all[count++] = wish;
        else
            (void)dw_err_set(&wish->err, DW_CONFLICT, "DW-API-014",
                             "map %s does not parse: apply it again", wish->name);
    }
    batch->problem = "";
    if (batch->copies)
        dw_map_order_find(call->settings, maps, count, call->arena, &edges, &edge_count,
                          &batch->problem);
    dw_map_order_sort(count, edges, edge_count, call->arena, &items);
    batch->chosen = DW_ARENA_ARRAY(call->arena, struct wish *, count);
    batch->orders = DW_ARENA_ARRAY(call->arena, struct dw_sync_order, count);
    batch->chosen_count = count;
    for (size_t i = 0; i < count; i++) {
        batch->chosen[i] = all[items[i].map];
        batch->orders[i] = (struct dw_sync_order){
            .map = batch->chosen[i]->name,
            .initial = batch->initial,
            .keep_existing = dw_api_answer_keeps(call),
            .delete_extra = dw_api_request_flag(request, "delete_extra"),
            .rate = dw_api_request_number(request, "rate"),
            .after = items[i].after,
            .after_count = items[i].after_count,
        };
    }
}

/* --- answering -------------------------------------------------------------------------------- */

static void write_wish(struct dw_buf *out, const struct wish *wish)
{
    dw_api_answer_open(out, '{');
    dw_json_write_text(out, "map", wish->name);
    if (wish->err.rc != DW_OK) {
        dw_json_write_name(out, "error");
        dw_buf_append_char(out, '{');
        dw_json_write_text(out, "code", wish->err.id);
        dw_json_write_text(out, "message", wish->err.message);
        dw_buf_append_text(out, "}}");
        return;
    }
    dw_json_write_text(out, "state", dw_map_state_name(wish->outcome.state));
    dw_json_write_i64(out, "revision", wish->outcome.revision);
    dw_json_write_i64(out, "change", wish->outcome.change);
    dw_json_write_bool(out, "changed", wish->outcome.changed);
    dw_json_write_bool(out, "skipped", wish->skipped);
    if (wish->sync)
        dw_json_write_i64(out, "sync", wish->sync);
    else
        dw_json_write_text(out, "sync", NULL);
    dw_buf_append_char(out, '}');
}

/* Those that take part in their order, the others behind them. */
static void write_batch(const struct batch *batch)
{
    struct dw_buf *out = &batch->call->response->body;
    dw_buf_append_text(out, "{\"maps\":[");
    for (size_t i = 0; i < batch->chosen_count; i++)
        write_wish(out, batch->chosen[i]);
    for (size_t i = 0; i < batch->count; i++)
        if (!takes_part(&batch->wishes[i]))
            write_wish(out, &batch->wishes[i]);
    dw_buf_append_char(out, ']');
    if (batch->chosen_count && batch->chosen[0]->sync)
        dw_json_write_i64(out, "batch", batch->chosen[0]->sync);
    else
        dw_json_write_text(out, "batch", NULL);
    if (batch->key_count)
        dw_json_write_u64(out, "keys", batch->key_count);
    if (dw_api_request_flag(&batch->call->request, "accept_gap"))
        dw_json_write_i64(out, "gaps_accepted", batch->gaps);
    dw_json_write_bool(out, "delete_extra",
                       dw_api_request_flag(&batch->call->request, "delete_extra"));
    dw_json_write_bool(out, "dry_run", batch->dry_run);
    dw_json_write_text(out, "order_problem", batch->problem);
    dw_buf_append_text(out, "}\n");
}

/* --- start ------------------------------------------------------------------------------------ */

static void judge_start(struct wish *wish, enum dw_map_event event)
{
    struct dw_map_transition next = dw_map_state_next(wish->record->state, event);
    if (next.answer == DW_MAP_REFUSES)
        (void)dw_err_set(&wish->err, DW_CONFLICT, "DW-STATE-005",
                         "map %s is %s and cannot start: %s", wish->name,
                         dw_map_state_name(wish->record->state), next.hint);
    wish->skipped = next.answer == DW_MAP_STAYS;
}

static enum dw_rc start_chosen(struct batch *batch, struct dw_err *err)
{
    struct dw_api_call *call = batch->call;
    size_t count = batch->chosen_count;
    const char **names = DW_ARENA_ARRAY(call->arena, const char *, count);
    struct dw_map_outcome *outcomes = DW_ARENA_ARRAY(call->arena, struct dw_map_outcome, count);
    int64_t *syncs = DW_ARENA_ARRAY(call->arena, int64_t, count);
    for (size_t i = 0; i < count; i++)
        names[i] = batch->chosen[i]->name;
    const struct dw_life_start start = {
        .maps = names,
        .count = count,
        .syncs = batch->copies ? batch->orders : NULL,
        .reason = dw_api_answer_reason(call),
        .by = call->by,
    };
    if (batch->dry_run || count == 0)
        return DW_OK;
    enum dw_rc rc = dw_state_life_start(call->state, &start, outcomes, syncs, err);
    for (size_t i = 0; i < count && !rc; i++) {
        batch->chosen[i]->outcome = outcomes[i];
        batch->chosen[i]->sync = syncs[i];
    }
    return rc;
}

void dw_api_start_run(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct batch batch = {
        .call = call,
        .initial = true,
        .copies = dw_api_request_flag(&call->request, "copy"),
        .dry_run = dw_api_request_flag(&call->request, "dry_run"),
    };
    enum dw_map_event event = batch.copies ? DW_MAP_START_SYNC : DW_MAP_START;
    enum dw_rc rc = load_wishes(&batch, &err);
    for (size_t i = 0; i < batch.count && !rc; i++)
        if (batch.wishes[i].record)
            judge_start(&batch.wishes[i], event);
    if (!rc) {
        put_in_order(&batch);
        rc = start_chosen(&batch, &err);
    }
    if (rc)
        dw_api_answer_error(call, &err);
    else
        write_batch(&batch);
}

/* --- re-sync ---------------------------------------------------------------------------------- */

/* A stopped map publishes nothing: asked for by name it is refused, as one of a system left out. */
static void judge_resync(struct batch *batch, struct wish *wish)
{
    if (wish->record->state != DW_MAP_STOPPED)
        return;
    wish->skipped = dw_api_request_given(&batch->call->request, "system");
    if (!wish->skipped)
        (void)dw_err_set(&wish->err, DW_CONFLICT, "DW-STATE-005",
                         "map %s is stopped and cannot re-sync: start it, which copies its rows",
                         wish->name);
}

/* Keys, a range and a filter are of the one map that is named. */
static enum dw_rc take_scope(struct batch *batch, struct dw_err *err)
{
    struct dw_api_call *call = batch->call;
    struct dw_str keys = dw_api_request_json(&call->request, "keys");
    struct dw_str from = dw_api_request_json(&call->request, "from");
    struct dw_str to = dw_api_request_json(&call->request, "to");
    const char *filter = dw_api_request_text(&call->request, "filter");
    struct dw_map_problems ignored;
    if ((!keys.ptr && !from.ptr && !filter) || batch->chosen_count == 0)
        return DW_OK;
    struct dw_sync_order *order = &batch->orders[0];
    dw_map_problems_init(&ignored, call->arena);
    const struct dw_table_map *map = dw_table_map_parse(
        dw_str_from(batch->chosen[0]->record->document), order->map, call->arena, &ignored);
    enum dw_rc rc = DW_OK;
    if (keys.ptr)
        rc = dw_sync_keys_parse(keys, &map->source, call->arena, &order->keys, &batch->key_count,
                                err);
    if (keys.ptr)
        return rc ? rc : dw_sync_values_check(call->settings, map, order->keys, call->arena, err);
    order->filter = filter;
    if (filter)
        rc = dw_sync_filter_check(call->settings, map, filter, call->arena, err);
    if (!from.ptr || rc)
        return rc;
    rc = dw_sync_keys_parse_one(from, &map->source, call->arena, &order->from_key, err);
    if (!rc)
        rc = dw_sync_keys_parse_one(to, &map->source, call->arena, &order->to_key, err);
    if (rc)
        return rc;
    const char *both = dw_arena_printf(call->arena, "[%s,%s]", order->from_key, order->to_key);
    return dw_sync_values_check(call->settings, map, both, call->arena, err);
}

static enum dw_rc order_chosen(struct batch *batch, struct dw_err *err)
{
    struct dw_api_call *call = batch->call;
    size_t count = batch->chosen_count;
    int64_t *ids = DW_ARENA_ARRAY(call->arena, int64_t, count);
    if (batch->dry_run || count == 0)
        return DW_OK;
    enum dw_rc rc = dw_state_sync_create(call->state, batch->orders, count, call->by, ids, err);
    for (size_t i = 0; i < count && !rc; i++)
        batch->chosen[i]->sync = ids[i];
    return rc;
}

void dw_api_start_resync(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct batch batch = {
        .call = call,
        .copies = true,
        .dry_run = dw_api_request_flag(&call->request, "dry_run"),
    };
    enum dw_rc rc = load_wishes(&batch, &err);
    for (size_t i = 0; i < batch.count && !rc; i++)
        if (batch.wishes[i].record)
            judge_resync(&batch, &batch.wishes[i]);
    if (!rc) {
        put_in_order(&batch);
        rc = take_scope(&batch, &err);
    }
    if (!rc && dw_api_request_flag(&call->request, "accept_gap"))
        rc = dw_state_gap_accept(call->state, dw_api_request_text(&call->request, "system"),
                                 call->by, batch.dry_run, &batch.gaps, &err);
    if (!rc)
        rc = order_chosen(&batch, &err);
    if (rc)
        dw_api_answer_error(call, &err);
    else
        write_batch(&batch);
}
