/* json_pull.c - see json_pull.h.
 *
 * `state` says what may come next: a value, a member name, or a separator. Strings are scanned
 * once; only when a backslash is met is a decoded copy made in the arena.
 */
#include "common/base/json_pull.h"

#include "common/base/bytes.h"
#include "common/base/utf8.h"
#include <stdint.h>

enum state { VALUE, VALUE_OR_CLOSE, NAME_OR_CLOSE, COMMA_OR_CLOSE, END };

void dw_json_pull_init(struct dw_json_pull *pull, struct dw_str input, struct dw_arena *arena)
{
    pull->start = pull->at = input.ptr;
    pull->end = input.ptr ? input.ptr + input.len : input.ptr;
    pull->arena = arena;
    pull->text = (struct dw_str){NULL, 0};
    pull->fault = NULL;
    pull->depth = 0;
    pull->state = VALUE;
}

static enum dw_json fail(struct dw_json_pull *pull, const char *fault)
{
    if (!pull->fault)
        pull->fault = fault;
    return DW_JSON_ERROR;
}

static bool refuse(struct dw_json_pull *pull, const char *fault)
{
    (void)fail(pull, fault);
    return false;
}

static void skip_space(struct dw_json_pull *pull)
{
    const char *at = pull->at;
    while (at < pull->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
    pull->at = at;
}

static void after_value(struct dw_json_pull *pull)
{
    pull->state = pull->depth ? COMMA_OR_CLOSE : END;
}

static int hex4(const char *at)
{
    int code = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

/* Decodes \uXXXX (and its low surrogate) at `at`, behind the 'u'; returns bytes eaten, 0 if bad. */
static size_t decode_unicode(const char *at, const char *end, char **to)
{
    if (end - at < 4)
        return 0;
    int code = hex4(at);
    size_t eaten = 4;
    if (code >= 0xd800 && code < 0xdc00) {
        int low = end - at >= 10 && at[4] == '\\' && at[5] == 'u' ? hex4(at + 6) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return 0;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        eaten = 10;
    } else if (code <= 0 || (code >= 0xdc00 && code <= 0xdfff)) {
        return 0; /* no digits, NUL, or a lone low surrogate */
    }
    *to += dw_utf8_encode((uint32_t)code, *to);
    return eaten;
}

static char plain_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* `from` up to `close` (the closing quote) holds at least one backslash. */
static bool decode_string(struct dw_json_pull *pull, const char *from, const char *close)
{
    char *text = dw_arena_alloc(pull->arena, (size_t)(close - from) + 1);
    char *to = text;
    while (from < close) {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        from++;
        if (*from == 'u') {
            size_t eaten = decode_unicode(from + 1, close, &to);
            if (!eaten)
                return false;
            from += 1 + eaten;
        } else {
            char c = plain_escape(*from++);
            if (!c)
                return false;
            *to++ = c;
        }
    }
    *to = '\0';
    pull->text = (struct dw_str){text, (size_t)(to - text)};
    return true;
}

/* The first byte from `at` on that is a quote, a backslash, a control character or, unless `high`
 * is 0, not ASCII; or one of the last seven. */
static const char *skip_plain(const char *at, const char *end, uint64_t high)
{
    while (end - at >= DW_BYTES_STEP) {
        uint64_t word = dw_bytes_load(at);
        uint64_t found = dw_bytes_equal(word, '"') | dw_bytes_equal(word, '\\') |
                         dw_bytes_below(word, 0x20) | (dw_bytes_high(word) & high);
        if (found)
            return at + dw_bytes_before(found);
        at += DW_BYTES_STEP;
    }
    return at;
}

/* At the byte behind the opening quote. */
static bool scan_string(struct dw_json_pull *pull)
{
    const char *from = pull->at;
    const char *at = from;
    bool escaped = false;
    bool ascii = true;
    for (;;) {
        at = skip_plain(at, pull->end, ascii ? UINT64_MAX : 0);
        if (at >= pull->end)
            return refuse(pull, "string without an end");
        unsigned char c = (unsigned char)*at;
        if (c == '"')
            break;
        if (c < 0x20)
            return refuse(pull, "control character in a string");
        if (c >= 0x80)
            ascii = false;
        if (c == '\\') {
            escaped = true;
            at++;
        }
        at++;
    }
    pull->at = at + 1;
    size_t len = (size_t)(at - from);
    if (!ascii && !dw_utf8_valid(from, len))
        return refuse(pull, "text is not UTF-8");
    pull->text = (struct dw_str){from, len};
    if (escaped && !decode_string(pull, from, at))
        return refuse(pull, "bad escape in a string");
    return true;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static enum dw_json scan_number(struct dw_json_pull *pull)
{
    const char *from = pull->at;
    const char *at = from + (*from == '-');
    const char *digits = at;
    at = skip_digits(at, pull->end);
    if (at == digits || (*digits == '0' && at - digits > 1))
        return fail(pull, "malformed number");
    if (at < pull->end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, pull->end);
        if (at == digits)
            return fail(pull, "malformed number");
    }
    if (at < pull->end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < pull->end && (*at == '+' || *at == '-'))
            at++;
        digits = at;
        at = skip_digits(at, pull->end);
        if (at == digits)
            return fail(pull, "malformed number");
    }
    pull->text = (struct dw_str){from, (size_t)(at - from)};
    pull->at = at;
    after_value(pull);
    return DW_JSON_NUMBER;
}

static enum dw_json scan_word(struct dw_json_pull *pull, const char *word, enum dw_json token)
{
    size_t len = strlen(word);
    if ((size_t)(pull->end - pull->at) < len || memcmp(pull->at, word, len) != 0)
        return fail(pull, "unexpected character");
    pull->at += len;
    after_value(pull);
    return token;
}

static enum dw_json open_level(struct dw_json_pull *pull, unsigned char kind)
{
    if (pull->depth == DW_JSON_DEPTH_MAX)
        return fail(pull, "nested too deep");
    pull->open[pull->depth++] = kind;
    pull->at++;
    pull->state = kind == '{' ? NAME_OR_CLOSE : VALUE_OR_CLOSE;
    return kind == '{' ? DW_JSON_OBJECT_OPEN : DW_JSON_ARRAY_OPEN;
}

static enum dw_json close_level(struct dw_json_pull *pull, char c)
{
    if (pull->open[pull->depth - 1] != (c == '}' ? '{' : '['))
        return fail(pull, "mismatched bracket");
    pull->depth--;
    pull->at++;
    after_value(pull);
    return c == '}' ? DW_JSON_OBJECT_CLOSE : DW_JSON_ARRAY_CLOSE;
}

static enum dw_json next_value(struct dw_json_pull *pull)
{
    switch (*pull->at) {
    case '{':
    case '[':
        return open_level(pull, (unsigned char)*pull->at);
    case '"':
        pull->at++;
        if (!scan_string(pull))
            return DW_JSON_ERROR;
        after_value(pull);
        return DW_JSON_STRING;
    case 't':
        return scan_word(pull, "true", DW_JSON_TRUE);
    case 'f':
        return scan_word(pull, "false", DW_JSON_FALSE);
    case 'n':
        return scan_word(pull, "null", DW_JSON_NULL);
    default:
        return scan_number(pull);
    }
}

static enum dw_json next_name(struct dw_json_pull *pull)
{
    if (*pull->at != '"')
        return fail(pull, "member name expected");
    pull->at++;
    if (!scan_string(pull))
        return DW_JSON_ERROR;
    skip_space(pull);
    if (pull->at >= pull->end || *pull->at != ':')
        return fail(pull, "':' expected");
    pull->at++;
    pull->state = VALUE;
    return DW_JSON_NAME;
}

static enum dw_json next_separator(struct dw_json_pull *pull)
{
    char c = *pull->at;
    if (c == '}' || c == ']')
        return close_level(pull, c);
    if (c != ',')
        return fail(pull, "',' or a closing bracket expected");
    pull->at++;
    skip_space(pull);
    if (pull->at >= pull->end)
        return fail(pull, "unexpected end");
    if (pull->open[pull->depth - 1] == '{')
        return next_name(pull);
    return next_value(pull);
}

enum dw_json dw_json_pull_next(struct dw_json_pull *pull)
{
    if (pull->fault)
        return DW_JSON_ERROR;
    skip_space(pull);
    if (pull->at >= pull->end)
        return pull->state == END ? DW_JSON_END : fail(pull, "unexpected end");
    switch ((enum state)pull->state) {
    case END:
        return fail(pull, "text behind the value");
    case VALUE_OR_CLOSE:
        if (*pull->at == ']')
            return close_level(pull, ']');
        return next_value(pull);
    case VALUE:
        return next_value(pull);
    case NAME_OR_CLOSE:
        if (*pull->at == '}')
            return close_level(pull, '}');
        return next_name(pull);
    case COMMA_OR_CLOSE:
        return next_separator(pull);
    }
    return DW_JSON_ERROR;
}

bool dw_json_pull_finish(struct dw_json_pull *pull, enum dw_json token)
{
    if (token == DW_JSON_ERROR)
        return false;
    if (token != DW_JSON_OBJECT_OPEN && token != DW_JSON_ARRAY_OPEN)
        return true;
    unsigned outside = pull->depth - 1;
    while (pull->depth > outside)
        if (dw_json_pull_next(pull) == DW_JSON_ERROR)
            return false;
    return true;
}

bool dw_json_pull_skip(struct dw_json_pull *pull, struct dw_str *out_raw)
{
    skip_space(pull);
    const char *from = pull->at;
    if (pull->state == COMMA_OR_CLOSE && from < pull->end && *from == ',')
        from++; /* an element behind another one */
    while (from < pull->end && (*from == ' ' || *from == '\t' || *from == '\n' || *from == '\r'))
        from++;
    enum dw_json token = dw_json_pull_next(pull);
    if (token == DW_JSON_END || !dw_json_pull_finish(pull, token))
        return false;
    if (out_raw)
        *out_raw = (struct dw_str){from, (size_t)(pull->at - from)};
    return true;
}
