/* compare_hash.h - the hash of a row, as SQL over one side.
 *
 * Each column's value is hashed by its type's own function, with its number as the seed, and the
 * hashes are joined by exclusive or; a null is its number. Columns of a type whose function cannot
 * be called with it (bool, date, timestamptz, bytea) are hashed together as a record, which costs
 * more: the record has to be built and taken apart. Two rows whose values are equal by
 * common/postgres/pg_compare.h have equal hashes, on any two servers of version 14 or later.
 * Pure. Threads: none of its own.
 */
#ifndef DW_COMPARE_COMPARE_HASH_H
#define DW_COMPARE_COMPARE_HASH_H
#include "reconciler/compare/compare_pair.h"

struct dw_compare_hash {
    struct dw_buf terms; /* joined */
    struct dw_buf rest;  /* the record's elements */
    int count;
};

void dw_compare_hash_init(struct dw_compare_hash *hash);
void dw_compare_hash_done(struct dw_compare_hash *hash);

/* `expression` is cast to the pair's type already. Both sides have to add the same pairs in the
 * same order. */
void dw_compare_hash_add(struct dw_compare_hash *hash, const struct dw_compare_pair *pair,
                         const char *expression);
/* A boolean, which is compared, too. */
void dw_compare_hash_add_flag(struct dw_compare_hash *hash, const char *expression);

/* Appends the whole, a bigint that is never null; of no columns, too. */
void dw_compare_hash_write(const struct dw_compare_hash *hash, struct dw_buf *out);

#endif
