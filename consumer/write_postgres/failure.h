/* failure.h - what the server's refusal of one change means: dead, or waiting for what. */
#ifndef DW_WRITE_POSTGRES_FAILURE_H
#define DW_WRITE_POSTGRES_FAILURE_H
#include "consumer/write_postgres/writer_table.h"

struct pg_result;

/* Sets outcome, err, failure_class, column, parent_* of a change whose statement failed with a
 * class of DW_REJECT. Allocates in `arena`. */
void dw_failure_settle(struct dw_change *change, const struct dw_writer_table *table,
                       const struct pg_result *result, struct dw_arena *arena);
/* Dead because its row cannot be built from it: `why` completes the sentence. */
void dw_failure_incomplete(struct dw_change *change, const char *why, struct dw_arena *arena);
/* It waits for its row to be read again. */
bool dw_failure_is_incomplete(const struct dw_change *change);
/* Waiting because an earlier event of its key does. */
void dw_failure_behind(struct dw_change *change, struct dw_arena *arena);

/* For an error of class 22, whose message does not tell the column: asks the server about each
 * value, and names the first that it refuses. Outside of a failed transaction. */
void dw_failure_find_column(struct dw_change *change, const struct dw_writer_table *table,
                            struct dw_arena *arena);

/* The server's message without what it quotes, which may be the row's values. Appends. */
void dw_failure_redact(struct dw_buf *out, const char *message);

#endif
