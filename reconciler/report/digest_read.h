/* digest_read.h - the digest of a day, from the state database. */
#ifndef DW_REPORT_DIGEST_READ_H
#define DW_REPORT_DIGEST_READ_H
#include "common/base/err.h"
#include "reconciler/report/digest.h"
#include <stdbool.h>

struct dw_state;

/* "2026-01-31", a day that there is. */
bool dw_digest_read_is_date(const char *text);
/* The present day of UTC. */
const char *dw_digest_read_today(struct dw_arena *arena);

/* `date` has to be one. Everything in `arena`. */
enum dw_rc dw_digest_read(struct dw_state *state, const char *date, struct dw_arena *arena,
                          struct dw_digest *out, struct dw_err *err) DW_MUST_CHECK;

#endif
