/* alerts.h - what would be lost if nobody acts: records that Kafka's retention will remove before a
 * map that stands has applied them, and WAL that the source will remove before the producer has
 * read it.
 *
 * An alert comes long before: as a warning at half of the limit, critical at four fifths. What is
 * lost all the same is a gap that the consumer or the producer names; the remedy is here already.
 */
#ifndef DW_API_ALERTS_H
#define DW_API_ALERTS_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/state/state.h"
#include "reconciler/api/flow.h"
#include "reconciler/targets/target_watch.h"

enum dw_alert_level { DW_ALERT_NONE, DW_ALERT_WARNING, DW_ALERT_CRITICAL, DW_ALERT_LOST };

struct dw_alert {
    const char *name;   /* "retention", "wal_limit" */
    const char *object; /* the map, the system */
    enum dw_alert_level level;
    const char *message, *remedy;
};

struct dw_alert_list {
    const struct dw_alert *items;
    size_t count;
};

struct dw_alert_facts {
    const struct dw_settings *settings;
    const struct dw_map_record *maps;
    size_t map_count;
    const struct dw_state_source *positions; /* of the source systems */
    size_t position_count;
    const struct dw_flow *flow;
    const struct dw_target_list *targets;
    int64_t now_us;
};

/* How near `used` has come to `limit`; none when `limit` is not positive. Pure. */
enum dw_alert_level dw_alerts_level(double used, double limit);
/* "warning", … Never NULL. */
const char *dw_alerts_level_name(enum dw_alert_level level);

/* Texts in `arena`. Pure. */
void dw_alerts_find(const struct dw_alert_facts *facts, struct dw_arena *arena,
                    struct dw_alert_list *out);
/* The "alerts" member of an object. */
void dw_alerts_write(const struct dw_alert_list *alerts, struct dw_buf *out);

/* Sets the metric dw_alert, and logs what has become worse since the last call. One thread. */
enum dw_rc dw_alerts_refresh(struct dw_state *state, struct dw_target_watch *watch,
                             const struct dw_settings *settings, struct dw_arena *arena,
                             struct dw_err *err) DW_MUST_CHECK;
/* This instance does not know any more. */
void dw_alerts_clear(void);

#endif
