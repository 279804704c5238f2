/* nearest.h - the known name that is most like a misspelt one, for "did you mean". */
#ifndef DW_CONFIG_NEAREST_H
#define DW_CONFIG_NEAREST_H
#include "common/base/str.h"
#include <stddef.h>

/* Keeps the best of the candidates shown to it one by one; start with zeroes. */
struct dw_nearest {
    struct dw_str best; /* .ptr NULL: nothing is near enough */
    size_t distance;
};

/* Shows a candidate. A name is near when a third of its characters (of a short one: one), at
 * most, have to be changed, added, removed or swapped (letter case aside). Borrows the candidate.
 */
void dw_nearest_offer(struct dw_nearest *nearest, struct dw_str wanted, struct dw_str candidate);

/* The nearest of `count` names; NULL when none is near. */
const char *dw_nearest_of(struct dw_str wanted, const char *const *names, size_t count);

#endif
