/* watermark.c - see watermark.h. */
#include "producer/initial_sync/watermark.h"

#include "common/base/json_pull.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PARSE_BYTES 512

const char *dw_watermark_format(const char *token, const struct dw_watermark *mark,
                                char out[DW_WATERMARK_TEXT_MAX])
{
    (void)snprintf(out, DW_WATERMARK_TEXT_MAX, "{\"t\":\"%s\",\"c\":%" PRIu64 ",\"e\":\"%s\"}",
                   token, mark->chunk, mark->high ? "high" : "low");
    return out;
}

static bool read_members(struct dw_json_pull *pull, const char *token, struct dw_watermark *out)
{
    struct dw_str name = {0};
    bool mine = false;
    bool numbered = false;
    bool edged = false;
    enum dw_json kind;
    while ((kind = dw_json_pull_next(pull)) > DW_JSON_END) {
        if (kind == DW_JSON_NAME)
            name = pull->text;
        else if (kind == DW_JSON_STRING && dw_str_is(name, "t"))
            mine = dw_str_is(pull->text, token);
        else if (kind == DW_JSON_STRING && dw_str_is(name, "e")) {
            out->high = dw_str_is(pull->text, "high");
            edged = out->high || dw_str_is(pull->text, "low");
        } else if (kind == DW_JSON_NUMBER && dw_str_is(name, "c") && pull->text.len < 20) {
            char digits[24] = {0};
            memcpy(digits, pull->text.ptr, pull->text.len);
            out->chunk = strtoull(digits, NULL, 10);
            numbered = true;
        }
    }
    return kind == DW_JSON_END && mine && numbered && edged;
}

bool dw_watermark_parse(struct dw_str content, const char *token, struct dw_watermark *out)
{
    struct dw_arena arena;
    struct dw_json_pull pull;
    *out = (struct dw_watermark){0};
    if (content.len > DW_WATERMARK_TEXT_MAX)
        return false;
    dw_arena_init(&arena, PARSE_BYTES);
    dw_json_pull_init(&pull, content, &arena);
    bool parsed = read_members(&pull, token, out);
    dw_arena_done(&arena);
    return parsed;
}
