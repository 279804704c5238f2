/* compare_pair.h - how a source value and a target value are brought to one type, in which the two
 * databases' hashes are the same exactly when the consumer would leave the target's value as it is.
 *
 * Both sides are cast to a type that holds every value of both, never to a narrower one: a source
 * value that does not fit the target is then a difference, and not an error of the whole statement.
 * Pure.
 */
#ifndef DW_COMPARE_COMPARE_PAIR_H
#define DW_COMPARE_COMPARE_PAIR_H
#include "common/base/buf.h"
#include "common/postgres/pg_compare.h"
#include "common/transform/convert_type.h"

struct dw_compare_pair {
    const char *via;  /* cast first, "" none */
    const char *cast; /* then; "" the type as it is */
    enum dw_compare_by by;
    uint32_t oid; /* of the type that it is then */
};

/* False: this pair cannot be compared by hashes, the rows have to be read. */
bool dw_compare_pair_of(const struct dw_convert_type *source, const struct dw_convert_type *target,
                        struct dw_compare_pair *out);

/* Appends an expression of either side, cast, without how it is compared. */
void dw_compare_pair_cast(const struct dw_compare_pair *pair, const char *expression,
                          struct dw_buf *out);

/* Do both sides walk keys of these types in the same order, by an index of their own? Collations
 * are told by texts that are equal when they sort alike. */
bool dw_compare_pair_sorts_alike(const struct dw_convert_type *source,
                                 const struct dw_convert_type *target, const char *source_collation,
                                 const char *target_collation);

#endif
