/* letter_reader.h - reads the dead-letter topic from offsets that its caller keeps; no group.
 *
 * The reconciler is one active process and stores its offsets with the letters, so a group would
 * only add a second opinion. Threads: one owner.
 */
#ifndef DW_DEAD_LETTERS_LETTER_READER_H
#define DW_DEAD_LETTERS_LETTER_READER_H
#include "common/base/err.h"
#include "common/config/settings.h"
#include "reconciler/dead_letters/letter_parse.h"

struct dw_letter_reader;

enum dw_rc dw_letter_reader_open(struct dw_letter_reader **out,
                                 const struct dw_kafka_settings *settings, const char *client_id,
                                 struct dw_err *err) DW_MUST_CHECK;
void dw_letter_reader_close(struct dw_letter_reader *reader); /* accepts NULL */

/* Reads partitions 0 … count-1 of `topic`, each from its offset. */
enum dw_rc dw_letter_reader_assign(struct dw_letter_reader *reader, const char *topic,
                                   const int64_t *offsets, int32_t count,
                                   struct dw_err *err) DW_MUST_CHECK;

struct dw_letter_reading { /* of one partition; valid until the next call */
    int32_t partition;
    const struct dw_letter_record *records;
    size_t count;
};

/* Waits up to `timeout_ms` for a first record, then takes what is there, at most some hundred
 * records or some MiB. DW_AGAIN: nothing. DW_END: an offset is no longer in the log; look at the
 * offsets again and assign anew. */
enum dw_rc dw_letter_reader_next(struct dw_letter_reader *reader, int timeout_ms,
                                 struct dw_letter_reading *out, struct dw_err *err) DW_MUST_CHECK;

#endif
