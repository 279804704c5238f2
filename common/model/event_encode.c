/* event_encode.c - see event_encode.h. */
#include "common/model/event_encode.h"

#include "common/base/base64.h"
#include "common/base/json_write.h"

/* Type oids of pg_type.dat; they never change. */
enum dw_encoding dw_event_encode_kind(uint32_t base_oid)
{
    switch (base_oid) {
    case 20: /* int8 */
    case 21: /* int2 */
    case 23: /* int4 */
    case 26: /* oid */
        return DW_ENCODING_INTEGER;
    case 700: /* float4 */
    case 701: /* float8 */
        return DW_ENCODING_FLOAT;
    case 16:
        return DW_ENCODING_BOOL;
    case 17:
        return DW_ENCODING_BYTEA;
    case 1082:
        return DW_ENCODING_DATE;
    case 1083:
        return DW_ENCODING_TIME;
    case 1114:
        return DW_ENCODING_TIMESTAMP;
    case 1184:
        return DW_ENCODING_TIMESTAMPTZ;
    default:
        return DW_ENCODING_TEXT;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "2026-01-31" at the start. */
static bool is_date(struct dw_str text)
{
    static const unsigned char places[] = {0, 1, 2, 3, 5, 6, 8, 9};
    if (text.len < 10 || text.ptr[4] != '-' || text.ptr[7] != '-')
        return false;
    for (size_t i = 0; i < sizeof places; i++)
        if (!is_digit(text.ptr[places[i]]))
            return false;
    return true;
}

/* "12:34:56" or "12:34:56.5" and nothing else. */
static bool is_time(struct dw_str text)
{
    if (text.len < 8 || text.ptr[2] != ':' || text.ptr[5] != ':' || !is_digit(text.ptr[7]))
        return false;
    if (text.len > 8 && text.ptr[8] != '.')
        return false;
    for (size_t i = 9; i < text.len; i++)
        if (!is_digit(text.ptr[i]))
            return false;
    return true;
}

static void append_date(struct dw_buf *out, struct dw_str text)
{
    if (text.len != 10 || !is_date(text)) {
        dw_json_write_string(out, text);
        return;
    }
    dw_buf_append_char(out, '"');
    dw_buf_append_str(out, text);
    dw_buf_append(out, "Z\"", 2);
}

static void append_time(struct dw_buf *out, struct dw_str text)
{
    if (!is_time(text)) {
        dw_json_write_string(out, text);
        return;
    }
    dw_buf_append_char(out, '"');
    dw_buf_append_str(out, text);
    dw_buf_append(out, "Z\"", 2);
}

/* "2026-01-31 12:34:56.5", with `zone` characters of "+00" behind it. */
static void append_timestamp(struct dw_buf *out, struct dw_str text, size_t zone)
{
    if (text.len < 19 + zone || text.ptr[10] != ' ' || !is_date(text) ||
        memcmp(text.ptr + text.len - zone, "+00", zone) != 0 ||
        !is_time((struct dw_str){text.ptr + 11, text.len - zone - 11})) {
        dw_json_write_string(out, text);
        return;
    }
    dw_buf_append_char(out, '"');
    dw_buf_append(out, text.ptr, 10);
    dw_buf_append_char(out, 'T');
    dw_buf_append(out, text.ptr + 11, text.len - zone - 11);
    dw_buf_append(out, "Z\"", 2);
}

static void append_float(struct dw_buf *out, struct dw_str text)
{
    size_t sign = text.len && text.ptr[0] == '-';
    if (text.len > sign && is_digit(text.ptr[sign]))
        dw_buf_append_str(out, text);
    else
        dw_json_write_string(out, text);
}

static void append_bytea(struct dw_buf *out, struct dw_str text)
{
    if (!dw_str_starts(text, "\\x")) {
        dw_json_write_string(out, text);
        return;
    }
    size_t before = out->len;
    dw_buf_append_char(out, '"');
    if (!dw_base64_from_hex(out, (struct dw_str){text.ptr + 2, text.len - 2}) && dw_buf_ok(out)) {
        out->len = before;
        dw_json_write_string(out, text);
        return;
    }
    dw_buf_append_char(out, '"');
}

void dw_event_encode_value(struct dw_buf *out, enum dw_encoding encoding, struct dw_str text)
{
    switch (encoding) {
    case DW_ENCODING_INTEGER:
        dw_buf_append_str(out, text);
        return;
    case DW_ENCODING_FLOAT:
        append_float(out, text);
        return;
    case DW_ENCODING_BOOL:
        if (dw_str_is(text, "t"))
            dw_buf_append(out, "true", 4);
        else
            dw_buf_append(out, "false", 5);
        return;
    case DW_ENCODING_BYTEA:
        append_bytea(out, text);
        return;
    case DW_ENCODING_DATE:
        append_date(out, text);
        return;
    case DW_ENCODING_TIME:
        append_time(out, text);
        return;
    case DW_ENCODING_TIMESTAMP:
        append_timestamp(out, text, 0);
        return;
    case DW_ENCODING_TIMESTAMPTZ:
        append_timestamp(out, text, 3);
        return;
    case DW_ENCODING_TEXT:
        dw_json_write_string(out, text);
        return;
    }
}

struct dw_str dw_event_encode_unscaled(struct dw_str text)
{
    if (!text.len || !memchr(text.ptr, '.', text.len))
        return text;
    while (text.ptr[text.len - 1] == '0')
        text.len--;
    text.len -= text.ptr[text.len - 1] == '.';
    return text;
}

void dw_event_encode_init(struct dw_event_transaction *transaction)
{
    *transaction = (struct dw_event_transaction){.xid = 0};
    dw_buf_init(&transaction->head, 65536);
    dw_buf_init(&transaction->tail, 256);
}

void dw_event_encode_done(struct dw_event_transaction *transaction)
{
    dw_buf_done(&transaction->head);
    dw_buf_done(&transaction->tail);
}

void dw_event_encode_begin(struct dw_event_transaction *transaction, struct dw_str system,
                           struct dw_str database, int64_t now_us)
{
    struct dw_buf *head = &transaction->head;
    head->len = 0;
    dw_buf_append(head, "\",\"ts_ms\":", 10);
    dw_buf_append_i64(head, now_us / 1000);
    dw_buf_append_text(head, ",\"source\":{\"version\":\"" DW_VERSION
                             "\",\"connector\":\"dualwrite\",\"name\":");
    dw_json_write_string(head, system);
    dw_buf_append_text(head, ",\"ts_ms\":");
    dw_buf_append_i64(head, transaction->commit_us / 1000);
    dw_buf_append_text(head, transaction->reads ? ",\"snapshot\":\"incremental\",\"db\":"
                                                : ",\"snapshot\":\"false\",\"db\":");
    dw_json_write_string(head, database);
    dw_buf_append_text(head, ",\"sequence\":\"[\\\"");
    dw_buf_append_u64(head, transaction->version.commit_lsn);
    dw_buf_append_text(head, "\\\",\\\"");
    dw_buf_append_u64(head, transaction->version.commit_lsn);
    dw_buf_append_text(head, "\\\"]\",\"ts_us\":");
    dw_buf_append_i64(head, transaction->commit_us);
    dw_buf_append_char(head, ',');

    struct dw_buf *tail = &transaction->tail;
    tail->len = 0;
    dw_buf_append_text(tail, "\"txId\":");
    dw_buf_append_u64(tail, transaction->xid);
    dw_buf_append_text(tail, ",\"lsn\":");
    dw_buf_append_u64(tail, transaction->version.commit_lsn);
    dw_buf_append_text(tail, ",\"epoch\":");
    dw_buf_append_u64(tail, transaction->version.epoch);
    dw_buf_append_text(tail, ",\"ordinal\":");
}

void dw_event_encode_table(struct dw_buf *out, struct dw_str schema, struct dw_str table)
{
    dw_buf_append_text(out, "\"schema\":");
    dw_json_write_string(out, schema);
    dw_buf_append_text(out, ",\"table\":");
    dw_json_write_string(out, table);
    dw_buf_append_char(out, ',');
}

static void open_source(struct dw_buf *out, enum dw_event_op op,
                        const struct dw_event_transaction *transaction, struct dw_str table,
                        uint64_t ordinal)
{
    char start[] = {'{', '"', 'o', 'p', '"', ':', '"', (char)op};
    dw_buf_append(out, start, sizeof start);
    dw_buf_append_str(out, dw_buf_str(&transaction->head));
    dw_buf_append_str(out, table);
    dw_buf_append_str(out, dw_buf_str(&transaction->tail));
    dw_buf_append_u64(out, ordinal);
}

void dw_event_encode_open(struct dw_buf *out, enum dw_event_op op,
                          const struct dw_event_transaction *transaction, struct dw_str table,
                          uint64_t ordinal)
{
    open_source(out, op, transaction, table, ordinal);
    dw_buf_append_char(out, '}');
}

void dw_event_encode_open_read(struct dw_buf *out, const struct dw_event_transaction *transaction,
                               struct dw_str table, uint64_t ordinal,
                               const struct dw_event_read *read)
{
    open_source(out, read->gone ? DW_EVENT_DELETE : DW_EVENT_READ, transaction, table, ordinal);
    if (read->keep)
        dw_buf_append(out, ",\"keep\":true", 12);
    if (read->unclaimed)
        dw_buf_append_text(out, ",\"unclaimed\":true");
    if (read->verify) {
        dw_buf_append(out, ",\"verify\":", 10);
        dw_buf_append_i64(out, read->verify);
    }
    dw_buf_append_char(out, '}');
}

void dw_event_encode_control(struct dw_buf *out, const struct dw_event_transaction *transaction,
                             struct dw_str table, uint64_t ordinal, const char *message_prefix,
                             struct dw_str content)
{
    dw_event_encode_open(out, message_prefix ? DW_EVENT_MESSAGE : DW_EVENT_TRUNCATE, transaction,
                         table, ordinal);
    if (message_prefix) {
        dw_buf_append_text(out, ",\"message\":{\"prefix\":");
        dw_json_write_string(out, dw_str_from(message_prefix));
        dw_buf_append_text(out, ",\"content\":\"");
        dw_base64_encode(out, content.ptr, content.len);
        dw_buf_append(out, "\"}", 2);
    } else {
        dw_buf_append_text(out, ",\"before\":null,\"after\":null");
    }
    dw_event_encode_close(out);
}
