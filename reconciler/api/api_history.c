/* api_history.c - what became of a map, and who did what. */
#include "common/state/state_life.h"
#include "reconciler/api/api_answer.h"

void dw_api_history_show(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_map_record *map = NULL;
    struct dw_map_history_list history;
    struct dw_buf *out = &call->response->body;
    const char *name = dw_api_request_text(&call->request, "map");
    const struct dw_map_history_page page = {
        .before = dw_api_request_number(&call->request, "after"),
        .limit = dw_api_request_number(&call->request, "limit"),
    };
    enum dw_rc rc = dw_state_map_load(call->state, name, call->arena, &map, &err);
    if (!rc && !map)
        rc = dw_err_set(&err, DW_CONFIG, "DW-STATE-004", "there is no map %s", name);
    if (!rc)
        rc = dw_state_map_history(call->state, name, &page, call->arena, &history, &err);
    if (rc || !map) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "map", name);
    dw_json_write_text(out, "state", dw_map_state_name(map->state));
    dw_json_write_i64(out, "revision", map->revision);
    dw_api_history_write(out, &history);
    dw_api_answer_next(out, history.count == (size_t)page.limit,
                       history.count ? history.items[history.count - 1].id : 0);
    dw_buf_append_text(out, "}\n");
}

void dw_api_history_write(struct dw_buf *out, const struct dw_map_history_list *history)
{
    dw_json_write_name(out, "history");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < history->count; i++) {
        const struct dw_map_history *item = &history->items[i];
        dw_api_answer_open(out, '{');
        dw_api_answer_time(out, "at", item->at_us);
        dw_json_write_text(out, "event", item->event);
        dw_json_write_text(out, "state", item->state);
        dw_json_write_i64(out, "revision", item->revision);
        dw_json_write_text(out, "code", item->code);
        dw_json_write_text(out, "reason", item->reason);
        dw_json_write_text(out, "by", item->by);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
}

void dw_api_history_audit(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    const struct dw_life_audit *items = NULL;
    size_t count = 0;
    const struct dw_life_audit_filter filter = {
        .object = dw_api_request_text(&call->request, "map"),
        .before = dw_api_request_number(&call->request, "after"),
        .limit = (int)dw_api_request_number(&call->request, "limit"),
    };
    struct dw_buf *out = &call->response->body;
    if (dw_state_life_audit(call->state, &filter, call->arena, &items, &count, &err)) {
        dw_api_answer_error(call, &err);
        return;
    }
    dw_buf_append_text(out, "{\"audit\":[");
    for (size_t i = 0; i < count; i++) {
        dw_api_answer_open(out, '{');
        dw_json_write_i64(out, "id", items[i].id);
        dw_api_answer_time(out, "at", items[i].at_us);
        dw_json_write_text(out, "by", items[i].by);
        dw_json_write_text(out, "action", items[i].action);
        dw_json_write_text(out, "object", items[i].object);
        dw_json_write_name(out, "detail");
        dw_buf_append_text(out, items[i].detail);
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
    dw_api_answer_next(out, (int)count == filter.limit, count ? items[count - 1].id : 0);
    dw_buf_append_text(out, "}\n");
}
