/* publisher.h - events on their way to Kafka: batches, acknowledgements, refused records, topics
 * out of service, and the window of commits that they make up.
 *
 *   row_event ─► batch ─► kafka_producer ─► reports ─► commit window ─► position to confirm
 *                                              │ record refused: dead letter by reference, which
 *                                              │ has to be acknowledged in its place
 *                                              └ topic refused: notice; the map leaves the stream
 *
 * Whatever breaks the producer (fatal error, topic gone, letter refused) is a `fault`: what is
 * queued is given up at once, so that nothing overtakes what failed, and its owner
 * opens the publisher again and the stream from the last confirmed commit. Events that come a
 * second time are skipped by their version in the consumer. Threads: one owner; nothing blocks.
 */
#ifndef DW_CAPTURE_POSTGRES_PUBLISHER_H
#define DW_CAPTURE_POSTGRES_PUBLISHER_H
#include "common/base/buf.h"
#include "common/config/settings.h"
#include "common/kafka/kafka_producer.h"
#include "common/model/generation.h"
#include "common/model/version.h"
#include "common/service/metrics.h"
#include "producer/capture_postgres/commit_window.h"
#include "producer/capture_postgres/map_set.h"
#include "producer/capture_postgres/pace.h"

enum dw_publisher_service {
    DW_PUBLISHER_IN_SERVICE,
    DW_PUBLISHER_SUSPECT, /* its topic refuses, or is silent for too long */
    DW_PUBLISHER_NOTICED, /* a durable gap is being noted */
    DW_PUBLISHER_OUT,     /* nothing is published for it */
};

/* One partition of a map's topic. */
struct dw_publisher_lane {
    uint64_t in_flight;
    int64_t progress_ms; /* last acknowledgement, or when it began to wait */
};

/* A map as long as the process lives; counters are since its start. */
struct dw_publisher_map {
    char *name;
    uint16_t slot;
    const struct dw_capture_map *map; /* NULL: not in the set now */
    struct dw_kafka_topic *topic;
    int32_t partitions; /* by which it is published at this place of the stream; 0: not yet known */
    enum dw_publisher_service service;
    char reason[256];
    int64_t refused_since_ms; /* 0: not */
    struct dw_publisher_lane *lanes;
    int32_t lane_count;
    bool acknowledged;   /* in this poll */
    bool probing;        /* somebody is asked whether the topic is there */
    int64_t probe_at_ms; /* not before */
    /* In how many seconds of its silence other maps were acknowledged: then it is the topic that is
     * silent, and not Kafka. */
    unsigned evidence;
    int64_t evidence_ms;
    uint64_t in_flight;
    uint64_t rows_in;
    uint64_t rows_at_heartbeat; /* rows_in, when the last heartbeat came by */
    uint64_t published;
    uint64_t dropped_marked;
    uint64_t dropped_out;
    uint64_t letters;
    int64_t last_commit_us;
    int64_t schema_revision; /* of the map, when its schema change was published; 0 never */
    int64_t renamed_change;  /* of the map, when it was told that its table has another name */
    struct dw_metric_series *published_total;
};

struct dw_publisher_event { /* in the batch; offsets into `text` */
    uint64_t tag;
    size_t key_at, key_len;
    size_t value_at, value_len;
    int32_t partition;
    uint16_t slot;
    bool has_key;
    bool gone; /* handed over */
};

struct dw_publisher {
    const struct dw_settings *settings;
    const struct dw_system_settings *system;
    const char *instance;
    struct dw_kafka_producer *producer;
    struct dw_kafka_topic *letters;
    int32_t letter_partitions;
    struct dw_kafka_topic *positions;
    struct dw_commit_window window;
    struct dw_publisher_map **maps;
    size_t map_count;
    const struct dw_map_set *set;      /* owned */
    struct dw_generations generations; /* that are known: passed, or ahead when sent again */
    struct dw_buf text;
    struct dw_publisher_event *batch;
    size_t batch_count, batch_capacity;
    size_t batch_paced; /* events of the batch that the pace knows of */
    struct dw_pace pace;
    struct dw_kafka_outgoing *outgoing;
    size_t *outgoing_index;
    uint64_t sequence; /* of the open transaction */
    uint64_t positions_sent, positions_acknowledged;
    int64_t polled_ms;
    int64_t batch_bytes; /* of the records in one request; less since a topic refused a batch */
    struct dw_err fault; /* rc DW_OK: none */
};

void dw_publisher_init(struct dw_publisher *publisher, const struct dw_settings *settings,
                       const struct dw_system_settings *system, const char *instance);
void dw_publisher_done(struct dw_publisher *publisher);

/* A new producer; forgets everything in flight, and the fault. */
enum dw_rc dw_publisher_open(struct dw_publisher *publisher, struct dw_err *err) DW_MUST_CHECK;
void dw_publisher_close(struct dw_publisher *publisher);

/* Other maps, between transactions; takes the set. Maps that are new to it are published by as many
 * partitions as are in force at `place` of the stream (its ordinal is not used). */
void dw_publisher_set_maps(struct dw_publisher *publisher, const struct dw_map_set *set,
                           const struct dw_version *place);
/* The stream goes on from elsewhere: the partitions of all maps are looked up anew by the next set.
 */
void dw_publisher_leave_place(struct dw_publisher *publisher);
/* Makes room for records to so many partitions. */
void dw_publisher_make_lanes(struct dw_publisher_map *map, int32_t count);
/* May records go to so many partitions of the map's topic? False: Kafka does not show them yet
 * (waits for it a moment); when that lasts, the topic is out of service. */
bool dw_publisher_may_raise(struct dw_publisher *publisher, struct dw_publisher_map *map,
                            int32_t partitions);
/* NULL when the map was never in a set. */
struct dw_publisher_map *dw_publisher_find(struct dw_publisher *publisher, const char *name);

/* Makes an event of what was appended to `text` since `key_at`: key_len bytes of key (has_key),
 * then the value. Counts it in the open transaction; sends a full batch. A value that is too large
 * becomes a letter by reference. */
struct dw_publisher_part {
    size_t key_at, key_len;
    bool has_key;
    int32_t partition;
    struct dw_version version;
};
void dw_publisher_add(struct dw_publisher *publisher, struct dw_publisher_map *map,
                      const struct dw_publisher_part *part);

/* A dead letter by reference for an event that cannot be published. `code` is static. */
struct dw_publisher_letter {
    struct dw_publisher_map *map;
    struct dw_str key; /* .ptr NULL: unknown */
    struct dw_version version;
    const char *code;
    const char *failure_class;
    const char *message;
};
/* Counts in transaction `sequence` unless `in_place` of a record that does already. */
void dw_publisher_send_letter(struct dw_publisher *publisher,
                              const struct dw_publisher_letter *letter, uint64_t sequence,
                              bool in_place);

/* The position of the system, to the compacted topic. */
void dw_publisher_send_position(struct dw_publisher *publisher, struct dw_str value);

/* Hands the batch over; what the queue does not take stays for the next call. */
void dw_publisher_flush(struct dw_publisher *publisher);
/* The same once it is time to, at the end of a round. Returns in how many milliseconds that is, for
 * what has to wait; 0: nothing has. */
int64_t dw_publisher_flush_paced(struct dw_publisher *publisher, int64_t now_ms);
/* Takes in reports. */
void dw_publisher_poll(struct dw_publisher *publisher);
/* Too much in flight: read no more from the source. */
bool dw_publisher_is_full(const struct dw_publisher *publisher);
/* Finds topics with a partition that has been silent for too long; call about every second. Sets
 * SUSPECT. */
void dw_publisher_watch(struct dw_publisher *publisher, int64_t now_ms);
/* Since when (dw_clock_mono_ms) something has waited for an acknowledgement; 0: nothing does. */
int64_t dw_publisher_silent_since(const struct dw_publisher *publisher);

#endif
