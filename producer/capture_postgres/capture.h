/* capture.h - captures one PostgreSQL system: the loop between its stream and Kafka.
 *
 *   connecting ─► streaming ─► (connection or producer lost) ─► connecting
 *        └─► standby, or a named gap: tried again until it is gone
 *
 * One thread runs it: one poll(2) over the stream, Kafka's reports, the control thread and the stop
 * signal. The slot is told a position only when all events of all commits up to it are acknowledged
 * by Kafka and the position is stored (state database, or the positions topic while that is away).
 */
#ifndef DW_CAPTURE_POSTGRES_CAPTURE_H
#define DW_CAPTURE_POSTGRES_CAPTURE_H
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_capture;
struct dw_tap;

struct dw_capture_options {
    const struct dw_settings *settings;
    const struct dw_system_settings *system;
    const char *instance;
    bool accept_gap;
    struct dw_tap *tap; /* NULL: none */
};

enum dw_rc dw_capture_open(struct dw_capture **out, const struct dw_capture_options *options,
                           struct dw_err *err) DW_MUST_CHECK;
/* Runs until a stop is asked for; then lets what is in flight arrive, stores the position. DW_FATAL
 * when something cannot be mended by trying again. */
enum dw_rc dw_capture_run(struct dw_capture *capture, struct dw_err *err) DW_MUST_CHECK;
void dw_capture_close(struct dw_capture *capture); /* accepts NULL */

/* For the health server. Threads: any. */
bool dw_capture_is_ready(void *context, struct dw_buf *reason);
int64_t dw_capture_tick_age_ms(void *context);

#endif
