/* parents.h - rows whose parent is not there, found by one statement before they are merged.
 *
 * While rows of both sides of a foreign key are copied, many children come before their parents.
 * Found by the merge each costs several failed statements; so once the server has refused a row for
 * a foreign key, the next batches are asked about first, all rows of a batch at once. After some
 * batches that ends, and the server's own word counts again: be it that the parents have come, or
 * that somebody has dropped the foreign key.
 * Threads: the writer's.
 */
#ifndef DW_WRITE_POSTGRES_PARENTS_H
#define DW_WRITE_POSTGRES_PARENTS_H
#include "consumer/write_postgres/writer.h"

struct dw_writer_table;
struct pg_result;

/* The code of a row that waits for its parent. */
#define DW_PARENTS_MISSING "DW-APPLY-013"

struct dw_parents_reference; /* a foreign key that refused a row, in the table's arena */

/* The server has refused something of the table; what is no foreign key of it is no news. */
void dw_parents_refused(struct dw_writer_table *table, const struct pg_result *failure);

/* Whether the next batch has to be asked about. */
bool dw_parents_suspected(const struct dw_writer_table *table);

/* Upserts that are pending and have no parent become WAITING. In the transaction; a foreign key
 * that cannot be asked about is left to the merge. DW_RETRY. */
enum dw_rc dw_parents_look(struct dw_writer_table *table, struct dw_change *const *changes,
                           size_t count, struct dw_arena *arena, struct dw_err *err) DW_MUST_CHECK;

#endif
