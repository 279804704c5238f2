/* fuzz_event.c - any bytes as a record's value: decoded or refused, never more. */
#include "common/model/event.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touch_row(const struct dw_event_row *row)
{
    size_t sum = 0;
    for (size_t i = 0; i < row->count; i++) {
        for (size_t j = 0; j < row->fields[i].name.len; j++)
            sum += (unsigned char)row->fields[i].name.ptr[j];
        for (size_t j = 0; j < row->fields[i].value.text.len; j++)
            sum += (unsigned char)row->fields[i].value.text.ptr[j];
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dw_arena arena;
    struct dw_event event;
    struct dw_err err = DW_ERR_INIT;
    dw_arena_init(&arena, 4096);
    enum dw_rc rc =
        dw_event_decode((struct dw_str){(const char *)data, size}, &arena, &event, &err);
    if (rc == DW_OK) {
        if (touch_row(&event.before) + touch_row(&event.after) == SIZE_MAX)
            abort(); /* never; but the reads must not be left out */
    } else if (rc != DW_REJECT || !err.id[0]) {
        abort();
    }
    dw_arena_done(&arena);
    return 0;
}
