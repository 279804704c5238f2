/* tls_pair.h - a certificate and its private key, looked at before a server uses them.
 *
 * The TLS library says no more than "cannot start"; this says what is wrong.
 */
#ifndef DW_SERVICE_TLS_PAIR_H
#define DW_SERVICE_TLS_PAIR_H
#include "common/base/err.h"

/* PEM texts. Errors: DW_CONFIG DW-API-006. Never shows the key. */
enum dw_rc dw_tls_pair_check(const char *certificate, const char *key,
                             struct dw_err *err) DW_MUST_CHECK;

#endif
