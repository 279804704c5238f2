/* moment.h - dates and times as text: taken apart, and put together for PostgreSQL's input.
 *
 * Takes ISO 8601 as PostgreSQL prints it and as events hold it: [-+]YYYY-MM-DD, "T" or a blank,
 * HH:MM[:SS[.F…]], Z or ±HH[[:]MM[:SS]], " BC"; infinity and -infinity. Nothing else: words such as
 * "now" or "yesterday", which PostgreSQL's input would take, are refused. Ranges (month 13) are the
 * server's to refuse. Threads: pure functions.
 */
#ifndef DW_TRANSFORM_MOMENT_H
#define DW_TRANSFORM_MOMENT_H
#include "common/base/arena.h"
#include "common/base/str.h"
#include <stdbool.h>

struct dw_moment {
    struct dw_str infinity; /* "infinity", "-infinity" or empty */
    struct dw_str date;     /* YYYY-MM-DD, empty when there is none */
    struct dw_str time;     /* HH:MM[:SS[.F…]], empty when there is none */
    struct dw_str zone;     /* Z, +00, +05:30, …; empty when there is none */
    bool before_christ;
    size_t fraction_digits; /* of the second, trailing zeros not counted */
};

/* Astronomical years (-0043) become "0044-… BC", in `arena`. False when the text is none. */
bool dw_moment_parse(struct dw_str text, struct dw_arena *arena, struct dw_moment *out);

/* The time is 00:00:00, or there is none. */
bool dw_moment_is_midnight(const struct dw_moment *moment);
/* The zone is Z, an offset of zero, or there is none. */
bool dw_moment_is_utc(const struct dw_moment *moment);

/* date, time and zone with what is between them; each may be empty. In `arena`. */
struct dw_str dw_moment_format(const struct dw_moment *parts, struct dw_arena *arena);

#endif
