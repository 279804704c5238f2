/* alert_sender.c - see alert_sender.h. */
#include "reconciler/alerts/alert_sender.h"

#include "common/base/clock.h"
#include "common/base/fault.h"
#include "common/base/log.h"
#include "common/service/lifecycle.h"
#include "common/service/metrics.h"
#include "common/state/state.h"
#include "common/state/state_alert.h"
#include "reconciler/alerts/alert_payload.h"
#include "reconciler/alerts/webhook.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_MS    1000
#define ARENA_BYTES    65536
#define BODY_MAX       (4u << 20)
#define BACKOFF_MS     1000 /* the first; each is twice the one before … */
#define BACKOFF_MAX_MS (5 * 60 * 1000)

struct receiver { /* a webhook, and how it goes with it */
    const struct dw_webhook_settings *webhook;
    int64_t again_ms; /* not before */
    int64_t backoff_ms;
    struct dw_metric_series *sent, *failed;
};

struct dw_alert_sender {
    const struct dw_settings *settings;
    struct dw_state *state;
    struct dw_arena arena;
    struct receiver *receivers;
    atomic_bool stopping;
    pthread_t thread;
    bool started;
};

/* Told once when it begins to fail, and once when it works again. */
static void take_failure(struct receiver *receiver, const struct dw_err *why)
{
    if (receiver->backoff_ms == 0)
        dw_log_err(DW_LOG_WARN, "alert.undelivered", why);
    receiver->backoff_ms = receiver->backoff_ms ? 2 * receiver->backoff_ms : BACKOFF_MS;
    if (receiver->backoff_ms > BACKOFF_MAX_MS)
        receiver->backoff_ms = BACKOFF_MAX_MS;
    int64_t jitter = (int64_t)dw_clock_jitter((uint64_t)receiver->backoff_ms / 4 + 1);
    receiver->again_ms = dw_clock_mono_ms() + receiver->backoff_ms + jitter;
    dw_metrics_add(receiver->failed, 1);
}

static void take_success(struct receiver *receiver)
{
    if (receiver->backoff_ms)
        dw_log(DW_LOG_INFO, "alert.delivered", "the webhook takes alerts again",
               DW_F_TEXT("webhook", receiver->webhook->name));
    receiver->backoff_ms = 0;
    dw_metrics_add(receiver->sent, 1);
}

/* One message: the alerts of one rule. */
static enum dw_rc send_group(struct dw_alert_sender *sender, struct receiver *receiver,
                             const struct dw_alert_record *records, size_t count,
                             struct dw_err *err)
{
    struct dw_err why = DW_ERR_INIT;
    struct dw_buf body;
    const struct dw_alert_message message = {
        .webhook = receiver->webhook,
        .url = sender->settings->reconciler.url,
        .records = records,
        .count = count,
        .now_us = dw_clock_wall_us(),
    };
    dw_buf_init(&body, BODY_MAX);
    dw_alert_payload_write(&message, &body);
    enum dw_rc sent =
        dw_webhook_post(receiver->webhook, dw_buf_str(&body), &sender->stopping, &why);
    dw_buf_done(&body);
    if (sent && atomic_load(&sender->stopping))
        return DW_OK;
    if (sent) {
        take_failure(receiver, &why);
        return dw_state_alert_tried(sender->state, receiver->webhook->name, why.message, err);
    }
    dw_fault("reconciler.alert_sent");
    take_success(receiver);
    enum dw_rc rc =
        dw_state_alert_delivered(sender->state, receiver->webhook->name, records, count, err);
    return rc ? rc : dw_state_alert_tried(sender->state, receiver->webhook->name, NULL, err);
}

static enum dw_rc serve(struct dw_alert_sender *sender, struct receiver *receiver,
                        struct dw_err *err)
{
    const struct dw_alert_settings *alerts = &sender->settings->alerts;
    const struct dw_alert_wish wish = {
        .webhook = receiver->webhook->name,
        .critical_only = receiver->webhook->level != 0,
        .wait_ms = alerts->group_wait_ms,
        .repeat_ms = alerts->repeat_ms,
    };
    struct dw_alert_records pending;
    dw_arena_reset(&sender->arena);
    enum dw_rc rc = dw_state_alert_pending(sender->state, &wish, &sender->arena, &pending, err);
    for (size_t i = 0; !rc && i < pending.count;) {
        size_t from = i;
        while (i < pending.count && strcmp(pending.items[i].rule, pending.items[from].rule) == 0)
            i++;
        rc = send_group(sender, receiver, &pending.items[from], i - from, err);
        if (receiver->backoff_ms || atomic_load(&sender->stopping))
            break;
    }
    return rc;
}

static enum dw_rc serve_all(struct dw_alert_sender *sender, struct dw_err *err)
{
    enum dw_rc rc = DW_OK;
    if (!sender->state)
        rc = dw_state_open(&sender->state, &sender->settings->state,
                           "dualwrite-reconciler-webhooks", err);
    for (size_t i = 0; i < sender->settings->webhook_count && !rc; i++)
        if (dw_clock_mono_ms() >= sender->receivers[i].again_ms && !atomic_load(&sender->stopping))
            rc = serve(sender, &sender->receivers[i], err);
    return rc;
}

static void *run(void *argument)
{
    struct dw_alert_sender *sender = argument;
    while (!atomic_load(&sender->stopping)) {
        struct dw_err err = DW_ERR_INIT;
        if (serve_all(sender, &err))
            dw_log_err(DW_LOG_WARN, "alerts.unsent", &err);
        dw_lifecycle_sleep(&sender->stopping, INTERVAL_MS);
    }
    return NULL;
}

static void know(struct receiver *receiver, const struct dw_webhook_settings *webhook)
{
    char labels[100];
    (void)snprintf(labels, sizeof labels, "webhook=\"%s\"", webhook->name);
    *receiver = (struct receiver){
        .webhook = webhook,
        .sent = dw_metrics_series(DW_METRIC_COUNTER, "dw_alert_sent_total",
                                  "Messages that a webhook has acknowledged.", labels, 1),
        .failed = dw_metrics_series(DW_METRIC_COUNTER, "dw_alert_send_failures_total",
                                    "Messages that a webhook did not take; each is sent again.",
                                    labels, 1),
    };
}

enum dw_rc dw_alert_sender_start(struct dw_alert_sender **out, const struct dw_settings *settings,
                                 struct dw_err *err)
{
    *out = NULL;
    if (settings->webhook_count == 0)
        return DW_OK;
    struct dw_alert_sender *sender = DW_MEM_NEW(struct dw_alert_sender);
    sender->settings = settings;
    sender->receivers = dw_mem_calloc(settings->webhook_count, sizeof *sender->receivers);
    dw_arena_init(&sender->arena, ARENA_BYTES);
    for (size_t i = 0; i < settings->webhook_count; i++)
        know(&sender->receivers[i], &settings->webhooks[i]);
    if (pthread_create(&sender->thread, NULL, run, sender) != 0) {
        dw_alert_sender_stop(sender);
        return dw_err_set(err, DW_FATAL, "DW-API-003", "cannot start a thread for webhooks");
    }
    sender->started = true;
    *out = sender;
    return DW_OK;
}

void dw_alert_sender_stop(struct dw_alert_sender *sender)
{
    if (!sender)
        return;
    atomic_store(&sender->stopping, true);
    if (sender->started)
        (void)pthread_join(sender->thread, NULL);
    dw_state_close(sender->state);
    dw_arena_done(&sender->arena);
    free(sender->receivers);
    free(sender);
}
