/* verify.h - answers the questions of a comparison: is the target's row what this event would
 * write?
 *
 * Everything happens in the batch's transaction and before the fence, at the place in the
 * partition's order where the question stands (trap 25). Rows of other maps, and lookups, count as
 * the merge would have it. What the server refuses to compare is asked for one by one, and has the
 * refusal for its cause.
 */
#ifndef DW_WRITE_POSTGRES_VERIFY_H
#define DW_WRITE_POSTGRES_VERIFY_H
#include "consumer/write_postgres/writer_session.h"
#include "consumer/write_postgres/writer_table.h"

enum dw_rc dw_verify_changes(struct dw_writer *writer, struct dw_writer_table *table,
                             const struct dw_writer_questions *questions, struct dw_arena *arena,
                             struct dw_err *err) DW_MUST_CHECK;

#endif
