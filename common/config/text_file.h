/* text_file.h - reads a small file whole. */
#ifndef DW_CONFIG_TEXT_FILE_H
#define DW_CONFIG_TEXT_FILE_H
#include "common/base/arena.h"
#include "common/base/str.h"

/* Reads at most `max_bytes` of `path` into `arena`. NULL and *out set, else the reason ("it does
 * not exist", …) in words, allocated in `arena`; a folder, a device or a larger file is refused. */
const char *dw_text_file_read(const char *path, size_t max_bytes, struct dw_arena *arena,
                              struct dw_str *out);

#endif
