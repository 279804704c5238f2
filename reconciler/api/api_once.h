/* api_once.h - a POST that carries an Idempotency-Key is done once, and answered alike each time.
 *
 * For whoever lost an answer: it sends the same request with the same key again. Answers of what
 * was done (2xx) are kept for a day; what was refused or failed changed nothing and is judged anew.
 */
#ifndef DW_API_API_ONCE_H
#define DW_API_API_ONCE_H
#include "common/service/http_server.h"

struct dw_api_call;

/* Answers the call by its route, or by what the same request got before. */
void dw_api_once_answer(struct dw_api_call *call, const struct dw_http_request *request);

#endif
