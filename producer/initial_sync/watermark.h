/* watermark.h - the WAL messages around a chunk: {"t":"TOKEN","c":7,"e":"low"}. Pure.
 *
 * The token is made anew by every process, so that the watermarks of one that has died, or is a
 * zombie, mean nothing to its successor. A mark (begin or end of a sync) has only a high watermark.
 */
#ifndef DW_INITIAL_SYNC_WATERMARK_H
#define DW_INITIAL_SYNC_WATERMARK_H
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

#define DW_WATERMARK_TOKEN_MAX 33
#define DW_WATERMARK_TEXT_MAX  128

struct dw_watermark {
    uint64_t chunk;
    bool high;
};

const char *dw_watermark_format(const char *token, const struct dw_watermark *mark,
                                char out[DW_WATERMARK_TEXT_MAX]);
/* False when it is not one, or of another token. */
bool dw_watermark_parse(struct dw_str content, const char *token, struct dw_watermark *out);

#endif
