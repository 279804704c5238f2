/* version.h - the version of an event: (epoch, commit LSN, ordinal in the transaction).
 *
 * Only commit LSNs rise over a stream; change LSNs do not, and many rows share one. The epoch is a
 * counter per source system that rises whenever its history is a new one (restored, promoted,
 * slot lost), so that versions of two histories never compare by accident.
 */
#ifndef DW_MODEL_VERSION_H
#define DW_MODEL_VERSION_H
#include <stdint.h>

struct dw_version {
    uint32_t epoch;
    uint64_t commit_lsn;
    uint64_t ordinal; /* 0-based; a key change takes two: its delete and its create */
};

static inline int dw_version_compare(const struct dw_version *a, const struct dw_version *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    if (a->commit_lsn != b->commit_lsn)
        return a->commit_lsn < b->commit_lsn ? -1 : 1;
    if (a->ordinal != b->ordinal)
        return a->ordinal < b->ordinal ? -1 : 1;
    return 0;
}

#endif
