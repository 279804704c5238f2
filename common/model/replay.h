/* replay.h - a dead letter on its way back: the record that asks a worker to try it again.
 *
 * It stands on the map's topic under the letter's own key, as a control record (op "m", prefix
 * DW_EVENT_REPLAY), so that no other reader of the topic takes the old event for a new one. Its
 * content is JSON: {"topic","partition","offset","incarnation"} is the letter's identity,
 * {"attempt","by"} the try and who asked for it, "event" the envelope to be applied, as stored or
 * as edited.
 */
#ifndef DW_MODEL_REPLAY_H
#define DW_MODEL_REPLAY_H
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdint.h>

#define DW_EVENT_REPLAY "dualwrite.replay"

struct dw_replay {
    struct dw_str topic; /* of the letter's event */
    int32_t partition;
    int64_t offset;
    struct dw_str incarnation;
    int64_t attempt; /* the first failure was attempt 1 */
    struct dw_str by;
    struct dw_str event; /* JSON */
};

/* Appends the record's value. `system`: the map's source. */
void dw_replay_encode(struct dw_buf *out, const struct dw_replay *replay, const char *system,
                      int64_t now_us);

/* Reads the content of such a record (dw_event.message_content). Slices point into `content` or
 * `arena`. False when it is none of ours. */
bool dw_replay_decode(struct dw_str content, struct dw_arena *arena, struct dw_replay *out);

#endif
