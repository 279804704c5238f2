/* route.c - see route.h. */
#include "common/model/route.h"

#include "common/base/arena.h"
#include "common/base/hash.h"
#include "common/base/json_pull.h"
#include "common/model/event_encode.h"

#define NUMERIC_OID  1700
#define SCRATCH_KEEP 4096
#define ARENA_BYTES  1024
#define QUOTES       2

uint32_t dw_route_hash(struct dw_str key)
{
    return dw_hash_murmur2(key.ptr, key.len);
}

int32_t dw_route_partition(uint32_t hash, int32_t count)
{
    return (int32_t)(hash & 0x7fffffff) % (count > 0 ? count : 1);
}

static bool is_numeric(const struct dw_resolved_side *source, struct dw_str name)
{
    const struct dw_resolved_column *column = dw_map_resolved_find(source, name);
    return column && column->base_oid == NUMERIC_OID;
}

/* A numeric is a string of the JSON, and needs no escapes. */
static void append_unscaled(struct dw_buf *out, struct dw_str raw)
{
    struct dw_str text = {raw.ptr + 1, raw.len - QUOTES};
    dw_buf_append_char(out, '"');
    dw_buf_append_str(out, dw_event_encode_unscaled(text));
    dw_buf_append_char(out, '"');
}

/* Copies the object with its numeric values in their short form; all else byte for byte. */
static bool shorten(struct dw_json_pull *pull, struct dw_str key,
                    const struct dw_resolved_side *source, struct dw_buf *out)
{
    const char *copied = key.ptr;
    enum dw_json token = dw_json_pull_next(pull);
    if (token != DW_JSON_OBJECT_OPEN)
        return false;
    while ((token = dw_json_pull_next(pull)) == DW_JSON_NAME) {
        bool numeric = is_numeric(source, pull->text);
        struct dw_str raw;
        if (!dw_json_pull_skip(pull, &raw))
            return false;
        if (!numeric || raw.len < QUOTES || raw.ptr[0] != '"')
            continue;
        dw_buf_append(out, copied, (size_t)(raw.ptr - copied));
        append_unscaled(out, raw);
        copied = raw.ptr + raw.len;
    }
    dw_buf_append(out, copied, (size_t)(key.ptr + key.len - copied));
    return token == DW_JSON_OBJECT_CLOSE && dw_json_pull_next(pull) == DW_JSON_END;
}

enum dw_rc dw_route_record(struct dw_str key, const struct dw_resolved_side *source,
                           struct dw_buf *scratch, uint32_t *out_hash, struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_json_pull pull;
    dw_arena_init(&arena, ARENA_BYTES);
    dw_json_pull_init(&pull, key, &arena);
    dw_buf_reset(scratch, SCRATCH_KEEP);
    bool good = shorten(&pull, key, source, scratch) && dw_buf_ok(scratch);
    dw_arena_done(&arena);
    if (!good)
        return dw_err_set(err, DW_REJECT, "DW-EVENT-002", "a record's key is no JSON object");
    *out_hash = dw_route_hash(dw_buf_str(scratch));
    return DW_OK;
}
