/* event_decode.c - from a record's value to struct dw_event; see event.h.
 *
 * Hot path: one pass of the pull tokenizer, no tree. Members may come in any order, so what depends
 * on several of them (version, placeholders, what an op must have) is settled at the end. A row's
 * fields go into one array of the arena that doubles.
 */
#include "common/base/base64.h"
#include "common/base/json_pull.h"
#include "common/model/event.h"
#include "common/model/table_map.h"

#define FIELDS_AT_FIRST 32

/* Debezium's placeholder in a bytea column, in base64, and in an array column. */
#define PLACEHOLDER_BYTES "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
#define PLACEHOLDER_ARRAY "[\"" DW_EVENT_TOAST_PLACEHOLDER "\"]"

/* Members that are understood: a bit each, to find one that stands twice. */
enum member {
    HAS_OP = 1 << 0,
    HAS_TS_MS = 1 << 1,
    HAS_SOURCE = 1 << 2,
    HAS_BEFORE = 1 << 3,
    HAS_AFTER = 1 << 4,
    HAS_MESSAGE = 1 << 5,
    HAS_PAYLOAD = 1 << 6,
    HAS_NAME = 1 << 7,
    HAS_SEQUENCE = 1 << 8,
    HAS_SOURCE_TS_MS = 1 << 9,
    HAS_TS_US = 1 << 10,
    HAS_LSN = 1 << 11,
    HAS_EPOCH = 1 << 12,
    HAS_ORDINAL = 1 << 13,
    HAS_PREFIX = 1 << 14,
    HAS_CONTENT = 1 << 15,
};

struct decode {
    struct dw_json_pull pull;
    struct dw_event *event;
    struct dw_err *err;
    unsigned seen;    /* members met, null ones too */
    unsigned present; /* members that hold a value */
    int64_t ts_ms, source_ts_ms, ts_us;
    uint64_t lsn, epoch, ordinal;
    struct dw_str op;
    struct dw_str content; /* base64 */
};

static enum dw_rc malformed(struct decode *decode)
{
    const char *fault = decode->pull.fault ? decode->pull.fault : "unexpected end";
    return dw_err_set(decode->err, DW_REJECT, "DW-EVENT-001", "malformed JSON at byte %zu: %s",
                      dw_json_pull_offset(&decode->pull), fault);
}

static enum dw_rc wrong_type(struct decode *decode, const char *member, const char *wanted)
{
    return dw_err_set(decode->err, DW_REJECT, "DW-EVENT-002", "\"%s\" is not %s", member, wanted);
}

static enum dw_rc twice(struct decode *decode, struct dw_str name)
{
    return dw_err_set(decode->err, DW_REJECT, "DW-EVENT-004", "\"%.*s\" stands twice",
                      (int)(name.len < 64 ? name.len : 64), name.ptr);
}

/* ---- scalars of the envelope ---- */

static bool parse_u64(struct dw_str text, uint64_t *out)
{
    uint64_t number = 0;
    if (text.len == 0 || text.len > 20)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.ptr[i] - '0');
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

static bool parse_i64(struct dw_str text, int64_t *out)
{
    bool negative = text.len && text.ptr[0] == '-';
    uint64_t number = 0;
    if (negative) {
        text.ptr++;
        text.len--;
    }
    if (!parse_u64(text, &number) || number > INT64_MAX)
        return false;
    *out = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* A member's value that may be null: DW_END then. */
static enum dw_rc read_scalar(struct decode *decode, enum dw_json wanted, const char *name,
                              struct dw_str *out)
{
    enum dw_json token = dw_json_pull_next(&decode->pull);
    if (token == DW_JSON_ERROR || token == DW_JSON_END)
        return malformed(decode);
    if (token == DW_JSON_NULL)
        return DW_END;
    if (token != wanted)
        return wrong_type(decode, name, wanted == DW_JSON_STRING ? "text" : "a number");
    *out = decode->pull.text;
    return DW_OK;
}

static enum dw_rc read_string(struct decode *decode, const char *name, unsigned bit,
                              struct dw_str *out)
{
    enum dw_rc rc = read_scalar(decode, DW_JSON_STRING, name, out);
    if (rc == DW_OK)
        decode->present |= bit;
    return rc == DW_END ? DW_OK : rc;
}

static enum dw_rc read_i64(struct decode *decode, const char *name, unsigned bit, int64_t *out)
{
    struct dw_str text = {NULL, 0};
    enum dw_rc rc = read_scalar(decode, DW_JSON_NUMBER, name, &text);
    if (rc == DW_END)
        return DW_OK;
    if (rc != DW_OK)
        return rc;
    if (!parse_i64(text, out))
        return wrong_type(decode, name, "a 64-bit integer");
    decode->present |= bit;
    return DW_OK;
}

static enum dw_rc read_u64(struct decode *decode, const char *name, unsigned bit, uint64_t *out)
{
    struct dw_str text = {NULL, 0};
    enum dw_rc rc = read_scalar(decode, DW_JSON_NUMBER, name, &text);
    if (rc == DW_END)
        return DW_OK;
    if (rc != DW_OK)
        return rc;
    if (!parse_u64(text, out))
        return wrong_type(decode, name, "an unsigned 64-bit integer");
    decode->present |= bit;
    return DW_OK;
}

/* ---- rows ---- */

/* Names met so far: a bit set that errs only towards "perhaps". */
struct name_filter {
    uint64_t bits[4];
};

static bool filter_add(struct name_filter *filter, struct dw_str name)
{
    uint64_t hash = name.len;
    if (name.len) {
        unsigned char first = (unsigned char)name.ptr[0];
        unsigned char middle = (unsigned char)name.ptr[name.len / 2];
        unsigned char last = (unsigned char)name.ptr[name.len - 1];
        hash += (uint64_t)first * 131 + (uint64_t)middle * 2477 + (uint64_t)last * 65599;
    }
    hash = (hash * 0x9e3779b97f4a7c15ULL) >> 56;
    uint64_t bit = (uint64_t)1 << (hash & 63);
    uint64_t *word = &filter->bits[hash >> 6];
    bool perhaps = (*word & bit) != 0;
    *word |= bit;
    return perhaps;
}

static bool has_field(const struct dw_event_field *fields, size_t count, struct dw_str name)
{
    for (size_t i = 0; i < count; i++)
        if (dw_str_equal(fields[i].name, name))
            return true;
    return false;
}

static enum dw_rc read_value(struct decode *decode, struct dw_value *out)
{
    enum dw_json token = dw_json_pull_next(&decode->pull);
    *out = (struct dw_value){.text = {NULL, 0}};
    switch (token) {
    case DW_JSON_STRING:
        *out = (struct dw_value){DW_VALUE_STRING, decode->pull.text};
        return DW_OK;
    case DW_JSON_NUMBER:
        *out = (struct dw_value){DW_VALUE_NUMBER, decode->pull.text};
        return DW_OK;
    case DW_JSON_TRUE:
        out->kind = DW_VALUE_TRUE;
        return DW_OK;
    case DW_JSON_FALSE:
        out->kind = DW_VALUE_FALSE;
        return DW_OK;
    case DW_JSON_NULL:
        out->kind = DW_VALUE_NULL;
        return DW_OK;
    case DW_JSON_OBJECT_OPEN:
    case DW_JSON_ARRAY_OPEN: {
        const char *from = decode->pull.at - 1;
        if (!dw_json_pull_finish(&decode->pull, token))
            return malformed(decode);
        out->kind = DW_VALUE_NESTED;
        out->text = (struct dw_str){from, (size_t)(decode->pull.at - from)};
        return DW_OK;
    }
    case DW_JSON_ERROR:
    case DW_JSON_END:
    case DW_JSON_OBJECT_CLOSE:
    case DW_JSON_ARRAY_CLOSE:
    case DW_JSON_NAME:
        break;
    }
    return malformed(decode);
}

struct field_array {
    struct dw_event_field *fields;
    size_t count;
    size_t capacity;
};

static struct dw_event_field *next_field(struct field_array *array, struct dw_arena *arena)
{
    if (array->count == array->capacity) {
        size_t capacity = array->capacity ? array->capacity * 2 : FIELDS_AT_FIRST;
        struct dw_event_field *grown = dw_arena_alloc(arena, capacity * sizeof *grown);
        if (array->count)
            memcpy(grown, array->fields, array->count * sizeof *grown);
        array->fields = grown;
        array->capacity = capacity;
    }
    return &array->fields[array->count];
}

static enum dw_rc read_row(struct decode *decode, const char *name, unsigned bit,
                           struct dw_event_row *out)
{
    enum dw_json token = dw_json_pull_next(&decode->pull);
    if (token == DW_JSON_NULL)
        return DW_OK;
    if (token == DW_JSON_ERROR || token == DW_JSON_END)
        return malformed(decode);
    if (token != DW_JSON_OBJECT_OPEN)
        return wrong_type(decode, name, "an object or null");
    struct field_array array = {NULL, 0, 0};
    struct name_filter filter = {{0}};
    for (;;) {
        struct dw_event_field *field = next_field(&array, decode->pull.arena);
        token = dw_json_pull_next(&decode->pull);
        if (token == DW_JSON_OBJECT_CLOSE)
            break;
        if (token != DW_JSON_NAME)
            return malformed(decode);
        field->name = decode->pull.text;
        if (filter_add(&filter, field->name) && has_field(array.fields, array.count, field->name))
            return twice(decode, field->name);
        if (array.count == DW_TABLE_MAP_COLUMNS_MAX)
            return dw_err_set(decode->err, DW_REJECT, "DW-EVENT-002",
                              "\"%s\" has more than %d columns", name, DW_TABLE_MAP_COLUMNS_MAX);
        enum dw_rc rc = read_value(decode, &field->value);
        if (rc != DW_OK)
            return rc;
        array.count++;
    }
    *out = (struct dw_event_row){array.fields, array.count};
    decode->present |= bit;
    return DW_OK;
}

/* ---- objects of the envelope: each is a table of members ---- */

typedef enum dw_rc (*member_fn)(struct decode *decode);

struct member_entry {
    struct dw_str name;
    unsigned bit;
    member_fn read;
};
#define MEMBER(name, bit, read)                                                                    \
    {                                                                                              \
        {(name), sizeof(name) - 1}, (bit), (read)                                                  \
    }

static const struct member_entry *find_member(const struct member_entry *members,
                                              struct dw_str name)
{
    for (; members->read; members++)
        if (dw_str_equal(name, members->name))
            return members;
    return NULL;
}

/* Behind '{'. */
static enum dw_rc read_members(struct decode *decode, const struct member_entry *members)
{
    for (;;) {
        enum dw_json token = dw_json_pull_next(&decode->pull);
        if (token == DW_JSON_OBJECT_CLOSE)
            return DW_OK;
        if (token != DW_JSON_NAME)
            return malformed(decode);
        const struct member_entry *member = find_member(members, decode->pull.text);
        if (!member) {
            if (!dw_json_pull_skip(&decode->pull, NULL))
                return malformed(decode);
            continue;
        }
        if (decode->seen & member->bit)
            return twice(decode, decode->pull.text);
        decode->seen |= member->bit;
        enum dw_rc rc = member->read(decode);
        if (rc != DW_OK)
            return rc;
    }
}

/* An object member, or null. */
static enum dw_rc read_object(struct decode *decode, const char *name, unsigned bit,
                              const struct member_entry *members)
{
    enum dw_json token = dw_json_pull_next(&decode->pull);
    if (token == DW_JSON_NULL)
        return DW_OK;
    if (token == DW_JSON_ERROR || token == DW_JSON_END)
        return malformed(decode);
    if (token != DW_JSON_OBJECT_OPEN)
        return wrong_type(decode, name, "an object or null");
    decode->present |= bit;
    return read_members(decode, members);
}

static enum dw_rc read_name(struct decode *decode)
{
    return read_string(decode, "source.name", HAS_NAME, &decode->event->system);
}

static enum dw_rc read_sequence(struct decode *decode)
{
    return read_string(decode, "source.sequence", HAS_SEQUENCE, &decode->event->sequence);
}

static enum dw_rc read_source_ts_ms(struct decode *decode)
{
    return read_i64(decode, "source.ts_ms", HAS_SOURCE_TS_MS, &decode->source_ts_ms);
}

static enum dw_rc read_ts_us(struct decode *decode)
{
    return read_i64(decode, "source.ts_us", HAS_TS_US, &decode->ts_us);
}

static enum dw_rc read_lsn(struct decode *decode)
{
    return read_u64(decode, "source.lsn", HAS_LSN, &decode->lsn);
}

static enum dw_rc read_epoch(struct decode *decode)
{
    return read_u64(decode, "source.epoch", HAS_EPOCH, &decode->epoch);
}

static enum dw_rc read_ordinal(struct decode *decode)
{
    return read_u64(decode, "source.ordinal", HAS_ORDINAL, &decode->ordinal);
}

static enum dw_rc read_flag(struct decode *decode, const char *name, bool *out)
{
    enum dw_json token = dw_json_pull_next(&decode->pull);
    if (token == DW_JSON_ERROR)
        return malformed(decode);
    if (token != DW_JSON_TRUE && token != DW_JSON_FALSE)
        return wrong_type(decode, name, "true or false");
    *out = token == DW_JSON_TRUE;
    return DW_OK;
}

static enum dw_rc read_keep(struct decode *decode)
{
    return read_flag(decode, "source.keep", &decode->event->keep);
}

static enum dw_rc read_unclaimed(struct decode *decode)
{
    return read_flag(decode, "source.unclaimed", &decode->event->unclaimed);
}

static enum dw_rc read_verify(struct decode *decode)
{
    return read_i64(decode, "source.verify", 0, &decode->event->verify);
}

/* Of what others write only a string says something. */
static enum dw_rc read_place(struct decode *decode, struct dw_str *out)
{
    enum dw_json token = dw_json_pull_next(&decode->pull);
    if (token == DW_JSON_STRING)
        *out = decode->pull.text;
    else if (token <= DW_JSON_END || !dw_json_pull_finish(&decode->pull, token))
        return malformed(decode);
    return DW_OK;
}

static enum dw_rc read_schema_name(struct decode *decode)
{
    return read_place(decode, &decode->event->schema);
}

static enum dw_rc read_table_name(struct decode *decode)
{
    return read_place(decode, &decode->event->table);
}

static const struct member_entry source_members[] = {
    MEMBER("name", HAS_NAME, read_name),
    MEMBER("sequence", HAS_SEQUENCE, read_sequence),
    MEMBER("ts_ms", HAS_SOURCE_TS_MS, read_source_ts_ms),
    MEMBER("ts_us", HAS_TS_US, read_ts_us),
    MEMBER("lsn", HAS_LSN, read_lsn),
    MEMBER("epoch", HAS_EPOCH, read_epoch),
    MEMBER("ordinal", HAS_ORDINAL, read_ordinal),
    MEMBER("schema", 0, read_schema_name),
    MEMBER("table", 0, read_table_name),
    MEMBER("keep", 0, read_keep),
    MEMBER("unclaimed", 0, read_unclaimed),
    MEMBER("verify", 0, read_verify),
    {{NULL, 0}, 0, NULL},
};

static enum dw_rc read_prefix(struct decode *decode)
{
    return read_string(decode, "message.prefix", HAS_PREFIX, &decode->event->message_prefix);
}

static enum dw_rc read_content(struct decode *decode)
{
    return read_string(decode, "message.content", HAS_CONTENT, &decode->content);
}

static const struct member_entry message_members[] = {
    MEMBER("prefix", HAS_PREFIX, read_prefix),
    MEMBER("content", HAS_CONTENT, read_content),
    {{NULL, 0}, 0, NULL},
};

static enum dw_rc read_op(struct decode *decode)
{
    return read_string(decode, "op", HAS_OP, &decode->op);
}

static enum dw_rc read_ts_ms(struct decode *decode)
{
    return read_i64(decode, "ts_ms", HAS_TS_MS, &decode->ts_ms);
}

static enum dw_rc read_source(struct decode *decode)
{
    return read_object(decode, "source", HAS_SOURCE, source_members);
}

static enum dw_rc read_before(struct decode *decode)
{
    return read_row(decode, "before", HAS_BEFORE, &decode->event->before);
}

static enum dw_rc read_after(struct decode *decode)
{
    return read_row(decode, "after", HAS_AFTER, &decode->event->after);
}

static enum dw_rc read_message(struct decode *decode)
{
    return read_object(decode, "message", HAS_MESSAGE, message_members);
}

static const struct member_entry envelope_members[] = {
    MEMBER("op", HAS_OP, read_op),
    MEMBER("ts_ms", HAS_TS_MS, read_ts_ms),
    MEMBER("source", HAS_SOURCE, read_source),
    MEMBER("before", HAS_BEFORE, read_before),
    MEMBER("after", HAS_AFTER, read_after),
    MEMBER("message", HAS_MESSAGE, read_message),
    {{NULL, 0}, 0, NULL},
};

/* {"schema":…,"payload":{…}} as Connect's converter writes it with schemas enabled. */
static enum dw_rc read_payload(struct decode *decode)
{
    return read_object(decode, "payload", HAS_PAYLOAD, envelope_members);
}

static const struct member_entry top_members[] = {
    MEMBER("op", HAS_OP, read_op),
    MEMBER("ts_ms", HAS_TS_MS, read_ts_ms),
    MEMBER("source", HAS_SOURCE, read_source),
    MEMBER("before", HAS_BEFORE, read_before),
    MEMBER("after", HAS_AFTER, read_after),
    MEMBER("message", HAS_MESSAGE, read_message),
    MEMBER("payload", HAS_PAYLOAD, read_payload),
    {{NULL, 0}, 0, NULL},
};

/* ---- what needs all members ---- */

static enum dw_rc settle_op(struct decode *decode)
{
    if (!(decode->present & HAS_OP))
        return dw_err_set(decode->err, DW_REJECT, "DW-EVENT-002", "\"op\" is missing");
    struct dw_str op = decode->op;
    unsigned needs = 0;
    switch (op.len == 1 ? op.ptr[0] : '\0') {
    case DW_EVENT_CREATE:
    case DW_EVENT_UPDATE:
        needs = HAS_AFTER;
        break;
    case DW_EVENT_READ:
        needs = decode->event->verify && decode->present & HAS_BEFORE ? HAS_BEFORE : HAS_AFTER;
        break;
    case DW_EVENT_DELETE:
        needs = HAS_BEFORE;
        break;
    case DW_EVENT_TRUNCATE:
        break;
    case DW_EVENT_MESSAGE:
        needs = HAS_PREFIX;
        break;
    default:
        return dw_err_set(decode->err, DW_REJECT, "DW-EVENT-003",
                          "op \"%.*s\" is none of c, u, d, r, t, m",
                          (int)(op.len < 20 ? op.len : 20), op.ptr);
    }
    if (needs & ~decode->present)
        return dw_err_set(decode->err, DW_REJECT, "DW-EVENT-002", "op \"%c\" without \"%s\"",
                          op.ptr[0],
                          needs == HAS_AFTER    ? "after"
                          : needs == HAS_BEFORE ? "before"
                                                : "message.prefix");
    decode->event->op = (enum dw_event_op)op.ptr[0];
    return DW_OK;
}

static enum dw_rc settle_version(struct decode *decode)
{
    struct dw_event *event = decode->event;
    const unsigned ours = HAS_EPOCH | HAS_ORDINAL;
    if (!(decode->present & ours))
        return DW_OK;
    if ((decode->present & (ours | HAS_LSN)) != (ours | HAS_LSN))
        return dw_err_set(decode->err, DW_REJECT, "DW-EVENT-002",
                          "\"source\" has not all of lsn, epoch and ordinal");
    if (decode->epoch > UINT32_MAX)
        return wrong_type(decode, "source.epoch", "an unsigned 32-bit integer");
    event->has_version = true;
    event->version = (struct dw_version){(uint32_t)decode->epoch, decode->lsn, decode->ordinal};
    return DW_OK;
}

static enum dw_rc settle_time(struct decode *decode)
{
    if (decode->present & HAS_TS_US) {
        decode->event->commit_us = decode->ts_us;
        return DW_OK;
    }
    int64_t ms = decode->present & HAS_SOURCE_TS_MS ? decode->source_ts_ms : decode->ts_ms;
    if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000)
        return wrong_type(decode, "ts_ms", "a time");
    decode->event->commit_us = ms * 1000;
    return DW_OK;
}

static enum dw_rc settle_message(struct decode *decode)
{
    if (!(decode->present & HAS_CONTENT) || decode->content.len == 0)
        return DW_OK;
    struct dw_buf bytes;
    dw_buf_init(&bytes, decode->content.len + 16);
    bool decoded = dw_base64_decode(&bytes, decode->content) && dw_buf_ok(&bytes);
    if (decoded)
        decode->event->message_content = dw_arena_copy(decode->pull.arena, dw_buf_str(&bytes));
    dw_buf_done(&bytes);
    return decoded ? DW_OK : wrong_type(decode, "message.content", "base64");
}

static bool is_placeholder(const struct dw_value *value)
{
    if (value->kind == DW_VALUE_STRING)
        return dw_str_is(value->text, DW_EVENT_TOAST_PLACEHOLDER) ||
               dw_str_is(value->text, PLACEHOLDER_BYTES);
    return value->kind == DW_VALUE_NESTED && dw_str_is(value->text, PLACEHOLDER_ARRAY);
}

/* Our own producer leaves the column out, so there that text is a value like any other. */
static void drop_placeholders(struct dw_event_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_placeholder(&fields[i].value))
            fields[i].value = (struct dw_value){DW_VALUE_ABSENT, {NULL, 0}};
}

static struct dw_event_row without_placeholders(struct dw_event_row row, struct dw_arena *arena)
{
    if (!row.count)
        return row;
    struct dw_event_field *fields = dw_arena_alloc(arena, row.count * sizeof *fields);
    memcpy(fields, row.fields, row.count * sizeof *fields);
    drop_placeholders(fields, row.count);
    return (struct dw_event_row){fields, row.count};
}

static enum dw_rc settle(struct decode *decode)
{
    enum dw_rc rc;
    if ((rc = settle_op(decode)) != DW_OK || (rc = settle_version(decode)) != DW_OK ||
        (rc = settle_time(decode)) != DW_OK || (rc = settle_message(decode)) != DW_OK)
        return rc;
    struct dw_event *event = decode->event;
    if (!event->has_version) {
        event->before = without_placeholders(event->before, decode->pull.arena);
        event->after = without_placeholders(event->after, decode->pull.arena);
    }
    return DW_OK;
}

enum dw_rc dw_event_decode(struct dw_str value, struct dw_arena *arena, struct dw_event *out,
                           struct dw_err *err)
{
    struct dw_event event = {.op = DW_EVENT_MESSAGE};
    struct decode decode = {.event = &event, .err = err};
    dw_json_pull_init(&decode.pull, value, arena);
    enum dw_json token = dw_json_pull_next(&decode.pull);
    if (token == DW_JSON_ERROR || token == DW_JSON_END)
        return malformed(&decode);
    if (token != DW_JSON_OBJECT_OPEN)
        return dw_err_set(err, DW_REJECT, "DW-EVENT-002", "the value is not a JSON object");
    enum dw_rc rc = read_members(&decode, top_members);
    if (rc != DW_OK)
        return rc;
    if (dw_json_pull_next(&decode.pull) != DW_JSON_END)
        return malformed(&decode);
    rc = settle(&decode);
    if (rc == DW_OK)
        *out = event;
    return rc;
}
