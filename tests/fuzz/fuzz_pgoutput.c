/* fuzz_pgoutput.c - any bytes as a pgoutput message: no crash, no slice outside of the message. */
#include "producer/capture_postgres/pgoutput.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dw_pgoutput decoder;

static void check_slice(struct dw_str slice, const uint8_t *data, size_t size)
{
    const char *start = (const char *)data;
    if (slice.len && (slice.ptr < start || slice.ptr + slice.len > start + size))
        abort();
}

static void check_tuple(const struct dw_pgoutput_tuple *tuple, const uint8_t *data, size_t size)
{
    for (size_t i = 0; tuple->kind && i < tuple->count; i++)
        check_slice(tuple->values[i].text, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dw_pgoutput_message message;
    struct dw_err err = DW_ERR_INIT;
    struct dw_str bytes = {(const char *)data, size};
    if (dw_pgoutput_decode(&decoder, bytes, &message, &err) != DW_OK)
        return 0;
    check_slice(message.name, data, size);
    check_slice(message.content, data, size);
    check_tuple(&message.row, data, size);
    check_tuple(&message.old, data, size);
    for (size_t i = 0; i < message.column_count; i++)
        check_slice(message.columns[i].name, data, size);
    for (size_t i = 0; i < message.relation_count; i++)
        (void)dw_pgoutput_truncated(&message, i);
    return 0;
}
