/* waiting.c - see waiting.h. */
#include "consumer/pipeline/waiting.h"

#include <assert.h>
#include <stdlib.h>

void dw_waiting_init(struct dw_waiting_set *set)
{
    *set = (struct dw_waiting_set){0};
    dw_table_init(&set->keys);
}

static void free_key(struct dw_waiting_key *key)
{
    while (key->first) {
        struct dw_waiting_entry *next = key->first->next;
        free(key->first);
        key->first = next;
    }
    free(key);
}

static void free_keys(struct dw_waiting_key **list)
{
    while (*list) {
        struct dw_waiting_key *next = (*list)->next;
        free_key(*list);
        *list = next;
    }
}

void dw_waiting_clear(struct dw_waiting_set *set)
{
    free_keys(&set->first);
    free_keys(&set->emptied);
    set->last = NULL;
    set->entries = set->bytes = set->key_count = set->emptied_count = 0;
    dw_table_reset(&set->keys);
}

void dw_waiting_done(struct dw_waiting_set *set)
{
    dw_waiting_clear(set);
    dw_table_done(&set->keys);
}

struct dw_waiting_key *dw_waiting_find(const struct dw_waiting_set *set, struct dw_str key_text)
{
    struct dw_waiting_key *key = dw_table_find(&set->keys, key_text);
    return key && key->first ? key : NULL;
}

static void link_key(struct dw_waiting_set *set, struct dw_waiting_key *key)
{
    key->next = NULL;
    key->previous = set->last;
    if (set->last)
        set->last->next = key;
    else
        set->first = key;
    set->last = key;
    set->key_count++;
}

static void revive_key(struct dw_waiting_set *set, struct dw_waiting_key *key)
{
    struct dw_waiting_key **link = &set->emptied;
    while (*link != key)
        link = &(*link)->next;
    *link = key->next;
    set->emptied_count--;
    link_key(set, key);
}

static struct dw_waiting_key *key_of(struct dw_waiting_set *set, struct dw_str text)
{
    struct dw_waiting_key *key = dw_table_find(&set->keys, text);
    if (key) {
        if (!key->first)
            revive_key(set, key);
        return key;
    }
    key = dw_mem_calloc(1, sizeof *key + text.len + 1);
    char *copy = (char *)(key + 1);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    key->text = (struct dw_str){copy, text.len};
    link_key(set, key);
    *dw_table_place(&set->keys, key->text) = key;
    return key;
}

static struct dw_str put(char **at, struct dw_str text)
{
    if (!text.ptr)
        return text;
    char *start = *at;
    if (text.len)
        memcpy(start, text.ptr, text.len);
    start[text.len] = '\0';
    *at += text.len + 1;
    return (struct dw_str){start, text.len};
}

struct dw_waiting_entry *dw_waiting_add(struct dw_waiting_set *set, const struct dw_waiting *row,
                                        int64_t commit_us)
{
    struct dw_waiting_key *key = key_of(set, row->key_text);
    assert(!key->last || key->last->row.offset < row->offset);
    size_t bytes = row->record_key.len + row->record_value.len + row->code.len + row->reason.len +
                   row->parent_schema.len + row->parent_table.len + 6;
    struct dw_waiting_entry *entry = dw_mem_calloc(1, sizeof *entry + bytes);
    char *at = entry->bytes;
    entry->row = *row;
    entry->row.record_key = put(&at, row->record_key);
    entry->row.record_value = put(&at, row->record_value);
    entry->row.code = put(&at, row->code);
    entry->row.reason = put(&at, row->reason);
    entry->row.parent_schema = put(&at, row->parent_schema);
    entry->row.parent_table = put(&at, row->parent_table);
    entry->row.key_text = key->text;
    entry->bytes_len = sizeof *entry + bytes;
    entry->commit_us = commit_us;
    entry->key = key;
    if (key->last)
        key->last->next = entry;
    else
        key->first = entry;
    key->last = entry;
    set->entries++;
    set->bytes += entry->bytes_len;
    return entry;
}

bool dw_waiting_is_crowded(const struct dw_waiting_set *set, size_t rows_max, size_t bytes_max)
{
    return set->entries >= rows_max / 2 || set->bytes >= bytes_max / 2;
}

size_t dw_waiting_room(const struct dw_waiting_set *set, size_t rows_max, size_t bytes_max)
{
    return set->entries < rows_max && set->bytes < bytes_max ? rows_max - set->entries : 0;
}

/* The hash table cannot forget a single key, so an emptied one stays in it until the emptied are
 * the majority; then it is filled anew with those that are left. */
static void forget_key(struct dw_waiting_set *set, struct dw_waiting_key *key)
{
    if (key->previous)
        key->previous->next = key->next;
    else
        set->first = key->next;
    if (key->next)
        key->next->previous = key->previous;
    else
        set->last = key->previous;
    set->key_count--;
    key->next = set->emptied;
    set->emptied = key;
    set->emptied_count++;
    if (set->emptied_count < set->key_count + 64)
        return;
    dw_table_reset(&set->keys);
    free_keys(&set->emptied);
    set->emptied_count = 0;
    for (struct dw_waiting_key *left = set->first; left; left = left->next)
        *dw_table_place(&set->keys, left->text) = left;
}

void dw_waiting_remove(struct dw_waiting_set *set, struct dw_waiting_entry *entry)
{
    struct dw_waiting_key *key = entry->key;
    struct dw_waiting_entry **link = &key->first;
    struct dw_waiting_entry *before = NULL;
    while (*link != entry) {
        before = *link;
        link = &before->next;
    }
    *link = entry->next;
    if (key->last == entry)
        key->last = before;
    set->entries--;
    set->bytes -= entry->bytes_len;
    free(entry);
    if (!key->first)
        forget_key(set, key);
}
