/* progress.h - rows of dualwrite.progress and waiting, as SQL sees them. */
#ifndef DW_WRITE_POSTGRES_PROGRESS_H
#define DW_WRITE_POSTGRES_PROGRESS_H
#include "consumer/write_postgres/exchange.h"
#include "consumer/write_postgres/rows_array.h"
#include "consumer/write_postgres/writer.h"

#define DW_PROGRESS_PARAMS 20

extern const struct dw_exchange_statement
    dw_progress_fence; /* fails unless the row is as expected */
extern const struct dw_exchange_statement dw_progress_first;  /* inserts it */
extern const struct dw_exchange_statement dw_progress_update; /* writes it */

/* The parameters of these three: all take the same. */
struct dw_progress_values {
    char texts[DW_PROGRESS_PARAMS][24];
    const char *values[DW_PROGRESS_PARAMS];
};
struct dw_exchange_params dw_progress_params(struct dw_progress_values *values,
                                             const struct dw_partition_id *id,
                                             const struct dw_progress *progress);

/* Reads the row; *out is zeroed (exists false) when there is none. */
enum dw_rc dw_progress_read(struct pg_conn *conn, const struct dw_partition_id *id,
                            struct dw_progress *out, struct dw_err *err) DW_MUST_CHECK;
/* Reads the waiting rows in order of offset. */
enum dw_rc dw_progress_read_waiting(struct pg_conn *conn, const struct dw_partition_id *id,
                                    struct dw_arena *arena, struct dw_waiting **out,
                                    size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

/* Adds the writes of waiting rows to an exchange; `arrays` is scratch. */
void dw_progress_send_waiting(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                              const struct dw_partition_id *id,
                              const struct dw_writer_commit *commit);

/* The copy of a map's revision: reads it, keeps it and drops those that no partition needs. */
enum dw_rc dw_progress_read_version(struct pg_conn *conn, const struct dw_partition_id *id,
                                    struct dw_arena *arena, struct dw_writer_version *out,
                                    bool *out_found, struct dw_err *err) DW_MUST_CHECK;
void dw_progress_send_version(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                              const struct dw_partition_id *id,
                              const struct dw_writer_commit *commit);

/* The mark of a generation: keeps it, and what is known there. */
void dw_progress_send_generation(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                                 const struct dw_partition_id *id,
                                 const struct dw_writer_commit *commit);

#endif
