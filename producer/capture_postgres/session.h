/* session.h - everything between "not connected" and a running stream: state database, topics,
 * publication, slot, the decision whether to start. Blocking; runs on the control thread.
 *
 * The slot is the lock: what is read of position and slot before START_REPLICATION may be another
 * producer's yesterday, so both are read and judged again once we hold it.
 */
#ifndef DW_CAPTURE_POSTGRES_SESSION_H
#define DW_CAPTURE_POSTGRES_SESSION_H
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/kafka/kafka_admin.h"
#include "common/model/generation.h"
#include "common/state/state.h"
#include "producer/capture_postgres/map_set.h"
#include "producer/capture_postgres/relation.h"
#include "producer/capture_postgres/slot.h"
#include "producer/capture_postgres/start_position.h"

/* The control thread's connections; each is opened when first needed, closed when it fails. */
struct dw_session_links {
    const struct dw_settings *settings;
    const struct dw_system_settings *system;
    const char *instance;
    struct dw_state *state;
    struct dw_kafka_admin *admin;
    struct pg_conn *conn; /* ordinary, to the source */
    char **topics;        /* map topics that were there once */
    size_t topic_count;
    char **counted; /* topics of the maps as they were counted last, and their partitions */
    int32_t *counts;
    size_t counted_count;
    /* What is not in the publication is no loss of its own: */
    bool slot_missing;
    bool publication_new;              /* changes made without it end the stream */
    struct dw_generations generations; /* of the system's maps, as far as is known */
};

/* What a running stream starts with. */
struct dw_session {
    struct pg_conn *replication; /* in copy mode */
    struct dw_map_set *maps;
    struct dw_state_position position;
    struct dw_generations generations; /* part of the position */
    uint64_t slot_confirmed_lsn;
    int32_t letter_partitions;
    char database[64];
};

enum dw_session_state {
    DW_SESSION_READY,
    DW_SESSION_STANDBY, /* another producer has the slot */
    DW_SESSION_GAP,
    DW_SESSION_FAILED, /* `err` says why: DW_RETRY or DW_CONFIG */
};

struct dw_session_request {
    enum dw_start shown; /* a gap that the stream before has shown; FIRST: none */
    bool accept_gap;
};

struct dw_session_result {
    enum dw_session_state state;
    enum dw_start start;
    bool gap_accepted;
    struct dw_err err; /* also the explanation of a gap */
};

/* One attempt. *out is owned by the caller when READY. */
void dw_session_open(struct dw_session_links *links, const struct dw_session_request *request,
                     struct dw_session **out, struct dw_session_result *result);
/* Accepts NULL. */
void dw_session_free(struct dw_session *session);
void dw_session_links_close(struct dw_session_links *links);

enum dw_rc dw_session_open_state(struct dw_session_links *links, struct dw_err *err) DW_MUST_CHECK;
/* The client for topics is opened anew after it was asked about many. */
enum dw_rc dw_session_open_admin(struct dw_session_links *links, struct dw_err *err) DW_MUST_CHECK;
enum dw_rc dw_session_open_source(struct dw_session_links *links, struct dw_err *err) DW_MUST_CHECK;
/* Forgets the source connection after an error. */
void dw_session_drop_source(struct dw_session_links *links);

/* The maps, with their tables published and their topics made. A map for which that is refused is
 * put in error; the others go on. */
enum dw_rc dw_session_load_maps(struct dw_session_links *links, struct dw_map_set **out,
                                struct dw_err *err) DW_MUST_CHECK;

/* How many partitions the topics of the maps have, into the set. What fails leaves them unknown. */
enum dw_rc dw_session_count_partitions(struct dw_session_links *links, struct dw_map_set *set,
                                       struct dw_err *err) DW_MUST_CHECK;
/* *out: has a topic more partitions than when they were counted last? */
enum dw_rc dw_session_topics_grew(struct dw_session_links *links, bool *out,
                                  struct dw_err *err) DW_MUST_CHECK;

/* Base types of `count` type oids (domains resolved), into an array owned by the caller. */
enum dw_rc dw_session_types(struct dw_session_links *links, const uint32_t *oids, size_t count,
                            struct dw_relation_type **out, size_t *out_count,
                            struct dw_err *err) DW_MUST_CHECK;

#endif
