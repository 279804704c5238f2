/* state_alert_read.h - what the two files of alerts share; not for others. */
#ifndef DW_STATE_STATE_ALERT_READ_H
#define DW_STATE_STATE_ALERT_READ_H
#include "common/state/state_alert.h"
#include <libpq-fe.h>

#define DW_STATE_ALERT_US(column) "(extract(epoch FROM " column ") * 1000000)::bigint"

/* A silence in force covers the alert. */
#define DW_STATE_ALERT_SILENCED                                                                    \
    "EXISTS (SELECT FROM dualwrite.alert_silence s WHERE s.until > now()"                          \
    " AND s.rule IN ('', a.rule) AND s.object IN ('', a.object))"

/* The columns that dw_state_alert_read reads, of alerts as "a". */
#define DW_STATE_ALERT_COLUMNS                                                                     \
    "a.id, a.rule, a.object, a.level, a.message, a.remedy, " DW_STATE_ALERT_US(                    \
        "a.since") ", " DW_STATE_ALERT_US("a.seen_at") ", " DW_STATE_ALERT_US("a.resolved_at") ","

#define DW_STATE_ALERT_QUERY                                                                       \
    "SELECT " DW_STATE_ALERT_COLUMNS " a.version, (SELECT " DW_STATE_ALERT_US(                     \
        "max(d.delivered_at)") " FROM dualwrite.alert_delivery d WHERE d.alert = a.id),"           \
                               " a.resolved_at IS NULL AND " DW_STATE_ALERT_SILENCED               \
                               " FROM dualwrite.alert a"

enum dw_rc dw_state_alert_read(const PGresult *result, struct dw_arena *arena,
                               struct dw_alert_records *out) DW_MUST_CHECK;

#endif
