/* table.h - a hash table from byte strings to pointers: open addressing, insertion only until
 * reset.
 *
 * Keys are borrowed and must outlive the table's use. Threads: one owner.
 */
#ifndef DW_BASE_TABLE_H
#define DW_BASE_TABLE_H
#include "common/base/str.h"
#include <stddef.h>
#include <stdint.h>

struct dw_table_slot {
    struct dw_str key;
    uint64_t hash;
    void *value; /* NULL: free */
};

struct dw_table {
    struct dw_table_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void dw_table_init(struct dw_table *table);
void dw_table_done(struct dw_table *table);
/* Empties it, keeps the memory. */
void dw_table_reset(struct dw_table *table);
/* NULL when absent. */
void *dw_table_find(const struct dw_table *table, struct dw_str key);
/* The place of the key's value: *place is NULL when it was absent; the caller sets it (not NULL).
 */
void **dw_table_place(struct dw_table *table, struct dw_str key);

#endif
