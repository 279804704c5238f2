/* alert_rules.h - when somebody has to act: the rules, over facts. Pure.
 *
 *   dead_letters, dead_letter_age, dead_letter_rate   of a map
 *   lag           a map's newest applied change is old, and Kafka has newer ones
 *   freshness     how old the state of a source is that all of its targets have
 *   slot          WAL that a source keeps for its producer
 *   paused        a map stands by order; error: by a fault that only a person can mend
 *   differences   that the last comparison of a map left
 *   retention     Kafka will remove changes before a map has applied them
 *   wal_limit     the source will drop the slot
 *   gap           changes may be missing
 *
 * From which value on is in the settings (alerts.*). The last three come long before anything is
 * lost, or say that it is, with the remedy. What nobody knows at the moment neither fires nor ends:
 * a target that cannot be read is no reason to think that all is well.
 */
#ifndef DW_ALERTS_ALERT_RULES_H
#define DW_ALERTS_ALERT_RULES_H
#include "common/base/arena.h"
#include "common/config/settings.h"
#include "common/state/map_state.h"
#include <stdbool.h>

enum dw_alert_level { DW_ALERT_NONE, DW_ALERT_WARNING, DW_ALERT_CRITICAL, DW_ALERT_LOST };

struct dw_alert {
    const char *rule;
    const char *object; /* the map, the system */
    enum dw_alert_level level;
    bool unknown; /* level is NONE because nobody knows */
    bool swings;  /* has to stand for alerts.for_ms */
    const char *message, *remedy;
};

struct dw_alert_list {
    const struct dw_alert *items; /* those with a level, and those unknown */
    size_t count;
};

/* Times in µs since 1970; 0 unknown. */
struct dw_alert_map {
    const char *name, *source_system;
    enum dw_map_state state;
    const char *code, *reason; /* of the state */
    int64_t changed_us;        /* its last change */
    bool target_known;         /* the target could be read */
    int64_t position_us;       /* every partition has come so far */
    int64_t newest_us;         /* the farthest one */
    int64_t published_us;      /* Kafka has the source's changes up to here */
    int64_t row_us;            /* the newest of the map itself that its producer has published */
    int64_t map_idle_ms;       /* an idle map hears nothing of its source for so long … */
    int64_t partition_idle_ms; /* … and each of its partitions */
    int64_t letters, oldest_letter_us, recent_letters;
    int64_t differences, run; /* of its last comparison; run 0: none */
    const char *not_mended;   /* why that had none of them mended by itself; "" */
    /* How long Kafka keeps what its topic holds. */
    int64_t retention_ms; /* -1 for ever */
    bool retention_known; /* the brokers say it; else it is kafka.retention_ms */
    int64_t retention_bytes;
    double unapplied_share; /* of what is kept within these bytes; 0: nothing, or nothing was
                               removed yet; 1: some is lost */
};

struct dw_alert_system {
    const char *name;
    bool has_producer;
    const char *producer_state, *producer_reason; /* "" unknown */
    int64_t slot_lag_bytes;                       /* -1 unknown */
    int64_t wal_safe_bytes, wal_limit_bytes;      /* -1 unknown or no limit */
};

struct dw_alert_gap {
    const char *system, *map; /* map "": all of the system */
    const char *code, *reason;
};

struct dw_alert_facts {
    const struct dw_alert_settings *thresholds;
    const struct dw_alert_map *maps;
    size_t map_count;
    const struct dw_alert_system *systems;
    size_t system_count;
    const struct dw_alert_gap *gaps;
    size_t gap_count;
    int64_t now_us;
};

/* "warning", … Never NULL. */
const char *dw_alert_rules_level_name(enum dw_alert_level level);
/* The names of the rules, NULL-terminated. Static. */
const char *const *dw_alert_rules_names(void);

/* Texts in `arena`. */
void dw_alert_rules_find(const struct dw_alert_facts *facts, struct dw_arena *arena,
                         struct dw_alert_list *out);

#endif
