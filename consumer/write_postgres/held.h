/* held.h - the statements on rows of dualwrite.held; what they mean is in held_news.h. */
#ifndef DW_WRITE_POSTGRES_HELD_H
#define DW_WRITE_POSTGRES_HELD_H
#include "consumer/write_postgres/exchange.h"
#include "consumer/write_postgres/rows_array.h"
#include "consumer/write_postgres/writer.h"

/* Adds the writes to an exchange; `arrays` is scratch. */
void dw_held_send(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                  const struct dw_partition_id *id, const struct dw_held_news *news);

/* Adds the look at held rows, which locks them; read_rows takes its result. */
void dw_held_send_lock(struct dw_exchange *exchange, struct dw_rows_array *arrays,
                       const struct dw_held_id *ids, size_t count);
void dw_held_read_rows(const struct pg_result *result, struct dw_held_row *out, size_t count);

/* Whether the topic has letters that later events may have to do with. */
enum dw_rc dw_held_look(struct pg_conn *conn, const char *topic, bool *out,
                        struct dw_err *err) DW_MUST_CHECK;

#endif
