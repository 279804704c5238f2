/* convert_wire.c - see convert_wire.h. */
#include "common/transform/convert_wire.h"

#include "common/base/base64.h"
#include "common/base/json_pull.h"
#include "common/base/utf8.h"

static enum dw_rc wrong_kind(const struct dw_convert *convert, const struct dw_value *value,
                             struct dw_err *err)
{
    static const char *const kinds[] = {
        [DW_VALUE_ABSENT] = "nothing",
        [DW_VALUE_NULL] = "null",
        [DW_VALUE_STRING] = "this JSON string",
        [DW_VALUE_NUMBER] = "a JSON number",
        [DW_VALUE_TRUE] = "true",
        [DW_VALUE_FALSE] = "false",
        [DW_VALUE_NESTED] = "a JSON object or array",
    };
    return dw_err_set(err, DW_REJECT, "DW-VALUE-001",
                      "the event holds %s where %s of source type %.*s belongs", kinds[value->kind],
                      dw_convert_type_words(convert->source.family),
                      DW_STR_ARG(convert->source.name));
}

static enum dw_rc check_text(struct dw_str text, struct dw_err *err)
{
    if (text.len && memchr(text.ptr, '\0', text.len))
        return dw_err_set(err, DW_REJECT, "DW-VALUE-010", "the text holds a NUL");
    size_t valid = dw_utf8_valid_prefix(text.ptr, text.len);
    if (valid != text.len)
        return dw_err_set(err, DW_REJECT, "DW-VALUE-010", "the text is not UTF-8 at byte %zu",
                          valid);
    return DW_OK;
}

/* Base64 to the hexadecimal form of bytea's input. */
static enum dw_rc undo_bytes(const struct dw_convert *convert, const struct dw_value *value,
                             struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_buf bytes;
    dw_buf_init(&bytes, value->text.len + 16);
    bool decoded = dw_base64_decode(&bytes, value->text) && dw_buf_ok(&bytes);
    if (decoded) {
        static const char digits[] = "0123456789abcdef";
        char *hex = dw_arena_alloc(arena, bytes.len * 2 + 2);
        char *to = hex;
        *to++ = '\\';
        *to++ = 'x';
        for (size_t i = 0; i < bytes.len; i++) {
            unsigned char byte = (unsigned char)bytes.data[i];
            *to++ = digits[byte >> 4];
            *to++ = digits[byte & 15];
        }
        *out = (struct dw_str){hex, (size_t)(to - hex)};
    }
    dw_buf_done(&bytes);
    return decoded ? DW_OK : wrong_kind(convert, value, err);
}

static enum dw_rc undo_bool(const struct dw_convert *convert, const struct dw_value *value,
                            struct dw_str *out, struct dw_err *err)
{
    bool is_string = value->kind == DW_VALUE_STRING;
    if (value->kind == DW_VALUE_TRUE ||
        (is_string && (dw_str_is(value->text, "t") || dw_str_is(value->text, "true"))))
        *out = DW_STR_LIT("true");
    else if (value->kind == DW_VALUE_FALSE ||
             (is_string && (dw_str_is(value->text, "f") || dw_str_is(value->text, "false"))))
        *out = DW_STR_LIT("false");
    else
        return wrong_kind(convert, value, err);
    return DW_OK;
}

/* ---- JSON arrays (Debezium's) to array literals ---- */

struct literal {
    const struct dw_convert *convert; /* of the array */
    struct dw_json_pull pull;
    struct dw_arena *arena;
    struct dw_buf out;
    struct dw_err *err;
};

static void put_quoted(struct dw_buf *out, struct dw_str text)
{
    dw_buf_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            dw_buf_append_char(out, '\\');
        dw_buf_append_char(out, text.ptr[i]);
    }
    dw_buf_append_char(out, '"');
}

static enum dw_rc put_element(struct literal *literal, enum dw_json token, const char *from)
{
    struct dw_value value = {DW_VALUE_NULL, literal->pull.text};
    switch (token) {
    case DW_JSON_NULL:
        dw_buf_append_text(&literal->out, "NULL");
        return DW_OK;
    case DW_JSON_STRING:
        value.kind = DW_VALUE_STRING;
        break;
    case DW_JSON_NUMBER:
        value.kind = DW_VALUE_NUMBER;
        break;
    case DW_JSON_TRUE:
        value.kind = DW_VALUE_TRUE;
        break;
    case DW_JSON_FALSE:
        value.kind = DW_VALUE_FALSE;
        break;
    case DW_JSON_OBJECT_OPEN:
        if (!dw_json_pull_finish(&literal->pull, token))
            return wrong_kind(literal->convert, &value, literal->err);
        value = (struct dw_value){DW_VALUE_NESTED, {from, (size_t)(literal->pull.at - from)}};
        break;
    case DW_JSON_ERROR:
    case DW_JSON_END:
    case DW_JSON_OBJECT_CLOSE:
    case DW_JSON_ARRAY_OPEN:
    case DW_JSON_ARRAY_CLOSE:
    case DW_JSON_NAME:
        return wrong_kind(literal->convert, &value, literal->err);
    }
    struct dw_str text = value.text;
    const struct dw_convert *element = literal->convert->element;
    if (element) {
        enum dw_rc rc = dw_convert_value(element, &value, literal->arena, &text, literal->err);
        if (rc != DW_OK)
            return rc;
    } else if (value.kind != DW_VALUE_STRING && value.kind != DW_VALUE_NUMBER) {
        return wrong_kind(literal->convert, &value, literal->err);
    }
    put_quoted(&literal->out, text);
    return DW_OK;
}

/* The whole array: brackets become braces, whatever the depth (the tokenizer bounds it). */
static enum dw_rc put_array(struct literal *literal)
{
    bool first = true;
    for (;;) {
        enum dw_json token = dw_json_pull_next(&literal->pull);
        const char *from = literal->pull.at - 1;
        if (token == DW_JSON_END)
            return DW_OK;
        if (token == DW_JSON_ARRAY_CLOSE) {
            dw_buf_append_char(&literal->out, '}');
            first = false;
            continue;
        }
        if (!first)
            dw_buf_append_char(&literal->out, ',');
        first = token == DW_JSON_ARRAY_OPEN;
        if (first) {
            dw_buf_append_char(&literal->out, '{');
            continue;
        }
        enum dw_rc rc = put_element(literal, token, from);
        if (rc != DW_OK)
            return rc;
    }
}

static enum dw_rc undo_array(const struct dw_convert *convert, const struct dw_value *value,
                             struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    if (value->text.len == 0 || value->text.ptr[0] != '[')
        return wrong_kind(convert, value, err);
    struct literal literal = {.convert = convert, .arena = arena, .err = err};
    dw_json_pull_init(&literal.pull, value->text, arena);
    dw_buf_init(&literal.out, SIZE_MAX / 4);
    enum dw_rc rc = put_array(&literal);
    if (rc == DW_OK)
        *out = dw_arena_copy(arena, dw_buf_str(&literal.out));
    dw_buf_done(&literal.out);
    return rc;
}

static enum dw_rc undo_bits(const struct dw_convert *convert, const struct dw_value *value,
                            struct dw_str *out, struct dw_err *err)
{
    if (value->kind == DW_VALUE_TRUE || value->kind == DW_VALUE_FALSE) {
        *out = value->kind == DW_VALUE_TRUE ? DW_STR_LIT("1") : DW_STR_LIT("0");
        return DW_OK;
    }
    if (value->kind != DW_VALUE_STRING)
        return wrong_kind(convert, value, err);
    for (size_t i = 0; i < value->text.len; i++)
        if (value->text.ptr[i] != '0' && value->text.ptr[i] != '1')
            return wrong_kind(convert, value, err);
    *out = value->text;
    return DW_OK;
}

static bool takes_nested(const struct dw_convert *convert)
{
    return convert->source.family == DW_FAMILY_JSON || convert->target.family == DW_FAMILY_JSON ||
           (convert->source.family == DW_FAMILY_OTHER && convert->target.family == DW_FAMILY_TEXT);
}

enum dw_rc dw_convert_wire_undo(const struct dw_convert *convert, const struct dw_value *value,
                                struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    const enum dw_family family = convert->source.family;
    if (family == DW_FAMILY_BOOL)
        return undo_bool(convert, value, out, err);
    if (family == DW_FAMILY_BITS)
        return undo_bits(convert, value, out, err);
    if (value->kind == DW_VALUE_STRING) {
        if (family == DW_FAMILY_BYTES)
            return undo_bytes(convert, value, arena, out, err);
        *out = value->text;
        return check_text(value->text, err);
    }
    if (value->kind == DW_VALUE_NUMBER &&
        (family == DW_FAMILY_INTEGER || family == DW_FAMILY_NUMERIC || family == DW_FAMILY_FLOAT ||
         family == DW_FAMILY_MONEY || family == DW_FAMILY_OTHER)) {
        *out = value->text;
        return DW_OK;
    }
    if (value->kind == DW_VALUE_NESTED) {
        if (family == DW_FAMILY_ARRAY)
            return undo_array(convert, value, arena, out, err);
        if (takes_nested(convert)) {
            *out = value->text;
            return DW_OK;
        }
    }
    return wrong_kind(convert, value, err);
}
