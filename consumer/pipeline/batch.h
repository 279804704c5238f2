/* batch.h - the records of one transaction: decoded, judged, transformed, and how each ended.
 *
 * A batch takes records of one partition in order of offset, and before a record of a key with
 * waiting events all of that key's waiting ones. Records that need no target (duplicates, control,
 * tombstones, poison) get their outcome here; the others become changes for the writer. A record
 * that must not be passed yet (truncate, schema) ends the batch before it. One that brings another
 * revision of the map is a batch of its own: what is before it is applied by the revision in force.
 * Dead letters that come back (replay.h) are batches of their own, each key once: what becomes of
 * one is decided by what was committed of its key before.
 * Questions of a comparison are batches of their own as well: each is answered where it stands,
 * behind what is before it.
 * Ownership: everything lives in the arena given at init; record bytes are borrowed until the batch
 * is over. Threads: one owner, the lane.
 */
#ifndef DW_PIPELINE_BATCH_H
#define DW_PIPELINE_BATCH_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/kafka/kafka_dead_letter.h"
#include "common/model/event.h"
#include "common/transform/transform.h"
#include "consumer/pipeline/feed.h"
#include "consumer/pipeline/replay_judge.h"
#include "consumer/pipeline/source_key.h"
#include "consumer/pipeline/waiting.h"
#include "consumer/write_postgres/writer.h"

struct dw_batch_rules { /* borrowed for the batch */
    const struct dw_table_map *map;
    const struct dw_transform *transform;
    const struct dw_resolved_side *source; /* as the map's check saw it */
    const char *topic;
    int32_t partition;
    int32_t partitions; /* by which keys are routed here; 0: by those that there always were */
    int64_t revision;   /* in force */
    bool marked;        /* the stream has announced it; false: it is the newest one known */
    int64_t newest;     /* that is known, in force or not yet */
    int64_t forced;     /* nothing older may come into force */
    const struct dw_waiting_set *waiting;
    bool ascii_keys;     /* key_text in ASCII: the target, which keeps it, is not UTF8 */
    struct dw_buf *text; /* scratch */
    bool has_released;   /* the truncate of this version was carried out by all partitions */
    struct dw_version released;
    /* Whether a schema record may be passed: the revision is newer, or somebody resumed after it.
     */
    bool (*schema_passes)(void *context, int64_t revision, const char *code);
    void *context;
};

struct dw_batch_item {
    int64_t offset;
    struct dw_str key, value;       /* the record's bytes */
    struct dw_waiting_entry *entry; /* NULL: a new record */
    enum dw_outcome outcome;
    struct dw_change *change;       /* NULL: not for the writer */
    const struct dw_replay *replay; /* NULL: an event of its own */
    enum dw_replay_verdict verdict; /* … what is to be done with it */
    struct dw_held_key source_key;  /* of a replay */
    bool elsewhere;                 /* … whose key's events go to another partition now */
    bool again;                     /* a replay that failed: the same letter once more */
    struct dw_event_row after;      /* .fields NULL: none */
    struct dw_verdict *question;    /* of a comparison, to be answered; NULL: it is none */
    /* A row read again that the filter leaves out and that stays as it is: what waits under its key
     * for the row; NULL: nothing does. */
    struct dw_waiting_key *outside;
    bool lacks_row; /* the change cannot be built from the event */
    bool whole_row; /* read from the source, to be written whatever the target has */
    bool truncate;
    bool has_version;
    struct dw_version version;
    int64_t commit_us;
    /* of a failure */
    const struct dw_err *err;
    const char *failure_class;
    bool syncing; /* an initial sync is under way at its place in the stream */
    enum dw_dead_letter_stage stage;
    struct dw_str column;
};

enum dw_batch_add {
    DW_BATCH_ADDED,
    DW_BATCH_TRUNCATE, /* not added: a barrier first, for `stop_version` */
    DW_BATCH_SCHEMA,   /* not added: the map has to stop before it, see `stop_code` */
    DW_BATCH_NEWER,    /* not added: behind it the newest revision known has to be in force */
    DW_BATCH_MARKER,   /* not added: another revision begins behind it, in a batch of its own */
    DW_BATCH_REPLAY,   /* not added: replays are batches of their own */
    DW_BATCH_VERIFY,   /* not added: a question behind changes, or a change behind questions */
};

struct dw_batch {
    struct dw_arena *arena;
    struct dw_batch_rules rules;
    uint64_t number; /* differs from batch to batch: marks taken waiting keys */
    struct dw_batch_item **items;
    size_t count, capacity;
    struct dw_change **changes; /* of the items that have one, in order */
    size_t change_count;
    struct dw_verdict **verdicts; /* of all questions, with a change or settled without */
    size_t verdict_count;
    bool verifying;            /* it holds questions, and no other changes */
    struct dw_version version; /* last one seen: progress, then rising */
    int64_t heartbeat_us;
    int64_t initial_sync; /* as progress has it, then as the marks say */
    size_t new_count;
    size_t event_count;  /* new records that are neither control records nor replays */
    size_t replay_count; /* new ones, and those that waited */
    size_t bytes;
    struct dw_feed_record tail; /* the last new record */
    struct dw_err err;          /* scratch: of the record in hand */
    /* The one record is a marker, behind which another revision is in force; 0: it is not. */
    int64_t marker_revision;
    struct dw_str marker_document, marker_resolved;
    /* The last record is a mark of a generation: nothing behind it may be taken before all
     * partitions have come to it. generation.reach 0: there is none. */
    struct dw_progress_generation generation;
    int64_t generation_number;
    bool truncated; /* a released truncate is in it: it settles all that waited before */
    /* when the last add refused */
    struct dw_version stop_version;
    const char *stop_code, *stop_reason;
    bool stop_gap; /* events may be missing from there on */
};

uint64_t dw_batch_hash(struct dw_str key, struct dw_str value);

void dw_batch_init(struct dw_batch *batch, struct dw_arena *arena,
                   const struct dw_batch_rules *rules, const struct dw_progress *progress,
                   uint64_t number);
/* Adds a record, and before it what waits under its key. */
enum dw_batch_add dw_batch_add_record(struct dw_batch *batch, const struct dw_feed_record *record);
/* Adds all waiting events of a key, once per batch. */
void dw_batch_add_waiting(struct dw_batch *batch, struct dw_waiting_key *key);

/* After dw_writer_apply: takes the changes' outcomes over to the items. During an initial sync an
 * update that is not the whole row, of a key that the target has not, does not wait: the row is on
 * its way, with what the event says. Nor does one whose row was read again and is outside of a
 * filter that keeps what leaves it: it is filtered, as the row is. */
void dw_batch_collect(struct dw_batch *batch);

/* Decodes the event that a record stands for: its own, or the one that it replays. False: poison.
 */
bool dw_batch_event(struct dw_str value, struct dw_arena *arena, struct dw_event *out);

/* The row of dualwrite.waiting for an item that waits; borrows from it. */
struct dw_waiting dw_batch_waiting_row(const struct dw_batch_item *item, int64_t since_us);

#endif
