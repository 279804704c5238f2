/* replay.c - see replay.h. */
#include "common/model/replay.h"

#include "common/base/base64.h"
#include "common/base/json_pull.h"
#include "common/base/json_write.h"

#define CONTENT_MAX ((size_t)256 * 1024 * 1024)

void dw_replay_encode(struct dw_buf *out, const struct dw_replay *replay, const char *system,
                      int64_t now_us)
{
    struct dw_buf content;
    dw_buf_init(&content, CONTENT_MAX);
    dw_buf_append_char(&content, '{');
    dw_json_write_str(&content, "topic", replay->topic);
    dw_json_write_i64(&content, "partition", replay->partition);
    dw_json_write_i64(&content, "offset", replay->offset);
    dw_json_write_str(&content, "incarnation", replay->incarnation);
    dw_json_write_i64(&content, "attempt", replay->attempt);
    dw_json_write_str(&content, "by", replay->by);
    dw_json_write_name(&content, "event");
    dw_buf_append_str(&content, replay->event);
    dw_buf_append_char(&content, '}');
    dw_buf_append_text(out, "{\"op\":\"m\",\"ts_ms\":");
    dw_buf_append_i64(out, now_us / 1000);
    dw_buf_append_text(out,
                       ",\"source\":{\"version\":\"" DW_VERSION "\",\"connector\":\"dualwrite\"");
    dw_json_write_text(out, "name", system);
    dw_json_write_i64(out, "ts_ms", now_us / 1000);
    dw_json_write_text(out, "snapshot", "false");
    dw_json_write_text(out, "db", "");
    dw_json_write_i64(out, "ts_us", now_us);
    dw_buf_append_text(out, "},\"message\":{\"prefix\":\"" DW_EVENT_REPLAY "\",\"content\":\"");
    dw_base64_encode(out, content.data, content.len);
    dw_buf_append_text(out, "\"}}");
    dw_buf_done(&content);
}

static bool number_of(const struct dw_json_pull *pull, int64_t max, int64_t *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < pull->text.len; i++) {
        int digit = pull->text.ptr[i] - '0';
        if (digit < 0 || digit > 9 || number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return pull->text.len > 0;
}

enum member {
    TOPIC = 1,
    PARTITION = 2,
    OFFSET = 4,
    INCARNATION = 8,
    ATTEMPT = 16,
    BY = 32,
    EVENT = 64
};

/* The member whose name was just read; its bit, 0 when it is malformed. */
static unsigned take_member(struct dw_json_pull *pull, struct dw_replay *out, bool *ok)
{
    struct dw_str name = pull->text;
    int64_t number = 0;
    if (dw_str_is(name, "event")) {
        *ok = dw_json_pull_skip(pull, &out->event) && out->event.len && out->event.ptr[0] == '{';
        return EVENT;
    }
    static const struct {
        const char *name;
        unsigned bit;
    } texts[] = {{"topic", TOPIC}, {"incarnation", INCARNATION}, {"by", BY}},
      numbers[] = {{"partition", PARTITION}, {"offset", OFFSET}, {"attempt", ATTEMPT}};
    struct dw_str *const text_of[] = {&out->topic, &out->incarnation, &out->by};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (dw_str_is(name, texts[i].name)) {
            *ok = dw_json_pull_next(pull) == DW_JSON_STRING;
            *text_of[i] = pull->text;
            return texts[i].bit;
        }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (dw_str_is(name, numbers[i].name)) {
            *ok = dw_json_pull_next(pull) == DW_JSON_NUMBER &&
                  number_of(pull, numbers[i].bit == PARTITION ? INT32_MAX : INT64_MAX, &number);
            if (numbers[i].bit == PARTITION)
                out->partition = (int32_t)number;
            else if (numbers[i].bit == OFFSET)
                out->offset = number;
            else
                out->attempt = number;
            return numbers[i].bit;
        }
    *ok = dw_json_pull_skip(pull, NULL);
    return 0;
}

bool dw_replay_decode(struct dw_str content, struct dw_arena *arena, struct dw_replay *out)
{
    struct dw_json_pull pull;
    struct dw_replay replay = {.partition = 0};
    const unsigned all = TOPIC | PARTITION | OFFSET | INCARNATION | ATTEMPT | BY | EVENT;
    unsigned seen = 0;
    enum dw_json token;
    dw_json_pull_init(&pull, content, arena);
    if (dw_json_pull_next(&pull) != DW_JSON_OBJECT_OPEN)
        return false;
    while ((token = dw_json_pull_next(&pull)) == DW_JSON_NAME) {
        bool ok = false;
        seen |= take_member(&pull, &replay, &ok);
        if (!ok)
            return false;
    }
    if (token != DW_JSON_OBJECT_CLOSE || dw_json_pull_next(&pull) != DW_JSON_END || seen != all)
        return false;
    *out = replay;
    return true;
}
