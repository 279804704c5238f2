/* compare.h - the thread that compares both sides of maps, repairs what was found, and orders the
 * comparisons of the schedule. Runs come from the state database, one after the other; whatever is
 * killed goes on from its saved cursor. Threads: start and stop are for the owner. */
#ifndef DW_COMPARE_COMPARE_H
#define DW_COMPARE_COMPARE_H
#include "common/base/err.h"
#include "common/config/settings.h"

struct dw_compare;

enum dw_rc dw_compare_start(struct dw_compare **out, const struct dw_settings *settings,
                            struct dw_err *err) DW_MUST_CHECK;
/* Ends after the step in hand. Accepts NULL. */
void dw_compare_stop(struct dw_compare *compare);

#endif
