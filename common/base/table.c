/* table.c - see table.h. */
#include "common/base/table.h"

#include "common/base/arena.h"
#include "common/base/hash.h"
#include <stdlib.h>

void dw_table_init(struct dw_table *table)
{
    *table = (struct dw_table){0};
}

void dw_table_done(struct dw_table *table)
{
    free(table->slots);
    *table = (struct dw_table){0};
}

void dw_table_reset(struct dw_table *table)
{
    if (table->count)
        memset(table->slots, 0, table->capacity * sizeof *table->slots);
    table->count = 0;
}

static struct dw_table_slot *slot_of(const struct dw_table *table, struct dw_str key, uint64_t hash)
{
    size_t mask = table->capacity - 1;
    size_t i = (size_t)hash & mask;
    for (;; i = (i + 1) & mask) {
        struct dw_table_slot *slot = &table->slots[i];
        if (!slot->value || (slot->hash == hash && dw_str_equal(slot->key, key)))
            return slot;
    }
}

void *dw_table_find(const struct dw_table *table, struct dw_str key)
{
    if (!table->count)
        return NULL;
    return slot_of(table, key, dw_hash_bytes(key.ptr, key.len, 0))->value;
}

static void grow(struct dw_table *table)
{
    struct dw_table old = *table;
    table->capacity = old.capacity ? old.capacity * 2 : 64;
    table->slots = dw_mem_calloc(table->capacity, sizeof *table->slots);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].value)
            *slot_of(table, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

void **dw_table_place(struct dw_table *table, struct dw_str key)
{
    if ((table->count + 1) * 3 > table->capacity * 2)
        grow(table);
    uint64_t hash = dw_hash_bytes(key.ptr, key.len, 0);
    struct dw_table_slot *slot = slot_of(table, key, hash);
    if (!slot->value) {
        slot->key = key;
        slot->hash = hash;
        table->count++;
    }
    return &slot->value;
}
