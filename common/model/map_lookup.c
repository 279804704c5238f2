/* map_lookup.c - see map_lookup.h. */
#include "common/model/map_lookup.h"

#define DEPTH_MAX 8

static const char *const lookup_members[] = {"table", "key", "column", "on_missing", NULL};
static const char *const inner_members[] = {"table", "key", "column", NULL};
static const char *const key_members[] = {"column", "source", "default", "lookup", NULL};
static const char *const key_origins[] = {"source", "default", "lookup"};
static const char *const missing_choices[] = {"wait", "null", "dead", NULL};

struct parse {
    struct dw_map_reader *reader;
    struct dw_str source; /* beside the outermost lookup */
    bool source_used;
    int depth;
};

static const struct dw_map_lookup *parse_lookup(struct parse *parse, const struct dw_node *node);

static bool report(struct parse *parse, const struct dw_node *node, const char *found)
{
    dw_map_reader_report(parse->reader, node, &(struct dw_map_fault){.code = "DW-MAP-063"}, "%s",
                         found);
    return false;
}

/* Exactly one of source, default, lookup. */
static const char *key_origin(struct parse *parse, const struct dw_node *node)
{
    const char *found = NULL;
    for (size_t i = 0; i < sizeof key_origins / sizeof *key_origins; i++) {
        const struct dw_node *member = dw_document_member(node, key_origins[i]);
        if (member && found) {
            (void)report(parse, member,
                         "found a second origin of the key column, allowed: one of "
                         "\"source\", \"default\" and \"lookup\"");
            return NULL;
        }
        if (member)
            found = key_origins[i];
    }
    if (!found)
        (void)report(parse, node,
                     "found no origin of the key column, allowed: one of \"source\", "
                     "\"default\" and \"lookup\"");
    return found;
}

static bool parse_key_object(struct parse *parse, const struct dw_node *node,
                             struct dw_map_lookup_key *out)
{
    struct dw_map_reader *reader = parse->reader;
    if (!dw_map_reader_object(reader, node, "a key column", key_members))
        return false;
    const struct dw_node *column =
        dw_map_reader_need(reader, node, "column", "a column of the looked-up table");
    bool ok = column && dw_map_reader_name(reader, column, &out->column);
    const char *origin = key_origin(parse, node);
    if (!origin)
        return false;
    const struct dw_node *member = dw_document_member(node, origin);
    if (strcmp(origin, "source") == 0)
        return dw_map_reader_name(reader, member, &out->source) && ok;
    if (strcmp(origin, "lookup") == 0) {
        out->lookup = parse_lookup(parse, member);
        return out->lookup && ok;
    }
    ok = dw_map_reader_scalar(reader, member, &out->constant) && ok;
    if (ok && out->constant.kind == DW_VALUE_NULL)
        return report(parse, member, "found null, allowed: a value; null finds no row");
    return ok;
}

static bool parse_key_part(struct parse *parse, const struct dw_node *node,
                           struct dw_map_lookup_key *out)
{
    *out = (struct dw_map_lookup_key){.lookup = NULL};
    if (node->kind != DW_NODE_STRING)
        return parse_key_object(parse, node, out);
    if (!dw_map_reader_name(parse->reader, node, &out->column))
        return false;
    if (!parse->source.ptr || parse->source_used || parse->depth > 1)
        return report(parse, node,
                      "found a name alone, allowed: one of the outermost key, which "
                      "takes the \"source\" beside the lookup; for others an object "
                      "with \"column\" and \"source\", \"default\" or \"lookup\"");
    parse->source_used = true;
    out->source = parse->source;
    return true;
}

static bool parse_key(struct parse *parse, const struct dw_node *node, struct dw_map_lookup *out)
{
    if (node->kind != DW_NODE_ARRAY || !node->count || node->count > DW_TABLE_MAP_KEY_MAX)
        return report(parse, node, "found no array of 1 to 32 key columns");
    struct dw_map_lookup_key *keys =
        DW_ARENA_ARRAY(parse->reader->arena, struct dw_map_lookup_key, node->count);
    bool ok = true;
    for (const struct dw_node *part = node->first; part; part = part->next) {
        ok = parse_key_part(parse, part, &keys[out->key_count]) && ok;
        for (size_t i = 0; ok && i < out->key_count; i++)
            if (dw_str_equal(keys[i].column, keys[out->key_count].column))
                ok = report(parse, part, "found a key column a second time");
        out->key_count++;
    }
    out->keys = keys;
    return ok;
}

static const struct dw_map_lookup *parse_lookup(struct parse *parse, const struct dw_node *node)
{
    struct dw_map_reader *reader = parse->reader;
    bool outermost = parse->depth++ == 0;
    struct dw_map_lookup *out = DW_ARENA_NEW(reader->arena, struct dw_map_lookup);
    int choice = 0;
    if (parse->depth > DEPTH_MAX) {
        (void)report(parse, node, "found more than 8 levels of lookups");
        return NULL;
    }
    if (!dw_map_reader_object(reader, node, "a lookup", outermost ? lookup_members : inner_members))
        return NULL;
    const struct dw_node *table = dw_map_reader_need(reader, node, "table", "SCHEMA.TABLE");
    bool ok = table && dw_map_reader_table(reader, table, &out->schema, &out->table);
    const struct dw_node *column =
        dw_map_reader_need(reader, node, "column", "the column whose value is taken");
    ok = column && dw_map_reader_name(reader, column, &out->column) && ok;
    const struct dw_node *key = dw_map_reader_need(reader, node, "key", "the row's key");
    ok = key && parse_key(parse, key, out) && ok;
    const struct dw_node *missing = dw_document_member(node, "on_missing");
    if (missing)
        ok = dw_map_reader_choice(reader, missing, missing_choices, &choice) && ok;
    out->on_missing = (enum dw_on_missing)choice;
    parse->depth--;
    return ok ? out : NULL;
}

const struct dw_map_lookup *dw_map_lookup_parse(struct dw_map_reader *reader,
                                                const struct dw_node *node, struct dw_str source)
{
    struct parse parse = {.reader = reader, .source = source};
    const struct dw_map_lookup *lookup = parse_lookup(&parse, node);
    if (lookup && source.ptr && !parse.source_used) {
        (void)report(&parse, node,
                     "found a \"source\" beside the lookup that no name alone in its "
                     "\"key\" takes");
        return NULL;
    }
    return lookup;
}
