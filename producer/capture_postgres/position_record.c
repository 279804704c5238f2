/* position_record.c - see position_record.h. */
#include "producer/capture_postgres/position_record.h"

#include "common/base/json_pull.h"
#include "common/base/json_write.h"
#include <stdio.h>
#include <stdlib.h>

#define READ_TIMEOUT_MS 10000
#define LOOK_BACK_MAX   20000 /* records of other systems that may lie behind ours */

void dw_position_record_format(const struct dw_state_position *position,
                               const struct dw_generations *generations, struct dw_buf *out)
{
    dw_buf_append_char(out, '{');
    dw_json_write_u64(out, "epoch", position->epoch);
    dw_json_write_u64(out, "published_lsn", position->published_lsn);
    dw_json_write_u64(out, "confirmed_lsn", position->confirmed_lsn);
    dw_json_write_u64(out, "published_xid", position->published_xid);
    dw_json_write_i64(out, "published_commit_us", position->published_commit_us);
    dw_json_write_text(out, "system_identifier", position->system_identifier);
    dw_json_write_u64(out, "timeline", position->timeline);
    dw_json_write_name(out, "generations");
    dw_generation_format(generations, out);
    dw_buf_append_char(out, '}');
}

static void take_member(struct dw_str name, enum dw_json token, struct dw_str text,
                        struct dw_state_position *out)
{
    char digits[24] = "";
    if (text.len < sizeof digits)
        memcpy(digits, text.ptr, text.len);
    if (token == DW_JSON_STRING && dw_str_is(name, "system_identifier"))
        (void)snprintf(out->system_identifier, sizeof out->system_identifier, "%s", digits);
    if (token != DW_JSON_NUMBER)
        return;
    uint64_t number = strtoull(digits, NULL, 10);
    if (dw_str_is(name, "epoch"))
        out->epoch = (uint32_t)number;
    else if (dw_str_is(name, "published_lsn"))
        out->published_lsn = number;
    else if (dw_str_is(name, "confirmed_lsn"))
        out->confirmed_lsn = number;
    else if (dw_str_is(name, "published_xid"))
        out->published_xid = (uint32_t)number;
    else if (dw_str_is(name, "published_commit_us"))
        out->published_commit_us = strtoll(digits, NULL, 10);
    else if (dw_str_is(name, "timeline"))
        out->timeline = (uint32_t)number;
}

/* The member whose name was read last. */
static bool parse_member(struct dw_json_pull *pull, struct dw_state_position *out,
                         struct dw_generations *generations)
{
    struct dw_str name = pull->text;
    struct dw_str raw;
    if (dw_str_is(name, "generations"))
        return dw_json_pull_skip(pull, &raw) && dw_generation_parse(raw, generations);
    enum dw_json token = dw_json_pull_next(pull);
    if (token != DW_JSON_STRING && token != DW_JSON_NUMBER)
        return dw_json_pull_finish(pull, token);
    take_member(name, token, pull->text, out);
    return true;
}

bool dw_position_record_parse(struct dw_str text, struct dw_arena *arena,
                              struct dw_state_position *out, struct dw_generations *generations)
{
    struct dw_state_position position = {.known = true};
    struct dw_json_pull pull;
    dw_json_pull_init(&pull, text, arena);
    if (dw_json_pull_next(&pull) != DW_JSON_OBJECT_OPEN)
        return false;
    enum dw_json token;
    while ((token = dw_json_pull_next(&pull)) == DW_JSON_NAME)
        if (!parse_member(&pull, &position, generations))
            return false;
    if (token != DW_JSON_OBJECT_CLOSE || dw_json_pull_next(&pull) != DW_JSON_END ||
        !position.epoch || !position.system_identifier[0])
        return false;
    *out = position;
    return true;
}

enum dw_rc dw_position_record_read(struct dw_kafka_admin *admin, const char *topic,
                                   const char *system, struct dw_state_position *out,
                                   struct dw_generations *generations, struct dw_err *err)
{
    int64_t low = 0;
    int64_t high = 0;
    struct dw_arena arena;
    *out = (struct dw_state_position){.known = false};
    enum dw_rc rc = dw_kafka_admin_offsets(admin, topic, 0, READ_TIMEOUT_MS, &low, &high, err);
    if (rc != DW_OK)
        return rc;
    dw_arena_init(&arena, 16384);
    /* From the end backwards: our record is the last or nearly so. */
    for (int64_t offset = high - 1; offset >= low && offset >= high - LOOK_BACK_MAX; offset--) {
        struct dw_kafka_record record;
        dw_arena_reset(&arena);
        rc = dw_kafka_admin_read(admin, topic, 0, offset, READ_TIMEOUT_MS, &arena, &record, err);
        if (rc == DW_END) {
            rc = DW_OK;
            continue;
        }
        if (rc != DW_OK || (dw_str_is(record.key, system) &&
                            dw_position_record_parse(record.value, &arena, out, generations)))
            break;
    }
    dw_arena_done(&arena);
    return rc;
}

const struct dw_state_position *dw_position_record_later(const struct dw_state_position *a,
                                                         const struct dw_state_position *b)
{
    if (!a->known || !b->known)
        return a->known ? a : b;
    if (a->epoch != b->epoch)
        return a->epoch > b->epoch ? a : b;
    if (a->published_lsn != b->published_lsn)
        return a->published_lsn > b->published_lsn ? a : b;
    return a->confirmed_lsn >= b->confirmed_lsn ? a : b;
}
