/* loop_mark.h - which rows of a transaction are echoes of what a consumer of ours wrote (trap 15).
 *
 * A consumer's transaction carries WAL messages `dualwrite.mark` in front of the rows it writes:
 * {"origin":"erp","table":"crm.accounts","op":"upsert"|"delete"|"truncate","columns":[…],
 *  "digests":BASE64}, eight bytes of SHA-256 per row. Only a row that matches is an echo, and only
 * on its way back to the system of origin; rows that triggers or cascades wrote are not. Marks live
 * until the end of their transaction. Threads: one owner.
 */
#ifndef DW_CAPTURE_POSTGRES_LOOP_MARK_H
#define DW_CAPTURE_POSTGRES_LOOP_MARK_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "producer/capture_postgres/pgoutput.h"

#define DW_LOOP_MARK_PREFIX "dualwrite.mark"

enum dw_loop_mark_op { DW_LOOP_MARK_UPSERT, DW_LOOP_MARK_DELETE, DW_LOOP_MARK_TRUNCATE };

struct dw_loop_mark;

struct dw_loop_marks {
    struct dw_arena arena;
    struct dw_buf scratch;
    struct dw_loop_mark *first; /* newest first; NULL: the transaction has no mark */
};

void dw_loop_mark_init(struct dw_loop_marks *marks);
void dw_loop_mark_done(struct dw_loop_marks *marks);
/* At the end of a transaction. */
void dw_loop_mark_reset(struct dw_loop_marks *marks);

/* Takes in a mark. DW_REJECT DW-CAPTURE-010: not what a consumer writes, or too much of it for
 * one transaction; nothing is marked. */
enum dw_rc dw_loop_mark_add(struct dw_loop_marks *marks, struct dw_str content,
                            struct dw_err *err) DW_MUST_CHECK;

/* A row of a relation; `columns` and `values` are parallel. */
struct dw_loop_mark_row {
    struct dw_str schema, table;
    uint32_t relation_oid;
    const struct dw_pgoutput_column *columns;
    const struct dw_pgoutput_value *values; /* new row; a delete's old key; NULL for a truncate */
    size_t count;
};

/* Whether the row came from `origin`. */
bool dw_loop_mark_matches(struct dw_loop_marks *marks, struct dw_str origin,
                          enum dw_loop_mark_op op, const struct dw_loop_mark_row *row);

#endif
