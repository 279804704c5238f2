/* state_alert.h - alerts in the state database: what fires, what was, who was told, silences.
 *
 * An alert is an episode: it fires, may get worse or better, is over. Each of these is a version of
 * it. A webhook is told of a version until it has acknowledged it, which is written down: after a
 * restart nobody is told twice of what they acknowledged. Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_ALERT_H
#define DW_STATE_STATE_ALERT_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/state/map_state.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_state;

/* What rules found at one look. */
struct dw_alert_finding {
    const char *rule, *object;
    const char *level; /* "warning", "critical", "lost" */
    const char *message, *remedy;
    bool unknown; /* nobody knows at the moment: one that fires goes on, another does not fire */
    /* How long it has to stand before it fires, and to be lower before its level falls. */
    int64_t hold_ms;
};

enum dw_alert_news { DW_ALERT_FIRED, DW_ALERT_WORSE, DW_ALERT_BETTER, DW_ALERT_OVER };

struct dw_alert_event {
    enum dw_alert_news news;
    const char *rule, *object, *level, *message, *remedy;
};

/* Fires what is found and does not fire yet, ends what fires and is not found. *out: what is news
 * by this. */
enum dw_rc dw_state_alert_fold(struct dw_state *state, const struct dw_alert_finding *findings,
                               size_t count, struct dw_arena *arena,
                               const struct dw_alert_event **out, size_t *out_count,
                               struct dw_err *err) DW_MUST_CHECK;

struct dw_alert_record {
    int64_t id;
    const char *rule, *object, *level, *message, *remedy;
    int64_t since_us, seen_us, resolved_us; /* 0: it fires */
    int64_t version;
    int64_t delivered_us; /* the last time that anybody was told; 0 never */
    bool silenced;
};

struct dw_alert_records {
    const struct dw_alert_record *items;
    size_t count;
};

struct dw_alert_page {
    bool firing;        /* only those; else only those that are over, newest first */
    const char *rule;   /* NULL: any */
    const char *object; /* NULL: any */
    int64_t after;      /* ids above this (firing), below this (over); 0: from the begin */
    int64_t limit;      /* 0: all */
};
enum dw_rc dw_state_alert_list(struct dw_state *state, const struct dw_alert_page *page,
                               struct dw_arena *arena, struct dw_alert_records *out,
                               struct dw_err *err) DW_MUST_CHECK;

/* What each map's row says for the rules, by name: without the documents, since it is asked for
 * every two seconds. */
struct dw_alert_map_row {
    const char *map, *topic;
    const char *source_system, *target_system;
    enum dw_map_state state;
    const char *code, *reason;
    int32_t partitions;     /* of its topic */
    int64_t changed_us;     /* its last change of state or revision */
    int64_t recent_letters; /* dead letters indexed within `recent_ms` */
    int64_t run;            /* its last comparison that is done; 0 none */
    int64_t differences;    /* that it left */
    const char *not_mended; /* why it had none of them mended by itself; "" */
};
enum dw_rc dw_state_alert_maps(struct dw_state *state, int64_t recent_ms, struct dw_arena *arena,
                               const struct dw_alert_map_row **out, size_t *out_count,
                               struct dw_err *err) DW_MUST_CHECK;

/* --- deliveries ---------------------------------------------------------------------------------
 */

struct dw_alert_wish { /* of a webhook */
    const char *webhook;
    bool critical_only;
    int64_t wait_ms;   /* news waits so long for other news of the same rule */
    int64_t repeat_ms; /* what still fires is told again; 0 never */
};
/* What the webhook is to be told: alerts of the rules that have news for it, each rule with all
 * that fires, in order of rule and object. One that is over to this webhook alone has a
 * resolved_us, too. */
enum dw_rc dw_state_alert_pending(struct dw_state *state, const struct dw_alert_wish *wish,
                                  struct dw_arena *arena, struct dw_alert_records *out,
                                  struct dw_err *err) DW_MUST_CHECK;
/* It has acknowledged these versions, at these levels. */
enum dw_rc dw_state_alert_delivered(struct dw_state *state, const char *webhook,
                                    const struct dw_alert_record *records, size_t count,
                                    struct dw_err *err) DW_MUST_CHECK;

struct dw_webhook_record {
    const char *name;
    int64_t delivered_us, failing_since_us; /* 0: never; it works */
    int64_t tries;
    const char *error;
};
/* A delivery worked (`error` NULL), or did not. */
enum dw_rc dw_state_alert_tried(struct dw_state *state, const char *webhook, const char *error,
                                struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_state_alert_webhooks(struct dw_state *state, struct dw_arena *arena,
                                   const struct dw_webhook_record **out, size_t *out_count,
                                   struct dw_err *err) DW_MUST_CHECK;

/* --- silences -----------------------------------------------------------------------------------
 */

struct dw_alert_silence {
    int64_t id;
    const char *rule, *object; /* "": every */
    int64_t until_us;
    const char *reason, *by;
    int64_t created_us;
};
/* Audited. *out_id: its number; `seconds` from now on. */
enum dw_rc dw_state_alert_silence(struct dw_state *state, const struct dw_alert_silence *silence,
                                  int64_t seconds, int64_t *out_id,
                                  struct dw_err *err) DW_MUST_CHECK;
/* Ends one now. Errors: DW_CONFIG DW-STATE-050 when none has this number, or it is over. */
enum dw_rc dw_state_alert_unsilence(struct dw_state *state, int64_t id, const char *by,
                                    struct dw_err *err) DW_MUST_CHECK;
/* Those in force. */
enum dw_rc dw_state_alert_silences(struct dw_state *state, struct dw_arena *arena,
                                   const struct dw_alert_silence **out, size_t *out_count,
                                   struct dw_err *err) DW_MUST_CHECK;

/* Forgets what was over before `days`, and silences that ended. */
enum dw_rc dw_state_alert_clean(struct dw_state *state, int64_t days,
                                struct dw_err *err) DW_MUST_CHECK;

#endif
