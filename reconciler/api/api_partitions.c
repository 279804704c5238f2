/* api_partitions.c - by how many partitions a map is published, and more of them (trap 20).
 *
 * Kafka is given the partitions here; from where on they count the stream says, when the producer
 * has seen them. Without a producer they wait for one.
 */
#include "common/kafka/kafka_admin.h"
#include "common/model/generation.h"
#include "common/postgres/pg.h"
#include "common/state/state_generation.h"
#include "reconciler/api/api_answer.h"

#define TIMEOUT_MS 10000

struct request {
    struct dw_api_call *call;
    const struct dw_map_record *map;
    struct dw_kafka_admin *admin;
    int32_t there; /* that the topic has; 0: there is no topic yet */
};

static enum dw_rc look(struct request *request, struct dw_err *err)
{
    struct dw_api_call *call = request->call;
    const char *name = dw_api_request_text(&call->request, "map");
    enum dw_rc rc = dw_state_map_load(call->state, name, call->arena, &request->map, err);
    if (!rc && !request->map)
        rc = dw_err_set(err, DW_CONFIG, "DW-STATE-004", "there is no map %s", name);
    if (!rc)
        rc = dw_kafka_admin_open(&request->admin, &call->settings->kafka, call->instance, err);
    if (!rc)
        rc = dw_kafka_admin_counts(request->admin, &request->map->topic, 1, TIMEOUT_MS,
                                   &request->there, err);
    return rc;
}

/* What the brokers refuse is no failure of ours. */
static enum dw_rc ask_brokers(struct request *request, int32_t wanted, bool dry_run,
                              struct dw_err *err)
{
    enum dw_rc rc = dw_kafka_admin_add_partitions(request->admin, request->map->topic, wanted,
                                                  dry_run, TIMEOUT_MS, err);
    if (rc == DW_CONFIG)
        rc = err->rc = DW_CONFLICT;
    return rc;
}

/* *out_changed: the topic gets more of them. */
static enum dw_rc raise(struct request *request, int32_t wanted, bool *out_changed,
                        struct dw_err *err)
{
    struct dw_api_call *call = request->call;
    const char *map = request->map->name;
    bool dry_run = dw_api_request_flag(&call->request, "dry_run");
    *out_changed = wanted > request->there;
    if (!request->there)
        return dw_err_set(err, DW_CONFLICT, "DW-API-040",
                          "topic %s of map %s is not there yet: it is made when the map is started "
                          "and its producer runs",
                          request->map->topic, map);
    if (wanted < request->there)
        return dw_err_set(err, DW_CONFLICT, "DW-API-040",
                          "topic %s of map %s has %d partitions, and can only get more",
                          request->map->topic, map, (int)request->there);
    enum dw_rc rc = *out_changed ? ask_brokers(request, wanted, dry_run, err) : DW_OK;
    if (!rc && *out_changed && !dry_run)
        rc = dw_state_generation_ask(call->state, map, wanted, call->by, err);
    return rc;
}

static void write_counts(const struct request *request, struct dw_buf *out)
{
    dw_buf_append_char(out, '{');
    dw_json_write_text(out, "map", request->map->name);
    dw_json_write_text(out, "topic", request->map->topic);
    dw_json_write_i64(out, "partitions", request->map->partitions);
    dw_json_write_i64(out, "topic_partitions", request->there);
}

static void write_generations(const struct request *request, struct dw_buf *out)
{
    struct dw_generations list = {NULL, 0};
    char lsn[24];
    (void)dw_generation_parse(dw_str_from(request->map->generations), &list); /* as it was noted */
    dw_json_write_name(out, "generations");
    dw_buf_append_char(out, '[');
    for (size_t i = 0; i < list.count; i++) {
        dw_api_answer_open(out, '{');
        dw_json_write_i64(out, "generation", list.items[i].number);
        dw_json_write_i64(out, "before", list.items[i].before);
        dw_json_write_i64(out, "partitions", list.items[i].partitions);
        dw_json_write_i64(out, "epoch", list.items[i].epoch);
        dw_json_write_text(out, "lsn", dw_pg_format_lsn(list.items[i].lsn, lsn));
        dw_buf_append_char(out, '}');
    }
    dw_buf_append_char(out, ']');
    dw_generation_done(&list);
}

void dw_api_partitions_show(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct request request = {.call = call};
    struct dw_buf *out = &call->response->body;
    if (look(&request, &err)) {
        dw_api_answer_error(call, &err);
    } else {
        write_counts(&request, out);
        write_generations(&request, out);
        dw_buf_append_text(out, "}\n");
    }
    dw_kafka_admin_close(request.admin);
}

void dw_api_partitions_raise(struct dw_api_call *call)
{
    struct dw_err err = DW_ERR_INIT;
    struct request request = {.call = call};
    struct dw_buf *out = &call->response->body;
    int32_t wanted = (int32_t)dw_api_request_number(&call->request, "partitions");
    bool changed = false;
    enum dw_rc rc = look(&request, &err);
    if (!rc)
        rc = raise(&request, wanted, &changed, &err);
    if (rc) {
        dw_api_answer_error(call, &err);
    } else {
        write_counts(&request, out);
        dw_json_write_i64(out, "wanted", wanted);
        dw_json_write_bool(out, "changed", changed);
        dw_json_write_bool(out, "dry_run", dw_api_request_flag(&call->request, "dry_run"));
        dw_buf_append_text(out, "}\n");
    }
    dw_kafka_admin_close(request.admin);
}
