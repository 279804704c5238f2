/* pgoutput.c - see pgoutput.h. The layouts are those of the PostgreSQL manual, "Logical Replication
 * Message Formats". */
#include "producer/capture_postgres/pgoutput.h"

#include "common/base/clock.h"

/* Reads from front to back; past the end every read gives zeros and sets `fault` once. */
struct cursor {
    const char *start;
    const char *at;
    const char *end;
    const char *fault;
    size_t fault_offset;
};

static void fail_at(struct cursor *in, const char *what)
{
    if (in->fault)
        return;
    in->fault = what;
    in->fault_offset = (size_t)(in->at - in->start);
    in->at = in->end;
}

static const char *read_bytes(struct cursor *in, size_t count, const char *what)
{
    if ((size_t)(in->end - in->at) < count) {
        fail_at(in, what);
        return NULL;
    }
    const char *bytes = in->at;
    in->at += count;
    return bytes;
}

static uint64_t read_unsigned(struct cursor *in, size_t count, const char *what)
{
    const char *bytes = read_bytes(in, count, what);
    uint64_t number = 0;
    for (size_t i = 0; bytes && i < count; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

static unsigned char read_u8(struct cursor *in, const char *what)
{
    const char *bytes = read_bytes(in, 1, what);
    return bytes ? (unsigned char)*bytes : 0;
}

static uint32_t read_u32(struct cursor *in, const char *what)
{
    return (uint32_t)read_unsigned(in, 4, what);
}

static uint64_t read_u64(struct cursor *in, const char *what)
{
    return read_unsigned(in, 8, what);
}

/* Text up to a NUL, which is passed over. */
static struct dw_str read_text(struct cursor *in, const char *what)
{
    const char *nul = in->at == in->end ? NULL : memchr(in->at, 0, (size_t)(in->end - in->at));
    if (!nul) {
        fail_at(in, what);
        return (struct dw_str){"", 0};
    }
    struct dw_str text = {in->at, (size_t)(nul - in->at)};
    in->at = nul + 1;
    return text;
}

static int64_t read_time(struct cursor *in)
{
    /* Wraps instead of overflowing on nonsense. */
    return (int64_t)(read_u64(in, "a time") + (uint64_t)DW_CLOCK_PG_EPOCH_US);
}

static void read_value(struct cursor *in, struct dw_pgoutput_value *value)
{
    unsigned char kind = read_u8(in, "a column");
    value->presence = DW_PGOUTPUT_NULL;
    value->text = (struct dw_str){NULL, 0};
    if (kind == 't') {
        uint32_t len = read_u32(in, "a column's length");
        const char *bytes = read_bytes(in, len, "a column's text");
        value->presence = DW_PGOUTPUT_TEXT;
        value->text = (struct dw_str){bytes, bytes ? len : 0};
    } else if (kind == 'u') {
        value->presence = DW_PGOUTPUT_UNCHANGED;
    } else if (kind != 'n') {
        fail_at(in, "one of n, u, t for a column");
    }
}

static void read_tuple(struct cursor *in, char kind, struct dw_pgoutput_value *values,
                       struct dw_pgoutput_tuple *tuple)
{
    size_t count = (size_t)read_unsigned(in, 2, "a number of columns");
    if (count > DW_PGOUTPUT_COLUMNS_MAX) {
        fail_at(in, "at most 1664 columns");
        return;
    }
    for (size_t i = 0; i < count && !in->fault; i++)
        read_value(in, &values[i]);
    *tuple = (struct dw_pgoutput_tuple){.kind = kind, .count = count, .values = values};
}

static void read_relation(struct cursor *in, struct dw_pgoutput *decoder,
                          struct dw_pgoutput_message *out)
{
    out->oid = read_u32(in, "a relation's oid");
    out->schema = read_text(in, "a schema's name");
    out->name = read_text(in, "a relation's name");
    /* The system catalogue's schema is sent as an empty name. */
    if (out->schema.len == 0)
        out->schema = DW_STR_LIT("pg_catalog");
    out->replica_identity = (char)read_u8(in, "a replica identity");
    size_t count = (size_t)read_unsigned(in, 2, "a number of columns");
    if (count > DW_PGOUTPUT_COLUMNS_MAX) {
        fail_at(in, "at most 1664 columns");
        return;
    }
    for (size_t i = 0; i < count && !in->fault; i++) {
        struct dw_pgoutput_column *column = &decoder->columns[i];
        column->is_key = (read_u8(in, "a column's flags") & 1) != 0;
        column->name = read_text(in, "a column's name");
        column->type_oid = read_u32(in, "a column's type");
        column->typmod = (int32_t)read_u32(in, "a column's type modifier");
    }
    out->column_count = count;
    out->columns = decoder->columns;
}

static void read_update(struct cursor *in, struct dw_pgoutput *decoder,
                        struct dw_pgoutput_message *out)
{
    out->oid = read_u32(in, "a relation's oid");
    char kind = (char)read_u8(in, "one of K, O, N");
    if (kind == 'K' || kind == 'O') {
        read_tuple(in, kind, decoder->old, &out->old);
        kind = (char)read_u8(in, "N");
    }
    if (kind != 'N')
        fail_at(in, "N before the new row");
    else
        read_tuple(in, kind, decoder->row, &out->row);
}

static void read_row(struct cursor *in, struct dw_pgoutput *decoder,
                     struct dw_pgoutput_message *out)
{
    out->oid = read_u32(in, "a relation's oid");
    char kind = (char)read_u8(in, "a tuple");
    if (out->kind == DW_PGOUTPUT_INSERT) {
        if (kind != 'N')
            fail_at(in, "N before the new row");
        else
            read_tuple(in, kind, decoder->row, &out->row);
    } else {
        if (kind != 'K' && kind != 'O')
            fail_at(in, "K or O before the old row");
        else
            read_tuple(in, kind, decoder->old, &out->old);
    }
}

static void read_truncate(struct cursor *in, struct dw_pgoutput_message *out)
{
    size_t count = read_u32(in, "a number of relations");
    unsigned char options = read_u8(in, "truncate's options");
    out->cascade = (options & 1) != 0;
    out->restart = (options & 2) != 0;
    if ((size_t)(in->end - in->at) / 4 < count) {
        fail_at(in, "the relations' oids");
        return;
    }
    out->relation_count = count;
    out->relation_oids = read_bytes(in, count * 4, "the relations' oids");
}

static void read_message(struct cursor *in, struct dw_pgoutput_message *out)
{
    out->transactional = (read_u8(in, "a message's flags") & 1) != 0;
    out->message_lsn = read_u64(in, "a message's LSN");
    out->prefix = read_text(in, "a message's prefix");
    uint32_t len = read_u32(in, "a message's length");
    const char *content = read_bytes(in, len, "a message's content");
    out->content = (struct dw_str){content, content ? len : 0};
}

static void read_commit(struct cursor *in, struct dw_pgoutput_message *out)
{
    (void)read_u8(in, "commit's flags");
    out->commit_lsn = read_u64(in, "a commit's LSN");
    out->end_lsn = read_u64(in, "a commit's end");
    out->commit_us = read_time(in);
}

/* False when the kind is unknown. */
static bool read_kind(struct cursor *in, struct dw_pgoutput *decoder,
                      struct dw_pgoutput_message *out)
{
    switch ((char)out->kind) {
    case 'B':
        out->commit_lsn = read_u64(in, "a commit's LSN");
        out->commit_us = read_time(in);
        out->xid = read_u32(in, "a transaction's id");
        return true;
    case 'C':
        read_commit(in, out);
        return true;
    case 'O':
        out->commit_lsn = read_u64(in, "the origin's LSN");
        out->name = read_text(in, "the origin's name");
        return true;
    case 'R':
        read_relation(in, decoder, out);
        return true;
    case 'Y':
        out->oid = read_u32(in, "a type's oid");
        out->schema = read_text(in, "a schema's name");
        out->name = read_text(in, "a type's name");
        return true;
    case 'I':
    case 'D':
        read_row(in, decoder, out);
        return true;
    case 'U':
        read_update(in, decoder, out);
        return true;
    case 'T':
        read_truncate(in, out);
        return true;
    case 'M':
        read_message(in, out);
        return true;
    default:
        return false;
    }
}

enum dw_rc dw_pgoutput_decode(struct dw_pgoutput *decoder, struct dw_str message,
                              struct dw_pgoutput_message *out, struct dw_err *err)
{
    struct cursor in = {.start = message.ptr, .at = message.ptr, .end = message.ptr + message.len};
    unsigned char kind = read_u8(&in, "a kind");
    *out = (struct dw_pgoutput_message){.kind = (enum dw_pgoutput_kind)kind};
    if (!in.fault && !read_kind(&in, decoder, out))
        return dw_err_set(err, DW_FATAL, "DW-CAPTURE-002",
                          "message of kind 0x%02x, which pgoutput's protocol 1 has not", kind);
    if (!in.fault && in.at != in.end)
        fail_at(&in, "the end");
    if (in.fault)
        return dw_err_set(err, DW_FATAL, "DW-CAPTURE-001",
                          "malformed message of kind 0x%02x: expected %s at byte %zu of %zu", kind,
                          in.fault, in.fault_offset, message.len);
    return DW_OK;
}

uint32_t dw_pgoutput_truncated(const struct dw_pgoutput_message *message, size_t index)
{
    const unsigned char *at = (const unsigned char *)message->relation_oids + index * 4;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
