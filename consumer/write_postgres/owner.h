/* owner.h - whose a row is, where several maps write one target table by filters (trap 8).
 *
 * Beside each such row the target keeps (dualwrite.owner) which map wrote it last, and at which
 * version. A row that moves from one map's filter into another's is left by the one event and
 * created by the other, in any order: only the owner removes it, and what is older than the owner's
 * version does not overwrite it. At equal version the create wins, since the one that leaves is no
 * owner any more.
 *
 * First a look without locks decides (sift); then the claims travel with the merge, in its
 * transaction, and are void when somebody was faster: the batch is tried again. Removed rows stay
 * as owned and gone for a day, so that a slow map's old event does not bring them back.
 */
#ifndef DW_WRITE_POSTGRES_OWNER_H
#define DW_WRITE_POSTGRES_OWNER_H
#include "consumer/write_postgres/coalesce.h"
#include "consumer/write_postgres/writer_session.h"

/* True when rows of the table have owners already. Forgets those long gone. DW_RETRY, DW_CONFIG. */
enum dw_rc dw_owner_known(struct dw_writer_table *table, bool *out_known,
                          struct dw_err *err) DW_MUST_CHECK;

/* Settles the changes that another map's row is safe from, and moves the others to `out` (room for
 * all). No statement may be under way. DW_RETRY, DW_CONFIG. */
enum dw_rc dw_owner_sift(struct dw_writer_table *table, struct dw_change *const *changes,
                         size_t count, struct dw_change **out, size_t *out_count,
                         struct dw_err *err) DW_MUST_CHECK;

/* Copies the claims of a large plan beside the staged rows. In a transaction, before the fence. */
enum dw_rc dw_owner_stage(struct dw_writer_table *table, const struct dw_coalesce_plan *plan,
                          struct dw_err *err) DW_MUST_CHECK;
/* Whether a plan's claims are to be staged. */
bool dw_owner_wants_stage(const struct dw_writer_table *table, const struct dw_coalesce_plan *plan);

/* Sends the claims in the open exchange, tagged DW_SESSION_TAG_OWNER. `staged`: they were. */
void dw_owner_send(struct dw_writer_table *table, const struct dw_coalesce_plan *plan, bool staged);

#endif
