/* bearer.c - see bearer.h. */
#include "common/service/bearer.h"

#include "common/base/arena.h"
#include "common/base/hash.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGEST_BYTES 32

struct entry {
    char *name;
    unsigned char digest[DIGEST_BYTES];
};

struct dw_bearer {
    size_t count;
    struct entry *entries;
};

struct dw_bearer *dw_bearer_new(const struct dw_bearer_token *tokens, size_t count)
{
    struct dw_bearer *bearer = DW_MEM_NEW(struct dw_bearer);
    bearer->entries = dw_mem_calloc(count, sizeof *bearer->entries);
    bearer->count = count;
    for (size_t i = 0; i < count; i++) {
        bearer->entries[i].name = dw_mem_strdup(tokens[i].name);
        dw_hash_sha256(tokens[i].secret, strlen(tokens[i].secret), bearer->entries[i].digest);
    }
    return bearer;
}

void dw_bearer_free(struct dw_bearer *bearer)
{
    if (!bearer)
        return;
    for (size_t i = 0; i < bearer->count; i++)
        free(bearer->entries[i].name);
    free(bearer->entries);
    free(bearer);
}

const char *dw_bearer_find(const struct dw_bearer *bearer, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    unsigned char digest[DIGEST_BYTES];
    const char *name = NULL;
    if (!bearer || !authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *given = authorization + sizeof scheme - 1;
    dw_hash_sha256(given, strlen(given), digest);
    for (size_t i = 0; i < bearer->count; i++)
        if (CRYPTO_memcmp(digest, bearer->entries[i].digest, DIGEST_BYTES) == 0)
            name = bearer->entries[i].name;
    return name;
}
