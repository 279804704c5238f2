/* log.h - one JSON object per line on standard error: ts, level, part, event, message, fields.
 *
 * Programs log a failure once, where the decision is taken; libraries do not log above debug.
 * Row values never go to a log. Repeats of the same event within a second are counted, not
 * written. Threads: any.
 */
#ifndef DW_BASE_LOG_H
#define DW_BASE_LOG_H
#include "common/base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum dw_log_level { DW_LOG_DEBUG, DW_LOG_INFO, DW_LOG_WARN, DW_LOG_ERROR, DW_LOG_FATAL };

/* `part`: the program's name in each line ("producer"); borrowed for ever. */
void dw_log_init(const char *part, enum dw_log_level level);
void dw_log_set_level(enum dw_log_level level);
/* False when `name` is none of debug, info, warn, error. */
bool dw_log_parse_level(const char *name, enum dw_log_level *out_level);
bool dw_log_enabled(enum dw_log_level level);

/* A field of a line. Build with the macros below. */
struct dw_log_field {
    const char *name;
    enum { DW_LOG_TEXT, DW_LOG_NUMBER, DW_LOG_LSN } kind;
    const char *text;
    int64_t number;
};
#define DW_F_TEXT(n, v) ((struct dw_log_field){(n), DW_LOG_TEXT, (v), 0})
#define DW_F_INT(n, v)  ((struct dw_log_field){(n), DW_LOG_NUMBER, NULL, (int64_t)(v)})
#define DW_F_LSN(n, v)  ((struct dw_log_field){(n), DW_LOG_LSN, NULL, (int64_t)(v)})

/* `event` is a stable dotted name ("slot.created"), `message` a sentence for a person. */
void dw_log_write(enum dw_log_level level, const char *event, const char *message,
                  const struct dw_log_field *fields, size_t count);
#define dw_log(level, event, message, ...)                                                         \
    dw_log_write((level), (event), (message), (struct dw_log_field[]){__VA_ARGS__},                \
                 sizeof((struct dw_log_field[]){__VA_ARGS__}) / sizeof(struct dw_log_field))
#define dw_log_plain(level, event, message) dw_log_write((level), (event), (message), NULL, 0)

/* A line from an error: its id, SQLSTATE and message as fields. */
void dw_log_err(enum dw_log_level level, const char *event, const struct dw_err *err);

#endif
