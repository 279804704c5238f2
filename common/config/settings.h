/* settings.h - dualwrite.json, read into structs (schema: common/config/dualwrite.schema.json).
 *
 * Every option stands in a table (settings.c) that drives parsing, the environment
 * (DW_SECTION_NAME), `--help` and the generated reference. A secret can also be given as
 * NAME_file. Precedence: environment, then file, then default. Everything is allocated in the
 * arena given to dw_settings_load. Threads: read-only after loading.
 */
#ifndef DW_CONFIG_SETTINGS_H
#define DW_CONFIG_SETTINGS_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct dw_property { /* handed on to librdkafka as it is */
    const char *name;
    const char *value;
    bool secret;
};

struct dw_kafka_settings {
    const char *brokers;
    const char *topic_prefix;      /* topics: PREFIX.MAP, PREFIX.dead-letters, PREFIX.positions,
                                    * PREFIX.fetch.bell */
    const char *group;             /* consumer group */
    const char *dead_letter_topic; /* default PREFIX.dead-letters */
    int64_t partitions;            /* of a new map topic */
    int64_t replication_factor;
    int64_t retention_ms;                 /* of map topics, -1 for ever */
    int64_t message_max_bytes;            /* largest record we produce */
    const struct dw_property *properties; /* security.protocol, sasl.*, ssl.*, … */
    size_t property_count;
};

struct dw_state_settings {
    const char *connection; /* libpq connection string or URI */
    const char *password;   /* may be NULL */
};

enum dw_system_kind { DW_SYSTEM_POSTGRES };

struct dw_system_settings {
    const char *name;
    enum dw_system_kind kind;
    const char *connection;
    const char *password;    /* may be NULL */
    const char *slot;        /* default dualwrite_NAME */
    const char *publication; /* default dualwrite_NAME */
    bool capture;            /* a producer runs on this system: writers must leave loop marks */
};

struct dw_producer_settings {
    int64_t heartbeat_ms;
    int64_t partitions_look_ms;
    int64_t position_save_ms;
    int64_t queue_bytes;     /* events waiting for acknowledgement, at most */
    int64_t topic_outage_ms; /* a topic out of service longer than this puts its map in error */
    int64_t linger_ms;
    int64_t sync_readers;     /* threads that read existing rows */
    int64_t sync_chunk_rows;  /* of a chunk, at most … */
    int64_t sync_chunk_bytes; /* … and about so many bytes */
    const char *compression;
    const char *listen; /* HOST:PORT of health and metrics; "" = off */
};

struct dw_consumer_settings {
    int64_t lanes; /* threads that apply; each has its own connection to a target */
    int64_t batch_rows;
    int64_t batch_bytes;
    int64_t queue_bytes;        /* fetched and not yet applied, at most */
    int64_t dependency_wait_ms; /* how long a row waits for its parent */
    int64_t waiting_rows_max;   /* per partition */
    int64_t retry_max_ms;       /* ceiling of the backoff */
    int64_t breaker_min_events; /* breaker looks at at least so many … */
    int64_t breaker_percent;    /* … and pauses the map above this share of dead letters … */
    int64_t breaker_window_ms;  /* … within this time */
    int64_t session_timeout_ms;
    int64_t drain_ms; /* how long SIGTERM may take */
    const char *listen;
};

/* What a token may do, each also what the ones before it may. */
enum dw_token_role {
    DW_TOKEN_VIEWER,   /* look */
    DW_TOKEN_OPERATOR, /* run: start, pause, copy, replay, repair */
    DW_TOKEN_ADMIN,    /* change maps */
};

struct dw_token_settings {
    const char *name;
    int role; /* enum dw_token_role */
    const char *token;
};

struct dw_reconciler_settings {
    /* Of comparisons by themselves, where a map's "reconcile" does not say otherwise. */
    int64_t compare_every_hours; /* 0: none */
    bool compare_continuous;     /* one follows the last one */
    int64_t compare_pause_ms;    /* between the end of one and the next */
    int64_t compare_rate;        /* rows per second; 0: no limit */
    int64_t compare_repair_max;  /* rows that they mend; 0: none */
    int64_t compare_repair_percent;
    const char *compare_repair_kinds; /* "missing,different" */
    int64_t compare_differences_max;  /* that a comparison keeps; the rest is counted */
    int64_t compare_judge_timeout_ms; /* for the consumer's answer about suspects */
    const char *listen;               /* HOST:PORT of the operator API, health and metrics */
    const char *token; /* bearer token; NULL where only a producer or consumer runs */
    const char *url;   /* what the CLI talks to; default http(s)://LISTEN */
    const char *tls_certificate, *tls_key; /* PEM; NULL: no TLS */
    const char *tls_ca;                    /* PEM: whom the CLI trusts; NULL: the system's */
    bool allow_plain;                      /* no TLS beyond loopback */
    int64_t requests_per_second;           /* of a token; 0: no limit */
    int64_t body_max_bytes;
    int64_t replay_attempts_max; /* of a dead letter, the first failure among them */
    int64_t replay_in_flight;    /* letters of one job under way at a time */
    const char *auto_replay;     /* lookups, all, off */
    int64_t auto_replay_ms;      /* first pause between two tries of a letter */
    int64_t auto_replay_per_second;
    int64_t letter_retention_hours;  /* of dead letters that have ended; 0 for ever */
    int64_t compare_retention_hours; /* of comparisons that have ended; 0 for ever */
    const char *letter_archive;      /* folder they are written to before; "" none */
};

/* From which value on an alert is a warning, or critical; 0: never. */
struct dw_alert_threshold {
    int64_t warning, critical;
};

struct dw_alert_settings {
    struct dw_alert_threshold dead_letters;       /* open ones of a map */
    struct dw_alert_threshold dead_letter_age_ms; /* of the oldest open one */
    struct dw_alert_threshold dead_letter_rate;   /* new ones of a map within five minutes */
    struct dw_alert_threshold lag_ms;
    struct dw_alert_threshold freshness_ms;
    struct dw_alert_threshold slot_bytes;
    struct dw_alert_threshold paused_ms;
    struct dw_alert_threshold differences;  /* that the last comparison of a map left */
    struct dw_alert_threshold loss_percent; /* of Kafka's retention, of the slot's limit */
    int64_t for_ms;                         /* what swings has to last so long */
    int64_t group_wait_ms;
    int64_t repeat_ms; /* 0: never */
    int64_t keep_days; /* of what is over */
};

enum dw_webhook_format { DW_WEBHOOK_ALERTMANAGER, DW_WEBHOOK_PLAIN };

struct dw_webhook_settings {
    const char *name;
    const char *url;
    int format;                /* enum dw_webhook_format */
    int level;                 /* 0: from warning on; 1: critical alone */
    const char *authorization; /* value of the header; NULL none */
    const char *tls_ca;        /* PEM; NULL: the system's */
    int64_t timeout_ms;
    bool digest; /* it is also sent the daily digest */
};

struct dw_digest_settings {
    int64_t sample_ms;
    int64_t hour; /* of UTC, from which on yesterday's is sent */
    int64_t keep_days;
};

#define DW_TOKEN_ADMIN_NAME "admin" /* of reconciler.token */

struct dw_settings {
    struct dw_kafka_settings kafka;
    struct dw_state_settings state;
    const struct dw_system_settings *systems;
    size_t system_count;
    struct dw_producer_settings producer;
    struct dw_consumer_settings consumer;
    struct dw_reconciler_settings reconciler;
    struct dw_alert_settings alerts;
    struct dw_digest_settings digest;
    const struct dw_webhook_settings *webhooks;
    size_t webhook_count;
    const struct dw_token_settings *tokens; /* beside reconciler.token */
    size_t token_count;
    enum dw_log_level log_level;
    const char *file; /* where it was read from */
};

/* Reads FILE; NULL takes $DW_CONFIG, then ./dualwrite.json. Errors: DW_CONFIG with DW-CONFIG-nnn
 * that names file, line, path, what was found and what is allowed. Relative *_file paths start at
 * the folder of the file. */
enum dw_rc dw_settings_load(const char *file, struct dw_arena *arena, struct dw_settings *out,
                            struct dw_err *err) DW_MUST_CHECK;

/* NULL when there is no such system. */
const struct dw_system_settings *dw_settings_system(const struct dw_settings *settings,
                                                    const char *name);

/* Prints the options of one section ("producer", NULL for all) for --help. */
void dw_settings_print_help(FILE *out, const char *section);
/* Prints the reference page of all options in Markdown. */
void dw_settings_print_reference(FILE *out);
/* Prints the JSON Schema; common/config/dualwrite.schema.json is its output, which a test compares.
 */
void dw_settings_print_schema(FILE *out);

#endif
