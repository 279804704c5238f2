/* lifecycle.h - what every program does around its own work: options, signals, stop, instance name.
 *
 * SIGTERM and SIGINT ask for a clean stop, a second one ends at once; SIGPIPE is ignored. Core
 * dumps are switched off (they would hold secrets).
 */
#ifndef DW_SERVICE_LIFECYCLE_H
#define DW_SERVICE_LIFECYCLE_H
#include "common/base/err.h"
#include "common/config/settings.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_lifecycle_program {
    const char *name;       /* "dualwrite-producer" */
    const char *part;       /* "producer": section of the settings, name in the log */
    const char *summary;    /* one sentence for --help */
    const char *extra_help; /* further lines, or NULL */
    int kept_bytes;         /* freed memory that it keeps for what comes next */
};

struct dw_lifecycle_arguments {
    const char *config;   /* --config FILE */
    const char *system;   /* --system NAME (producer) */
    const char *instance; /* --instance NAME; default HOST-PID */
    bool accept_gap;      /* --accept-gap (producer) */
};

/* Parses the command line and loads the settings; prints --help, --version and exits 0 by itself;
 * prints errors of usage and settings on stderr and exits 2. */
void dw_lifecycle_start(const struct dw_lifecycle_program *program, int argc, char **argv,
                        struct dw_arena *arena, struct dw_lifecycle_arguments *out_arguments,
                        struct dw_settings *out_settings);

/* True once a stop was asked for. Threads: any. */
bool dw_lifecycle_stopping(void);
/* Asks for a stop from inside. */
void dw_lifecycle_stop(void);
/* Becomes readable when a stop is asked for; for poll(2). */
int dw_lifecycle_stop_fd(void);
/* Sleeps for `ms`, or until *stopping is set: shortly after the process is asked to stop, else
 * within a quarter of a second. Threads: any. */
void dw_lifecycle_sleep(const _Atomic bool *stopping, int64_t ms);

#endif
