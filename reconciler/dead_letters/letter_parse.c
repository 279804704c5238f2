/* letter_parse.c - see letter_parse.h. */
#include "reconciler/dead_letters/letter_parse.h"

#include "common/base/base64.h"
#include "common/base/buf.h"
#include "common/base/json_write.h"
#include "common/base/utf8.h"

#define CONNECT "__connect.errors."
#define OURS    "dualwrite."

#define HEADERS_MAX_BYTES (1u << 20)
#define NAME_MAX_BYTES    249 /* Kafka's limit for a topic; ours for all that is indexed */
#define TEXT_MAX_BYTES    8192

/* Kafka Connect takes the last header of a name; so do we. */
static struct dw_str find_header(const struct dw_letter_record *record, const char *name)
{
    for (size_t i = record->header_count; i > 0; i--)
        if (strcmp(record->headers[i - 1].name, name) == 0)
            return record->headers[i - 1].value;
    return (struct dw_str){NULL, 0};
}

/* PostgreSQL's text takes neither. */
static bool is_text(struct dw_str value)
{
    return dw_utf8_valid(value.ptr, value.len) && (!value.len || !memchr(value.ptr, 0, value.len));
}

/* A header as text, "" when absent; *ok is cleared when it is longer than `max` or no text. */
static const char *text_of(const struct dw_letter_record *record, const char *name, size_t max,
                           struct dw_arena *arena, bool *ok)
{
    struct dw_str value = find_header(record, name);
    if (!value.ptr)
        return "";
    if (value.len > max || !is_text(value)) {
        *ok = false;
        return "";
    }
    return dw_arena_copy(arena, value).ptr;
}

/* A decimal number from 0 to `max`; `missing` when absent; *ok is cleared when it is none. */
static int64_t number_of(const struct dw_letter_record *record, const char *name, int64_t max,
                         int64_t missing, bool *ok)
{
    struct dw_str value = find_header(record, name);
    if (!value.ptr)
        return missing;
    int64_t number = 0;
    for (size_t i = 0; i < value.len; i++) {
        int digit = value.ptr[i] - '0';
        if (digit < 0 || digit > 9 || number > (max - digit) / 10) {
            *ok = false;
            return missing;
        }
        number = number * 10 + digit;
    }
    if (value.len == 0) {
        *ok = false;
        return missing;
    }
    return number;
}

static const char *write_headers(const struct dw_letter_record *record, struct dw_arena *arena)
{
    struct dw_buf json;
    dw_buf_init(&json, HEADERS_MAX_BYTES);
    dw_buf_append_char(&json, '[');
    for (size_t i = 0; i < record->header_count; i++) {
        const struct dw_letter_header *header = &record->headers[i];
        struct dw_str name = dw_str_from(header->name);
        if (!dw_utf8_valid(name.ptr, name.len))
            continue;
        dw_buf_append_text(&json, i && json.data[json.len - 1] != '[' ? ",{" : "{");
        dw_json_write_str(&json, "name", name);
        if (!header->value.ptr) {
            dw_json_write_text(&json, "value", NULL);
        } else if (is_text(header->value)) {
            dw_json_write_str(&json, "value", header->value);
        } else {
            dw_json_write_name(&json, "base64");
            dw_buf_append_char(&json, '"');
            dw_base64_encode(&json, header->value.ptr, header->value.len);
            dw_buf_append_char(&json, '"');
        }
        dw_buf_append_char(&json, '}');
    }
    dw_buf_append_char(&json, ']');
    const char *text = dw_buf_ok(&json) ? dw_arena_copy(arena, dw_buf_str(&json)).ptr : "[]";
    dw_buf_done(&json);
    return text;
}

/* Ours names map and code; by reference it also has a version, else an identity. */
static void decide_kind(const struct dw_letter_record *record, bool ok, struct dw_letter *letter)
{
    bool is_ours = ok && *letter->map && *letter->code && *letter->system;
    bool by_reference = strcmp(letter->stage, "KAFKA_PRODUCE") == 0 && letter->offset < 0;
    bool has_identity =
        *letter->topic && letter->partition >= 0 && letter->offset >= 0 && *letter->incarnation;
    letter->kind = DW_LETTER_FOREIGN;
    letter->state = DW_LETTER_IS_FOREIGN;
    if (is_ours && by_reference && *letter->version) {
        letter->kind = DW_LETTER_REFERENCE;
        letter->state = DW_LETTER_OPEN;
    } else if (is_ours && !by_reference && has_identity) {
        letter->kind = DW_LETTER_EVENT;
        letter->state = DW_LETTER_UNCONFIRMED;
    } else if (!*letter->message) {
        letter->message = record->header_count
                              ? "its headers are not those of a dead letter of ours"
                              : "it has no headers";
    }
}

void dw_letter_parse_record(const struct dw_letter_record *record, struct dw_arena *arena,
                            struct dw_letter *out)
{
    bool ok = true;
#define NAME(header)   text_of(record, header, NAME_MAX_BYTES, arena, &ok)
#define TEXT(header)   text_of(record, header, TEXT_MAX_BYTES, arena, &ok)
#define NUMBER(header) number_of(record, header, INT64_MAX, 0, &ok)
    *out = (struct dw_letter){
        .letter_partition = record->partition,
        .letter_offset = record->offset,
        .letter_topic = "",
        .copies = 1,
        .topic = NAME(CONNECT "topic"),
        .partition = (int32_t)number_of(record, CONNECT "partition", INT32_MAX, -1, &ok),
        .offset = number_of(record, CONNECT "offset", INT64_MAX, -1, &ok),
        .incarnation = NAME(OURS "incarnation"),
        .map = NAME(OURS "map"),
        .revision = NUMBER(OURS "revision"),
        .system = NAME(OURS "system"),
        .version = NAME(OURS "version"),
        .code = NAME(OURS "code"),
        .class_name = NAME(OURS "class"),
        .stage = NAME(CONNECT "stage"),
        .message = TEXT(CONNECT "exception.message"),
        .sqlstate = NAME(OURS "sqlstate"),
        .column = NAME(OURS "column"),
        .instance = NAME(OURS "instance"),
        .attempts = NUMBER(OURS "attempts"),
        .first_failed_us = NUMBER(OURS "first_failed_us"),
        .failed_us = NUMBER(OURS "failed_us"),
        .headers = write_headers(record, arena),
        .key = record->key,
        .value = record->value,
        .value_bytes = record->value.ptr ? (int64_t)record->value.len : -1,
    };
#undef NAME
#undef TEXT
#undef NUMBER
    decide_kind(record, ok, out);
}

void dw_letter_parse_remains(const struct dw_letter_record *record, const char *reason,
                             struct dw_letter *out)
{
    *out = (struct dw_letter){
        .kind = DW_LETTER_FOREIGN,
        .state = DW_LETTER_IS_FOREIGN,
        .letter_topic = "",
        .letter_partition = record->partition,
        .letter_offset = record->offset,
        .copies = 1,
        .topic = "",
        .partition = -1,
        .offset = -1,
        .incarnation = "",
        .map = "",
        .system = "",
        .version = "",
        .code = "",
        .class_name = "",
        .stage = "",
        .message = reason,
        .sqlstate = "",
        .column = "",
        .instance = "",
        .headers = "[]",
        .value_bytes = -1,
    };
}
