/* digest.h - a day of all maps: throughput, latency, dead letters, equality, and how that compares
 * with the day before. Pure.
 */
#ifndef DW_REPORT_DIGEST_H
#define DW_REPORT_DIGEST_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/state/state_digest.h"
#include "reconciler/flow/latency.h"

#define DW_DIGEST_HOURS 24

struct dw_digest_day {
    int64_t events, dead;
    int64_t lag_max_us;
    struct dw_latency latency;
};

struct dw_digest_map {
    const char *map, *state;
    struct dw_digest_day day, before;
    int64_t hours[DW_DIGEST_HOURS];            /* events */
    int64_t letters;                           /* open at the last look of the day */
    const struct dw_digest_equality *equality; /* NULL: never compared */
};

struct dw_digest {
    const char *date; /* "2026-01-31" */
    bool complete;    /* the day is over */
    int64_t made_us;
    const struct dw_digest_map *maps; /* by name */
    size_t map_count;
    struct dw_digest_map sum; /* map and equality are empty */
    size_t compared, equal;   /* maps: with a comparison, whose last one left nothing */
};

struct dw_digest_name {
    const char *map, *state;
};

struct dw_digest_input {
    const char *date;
    int64_t day_us; /* its begin */
    int64_t now_us;
    const struct dw_digest_name *names; /* of all maps, by name */
    size_t name_count;
    const struct dw_digest_sample *samples; /* of the day and the one before */
    size_t sample_count;
    const struct dw_digest_equality *equality;
    size_t equality_count;
};

/* Borrows what the input borrows; allocates in `arena`. */
void dw_digest_build(const struct dw_digest_input *input, struct dw_arena *arena,
                     struct dw_digest *out);
/* As JSON (schema Digest of the operator API); `kind` is NULL, or a first member "kind". */
void dw_digest_write(const struct dw_digest *digest, const char *kind, struct dw_buf *out);
/* As one HTML page. */
void dw_digest_page(const struct dw_digest *digest, struct dw_buf *out);

#endif
