/* apply.h - brings changes into the target: coalesced as a whole, and when the server refuses that,
 * in ever smaller parts.
 *
 * A part is a run of changes in their order, coalesced and merged under a savepoint; a part that is
 * refused is cut in two, the first half first. So one bad event costs one dead letter, values that
 * wander between rows (trap 4) end in the order of the source, and what fails alone is dead or
 * waits. Once a change waits, all later ones of its key wait behind it.
 */
#ifndef DW_WRITE_POSTGRES_APPLY_H
#define DW_WRITE_POSTGRES_APPLY_H
#include "consumer/write_postgres/writer_table.h"

/* See dw_writer_apply, but for the rollback, which is the caller's. */
enum dw_rc dw_apply_changes(struct dw_writer *writer, struct dw_writer_table *table,
                            struct dw_change **changes, size_t count, struct dw_arena *arena,
                            struct dw_err *err) DW_MUST_CHECK;

#endif
