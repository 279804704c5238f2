/* letter_mail.h - sends replays to the topics of their maps, each to the partition where its key's
 * events go now. Synchronous: returns when Kafka has them or does not take them. Threads: one
 * owner. */
#ifndef DW_DEAD_LETTERS_LETTER_MAIL_H
#define DW_DEAD_LETTERS_LETTER_MAIL_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/settings.h"
#include "common/state/state.h"
#include "common/state/state_replay.h"

struct dw_letter_mail;

enum dw_rc dw_letter_mail_open(struct dw_letter_mail **out, const struct dw_settings *settings,
                               struct dw_err *err) DW_MUST_CHECK;
void dw_letter_mail_close(struct dw_letter_mail *mail); /* accepts NULL */

/* Sends parcels of maps among `maps`. *out_ids (in `arena`): those that Kafka has; *out_returned:
 * those that cannot be sent as they are, with the reason, to be landed. DW_RETRY, DW_FATAL: some
 * may have been sent all the same; close, open, send again. */
struct dw_letter_mailing {
    const int64_t *sent;
    size_t sent_count;
    const struct dw_letter_landing *returned;
    size_t returned_count;
};
enum dw_rc dw_letter_mail_send(struct dw_letter_mail *mail, const struct dw_letter_parcel *parcels,
                               size_t count, const struct dw_map_record *maps, size_t map_count,
                               struct dw_arena *arena, struct dw_letter_mailing *out,
                               struct dw_err *err) DW_MUST_CHECK;

#endif
