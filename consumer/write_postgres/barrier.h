/* barrier.h - a TRUNCATE that waits until every partition has reached it (trap 7), and the
 * questions whether a topic has passed a version (trap 3), or the mark of a generation (trap 20).
 */
#ifndef DW_WRITE_POSTGRES_BARRIER_H
#define DW_WRITE_POSTGRES_BARRIER_H
#include "consumer/write_postgres/writer.h"

struct pg_conn;

/* Notes the arrival; the last one runs `truncate_sql` (NULL: none). One transaction, one worker at
 * a time per topic: while another is at it nothing is noted, and the caller looks again. For a lock
 * it waits up to `patience_ms`. */
enum dw_rc dw_barrier_arrive(struct pg_conn *conn, const struct dw_partition_id *id,
                             const struct dw_version *version, int32_t partitions,
                             const char *truncate_sql, int64_t patience_ms, bool *out_done,
                             struct dw_err *err) DW_MUST_CHECK;

enum dw_rc dw_barrier_passed(struct pg_conn *conn, const char *topic, int32_t partitions,
                             const struct dw_version *version, bool *out_passed,
                             struct dw_err *err) DW_MUST_CHECK;

enum dw_rc dw_barrier_turned(struct pg_conn *conn, const char *topic,
                             const struct dw_progress_generation *generation, bool *out_turned,
                             int64_t *out_initial_sync, struct dw_err *err) DW_MUST_CHECK;

#endif
