/* bearer.h - the bearer tokens that a server takes, by name.
 *
 * Only digests are kept, and all of them are compared, each in constant time: neither the time nor
 * the memory tells a token. Threads: any.
 */
#ifndef DW_SERVICE_BEARER_H
#define DW_SERVICE_BEARER_H
#include <stddef.h>

struct dw_bearer;

struct dw_bearer_token {
    const char *name;
    const char *secret;
};

/* Copies names and digests. */
struct dw_bearer *dw_bearer_new(const struct dw_bearer_token *tokens, size_t count);
void dw_bearer_free(struct dw_bearer *bearer); /* accepts NULL */

/* The name of the token in "Bearer TOKEN"; NULL when it is none of ours. Both may be NULL. */
const char *dw_bearer_find(const struct dw_bearer *bearer, const char *authorization);

#endif
