/* map_reconcile.c - see map_reconcile.h. */
#include "common/model/map_reconcile.h"

#include <errno.h>
#include <stdlib.h>

#define HOURS_MAX 8760
#define ROWS_MAX  1000000

static const char *const members[] = {"every_hours", "continuous", "rate", "repair", NULL};
static const char *const repair_members[] = {"max_rows", "max_percent", "kinds", NULL};
static const char *const kinds[] = {"missing", "different", "held", NULL}; /* by bit */

const char *dw_map_reconcile_kinds(unsigned set)
{
    static const char *const literals[] = {
        "{}",     "{missing}",      "{different}",      "{missing,different}",
        "{held}", "{missing,held}", "{different,held}", "{missing,different,held}",
    };
    return literals[set & (DW_MAP_MEND_MISSING | DW_MAP_MEND_DIFFERENT | DW_MAP_MEND_HELD)];
}

static void parse_number(struct dw_map_reader *reader, const struct dw_node *object,
                         const char *name, int64_t max, int64_t *out)
{
    const struct dw_node *node = dw_document_member(object, name);
    *out = DW_MAP_RECONCILE_DEFAULT;
    if (!node)
        return;
    char *end = NULL;
    const char *text = node->text.ptr ? dw_arena_copy(reader->arena, node->text).ptr : "";
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (node->kind != DW_NODE_NUMBER || *end || errno || value < 0 || value > max) {
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-068"},
                             "found %s, allowed: a whole number from 0 to %lld",
                             dw_document_show(node, reader->arena), (long long)max);
        return;
    }
    *out = value;
}

static unsigned kind_of(struct dw_map_reader *reader, const struct dw_node *node)
{
    int choice = 0;
    if (node->kind == DW_NODE_STRING && dw_str_is(node->text, "extra"))
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-068"},
                             "found \"extra\"; rows of the target are deleted only when a person "
                             "asks for it: dualwrite reconcile repair RUN --delete-extra");
    else if (dw_map_reader_choice(reader, node, kinds, &choice))
        return 1U << choice;
    return 0;
}

static void parse_kinds(struct dw_map_reader *reader, const struct dw_node *node, unsigned *out)
{
    *out = 0;
    if (!node)
        return;
    if (node->kind != DW_NODE_ARRAY || !node->count) {
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-068"},
                             "found %s, allowed: an array of \"missing\", \"different\" and "
                             "\"held\"; to mend nothing, \"max_rows\" is 0",
                             dw_document_show(node, reader->arena));
        return;
    }
    for (const struct dw_node *kind = node->first; kind; kind = kind->next)
        *out |= kind_of(reader, kind);
}

static void parse_repair(struct dw_map_reader *reader, const struct dw_node *node,
                         struct dw_map_reconcile *out)
{
    if (!node || !dw_map_reader_object(reader, node, "repair", repair_members))
        return;
    parse_number(reader, node, "max_rows", ROWS_MAX, &out->max_rows);
    parse_number(reader, node, "max_percent", 100, &out->max_percent);
    parse_kinds(reader, dw_document_member(node, "kinds"), &out->kinds);
}

static void parse_continuous(struct dw_map_reader *reader, const struct dw_node *object,
                             struct dw_map_reconcile *out)
{
    const struct dw_node *node = dw_document_member(object, "continuous");
    if (!node)
        return;
    if (node->kind != DW_NODE_TRUE && node->kind != DW_NODE_FALSE)
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-003"},
                             "found %s, allowed: true or false",
                             dw_document_show(node, reader->arena));
    else if (node->kind == DW_NODE_TRUE && out->every_hours > 0)
        dw_map_reader_report(
            reader, node, &(struct dw_map_fault){.code = "DW-MAP-068"},
            "found true beside \"every_hours\"; a comparison follows the last one, "
            "or comes every so many hours");
    else
        out->continuous = node->kind == DW_NODE_TRUE;
}

void dw_map_reconcile_parse(struct dw_map_reader *reader, const struct dw_node *node,
                            struct dw_map_reconcile *out)
{
    *out = (struct dw_map_reconcile){DW_MAP_RECONCILE_DEFAULT, DW_MAP_RECONCILE_DEFAULT,
                                     DW_MAP_RECONCILE_DEFAULT, DW_MAP_RECONCILE_DEFAULT,
                                     DW_MAP_RECONCILE_DEFAULT, 0};
    if (!node || !dw_map_reader_object(reader, node, "reconcile", members))
        return;
    parse_number(reader, node, "every_hours", HOURS_MAX, &out->every_hours);
    parse_number(reader, node, "rate", INT64_MAX, &out->rate);
    parse_continuous(reader, node, out);
    parse_repair(reader, dw_document_member(node, "repair"), out);
}
