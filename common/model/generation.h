/* generation.h - by how many partitions a map is published, at each place of its stream (trap 20).
 *
 * A map begins with the partitions that it was applied with, its first generation. Each later one
 * begins at one place of the stream with more of them: at a mark that goes into every partition,
 * old and new (DW_EVENT_GENERATION). What is before the mark was routed by the count before, what
 * is behind it by the new one, however often the stream is sent again. The list of all marks
 * passed is part of a system's position: in the state database (dualwrite.map_generation) and in
 * the positions topic, and neither can lower the other.
 * Threads: a list has one owner.
 */
#ifndef DW_MODEL_GENERATION_H
#define DW_MODEL_GENERATION_H
#include "common/base/buf.h"
#include "common/model/version.h"

struct dw_generation {
    char *map;
    int64_t number;     /* 2, 3, … */
    int32_t before;     /* partitions until its place; all of them have to come to it */
    int32_t partitions; /* from its place on */
    uint32_t epoch;
    uint64_t lsn; /* commit LSN of the mark */
};

struct dw_generations {          /* zeroed: empty */
    struct dw_generation *items; /* owned */
    size_t count;
};

void dw_generation_done(struct dw_generations *list);
/* Copies it, unless the map's generation of that number is there: false. */
bool dw_generation_add(struct dw_generations *list, const struct dw_generation *generation);
/* Adds all of `other`. */
void dw_generation_merge(struct dw_generations *list, const struct dw_generations *other);

/* The generation in force at a place, the mark's own included; NULL: the first. */
const struct dw_generation *dw_generation_at(const struct dw_generations *list, const char *map,
                                             uint32_t epoch, uint64_t lsn);
/* The newest one that is known; NULL: the first. */
const struct dw_generation *dw_generation_newest(const struct dw_generations *list,
                                                 const char *map);
/* Partitions at a place; `otherwise`: of a map that has none but its first generation. */
int32_t dw_generation_count_at(const struct dw_generations *list, const char *map, uint32_t epoch,
                               uint64_t lsn, int32_t otherwise);

/* A JSON array of {"map","generation","before","partitions","epoch","lsn"}. */
void dw_generation_format(const struct dw_generations *list, struct dw_buf *out);
/* Adds what the text holds. False: it is not what dw_generation_format writes. */
bool dw_generation_parse(struct dw_str text, struct dw_generations *list);

/* SQL for a target: the partitions of topic $1 at the version ($2, $3, $4), by what its consumers
 * have met in the stream; $5 where none has met a mark. Whoever has passed the version has passed
 * the marks before it, so with progress read in the same statement the answer cannot be too low. */
#define DW_GENERATION_SQL_COUNT                                                                    \
    "coalesce((SELECT partitions FROM dualwrite.generation WHERE topic = $1"                       \
    "  AND (epoch, commit_lsn, ordinal) <= ($2::bigint, $3::pg_lsn, $4::bigint)"                   \
    "  ORDER BY epoch DESC, commit_lsn DESC, ordinal DESC LIMIT 1),"                               \
    " (SELECT before FROM dualwrite.generation WHERE topic = $1"                                   \
    "  ORDER BY epoch, commit_lsn, ordinal LIMIT 1), $5::int)"

#endif
