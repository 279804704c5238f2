/* digest_read.c - see digest_read.h. */
#include "reconciler/report/digest_read.h"

#include "common/base/clock.h"
#include "common/state/state.h"
#include <stdio.h>
#include <stdlib.h>

bool dw_digest_read_is_date(const char *text)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
        strspn(text, "0123456789-") != 10 || strchr(text + 8, '-') || text[5] == '-' ||
        text[6] == '-' || memchr(text, '-', 4))
        return false;
    int year = atoi(text);
    int month = atoi(text + 5);
    int day = atoi(text + 8);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
           day <= lengths[month - 1] + (month == 2 && leap);
}

const char *dw_digest_read_today(struct dw_arena *arena)
{
    char text[32];
    return dw_arena_printf(arena, "%.10s", dw_clock_format(dw_clock_wall_us(), text));
}

enum dw_rc dw_digest_read(struct dw_state *state, const char *date, struct dw_arena *arena,
                          struct dw_digest *out, struct dw_err *err)
{
    const struct dw_map_record *maps = NULL;
    struct dw_digest_input input = {.date = date, .now_us = dw_clock_wall_us()};
    enum dw_rc rc = dw_state_maps_load(state, arena, &maps, &input.name_count, err);
    if (!rc)
        rc = dw_state_digest_load(state, date, arena, &input.samples, &input.sample_count,
                                  &input.day_us, err);
    if (!rc)
        rc = dw_state_digest_equality(state, date, arena, &input.equality, &input.equality_count,
                                      err);
    if (rc)
        return rc;
    struct dw_digest_name *names = DW_ARENA_ARRAY(arena, struct dw_digest_name, input.name_count);
    for (size_t i = 0; i < input.name_count; i++)
        names[i] = (struct dw_digest_name){maps[i].name, dw_map_state_name(maps[i].state)};
    input.names = names;
    dw_digest_build(&input, arena, out);
    return DW_OK;
}
