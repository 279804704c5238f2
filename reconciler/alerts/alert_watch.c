/* alert_watch.c - see alert_watch.h. */
#include "reconciler/alerts/alert_watch.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/table.h"
#include "common/service/lifecycle.h"
#include "common/service/metrics.h"
#include "common/state/state.h"
#include "common/state/state_alert.h"
#include "reconciler/alerts/alert_facts.h"
#include "reconciler/alerts/topic_watch.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_MS  2000
#define MAPS         500 /* with so many more, it takes INTERVAL_MS more: all of them are read */
#define BACKOFF_MS   3000
#define CLEAN_MS     (3600 * 1000)
#define ARENA_BYTES  65536
#define METRIC       "dw_alert"
#define LABELS_BYTES 400

/* What a look found, so that the next one knows what has gone. */
struct look {
    struct dw_arena arena;
    struct dw_table found; /* "rule\nobject" -> not NULL */
};

struct dw_alert_watch {
    const struct dw_settings *settings;
    struct dw_topic_watch *topics;
    struct dw_alert_facts_reader *reader;
    struct dw_state *state;
    struct dw_arena arena;
    struct look looks[2];
    unsigned turn;
    size_t map_count;
    uint64_t known_maps; /* hash of the names of those that have their series */
    int64_t clean_ms;
    atomic_bool stopping;
    pthread_t thread;
    bool started;
};

/* --- metric -------------------------------------------------------------------------------------
 */

static struct dw_metric_series *series_of(const char *rule, const char *object)
{
    char labels[LABELS_BYTES]; /* the parser lets no quote into a name */
    (void)snprintf(labels, sizeof labels, "alert=\"%s\",object=\"%s\"", rule, object);
    return dw_metrics_series(DW_METRIC_GAUGE, METRIC,
                             "Somebody has to act: 0 no, 1 warning, 2 critical, 3 lost.", labels,
                             1);
}

/* What may be lost is there from the start, at 0. */
static void know(struct dw_alert_watch *watch, const struct dw_alert_facts *facts)
{
    uint64_t names = facts->map_count;
    for (size_t i = 0; i < facts->map_count; i++)
        names = dw_hash_bytes(facts->maps[i].name, strlen(facts->maps[i].name), names);
    for (size_t i = 0; i < facts->map_count && names != watch->known_maps; i++)
        (void)series_of("retention", facts->maps[i].name);
    watch->known_maps = names;
    for (size_t i = 0; i < facts->system_count; i++)
        (void)series_of("wal_limit", facts->systems[i].name);
}

/* The others are there from when they first fired. */
static void show(struct dw_alert_watch *watch, const struct dw_alert_facts *facts,
                 const struct dw_alert_list *found)
{
    const struct dw_table *before = &watch->looks[1 - watch->turn].found;
    for (size_t i = 0; i < before->capacity; i++) {
        struct dw_str key = before->slots[i].value ? before->slots[i].key : DW_STR_LIT("");
        const char *newline = key.len ? memchr(key.ptr, '\n', key.len) : NULL;
        if (newline && !dw_table_find(&watch->looks[watch->turn].found, key)) {
            char rule[64];
            (void)snprintf(rule, sizeof rule, "%.*s", (int)(newline - key.ptr), key.ptr);
            dw_metrics_set(series_of(rule, newline + 1), 0);
        }
    }
    know(watch, facts);
    for (size_t i = 0; i < found->count; i++)
        if (!found->items[i].unknown)
            dw_metrics_set(series_of(found->items[i].rule, found->items[i].object),
                           found->items[i].level);
}

/* --- judging ------------------------------------------------------------------------------------
 */

static void note(struct dw_alert_watch *watch, const struct dw_alert *alert)
{
    struct look *now = &watch->looks[watch->turn];
    const char *key = dw_arena_printf(&now->arena, "%s\n%s", alert->rule, alert->object);
    *dw_table_place(&now->found, dw_str_from(key)) = now;
}

static struct dw_alert_finding *judge(struct dw_alert_watch *watch,
                                      const struct dw_alert_list *found)
{
    struct dw_alert_finding *findings =
        DW_ARENA_ARRAY(&watch->arena, struct dw_alert_finding, found->count);
    watch->turn = 1 - watch->turn;
    dw_table_reset(&watch->looks[watch->turn].found);
    dw_arena_reset(&watch->looks[watch->turn].arena);
    for (size_t i = 0; i < found->count; i++) {
        const struct dw_alert *alert = &found->items[i];
        if (!alert->unknown)
            note(watch, alert);
        findings[i] = (struct dw_alert_finding){
            .rule = alert->rule,
            .object = alert->object,
            .level = dw_alert_rules_level_name(alert->unknown ? DW_ALERT_WARNING : alert->level),
            .message = alert->message,
            .remedy = alert->remedy,
            .unknown = alert->unknown,
            .hold_ms = alert->swings ? watch->settings->alerts.for_ms : 0,
        };
    }
    return findings;
}

/* --- looking ------------------------------------------------------------------------------------
 */

static void tell(const struct dw_alert_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct dw_alert_event *event = &events[i];
        bool over = event->news == DW_ALERT_OVER;
        bool better = event->news == DW_ALERT_BETTER;
        dw_log(over || better                         ? DW_LOG_INFO
               : strcmp(event->level, "warning") == 0 ? DW_LOG_WARN
                                                      : DW_LOG_ERROR,
               over     ? "alert.over"
               : better ? "alert.better"
                        : "alert",
               event->message, DW_F_TEXT("alert", event->rule), DW_F_TEXT("object", event->object),
               DW_F_TEXT("alert_level", event->level), DW_F_TEXT("remedy", event->remedy));
    }
}

static enum dw_rc clean(struct dw_alert_watch *watch, struct dw_err *err)
{
    int64_t now_ms = dw_clock_mono_ms();
    if (now_ms < watch->clean_ms)
        return DW_OK;
    watch->clean_ms = now_ms + CLEAN_MS;
    return dw_state_alert_clean(watch->state, watch->settings->alerts.keep_days, err);
}

static enum dw_rc look(struct dw_alert_watch *watch, struct dw_err *err)
{
    struct dw_alert_facts facts;
    struct dw_alert_list found;
    const struct dw_alert_event *events = NULL;
    size_t count = 0;
    enum dw_rc rc = DW_OK;
    dw_arena_reset(&watch->arena);
    if (!watch->state)
        rc = dw_state_open(&watch->state, &watch->settings->state, "dualwrite-reconciler-alerts",
                           err);
    if (!rc)
        rc = dw_alert_facts_read(watch->reader, watch->state, &watch->arena, &facts, err);
    if (rc)
        return rc;
    watch->map_count = facts.map_count;
    dw_alert_rules_find(&facts, &watch->arena, &found);
    const struct dw_alert_finding *findings = judge(watch, &found);
    show(watch, &facts, &found);
    rc = dw_state_alert_fold(watch->state, findings, found.count, &watch->arena, &events, &count,
                             err);
    tell(events, count);
    return rc ? rc : clean(watch, err);
}

static void *run(void *argument)
{
    struct dw_alert_watch *watch = argument;
    while (!atomic_load(&watch->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        enum dw_rc rc = look(watch, &err);
        if (rc)
            dw_log_err(DW_LOG_WARN, "alerts.unknown", &err);
        int64_t interval_ms = INTERVAL_MS * (1 + (int64_t)watch->map_count / MAPS);
        dw_lifecycle_sleep(&watch->stopping, rc ? BACKOFF_MS : interval_ms);
    }
    return NULL;
}

enum dw_rc dw_alert_watch_start(struct dw_alert_watch **out, const struct dw_settings *settings,
                                struct dw_target_watch *targets, struct dw_err *err)
{
    struct dw_alert_watch *watch = DW_MEM_NEW(struct dw_alert_watch);
    watch->settings = settings;
    dw_arena_init(&watch->arena, ARENA_BYTES);
    for (size_t i = 0; i < 2; i++) {
        dw_arena_init(&watch->looks[i].arena, 4096);
        dw_table_init(&watch->looks[i].found);
    }
    enum dw_rc rc = dw_topic_watch_start(&watch->topics, settings, err);
    if (rc) {
        dw_alert_watch_stop(watch);
        return rc;
    }
    watch->reader = dw_alert_facts_new(settings, targets, watch->topics);
    if (pthread_create(&watch->thread, NULL, run, watch) != 0) {
        dw_alert_watch_stop(watch);
        return dw_err_set(err, DW_FATAL, "DW-API-003", "cannot start a thread for alerts");
    }
    watch->started = true;
    *out = watch;
    return DW_OK;
}

void dw_alert_watch_stop(struct dw_alert_watch *watch)
{
    if (!watch)
        return;
    atomic_store(&watch->stopping, true);
    if (watch->started)
        (void)pthread_join(watch->thread, NULL);
    dw_metrics_zero(METRIC); /* this instance does not know any more */
    dw_state_close(watch->state);
    dw_alert_facts_free(watch->reader);
    dw_topic_watch_stop(watch->topics);
    for (size_t i = 0; i < 2; i++) {
        dw_table_done(&watch->looks[i].found);
        dw_arena_done(&watch->looks[i].arena);
    }
    dw_arena_done(&watch->arena);
    free(watch);
}
