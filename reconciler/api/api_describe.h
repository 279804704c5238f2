/* api_describe.h - the operator API described as OpenAPI 3.1, made from the table of routes and the
 * schemas of the answers (schemas.json).
 *
 * It is served at /api/v1/openapi.json; reconciler/api/openapi.json is its text for readers and
 * generators, which a test compares. Pure.
 */
#ifndef DW_API_API_DESCRIBE_H
#define DW_API_API_DESCRIBE_H
#include "common/base/buf.h"

void dw_api_describe_write(struct dw_buf *out);

#endif
