/* target_schema.h - the schema "dualwrite" in a target database (target_schema.sql). */
#ifndef DW_WRITE_POSTGRES_TARGET_SCHEMA_H
#define DW_WRITE_POSTGRES_TARGET_SCHEMA_H
#include "common/base/err.h"

#define DW_TARGET_SCHEMA_VERSION 1

struct pg_conn;

/* Makes it when it is missing; one worker at a time. Errors: DW_CONFIG DW-APPLY-005 (no right: the
 * message has the statement to run), DW-APPLY-006 (a newer dualwrite was here). */
enum dw_rc dw_target_schema_ensure(struct pg_conn *conn, struct dw_err *err) DW_MUST_CHECK;

/* out_incarnation: 37 bytes. */
enum dw_rc dw_target_schema_incarnation(struct pg_conn *conn, char *out_incarnation,
                                        struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_target_schema_new_incarnation(struct pg_conn *conn, char *out_incarnation,
                                            struct dw_err *err) DW_MUST_CHECK;

#endif
