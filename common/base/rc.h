/* rc.h - the result of a call that can fail; its meaning is what the caller has to do next.
 *
 * DW_RETRY   an outage or throttling: the same call may succeed later; back off, never give up
 * DW_REJECT  this record can never succeed as it is: dead letter
 * DW_CONFLICT  the target row is not what was expected: ask the conflict policy
 * DW_CONFIG  configuration, schema or privilege: pause the map and tell a person
 * DW_FATAL   this process cannot go on: exit non-zero
 */
#ifndef DW_BASE_RC_H
#define DW_BASE_RC_H

enum dw_rc {
    DW_OK = 0,
    DW_AGAIN = 1, /* nothing to do now, call again */
    DW_END = 2,   /* regular end of what was read */
    DW_RETRY = -1,
    DW_REJECT = -2,
    DW_CONFLICT = -3,
    DW_CONFIG = -4,
    DW_FATAL = -5,
};

/* Name of a result for logs: "ok", "retry", ... Never NULL. */
const char *dw_rc_name(enum dw_rc rc);

#define DW_MUST_CHECK __attribute__((warn_unused_result))

#endif
