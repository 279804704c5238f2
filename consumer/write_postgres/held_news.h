/* held_news.h - what a batch has to say about rows of dualwrite.held, the dead letters that count.
 *
 * A held row is the memory of its key: each later event of the key that is applied is noted in it
 * (touch), in the transaction of its effect. One that says all that the letter does, or a delete,
 * ends the letter as superseded; one that lacks some of its columns (unchanged TOAST) does not, but
 * is remembered (trap 23). A row read again that becomes a letter itself ends the older one, too.
 * What a replay came to is noted in the same way (settle), so that nothing it says twice has a
 * second effect (trap 24).
 */
#ifndef DW_WRITE_POSTGRES_HELD_NEWS_H
#define DW_WRITE_POSTGRES_HELD_NEWS_H
#include "common/base/str.h"
#include "common/model/version.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the source, as a JSON array of texts; numbers in one way of writing. */
struct dw_held_key {
    struct dw_str text; /* .ptr NULL: not known */
    uint64_t hash;
};

/* Source columns that an event leaves out, by the hash of their names. */
struct dw_held_lacks {
    const uint64_t *columns;
    size_t count;
};

/* A new dead letter: the event at this offset. */
struct dw_held {
    int64_t offset;
    struct dw_str key_text; /* of the target row, "" not known */
    struct dw_held_key key;
    struct dw_held_lacks lacks;
    struct dw_version version;
    const char *code;
};

/* An event that was applied, or a row read again that was not. */
struct dw_held_touch {
    struct dw_held_key key;
    struct dw_held_lacks lacks;
    struct dw_version version; /* epoch 0: none, its place in the partition decides */
    int32_t partition;
    int64_t offset;
    bool gone; /* a delete */
};

struct dw_held_id {
    struct dw_str topic;
    int32_t partition;
    int64_t offset;
};

/* What has become of a letter that was replayed. */
struct dw_held_settle {
    struct dw_held_id id;
    const char *outcome; /* "applied", "superseded", "filtered"; NULL: it is still held */
    int64_t attempt;
    const char *code; /* it failed again; NULL: it did not */
    bool wants_row;   /* its row has to be read again */
};

struct dw_held_news {
    const struct dw_held *letters;
    size_t letter_count;
    const struct dw_held_touch *touches;
    size_t touch_count;
    const struct dw_version *truncated; /* all letters of the partition before it; NULL: none */
    const struct dw_held_settle *settles;
    size_t settle_count;
};

/* A held row as a replay finds it. */
struct dw_held_row {
    bool exists;
    bool ended;
    bool touched; /* a later event lacks columns of the letter; or nobody knows: without a key */
    int64_t attempts;
};

#endif
