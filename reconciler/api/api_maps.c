/* api_maps.c - maps: list, show, apply (through the check), orders. */
#include "common/model/map_resolved.h"
#include "common/model/table_map.h"
#include "common/state/state_life.h"
#include "reconciler/api/api_answer.h"
#include "reconciler/dead_letters/letter_gauges.h"
#include "reconciler/maps/map_check.h"
#include "reconciler/maps/map_diff.h"

#define HISTORY_LIMIT   20
#define RESOLVED_MAX    (16u << 20)
#define TOPIC_MAX_BYTES 249

static void write_map(struct dw_buf *out, const struct dw_map_record *map)
{
    dw_json_write_text(out, "map", map->name);
    dw_json_write_text(out, "state", dw_map_state_name(map->state));
    dw_json_write_text(out, "code", map->code);
    dw_json_write_text(out, "reason", map->reason);
    dw_json_write_i64(out, "revision", map->revision);
    dw_json_write_i64(out, "change", map->change);
    dw_json_write_text(out, "source_system", map->source_system);
    dw_json_write_text(out, "target_system", map->target_system);
    dw_json_write_text(out, "topic", map->topic);
    dw_json_write_i64(out, "partitions", map->partitions);
}

void dw_api_maps_list(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_map_record *maps = NULL;
    size_t count = 0;
    size_t limit = (size_t)dw_api_request_number(&call->request, "limit");
    const char *after = dw_api_request_text(&call->request, "after");
    bool documents = dw_api_request_flag(&call->request, "documents");
    struct dw_buf *out = &call->response->body;
    if (dw_state_maps_load(call->state, call->arena, &maps, &count, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    size_t from = 0;
    while (after && from < count && strcmp(maps[from].name, after) <= 0)
        from++;
    size_t to = count - from > limit ? from + limit : count;
    dw_buf_append_text(out, "{\"maps\":[");
    for (size_t i = from; i < to; i++) {
        dw_api_answer_open(out, '{');
        write_map(out, &maps[i]);
        if (documents) {
            dw_json_write_name(out, "document");
            dw_buf_append_text(out, maps[i].document);
        }
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
    dw_json_write_text(out, "next", to < count ? maps[to - 1].name : NULL);
    dw_buf_append_text(out, "}\n");
}

static const char *name_of(const struct dw_api_call *call)
{
    return dw_api_request_text(&call->request, "map");
}

static enum dw_rc load_map(struct dw_api_call *call, const struct dw_map_record **out,
                           struct dw_err *err)
{
    const char *name = name_of(call);
    enum dw_rc rc = dw_state_map_load(call->state, name, call->arena, out, err);
    if (!rc && !*out)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-004", "there is no map %s", name);
    return rc;
}

void dw_api_maps_show(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_map_record *map = NULL;
    const struct dw_map_history_page newest = {.limit = HISTORY_LIMIT};
    struct dw_map_history_list history;
    struct dw_buf *out = &call->response->body;
    if (load_map(call, &map, &err) ||
        dw_state_map_history(call->state, map->name, &newest, call->arena, &history, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(out, '{');
    write_map(out, map);
    dw_api_history_write(out, &history);
    dw_json_write_name(out, "document");
    dw_buf_append_text(out, map->document);
    dw_buf_append_text(out, "}\n");
}

static void write_outcome(struct dw_api_call *call, const struct dw_map_outcome *outcome)
{
    struct dw_buf *out = &call->response->body;
    dw_json_write_text(out, "map", name_of(call));
    dw_json_write_text(out, "state", dw_map_state_name(outcome->state));
    dw_json_write_i64(out, "revision", outcome->revision);
    dw_json_write_i64(out, "change", outcome->change);
    dw_json_write_bool(out, "changed", outcome->changed);
}

void dw_api_maps_order(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_map_outcome outcome;
    struct dw_map_order order = {
        .map = name_of(call),
        .event = (enum dw_map_event)call->request.route->value,
        .reason = dw_api_answer_reason(call),
        .by = call->by,
        .dry_run = dw_api_request_flag(&call->request, "dry_run"),
    };
    if (dw_state_map_order(call->state, &order, &outcome, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(&call->response->body, '{');
    write_outcome(call, &outcome);
    dw_json_write_i64(&call->response->body, "syncs_cancelled", outcome.syncs_cancelled);
    dw_json_write_bool(&call->response->body, "dry_run", order.dry_run);
    dw_buf_append_text(&call->response->body, "}\n");
}

/* --- apply ------------------------------------------------------------------------------------ */

struct apply {
    struct dw_str document;
    const char *const *beside; /* other documents that are applied in the same go */
    size_t beside_count;
    const char *file, *reason;
    bool dry_run;
    const struct dw_table_map *map; /* as parsed; NULL: it has errors */
    const struct dw_map_record *before;
    struct dw_map_problems problems;
    struct dw_map_resolved resolved;
    struct dw_map_diff diff; /* to the revision in force; empty for a new map */
};

/* The name in the file is the name in the path. */
static void check_name(struct dw_api_call *call, struct apply *apply)
{
    if (!apply->map || dw_str_is(apply->map->name, name_of(call)))
        return;
    struct dw_map_problem problem = {
        .code = "DW-API-015",
        .file = dw_str_from(apply->file),
        .path = DW_STR_LIT("map"),
        .message = dw_str_from(dw_arena_printf(call->arena, "the file is of map %.*s, not of %s",
                                               DW_STR_ARG(apply->map->name), name_of(call))),
    };
    dw_map_problems_add(&apply->problems, &problem);
    apply->map = NULL;
}

/* A map that is only looked at: applied already, or in the same go. One of its name among the first
 * `named` stands for it. */
static void add_other(struct dw_api_call *call, const char *document, const char *file,
                      struct dw_map_check_item *items, size_t named, size_t *used)
{
    struct dw_map_problems ignored; /* told when it is applied itself */
    dw_map_problems_init(&ignored, call->arena);
    const struct dw_table_map *map =
        dw_table_map_parse(dw_str_from(document), file, call->arena, &ignored);
    for (size_t i = 0; map && i < named; i++)
        if (dw_str_equal(items[i].map->name, map->name))
            return;
    if (map)
        items[(*used)++] = (struct dw_map_check_item){
            .map = map,
            .file = *file ? dw_str_from(file) : map->name,
            .applied = true,
        };
}

/* Checks the map against both catalogues and beside all maps applied already or in the same go. */
static enum dw_rc check_map(struct dw_api_call *call, struct apply *apply, struct dw_err *err)
{
    const struct dw_map_record *maps = NULL;
    size_t count = 0;
    size_t used = 1;
    enum dw_rc rc = dw_state_maps_load(call->state, call->arena, &maps, &count, err);
    if (rc)
        return rc;
    struct dw_map_check_item *items =
        DW_ARENA_ARRAY(call->arena, struct dw_map_check_item, count + apply->beside_count + 1);
    items[0] = (struct dw_map_check_item){
        .map = apply->map,
        .file = dw_str_from(apply->file),
        .text = apply->document,
    };
    for (size_t i = 0; i < apply->beside_count; i++)
        add_other(call, apply->beside[i], "", items, used, &used);
    size_t named = used;
    for (size_t i = 0; i < count; i++)
        add_other(call, maps[i].document, maps[i].name, items, named, &used);
    dw_map_check(call->settings, items, used, &apply->problems);
    apply->resolved = items[0].resolved;
    return DW_OK;
}

static enum dw_rc check_move(struct dw_api_call *call, const struct apply *apply,
                             struct dw_err *err)
{
    struct dw_map_problems ignored;
    /* A dry run shows that it needs a stop. */
    if (!apply->before || apply->before->state == DW_MAP_STOPPED || apply->dry_run)
        return DW_OK;
    dw_map_problems_init(&ignored, call->arena);
    const struct dw_table_map *old = dw_table_map_parse(dw_str_from(apply->before->document),
                                                        apply->before->name, call->arena, &ignored);
    if (!old || !dw_map_check_moved(old, apply->map))
        return DW_OK;
    return dw_err_set(err, DW_CONFLICT, "DW-API-016",
                      "map %s is %s: its systems, tables and keys can only change while it is "
                      "stopped",
                      name_of(call), dw_map_state_name(apply->before->state));
}

static void write_problems(struct dw_api_call *call, const struct apply *apply)
{
    dw_json_write_name(&call->response->body, "problems");
    dw_map_problems_write(&call->response->body, &apply->problems);
}

static void answer_problems(struct dw_api_call *call, const struct apply *apply)
{
    struct dw_buf *out = &call->response->body;
    size_t errors = dw_map_problems_errors(&apply->problems);
    call->response->status = 422;
    dw_buf_append_text(out, "{\"error\":{");
    dw_json_write_text(out, "code", "DW-API-014");
    dw_json_write_text(out, "message",
                       dw_arena_printf(call->arena, "map %s has %zu %s", name_of(call), errors,
                                       dw_str_plural((int64_t)errors, "problem", "problems")));
    dw_buf_append_char(out, '}');
    write_problems(call, apply);
    dw_buf_append_text(out, "}\n");
}

static enum dw_rc save_map(struct dw_api_call *call, const struct apply *apply,
                           struct dw_map_outcome *out, struct dw_err *err)
{
    const struct dw_table_map *map = apply->map;
    struct dw_buf resolved;
    dw_buf_init(&resolved, RESOLVED_MAX);
    dw_map_resolved_format(&apply->resolved, &resolved);
    struct dw_map_apply order = {
        .name = name_of(call),
        .version = dw_arena_copy(call->arena, map->version).ptr,
        .document = dw_arena_copy(call->arena, apply->document).ptr,
        .resolved = resolved.data,
        .source_system = dw_arena_copy(call->arena, map->source.system).ptr,
        .target_system = dw_arena_copy(call->arena, map->target.system).ptr,
        .topic = dw_arena_printf(call->arena, "%s.%s", call->settings->kafka.topic_prefix,
                                 name_of(call)),
        .partitions = (int32_t)call->settings->kafka.partitions,
        .reason = apply->reason,
        .by = call->by,
    };
    enum dw_rc rc = DW_OK;
    if (!dw_buf_ok(&resolved))
        rc = dw_err_set(err, DW_CONFIG, "DW-BASE-001", "the map's columns need over %u bytes",
                        RESOLVED_MAX);
    else if (strlen(order.topic) > TOPIC_MAX_BYTES)
        rc = dw_err_set(err, DW_CONFLICT, "DW-API-016", "topic name %s is over %d bytes",
                        order.topic, TOPIC_MAX_BYTES);
    else
        rc = dw_state_map_apply(call->state, &order, out, err);
    if (!rc)
        dw_letter_gauges_know(order.name);
    dw_buf_done(&resolved);
    return rc;
}

/* What an older program wrote may not be readable: then there is nothing to compare with. */
static void compare_types(struct dw_api_call *call, struct apply *apply)
{
    struct dw_map_resolved before;
    struct dw_err ignored = DW_ERR_INIT;
    if (dw_map_resolved_parse(dw_str_from(apply->before->resolved), call->arena, &before,
                              &ignored) == DW_OK)
        dw_map_diff_retyped(&apply->diff, &before, &apply->resolved, call->arena);
}

static enum dw_rc prepare(struct dw_api_call *call, struct apply *apply, struct dw_err *err)
{
    dw_map_problems_init(&apply->problems, call->arena);
    apply->map = dw_table_map_parse(apply->document, apply->file, call->arena, &apply->problems);
    check_name(call, apply);
    enum dw_rc rc = dw_state_map_load(call->state, name_of(call), call->arena, &apply->before, err);
    if (!rc && apply->before)
        dw_map_diff_make(dw_str_from(apply->before->document), apply->document, call->arena,
                         &apply->diff);
    if (!rc && apply->map)
        rc = check_map(call, apply, err);
    if (!rc && apply->map && apply->before)
        compare_types(call, apply);
    return rc;
}

/* Rows already there are copied again, where the change needs that and the map goes on. */
static enum dw_rc back_fill(struct dw_api_call *call, const struct apply *apply,
                            const struct dw_map_outcome *outcome, int64_t *out_sync,
                            struct dw_err *err)
{
    const struct dw_sync_order order = {
        .map = name_of(call),
        .keep_existing = dw_api_answer_keeps(call),
        .delete_extra = dw_api_request_flag(&call->request, "delete_extra"),
        .rate = dw_api_request_number(&call->request, "rate"),
    };
    if (!dw_api_request_flag(&call->request, "backfill") || !outcome->changed ||
        outcome->state == DW_MAP_STOPPED || !(apply->diff.effects & DW_MAP_DIFF_BACKFILL))
        return DW_OK;
    return dw_state_sync_create(call->state, &order, 1, call->by, out_sync, err);
}

static void answer_apply(struct dw_api_call *call, const struct apply *apply,
                         const struct dw_map_outcome *outcome, int64_t sync)
{
    struct dw_buf *out = &call->response->body;
    dw_buf_append_char(out, '{');
    if (apply->dry_run) {
        dw_json_write_text(out, "map", name_of(call));
        dw_json_write_bool(out, "exists", apply->before != NULL);
        dw_json_write_text(
            out, "state", dw_map_state_name(apply->before ? apply->before->state : DW_MAP_STOPPED));
    } else {
        write_outcome(call, outcome);
    }
    dw_json_write_bool(out, "dry_run", apply->dry_run);
    dw_map_diff_write(&apply->diff, out);
    if (sync)
        dw_json_write_i64(out, "sync", sync);
    else
        dw_json_write_text(out, "sync", NULL);
    write_problems(call, apply);
    dw_buf_append_text(out, "}\n");
}

static void take_live(struct dw_api_call *call, struct apply *apply)
{
    struct dw_err err = DW_ERR_INIT;
    int64_t sync = 0;
    struct dw_map_outcome outcome = {.changed = false};
    enum dw_rc rc = prepare(call, apply, &err);
    if (!rc && (!apply->map || dw_map_problems_errors(&apply->problems))) {
        answer_problems(call, apply);
        return;
    }
    if (!rc)
        rc = check_move(call, apply, &err);
    if (!rc && !apply->dry_run)
        rc = save_map(call, apply, &outcome, &err);
    if (!rc && !apply->dry_run)
        rc = back_fill(call, apply, &outcome, &sync, &err);
    if (rc)
        dw_api_answer_error(call, &err);
    else
        answer_apply(call, apply, &outcome, sync);
}

void dw_api_maps_apply(struct dw_api_call *call)
{
    const char *file = dw_api_request_text(&call->request, "file");
    struct apply apply = {
        .document = dw_api_request_json(&call->request, "document"),
        .file = file ? file : "",
        .reason = "",
        .dry_run = dw_api_request_flag(&call->request, "dry_run"),
    };
    apply.beside = dw_api_request_texts(&call->request, "beside", &apply.beside_count);
    take_live(call, &apply);
}

/* An earlier document becomes a new revision: it goes through the same check, and nothing of the
 * history is undone. */
void dw_api_maps_rollback(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_map_record *map = NULL;
    const struct dw_life_revision *revision = NULL;
    int64_t wanted = dw_api_request_number(&call->request, "revision");
    enum dw_rc rc = load_map(call, &map, &err);
    if (!rc)
        rc = dw_state_life_revision(call->state, map->name, wanted, call->arena, &revision, &err);
    if (!rc && !revision)
        rc = wanted ? dw_err_set(&err, DW_CONFLICT, "DW-STATE-014", "map %s has no revision %lld",
                                 map->name, (long long)wanted)
                    : dw_err_set(&err, DW_CONFLICT, "DW-STATE-014",
                                 "map %s has no revision before this one", map->name);
    if (rc || !revision) {
        dw_api_answer_error(call, &err);
        return;
    }
    struct apply apply = {
        .document = dw_str_from(revision->document),
        .file = dw_arena_printf(call->arena, "%s, revision %lld", map->name,
                                (long long)revision->revision),
        .reason = dw_api_answer_reason(call),
        .dry_run = dw_api_request_flag(&call->request, "dry_run"),
    };
    if (!*apply.reason)
        apply.reason =
            dw_arena_printf(call->arena, "back to revision %lld", (long long)revision->revision);
    take_live(call, &apply);
}
