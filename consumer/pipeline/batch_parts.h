/* batch_parts.h - what the files of a batch share; for them alone.
 *
 * A judge decides what becomes of one record: it gives the item its outcome or its change. What it
 * answers other than DW_BATCH_ADDED ends the batch before the record, and nothing was changed by
 * it.
 */
#ifndef DW_PIPELINE_BATCH_PARTS_H
#define DW_PIPELINE_BATCH_PARTS_H
#include "consumer/pipeline/batch.h"

/* --- batch.c --- */

/* The item dies of batch->err, which is kept with it. */
void dw_batch_die(struct dw_batch *batch, struct dw_batch_item *item, const char *failure_class,
                  enum dw_dead_letter_stage stage);
void dw_batch_die_format(struct dw_batch *batch, struct dw_batch_item *item, const char *id,
                         const char *message);
void dw_batch_take_event(struct dw_batch_item *item, const struct dw_event *event);
bool dw_batch_is_row(const struct dw_event *event);
/* Of another system, or of another table, than the map's source. */
bool dw_batch_is_foreign(const struct dw_batch *batch, const struct dw_event *event);
void dw_batch_die_foreign(struct dw_batch *batch, struct dw_batch_item *item,
                          const struct dw_event *event);

/* --- batch_control.c --- */

enum dw_batch_add dw_batch_judge_schema(struct dw_batch *batch, struct dw_batch_item *item,
                                        const struct dw_event *event);
enum dw_batch_add dw_batch_judge_message(struct dw_batch *batch, struct dw_batch_item *item,
                                         const struct dw_event *event);
enum dw_batch_add dw_batch_judge_truncate(struct dw_batch *batch, struct dw_batch_item *item,
                                          const struct dw_event *event);

/* --- batch_row.c --- */

/* Texts as a JSON array of strings: readable, and equal if and only if the texts are. */
struct dw_str dw_batch_text_list(struct dw_batch *batch, const struct dw_str *texts, size_t count);
struct dw_str dw_batch_key_text(struct dw_batch *batch, const struct dw_value *keys, size_t count);
/* Makes the change of a row event; the item dies when that cannot be. */
void dw_batch_judge_row(struct dw_batch *batch, struct dw_batch_item *item,
                        const struct dw_event *event);

/* --- batch_replay.c --- */

enum dw_batch_add dw_batch_judge_replay(struct dw_batch *batch, struct dw_batch_item *item,
                                        const struct dw_event *event);
/* The event of item->replay, by the map in force now. */
void dw_batch_judge_letter(struct dw_batch *batch, struct dw_batch_item *item);
/* NULL: it is none for this topic. */
const struct dw_replay *dw_batch_read_replay(struct dw_batch *batch, const struct dw_event *event);
/* Newer events of the key are applied by another worker, since the map has more partitions. */
bool dw_batch_is_elsewhere(const struct dw_batch *batch, struct dw_str key);
/* What waits under the change's key is looked at before it. */
void dw_batch_wait_behind(struct dw_batch *batch, struct dw_batch_item *item);

/* --- batch_question.c --- */

enum dw_batch_add dw_batch_judge_question(struct dw_batch *batch, struct dw_batch_item *item,
                                          const struct dw_event *event);

#endif
