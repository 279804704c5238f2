/* settings_options.c - see settings_options.h.
 *
 * Why some defaults are what they are:
 *   message_max_bytes  a row of 16 MB must pass: as bytea it is 22 MB of base64, as text with a
 * quote in every second place 24 MB; 32 MiB leave room for envelope and old key. Two such images
 * (REPLICA IDENTITY FULL) need more, which the dead letter says. queue_bytes        the processes
 * promise 64 MiB at full load; queues are the larger part of it. linger_ms          2 ms fill
 * batches at 1,000 changes/s and are far below the 25 ms promised. session_timeout_ms a frozen
 * worker's partitions move after this; below it all target timeouts.
 */
#include "common/config/settings_options.h"

#include "common/config/settings.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define KIB          INT64_C(1024)
#define MIB          (KIB * 1024)
#define GIB          (MIB * 1024)
#define SECOND       INT64_C(1000)
#define MINUTE       (60 * SECOND)
#define HOUR         (60 * MINUTE)
#define DAY          (24 * HOUR)

#define KAFKA(field) offsetof(struct dw_kafka_settings, field)
static const struct dw_option kafka_options[] = {
    {"brokers", DW_OPTION_TEXT, KAFKA(brokers), NULL, 0, 0, NULL, NULL, DW_OPTION_REQUIRED,
     "Addresses of some brokers: HOST:PORT, with commas between."},
    {"topic_prefix", DW_OPTION_TEXT, KAFKA(topic_prefix), "dualwrite", 0, 100, NULL, NULL,
     DW_OPTION_REQUIRED | DW_OPTION_NAME,
     "In front of every topic: PREFIX.MAP, PREFIX.dead-letters, PREFIX.positions, and "
     "PREFIX.fetch.bell where there are hundreds of partitions."},
    {"group", DW_OPTION_TEXT, KAFKA(group), "dualwrite", 0, 200, NULL, NULL, DW_OPTION_REQUIRED,
     "Consumer group of the workers."},
    {"dead_letter_topic", DW_OPTION_TEXT, KAFKA(dead_letter_topic), NULL, 0, 249, NULL, NULL, 0,
     "Topic of dead letters; left out it is PREFIX.dead-letters."},
    {"partitions", DW_OPTION_INTEGER, KAFKA(partitions), "4", 1, 1000, NULL, NULL, 0,
     "Partitions of a new map topic: as many workers can share one map."},
    {"replication_factor", DW_OPTION_INTEGER, KAFKA(replication_factor), "1", 1, 15, NULL, NULL, 0,
     "Copies of each partition of a new topic; 3 where there are three brokers."},
    {"retention_ms", DW_OPTION_INTEGER, KAFKA(retention_ms), "604800000", -1, 3650 * DAY, NULL,
     "ms", 0, "How long a new map topic keeps its events; -1 is for ever."},
    {"message_max_bytes", DW_OPTION_INTEGER, KAFKA(message_max_bytes), "33554432", KIB, 512 * MIB,
     NULL, "bytes", 0,
     "Largest event that is published; the topic's max.message.bytes is set to it. A larger one "
     "becomes a dead letter."},
};

#define STATE(field) offsetof(struct dw_state_settings, field)
static const struct dw_option state_options[] = {
    {"connection", DW_OPTION_TEXT, STATE(connection), NULL, 0, 0, NULL, NULL,
     DW_OPTION_REQUIRED | DW_OPTION_SECRET, "The state database: libpq connection string or URI."},
    {"password", DW_OPTION_TEXT, STATE(password), NULL, 0, 0, NULL, NULL, DW_OPTION_SECRET,
     "Its password, when the connection string holds none."},
};

static const char *const system_kinds[] = {"postgres", NULL};
#define SYSTEM(field) offsetof(struct dw_system_settings, field)
static const struct dw_option system_options[] = {
    {"kind", DW_OPTION_ENUM, SYSTEM(kind), "postgres", 0, 0, system_kinds, NULL, 0,
     "What the system is."},
    {"connection", DW_OPTION_TEXT, SYSTEM(connection), NULL, 0, 0, NULL, NULL,
     DW_OPTION_REQUIRED | DW_OPTION_SECRET, "libpq connection string or URI of the database."},
    {"password", DW_OPTION_TEXT, SYSTEM(password), NULL, 0, 0, NULL, NULL, DW_OPTION_SECRET,
     "Its password, when the connection string holds none."},
    {"slot", DW_OPTION_TEXT, SYSTEM(slot), NULL, 0, 63, NULL, NULL, 0,
     "Replication slot of the producer; left out it is dualwrite_NAME."},
    {"publication", DW_OPTION_TEXT, SYSTEM(publication), NULL, 0, 63, NULL, NULL, 0,
     "Publication of the mapped tables; left out it is dualwrite_NAME."},
    {"capture", DW_OPTION_BOOL, SYSTEM(capture), "false", 0, 0, NULL, NULL, 0,
     "Whether a producer runs on this system, so that writers into it must leave loop marks."},
};

static const char *const compressions[] = {"none", "lz4", "zstd", "snappy", "gzip", NULL};
#define PRODUCER(field) offsetof(struct dw_producer_settings, field)
static const struct dw_option producer_options[] = {
    {"partitions_look_ms", DW_OPTION_INTEGER, PRODUCER(partitions_look_ms), "30000", 100, HOUR,
     NULL, "ms", 0,
     "How often the producer looks whether somebody has given a map's topic more partitions."},
    {"heartbeat_ms", DW_OPTION_INTEGER, PRODUCER(heartbeat_ms), "5000", 100, HOUR, NULL, "ms", 0,
     "How often a heartbeat goes through the whole path; it moves an idle slot and shows "
     "freshness."},
    {"position_save_ms", DW_OPTION_INTEGER, PRODUCER(position_save_ms), "1000", 100, MINUTE, NULL,
     "ms", 0, "How often the position is saved in the state database."},
    {"queue_bytes", DW_OPTION_INTEGER, PRODUCER(queue_bytes), "16777216", MIB, 2 * GIB, NULL,
     "bytes", 0, "Events that wait for Kafka's acknowledgement, at most."},
    {"topic_outage_ms", DW_OPTION_INTEGER, PRODUCER(topic_outage_ms), "300000", SECOND, 7 * DAY,
     NULL, "ms", 0,
     "A topic out of service for longer puts its map in error with a gap, so that the others go "
     "on."},
    {"sync_readers", DW_OPTION_INTEGER, PRODUCER(sync_readers), "2", 1, 16, NULL, NULL, 0,
     "Threads that read rows of initial syncs and re-syncs; each has a connection to the source."},
    {"sync_chunk_rows", DW_OPTION_INTEGER, PRODUCER(sync_chunk_rows), "10000", 1, 1000000, NULL,
     NULL, 0, "Rows that are read at once, between two watermarks, at most."},
    {"sync_chunk_bytes", DW_OPTION_INTEGER, PRODUCER(sync_chunk_bytes), "3145728", 65536, GIB, NULL,
     "bytes", 0, "A chunk ends behind the row with which it has this size."},
    {"linger_ms", DW_OPTION_INTEGER, PRODUCER(linger_ms), "2", 0, SECOND, NULL, "ms", 0,
     "How long an event may wait for others to be sent with it; from 10,000 events a second on, up "
     "to 20 ms more."},
    {"compression", DW_OPTION_CHOICE, PRODUCER(compression), "lz4", 0, 0, compressions, NULL, 0,
     "How batches are compressed on their way and on the broker."},
    {"listen", DW_OPTION_LISTEN, PRODUCER(listen), "", 0, 0, NULL, NULL, 0,
     "HOST:PORT of health and metrics; empty is off."},
};

#define CONSUMER(field) offsetof(struct dw_consumer_settings, field)
static const struct dw_option consumer_options[] = {
    {"lanes", DW_OPTION_INTEGER, CONSUMER(lanes), "2", 1, 64, NULL, NULL, 0,
     "Threads that apply; each has its own connection to a target."},
    {"batch_rows", DW_OPTION_INTEGER, CONSUMER(batch_rows), "2000", 1, 100000, NULL, NULL, 0,
     "Rows of one merge, at most."},
    {"batch_bytes", DW_OPTION_INTEGER, CONSUMER(batch_bytes), "4194304", KIB, GIB, NULL, "bytes", 0,
     "Bytes of one merge, at most; a single larger row makes a batch of its own."},
    {"queue_bytes", DW_OPTION_INTEGER, CONSUMER(queue_bytes), "8388608", KIB, 2 * GIB, NULL,
     "bytes", 0, "Events fetched and not yet applied, at most."},
    {"dependency_wait_ms", DW_OPTION_INTEGER, CONSUMER(dependency_wait_ms), "600000", 0, 30 * DAY,
     NULL, "ms", 0, "How long a row waits for the row that its foreign key names."},
    {"waiting_rows_max", DW_OPTION_INTEGER, CONSUMER(waiting_rows_max), "10000", 1, 10000000, NULL,
     NULL, 0, "Waiting rows of a partition; with more of them it stops fetching."},
    {"retry_max_ms", DW_OPTION_INTEGER, CONSUMER(retry_max_ms), "30000", 10, HOUR, NULL, "ms", 0,
     "Longest pause between two tries during an outage."},
    {"breaker_min_events", DW_OPTION_INTEGER, CONSUMER(breaker_min_events), "50", 1, 1000000000,
     NULL, NULL, 0, "The breaker judges a map only after so many events."},
    {"breaker_percent", DW_OPTION_INTEGER, CONSUMER(breaker_percent), "20", 1, 100, NULL, "%", 0,
     "It pauses the map when a larger share of them died."},
    {"breaker_window_ms", DW_OPTION_INTEGER, CONSUMER(breaker_window_ms), "60000", SECOND, DAY,
     NULL, "ms", 0, "Time over which it counts."},
    {"session_timeout_ms", DW_OPTION_INTEGER, CONSUMER(session_timeout_ms), "45000", 6 * SECOND,
     30 * MINUTE, NULL, "ms", 0, "A worker silent for longer loses its partitions to others."},
    {"drain_ms", DW_OPTION_INTEGER, CONSUMER(drain_ms), "30000", 0, HOUR, NULL, "ms", 0,
     "How long a worker may finish what it has after SIGTERM."},
    {"listen", DW_OPTION_LISTEN, CONSUMER(listen), "", 0, 0, NULL, NULL, 0,
     "HOST:PORT of health and metrics; empty is off."},
};

#define RECONCILER(field) offsetof(struct dw_reconciler_settings, field)
static const char *const repair_kinds[] = {"missing,different,held", "missing,different", "missing",
                                           "different", NULL};
static const char *const auto_replays[] = {"lookups", "all", "off", NULL};
static const struct dw_option reconciler_options[] = {
    {"listen", DW_OPTION_LISTEN, RECONCILER(listen), "127.0.0.1:8085", 0, 0, NULL, NULL, 0,
     "HOST:PORT of the operator API, health and metrics."},
    {"token", DW_OPTION_TEXT, RECONCILER(token), NULL, 0, 1024, NULL, NULL, DW_OPTION_SECRET,
     "Bearer token of the operator API, with the role admin; the command sends it."},
    {"url", DW_OPTION_TEXT, RECONCILER(url), NULL, 0, 0, NULL, NULL, 0,
     "Where the dualwrite command finds the operator API; left out it is http://LISTEN, with TLS "
     "https://LISTEN."},
    {"tls_certificate", DW_OPTION_TEXT, RECONCILER(tls_certificate), NULL, 0, 0, NULL, NULL,
     DW_OPTION_SECRET,
     "Certificate of the operator API in PEM, those of its issuers behind it. Needed to listen "
     "beyond loopback."},
    {"tls_key", DW_OPTION_TEXT, RECONCILER(tls_key), NULL, 0, 0, NULL, NULL, DW_OPTION_SECRET,
     "Its private key in PEM, without a passphrase."},
    {"tls_ca", DW_OPTION_TEXT, RECONCILER(tls_ca), NULL, 0, 0, NULL, NULL, DW_OPTION_SECRET,
     "Certificates in PEM that the dualwrite command trusts, instead of the system's."},
    {"allow_plain", DW_OPTION_BOOL, RECONCILER(allow_plain), "false", 0, 0, NULL, NULL, 0,
     "Listen beyond loopback without TLS: only behind something else that does TLS."},
    {"requests_per_second", DW_OPTION_INTEGER, RECONCILER(requests_per_second), "100", 0, 100000,
     NULL, NULL, 0, "Requests of one token, twice as many for a moment; 0 is no limit."},
    {"body_max_bytes", DW_OPTION_INTEGER, RECONCILER(body_max_bytes), "8388608", KIB, 512 * MIB,
     NULL, "bytes", 0, "Largest body of a request."},
    {"replay_attempts_max", DW_OPTION_INTEGER, RECONCILER(replay_attempts_max), "20", 1, 1000000,
     NULL, NULL, 0,
     "Attempts of a dead letter, the first failure among them; then only the "
     "source's row can take its place."},
    {"replay_in_flight", DW_OPTION_INTEGER, RECONCILER(replay_in_flight), "2000", 1, 100000, NULL,
     NULL, 0, "Dead letters of one job that are under way at a time."},
    {"auto_replay", DW_OPTION_CHOICE, RECONCILER(auto_replay), "lookups", 0, 0, auto_replays, NULL,
     0,
     "Dead letters that are replayed by themselves once they would be applied: those that miss a "
     "looked-up row, all, or none. A map may say otherwise (dead_letters.auto_replay)."},
    {"auto_replay_ms", DW_OPTION_INTEGER, RECONCILER(auto_replay_ms), "10000", 100, DAY, NULL, "ms",
     0,
     "How long after its failure that is tried; each further pause is twice as long, up to 64 "
     "times this."},
    {"auto_replay_per_second", DW_OPTION_INTEGER, RECONCILER(auto_replay_per_second), "50", 1, 1000,
     NULL, NULL, 0, "Letters that are tried in a second, at most."},
    {"letter_retention_hours", DW_OPTION_INTEGER, RECONCILER(letter_retention_hours), "0", 0,
     876000, NULL, "h", 0,
     "How long dead letters that have ended stay in the index; 0 is for ever."},
    {"letter_archive", DW_OPTION_TEXT, RECONCILER(letter_archive), "", 0, 0, NULL, NULL, 0,
     "Folder where they are written before they are removed, to be loaded again; empty is "
     "nowhere."},
    {"compare_every_hours", DW_OPTION_INTEGER, RECONCILER(compare_every_hours), "0", 0, 8760, NULL,
     "h", 0,
     "How often both sides of each running map are compared by themselves; 0 is only when asked. A "
     "map may say otherwise (reconcile.every_hours), as it may of the next ones."},
    {"compare_continuous", DW_OPTION_BOOL, RECONCILER(compare_continuous), "false", 0, 0, NULL,
     NULL, 0,
     "Instead of that, a comparison follows the last one, in small steps at compare_rate, or "
     "10,000 "
     "rows per second where that is 0."},
    {"compare_pause_ms", DW_OPTION_INTEGER, RECONCILER(compare_pause_ms), "600000", 0, DAY, NULL,
     "ms", 0, "How long after the end of such a comparison the next one begins."},
    {"compare_rate", DW_OPTION_INTEGER, RECONCILER(compare_rate), "0", 0, INT64_MAX, NULL, NULL, 0,
     "Rows per second, both sides together, that such a comparison reads at most; 0 is no limit."},
    {"compare_repair_max", DW_OPTION_INTEGER, RECONCILER(compare_repair_max), "0", 0, 1000000, NULL,
     NULL, 0,
     "A comparison by itself repairs what it found when that is no more rows than this; else it "
     "repairs none of them, and the alert says so. 0 is never. Rows that the source has not are "
     "never deleted so."},
    {"compare_repair_percent", DW_OPTION_INTEGER, RECONCILER(compare_repair_percent), "100", 0, 100,
     NULL, "%", 0, "The same, of the rows that were compared."},
    {"compare_repair_kinds", DW_OPTION_CHOICE, RECONCILER(compare_repair_kinds),
     "missing,different,held", 0, 0, repair_kinds, NULL, 0, "Differences that are repaired so."},
    {"compare_retention_hours", DW_OPTION_INTEGER, RECONCILER(compare_retention_hours), "0", 0,
     876000, NULL, "h", 0,
     "How long comparisons that have ended are kept, but for the last of each map; 0 is for ever."},
    {"compare_differences_max", DW_OPTION_INTEGER, RECONCILER(compare_differences_max), "10000", 1,
     1000000, NULL, NULL, 0, "Differences that a comparison keeps; the others are only counted."},
    {"compare_judge_timeout_ms", DW_OPTION_INTEGER, RECONCILER(compare_judge_timeout_ms), "60000",
     100, 86400000, NULL, "ms", 0,
     "How long a comparison waits for the consumer to judge rows that look different."},
};

static const char *const roles[] = {"viewer", "operator", "admin", NULL};
#define TOKEN(field) offsetof(struct dw_token_settings, field)
static const struct dw_option token_options[] = {
    {"role", DW_OPTION_ENUM, TOKEN(role), "viewer", 0, 0, roles, NULL, 0,
     "What it may do: look, also run (start, pause, copy, replay, repair), also change maps."},
    {"token", DW_OPTION_TEXT, TOKEN(token), NULL, 0, 1024, NULL, NULL,
     DW_OPTION_REQUIRED | DW_OPTION_SECRET, "The bearer token: a long random text."},
};

#define ALERTS(field)   offsetof(struct dw_alert_settings, field)
#define LIMIT_OF(limit) offsetof(struct dw_alert_threshold, limit)
/* Two options, NAME_warning and NAME_critical. */
#define THRESHOLD(name, suffix, field, warning_at, critical_at, maximum, unit, text)               \
    {name "_warning" suffix,                                                                       \
     DW_OPTION_INTEGER,                                                                            \
     ALERTS(field) + LIMIT_OF(warning),                                                            \
     warning_at,                                                                                   \
     0,                                                                                            \
     maximum,                                                                                      \
     NULL,                                                                                         \
     unit,                                                                                         \
     0,                                                                                            \
     text " From here on a warning; 0 is never."},                                                 \
    {                                                                                              \
        name "_critical" suffix, DW_OPTION_INTEGER, ALERTS(field) + LIMIT_OF(critical),            \
            critical_at, 0, maximum, NULL, unit, 0, "The same, critical."                          \
    }
static const struct dw_option alert_options[] = {
    THRESHOLD("dead_letters", "", dead_letters, "1", "1000", 1000000000, NULL,
              "Open dead letters of a map."),
    THRESHOLD("dead_letter_age", "_ms", dead_letter_age_ms, "3600000", "86400000", 3650 * DAY, "ms",
              "Age of a map's oldest open dead letter."),
    THRESHOLD("dead_letter_rate", "", dead_letter_rate, "20", "500", 1000000000, NULL,
              "New dead letters of a map within five minutes."),
    THRESHOLD("lag", "_ms", lag_ms, "60000", "600000", 3650 * DAY, "ms",
              "How old a map's newest applied change is while Kafka has newer ones."),
    THRESHOLD("freshness", "_ms", freshness_ms, "300000", "1800000", 3650 * DAY, "ms",
              "How old the state of a source is that all of its targets have."),
    THRESHOLD("slot", "_bytes", slot_bytes, "4294967296", "34359738368", INT64_C(1) << 60, "bytes",
              "WAL that a source keeps for its producer."),
    THRESHOLD("paused", "_ms", paused_ms, "14400000", "172800000", 3650 * DAY, "ms",
              "How long a map is paused."),
    THRESHOLD("differences", "", differences, "1", "1000", 1000000000000, NULL,
              "Differences that the last comparison of a map found and nobody mended."),
    THRESHOLD("loss", "_percent", loss_percent, "50", "80", 100, "%",
              "How near changes are to being removed by Kafka's retention, or by the limit of a "
              "source's slot."),
    {"for_ms", DW_OPTION_INTEGER, ALERTS(for_ms), "30000", 0, DAY, NULL, "ms", 0,
     "Lag, freshness, slot and rate have to stand so long before they alert, a restart between or "
     "not, and to be lower for as long before the alert's level falls."},
    {"group_wait_ms", DW_OPTION_INTEGER, ALERTS(group_wait_ms), "10000", 0, HOUR, NULL, "ms", 0,
     "Alerts of one rule that come within this time are sent together."},
    {"repeat_ms", DW_OPTION_INTEGER, ALERTS(repeat_ms), "86400000", 0, 365 * DAY, NULL, "ms", 0,
     "What still fires is sent again after this time; 0 is never."},
    {"keep_days", DW_OPTION_INTEGER, ALERTS(keep_days), "90", 1, 3650, NULL, "days", 0,
     "How long alerts that are over are kept."},
};

#define DIGEST(field) offsetof(struct dw_digest_settings, field)
static const struct dw_option digest_options[] = {
    {"sample_ms", DW_OPTION_INTEGER, DIGEST(sample_ms), "60000", SECOND, HOUR, NULL, "ms", 0,
     "How often it is noted what each map did."},
    {"hour", DW_OPTION_INTEGER, DIGEST(hour), "6", 0, 23, NULL, NULL, 0,
     "Hour of UTC from which on yesterday's digest is sent to webhooks that want it."},
    {"keep_days", DW_OPTION_INTEGER, DIGEST(keep_days), "400", 2, 3650, NULL, "days", 0,
     "How long the numbers of each hour are kept."},
};

static const char *const webhook_formats[] = {"alertmanager", "plain", NULL};
static const char *const webhook_levels[] = {"warning", "critical", NULL};
#define WEBHOOK(field) offsetof(struct dw_webhook_settings, field)
static const struct dw_option webhook_options[] = {
    {"url", DW_OPTION_TEXT, WEBHOOK(url), NULL, 0, 4096, NULL, NULL,
     DW_OPTION_REQUIRED | DW_OPTION_SECRET, "Where alerts are posted: http:// or https://."},
    {"format", DW_OPTION_ENUM, WEBHOOK(format), "alertmanager", 0, 0, webhook_formats, NULL, 0,
     "That of Prometheus Alertmanager's webhooks (version 4), or plain JSON of ours."},
    {"level", DW_OPTION_ENUM, WEBHOOK(level), "warning", 0, 0, webhook_levels, NULL, 0,
     "Which alerts it gets: all, or the critical ones."},
    {"authorization", DW_OPTION_TEXT, WEBHOOK(authorization), NULL, 0, 4096, NULL, NULL,
     DW_OPTION_SECRET, "The header Authorization, whole: Bearer ..."},
    {"tls_ca", DW_OPTION_TEXT, WEBHOOK(tls_ca), NULL, 0, 0, NULL, NULL, DW_OPTION_SECRET,
     "Certificates in PEM that are trusted, instead of the system's."},
    {"timeout_ms", DW_OPTION_INTEGER, WEBHOOK(timeout_ms), "10000", 100, 2 * MINUTE, NULL, "ms", 0,
     "How long it may take to answer."},
    {"digest", DW_OPTION_BOOL, WEBHOOK(digest), "false", 0, 0, NULL, NULL, 0,
     "Whether it is also sent the daily digest (plain format, whatever the alerts have)."},
};

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const struct dw_option log_options[] = {
    {"level", DW_OPTION_ENUM, offsetof(struct dw_log_settings, level), "info", 0, 0, log_levels,
     NULL, DW_OPTION_RELOAD, "What is logged, at least."},
};

static const struct dw_option_section sections[DW_SETTINGS_SECTIONS] = {
    [DW_SETTINGS_KAFKA] =
        {"kafka", "Brokers and topics.", kafka_options, COUNT(kafka_options), "properties",
         "Properties handed on to librdkafka as they are (security.protocol, "
         "sasl.*, ssl.*, ...); NAME_file reads a value from a file. In the environment "
         "DW_KAFKA_PROPERTIES_SASL_PASSWORD (or ..._FILE) is sasl.password."},
    [DW_SETTINGS_STATE] = {"state", "The state database.", state_options, COUNT(state_options),
                           NULL, NULL},
    [DW_SETTINGS_SYSTEM] = {"systems", "The systems, by name.", system_options,
                            COUNT(system_options), NULL, NULL},
    [DW_SETTINGS_PRODUCER] = {"producer", "dualwrite-producer.", producer_options,
                              COUNT(producer_options), NULL, NULL},
    [DW_SETTINGS_CONSUMER] = {"consumer", "dualwrite-consumer.", consumer_options,
                              COUNT(consumer_options), NULL, NULL},
    [DW_SETTINGS_RECONCILER] = {"reconciler", "dualwrite-reconciler and the dualwrite command.",
                                reconciler_options, COUNT(reconciler_options), NULL, NULL},
    [DW_SETTINGS_TOKEN] = {"tokens",
                           "More tokens of the operator API, by name; the name stands in the audit "
                           "log.",
                           token_options, COUNT(token_options), NULL, NULL},
    [DW_SETTINGS_ALERTS] = {"alerts", "When the reconciler alerts, and how it tells.",
                            alert_options, COUNT(alert_options), NULL, NULL},
    [DW_SETTINGS_DIGEST] = {"digest", "What is kept and sent of each day.", digest_options,
                            COUNT(digest_options), NULL, NULL},
    [DW_SETTINGS_WEBHOOK] = {"webhooks", "Who is told of alerts, by name.", webhook_options,
                             COUNT(webhook_options), NULL, NULL},
    [DW_SETTINGS_LOG] = {"log", "Log lines, on standard error.", log_options, COUNT(log_options),
                         NULL, NULL},
};

bool dw_settings_options_named(enum dw_settings_section section)
{
    return section == DW_SETTINGS_SYSTEM || section == DW_SETTINGS_TOKEN ||
           section == DW_SETTINGS_WEBHOOK;
}

const struct dw_option_section *dw_settings_options(enum dw_settings_section section)
{
    return &sections[section];
}
