/* state_letters.h - the index of dead letters in the state database.
 *
 * The dead-letter topic is the record; this is what operators look at. A batch of letters and the
 * offset behind it are one transaction, so that each is indexed once whatever is killed.
 * Threads and errors: as state.h.
 */
#ifndef DW_STATE_STATE_LETTERS_H
#define DW_STATE_STATE_LETTERS_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdbool.h>
#include <stdint.h>

struct dw_state;

enum dw_letter_kind {
    DW_LETTER_EVENT,     /* a record of a map's topic: (topic, partition, offset, incarnation) */
    DW_LETTER_REFERENCE, /* by the producer: (map, version), no value */
    DW_LETTER_FOREIGN,   /* not one of ours */
};

enum dw_letter_state {
    DW_LETTER_OPEN,        /* the target holds it, or it counts by itself */
    DW_LETTER_UNCONFIRMED, /* written to the topic; the worker's commit was not seen yet */
    DW_LETTER_VOID,        /* that commit never came: a successor applied the event */
    DW_LETTER_IS_FOREIGN,
    DW_LETTER_REPLAYING,  /* on its way through the map's topic, or its row is read again */
    DW_LETTER_DISCARDING, /* the target is to let it go */
    DW_LETTER_APPLIED,    /* the ends */
    DW_LETTER_SUPERSEDED,
    DW_LETTER_FILTERED,
    DW_LETTER_DISCARDED,
};
#define DW_LETTER_STATE_COUNT 10

/* "open", "unconfirmed", "void", … and "event", "reference", "foreign". Never NULL. */
const char *dw_state_letters_state_name(enum dw_letter_state state);
const char *dw_state_letters_kind_name(enum dw_letter_kind kind);
bool dw_state_letters_state_parse(const char *name, enum dw_letter_state *out);

struct dw_letter {
    int64_t id; /* set by the database */
    enum dw_letter_kind kind;
    enum dw_letter_state state;
    const char *letter_topic; /* where the letter stands */
    int32_t letter_partition;
    int64_t letter_offset;
    int64_t copies;    /* records on the topic that say the same */
    const char *topic; /* of the event; "" unknown */
    int32_t partition; /* -1 unknown */
    int64_t offset;    /* -1 unknown */
    const char *incarnation;
    const char *map;
    int64_t revision;
    const char *system;
    const char *version;
    const char *code;
    const char *class_name;
    const char *stage;
    const char *message;
    const char *sqlstate;
    const char *column;
    const char *instance;
    int64_t attempts;
    int64_t first_failed_us;
    int64_t failed_us;
    int64_t indexed_us;
    const char *headers;  /* JSON: [{"name":…,"value":…}], "base64" where it is no text */
    struct dw_str key;    /* .ptr NULL: null */
    struct dw_str value;  /* .ptr NULL: null, or not loaded */
    int64_t value_bytes;  /* -1: null */
    struct dw_str edited; /* the event to be replayed instead; .ptr NULL: none, or not loaded */
    const char *edited_by;
    int64_t edited_us;
    bool archived;
    int64_t attempt;   /* of the replay under way */
    int64_t sync, job; /* 0 none */
    const char *ended_by;
    const char *verdict; /* of the last try whether it would apply; "" none */
    int64_t state_us;
    bool outdated; /* a letter of the target's present incarnation stands for this record */
};

struct dw_letter_list {
    const struct dw_letter *items;
    size_t count;
};

/* How far a partition of the dead-letter topic is indexed. */
struct dw_letter_position {
    int64_t next;       /* -1: nothing was indexed yet */
    uint64_t tail_hash; /* of the record before it: shows a topic that was made anew */
};

enum dw_rc dw_state_letters_position(struct dw_state *state, const char *letter_topic,
                                     int32_t partition, struct dw_letter_position *out,
                                     struct dw_err *err) DW_MUST_CHECK;

struct dw_letter_batch {
    const char *letter_topic;
    int32_t partition;
    int64_t from;                 /* the offset stored so far; -1 none */
    struct dw_letter_position to; /* to be stored */
    const struct dw_letter *letters;
    size_t count;
};

/* Indexes a batch. *out_new: letters that were not known. Errors: DW_RETRY DW-STATE-008 when the
 * stored offset is not `from`: somebody else indexes; DW_REJECT when a letter cannot be stored. */
enum dw_rc dw_state_letters_index(struct dw_state *state, const struct dw_letter_batch *batch,
                                  size_t *out_new, struct dw_err *err) DW_MUST_CHECK;

struct dw_letter_question {
    const char *system;
    const char *incarnation; /* of the target now */
    int64_t after;           /* ids above this */
    int limit;
};

/* Letters of a target that wait for confirmation, in order of id; identities only. */
enum dw_rc dw_state_letters_unconfirmed(struct dw_state *state,
                                        const struct dw_letter_question *question,
                                        struct dw_arena *arena, struct dw_letter_list *out,
                                        struct dw_err *err) DW_MUST_CHECK;

/* Sets the state of letters that are unconfirmed. One that had ended, in a target that was restored
 * since, keeps its end where the target does not hold it again. */
enum dw_rc dw_state_letters_settle(struct dw_state *state, const int64_t *ids, size_t count,
                                   enum dw_letter_state to, struct dw_err *err) DW_MUST_CHECK;

struct dw_letter_filter {
    const char *map;   /* NULL: any */
    const char *state; /* NULL: those that have not ended; "all": any */
    const char *code;  /* NULL: any */
    const char *class_name;
    const char *column;
    const char *text;   /* in the reason, in any case */
    const char *key;    /* in the record's key; a JSON array of scalars: its values */
    int64_t before_us;  /* failed before; 0: any time */
    int64_t since_us;   /* failed then or later */
    const int64_t *ids; /* these alone; NULL: any */
    size_t id_count;
    int64_t after; /* ids below this; 0: from the newest */
    int limit;
};

/* Newest first, without headers and value. */
enum dw_rc dw_state_letters_list(struct dw_state *state, const struct dw_letter_filter *filter,
                                 struct dw_arena *arena, struct dw_letter_list *out,
                                 struct dw_err *err) DW_MUST_CHECK;

/* How many match. */
enum dw_rc dw_state_letters_total(struct dw_state *state, const struct dw_letter_filter *filter,
                                  int64_t *out, struct dw_err *err) DW_MUST_CHECK;

/* The first of `ids` that is no letter's; 0: all are. */
enum dw_rc dw_state_letters_unknown(struct dw_state *state, const int64_t *ids, size_t count,
                                    int64_t *out, struct dw_err *err) DW_MUST_CHECK;

/* Letters of one cause. */
struct dw_letter_group {
    const char *map;
    enum dw_letter_state state;
    const char *code, *class_name, *column;
    int64_t count;
    int64_t first_us, last_us; /* failed */
    int64_t id;                /* the newest of them */
    const char *message;       /* of that one */
};

/* The matches by cause, most of them first; `limit` groups of the filter. */
enum dw_rc dw_state_letters_groups(struct dw_state *state, const struct dw_letter_filter *filter,
                                   struct dw_arena *arena, const struct dw_letter_group **out,
                                   size_t *out_count, struct dw_err *err) DW_MUST_CHECK;

/* One letter with all it has; *out is NULL when there is none. */
enum dw_rc dw_state_letters_load(struct dw_state *state, int64_t id, struct dw_arena *arena,
                                 const struct dw_letter **out, struct dw_err *err) DW_MUST_CHECK;

/* Another event is replayed in its place; NULL: its own again. Audited. DW_CONFLICT DW-STATE-032:
 * it is not open any more. */
enum dw_rc dw_state_letters_edit(struct dw_state *state, int64_t id, const struct dw_str *event,
                                 const char *by, struct dw_err *err) DW_MUST_CHECK;

struct dw_letter_count {
    const char *map;
    enum dw_letter_state state;
    int64_t count;
    int64_t oldest_us; /* failed, the longest ago */
};

enum dw_rc dw_state_letters_count(struct dw_state *state, struct dw_arena *arena,
                                  const struct dw_letter_count **out, size_t *out_count,
                                  struct dw_err *err) DW_MUST_CHECK;

#endif
