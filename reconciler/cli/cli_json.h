/* cli_json.h - looking into the operator API's answers without a tree, so that numbers of any size
 * and events of any shape pass through as they are.
 *
 * A value is a slice of the answer's text. Looking into what is missing or of another type gives
 * "", 0 or false. Threads: any.
 */
#ifndef DW_CLI_CLI_JSON_H
#define DW_CLI_CLI_JSON_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

/* A member of an object, raw; .ptr NULL when there is none. */
struct dw_str dw_cli_json_member(struct dw_str object, const char *name);
/* The elements of an array, raw, in `arena`. */
const struct dw_str *dw_cli_json_elements(struct dw_str array, struct dw_arena *arena,
                                          size_t *out_count);
bool dw_cli_json_is_null(struct dw_str value); /* or missing */

/* Members as C values; text is decoded into `arena`. */
const char *dw_cli_json_text(struct dw_str object, const char *name, struct dw_arena *arena);
int64_t dw_cli_json_number(struct dw_str object, const char *name);
double dw_cli_json_real(struct dw_str object, const char *name);
bool dw_cli_json_true(struct dw_str object, const char *name);

/* Appends a value over several lines, indented by two blanks a level, starting at `level`. */
void dw_cli_json_pretty(struct dw_buf *out, struct dw_str value, int level);

#endif
