/* control.h - the producer's second thread: everything that may block (state database, topics,
 * catalogue look-ups, heartbeats, connecting), so that the stream never waits.
 *
 *   stream thread ── wants: session, save, types, notice, stats ──► control thread
 *                 ◄── gives: session, maps, saved, types, answers ── (descriptor readable)
 *
 * Threads: all functions are for the stream thread, but for dw_control_status.
 */
#ifndef DW_CAPTURE_POSTGRES_CONTROL_H
#define DW_CAPTURE_POSTGRES_CONTROL_H
#include "common/base/buf.h"
#include "common/config/settings.h"
#include "common/state/state.h"
#include "producer/capture_postgres/map_set.h"
#include "producer/capture_postgres/relation.h"
#include "producer/capture_postgres/session.h"

struct dw_control;

struct dw_control_options {
    const struct dw_settings *settings;
    const struct dw_system_settings *system;
    const char *instance;
    bool accept_gap;
};

enum dw_rc dw_control_start(struct dw_control **out, const struct dw_control_options *options,
                            struct dw_err *err) DW_MUST_CHECK;
/* Ends the thread (waits for a call under way, up to a bound: behind it the thread and what it
 * holds are left to the end of the process) and takes the process off the list. Accepts NULL. */
void dw_control_stop(struct dw_control *control);
/* Readable when there is something to take. */
int dw_control_fd(const struct dw_control *control);
void dw_control_drain(struct dw_control *control);

/* A running stream is wanted (again). */
/* … `shown`: a gap that the stream has shown, FIRST: none. `why` it has ended, "" for no failure:
 * streams that fail soon are opened less and less often. */
void dw_control_want_session(struct dw_control *control, enum dw_start shown, const char *why);
/* NULL: not yet. Owned by the caller. */
struct dw_session *dw_control_take_session(struct dw_control *control);
/* True: a server refused us before anything worked, and waiting does not mend it (wrong password,
 * missing role, database or privilege); *err says what. Later refusals are tried again. */
bool dw_control_refused(struct dw_control *control, struct dw_err *err);
/* The stream is up or not: heartbeats go with it. */
void dw_control_set_streaming(struct dw_control *control, bool streaming);

/* Maps that changed meanwhile; NULL: none. Owned by the caller. */
struct dw_map_set *dw_control_take_maps(struct dw_control *control);

/* Stores a position; the newest one wanted counts. */
void dw_control_save(struct dw_control *control, const struct dw_state_position *position);
/* The generations of the system's maps are these now (as dw_generation_format writes them): noted
 * in the state database before any position that is saved later. */
void dw_control_set_generations(struct dw_control *control, struct dw_str json);
enum dw_control_saved { DW_CONTROL_PENDING, DW_CONTROL_SAVED, DW_CONTROL_NOT_SAVED };
/* What became of a save: once per save. NOT_SAVED: the state database is away. */
enum dw_control_saved dw_control_take_saved(struct dw_control *control,
                                            struct dw_state_position *out);

/* Asks for base types; copied. Asked again until it succeeds. */
void dw_control_want_types(struct dw_control *control, const uint32_t *oids, size_t count);
/* False: not yet. *out is owned by the caller. */
bool dw_control_take_types(struct dw_control *control, struct dw_relation_type **out,
                           size_t *out_count);

enum dw_control_matter {
    DW_CONTROL_SCHEMA, /* put the map in error, and note a gap from `from_lsn` on where that is not
                          0; no answer */
    DW_CONTROL_OUTAGE, /* note a durable gap, put the map in error, load the maps anew; answered
                          when it is stored, however long that takes */
    DW_CONTROL_PROBE,  /* is the topic there? answered with `rc` */
};
struct dw_control_notice {
    struct dw_control_notice *next;
    enum dw_control_matter matter;
    char map[256];
    char topic[256];
    int64_t change;
    char code[DW_ERR_ID_MAX];
    char reason[512];
    uint64_t from_lsn;
    enum dw_rc rc;
};
/* Takes the notice (heap). */
void dw_control_send(struct dw_control *control, struct dw_control_notice *notice);
/* NULL: none. Owned by the caller (free). */
struct dw_control_notice *dw_control_take_answer(struct dw_control *control);

/* For the process's beat. */
void dw_control_set_stats(struct dw_control *control, const char *state, struct dw_str json);
/* Named state ("connecting", "standby", "slot_missing", …) and reason of the control thread's own
 * work. Threads: any. */
void dw_control_status(struct dw_control *control, char state[32], char reason[512]);
/* WAL that the slot holds back, bytes. Threads: any. */
uint64_t dw_control_retained(struct dw_control *control);
/* WAL that may come until the source drops the slot, and its limit; -1 none or unknown. */
void dw_control_wal_limit(struct dw_control *control, int64_t *out_safe_bytes,
                          int64_t *out_limit_bytes);

#endif
