/* letter_choose.c - see letter_choose.h. */
#include "reconciler/dead_letters/letter_choose.h"

#include "common/model/table_map.h"
#include "reconciler/maps/sync_keys.h"
#include <stdlib.h>

static struct dw_letter_chosen refuse(const char *reason)
{
    return (struct dw_letter_chosen){.choice = DW_LETTER_REFUSE, .reason = reason};
}

static bool has_ended(const struct dw_letter *letter)
{
    return letter->state == DW_LETTER_VOID || letter->state == DW_LETTER_APPLIED ||
           letter->state == DW_LETTER_SUPERSEDED || letter->state == DW_LETTER_FILTERED ||
           letter->state == DW_LETTER_DISCARDED;
}

static struct dw_letter_chosen refuse_state(const struct dw_letter *letter, struct dw_arena *arena)
{
    return refuse(dw_arena_printf(arena, "it is %s", dw_state_letters_state_name(letter->state)));
}

/* Its source key, which later events of its row are known by; NULL with *out_why. */
static const char *key_of(const struct dw_letter *letter, const struct dw_letter_facts *facts,
                          struct dw_arena *arena, const char **out_why)
{
    struct dw_map_problems ignored; /* what is applied was checked when it was */
    struct dw_err err = DW_ERR_INIT;
    const char *key = NULL;
    dw_map_problems_init(&ignored, arena);
    const struct dw_table_map *map =
        dw_table_map_parse(dw_str_from(facts->map->document), facts->map->name, arena, &ignored);
    if (!map)
        *out_why = "the map's document does not parse: apply it again";
    else if (!letter->key.ptr ||
             dw_sync_keys_parse_one(letter->key, &map->source, arena, &key, &err) != DW_OK)
        *out_why = "its record's key is not one of the map's source, so nobody can tell which row "
                   "it is: discard it";
    return key;
}

/* Why it cannot go through the topic; NULL: it can. */
static const char *why_not_sent(const struct dw_letter *letter, const struct dw_letter_facts *facts)
{
    if (letter->kind == DW_LETTER_REFERENCE)
        return "it has no value: the record was too large";
    if (letter->archived)
        return "it was loaded from an archive";
    if (strcmp(letter->incarnation, facts->incarnation) != 0)
        return "it is of an older incarnation of the target";
    if (*letter->version && strtoul(letter->version, NULL, 10) < facts->epoch)
        return "it is of an older history of the source";
    if (letter->value_bytes < 0)
        return "it has no value";
    return NULL;
}

static struct dw_letter_chosen choose_replay(bool source_row, const struct dw_letter *letter,
                                             const struct dw_letter_facts *facts,
                                             struct dw_arena *arena)
{
    if (letter->kind == DW_LETTER_FOREIGN)
        return refuse("it is no dead letter of ours: its headers do not say what it is");
    if (letter->state != DW_LETTER_OPEN)
        return refuse_state(letter, arena);
    if (!facts->map)
        return refuse("there is no map of its name any more");
    if (facts->map->state == DW_MAP_STOPPED)
        return refuse("its map is stopped: nothing of it is applied");
    const char *refusal = NULL;
    const char *key = key_of(letter, facts, arena, &refusal);
    if (!key)
        return refuse(refusal);
    const char *why = source_row ? "" : why_not_sent(letter, facts);
    if (why)
        return (struct dw_letter_chosen){.choice = DW_LETTER_READ_ROW, .key = key, .reason = why};
    if (letter->attempts >= facts->attempts_max)
        return refuse("it has failed as often as reconciler.replay_attempts_max allows: mend the "
                      "cause and use the source's row, or raise the setting");
    return (struct dw_letter_chosen){.choice = DW_LETTER_SEND, .reason = ""};
}

static struct dw_letter_chosen choose_discard(const struct dw_letter *letter,
                                              struct dw_arena *arena)
{
    if (has_ended(letter) || letter->state == DW_LETTER_DISCARDING)
        return refuse_state(letter, arena);
    bool held = letter->kind == DW_LETTER_EVENT && !letter->archived;
    return (struct dw_letter_chosen){.choice = held ? DW_LETTER_LET_GO : DW_LETTER_END,
                                     .reason = ""};
}

struct dw_letter_chosen dw_letter_choose(enum dw_letter_action action, bool source_row,
                                         const struct dw_letter *letter,
                                         const struct dw_letter_facts *facts,
                                         struct dw_arena *arena)
{
    switch (action) {
    case DW_LETTER_REPLAY:
        return choose_replay(source_row, letter, facts, arena);
    case DW_LETTER_DISCARD:
        return choose_discard(letter, arena);
    case DW_LETTER_PURGE:
        break;
    }
    if (!has_ended(letter) && letter->state != DW_LETTER_IS_FOREIGN)
        return refuse_state(letter, arena);
    return (struct dw_letter_chosen){.choice = DW_LETTER_REMOVE, .reason = ""};
}
