/* accounting.h - how records end, counted so that the counts balance (promise 5). Pure.
 *
 * Invariant of every progress row: next_offset - first_offset = sum of counts[APPLIED … CONTROL].
 * A record that waits is counted as waiting until it is settled; then it moves to how it ended.
 * Offsets that hold no record (markers of transactions, compaction) are counted as control.
 */
#ifndef DW_PIPELINE_ACCOUNTING_H
#define DW_PIPELINE_ACCOUNTING_H
#include "consumer/write_postgres/writer.h"
#include <stdbool.h>

const char *dw_accounting_name(enum dw_outcome outcome);

/* A new record at `offset` ends as `outcome`; offsets left out before it become control. */
void dw_accounting_record(struct dw_progress *progress, int64_t offset, enum dw_outcome outcome);
/* A record that was counted as waiting ends as `outcome`. */
void dw_accounting_settle(struct dw_progress *progress, enum dw_outcome outcome);
/* The log lost what lies before `offset` (an operator decided to go on from there): next_offset
 * moves, first_offset with it, so that the balance holds over what was seen. */
void dw_accounting_jump(struct dw_progress *progress, int64_t offset);
bool dw_accounting_balanced(const struct dw_progress *progress);

#endif
