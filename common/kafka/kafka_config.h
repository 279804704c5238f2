/* kafka_config.h - librdkafka configurations from our settings, and what depends on its version.
 *
 * `rd_kafka_*` types cross only between the folders that talk to librdkafka (this one, and the
 * tests of it); headers use the struct tags.
 */
#ifndef DW_KAFKA_KAFKA_CONFIG_H
#define DW_KAFKA_KAFKA_CONFIG_H
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/config/settings.h"

struct rd_kafka_conf_s;
struct rd_kafka_s;

enum dw_kafka_role { DW_KAFKA_PRODUCER, DW_KAFKA_CONSUMER, DW_KAFKA_READER, DW_KAFKA_ADMIN };

/* A configuration with the broker addresses, the user's properties and the defaults of the role
 * (PRODUCER: idempotent, acks=all, message.timeout.ms=0…; CONSUMER: own offset store,
 * auto.offset.reset=error…; READER: like CONSUMER without a group). librdkafka's log lines go to
 * our log. Returns owned; rd_kafka_new takes it. Errors: DW_CONFIG DW-KAFKA-001 naming the
 * property. */
enum dw_rc dw_kafka_config_new(struct rd_kafka_conf_s **out,
                               const struct dw_kafka_settings *settings, enum dw_kafka_role role,
                               const char *client_id, struct dw_err *err) DW_MUST_CHECK;

/* Sets one property; DW_CONFIG when librdkafka refuses it. */
enum dw_rc dw_kafka_config_set(struct rd_kafka_conf_s *conf, const char *name, const char *value,
                               struct dw_err *err) DW_MUST_CHECK;

/* The same with a default of ours, unless the user's properties have it. */
enum dw_rc dw_kafka_config_default(struct rd_kafka_conf_s *conf,
                                   const struct dw_kafka_settings *settings, const char *name,
                                   const char *value, struct dw_err *err) DW_MUST_CHECK;

/* message.max.bytes is a producer's matter, but librdkafka refuses a consumer whose fetch.max.bytes
 * is below it, and kafka.properties are for both: the one is set by the other. DW_CONFIG. */
enum dw_rc dw_kafka_config_fit_sizes(struct rd_kafka_conf_s *conf,
                                     struct dw_err *err) DW_MUST_CHECK;

/* How loud a line of librdkafka's log is for us: it reconnects by itself, so nothing of it is more
 * than a warning, and what passes by itself within moments is none. */
enum dw_log_level dw_kafka_log_level(int syslog_level, const char *facility, const char *message);

/* Whether a librdkafka error is an outage (DW_RETRY), a refusal of this record (DW_REJECT), a
 * configuration matter such as authorisation or an unknown topic (DW_CONFIG), or fatal. */
enum dw_rc dw_kafka_classify(int code);

#endif
