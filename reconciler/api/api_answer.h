/* api_answer.h - what the answering files of this folder share; not for others. */
#ifndef DW_API_API_ANSWER_H
#define DW_API_API_ANSWER_H
#include "common/base/json_write.h"
#include "common/state/state.h"
#include "common/state/state_letters.h"
#include "common/state/state_reconcile.h"
#include "common/state/state_sync.h"
#include "reconciler/api/api.h"
#include "reconciler/api/api_request.h"
#include "reconciler/api/sync_meter.h"
#include "reconciler/dead_letters/letter_index.h"
#include "reconciler/targets/target_watch.h"

struct dw_api_call {
    const struct dw_settings *settings;
    const char *instance;
    struct dw_state *state;
    struct dw_letter_index *index;
    struct dw_target_watch *watch;
    struct dw_sync_meter *meter;
    struct dw_arena *arena;
    const char *by; /* who asks */
    struct dw_api_request request;
    struct dw_http_response *response;
};

/* Answers an error of a lower layer with the status that fits its class. */
void dw_api_answer_error(struct dw_api_call *call, const struct dw_err *err);
/* "name":"2026-01-31T12:34:56.123456Z", null for 0. */
void dw_api_answer_time(struct dw_buf *out, const char *name, int64_t wall_us);
/* "next" of a list: for the `after` of the next page, null when this one is not full. */
void dw_api_answer_next(struct dw_buf *out, bool full, int64_t last);
/* The reason that was given, "" when none; on_existing is "keep". */
const char *dw_api_answer_reason(const struct dw_api_call *call);
bool dw_api_answer_keeps(const struct dw_api_call *call);
/* Starts an element of an array or object that may have others before it: writes the comma. */
void dw_api_answer_open(struct dw_buf *out, char bracket);

void dw_api_describe_show(struct dw_api_call *call);
void dw_api_status_show(struct dw_api_call *call);
void dw_api_maps_list(struct dw_api_call *call);
void dw_api_maps_show(struct dw_api_call *call);
void dw_api_maps_apply(struct dw_api_call *call);
void dw_api_maps_order(struct dw_api_call *call);
void dw_api_maps_rollback(struct dw_api_call *call);
void dw_api_partitions_show(struct dw_api_call *call);
void dw_api_partitions_raise(struct dw_api_call *call);
void dw_api_history_show(struct dw_api_call *call);
/* The "history" member. */
void dw_api_history_write(struct dw_buf *out, const struct dw_map_history_list *history);
void dw_api_history_audit(struct dw_api_call *call);
void dw_api_start_run(struct dw_api_call *call);
void dw_api_start_resync(struct dw_api_call *call);
void dw_api_syncs_list(struct dw_api_call *call);
void dw_api_syncs_show(struct dw_api_call *call);
void dw_api_syncs_act(struct dw_api_call *call);
/* The "syncs" and "batches" members, of the filter's syncs; *out_next: 0, or the last one's id when
 * there may be more. */
enum dw_rc dw_api_syncs_write(struct dw_api_call *call, const struct dw_sync_filter *filter,
                              int64_t *out_next, struct dw_err *err) DW_MUST_CHECK;
void dw_api_alerts_list(struct dw_api_call *call);
void dw_api_alerts_history(struct dw_api_call *call);
void dw_api_alerts_test(struct dw_api_call *call);
void dw_api_alerts_silence(struct dw_api_call *call);
void dw_api_alerts_unsilence(struct dw_api_call *call);
/* The "alerts" member: those that fire. */
enum dw_rc dw_api_alerts_write(struct dw_api_call *call, struct dw_err *err) DW_MUST_CHECK;
void dw_api_reconcile_order(struct dw_api_call *call);
void dw_api_reconcile_list(struct dw_api_call *call);
void dw_api_reconcile_show(struct dw_api_call *call);
void dw_api_reconcile_cancel(struct dw_api_call *call);
void dw_api_reconcile_differences(struct dw_api_call *call);
void dw_api_reconcile_repair(struct dw_api_call *call);
/* A run, a difference: as elements or values. */
void dw_api_reconcile_write_run(struct dw_buf *out, const struct dw_reconcile_run *run);
void dw_api_reconcile_write_difference(struct dw_buf *out, const struct dw_difference *difference);
void dw_api_report_show(struct dw_api_call *call);
void dw_api_report_page(struct dw_api_call *call);
void dw_api_digest_show(struct dw_api_call *call);
void dw_api_digest_page(struct dw_api_call *call);
void dw_api_letters_list(struct dw_api_call *call);
void dw_api_letters_groups(struct dw_api_call *call);
void dw_api_letters_show(struct dw_api_call *call);
void dw_api_letters_compare(struct dw_api_call *call);
void dw_api_letters_edit(struct dw_api_call *call);
void dw_api_archive_export(struct dw_api_call *call);
void dw_api_archive_import(struct dw_api_call *call);
/* The filter that a request names, of query or body. False: answered, it can match nothing: no such
 * code, map or key. */
bool dw_api_letters_filter(struct dw_api_call *call, struct dw_letter_filter *out);
void dw_api_letter_jobs_start(struct dw_api_call *call);
void dw_api_letter_jobs_list(struct dw_api_call *call);
void dw_api_letter_jobs_show(struct dw_api_call *call);
void dw_api_letter_jobs_cancel(struct dw_api_call *call);

#endif
