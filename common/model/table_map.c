/* table_map.c - see table_map.h: the map's object, its sides, and what happens on delete.
 *
 * Columns are parsed in map_columns.c. The tree comes from common/config/document, which keeps
 * lines for messages and the text of numbers for values.
 */
#include "common/model/table_map.h"

#include "common/config/document.h"
#include "common/model/map_columns.h"
#include "common/model/map_reader.h"
#include "common/model/map_reconcile.h"

#define MAP_NAME_MAX 100
#define VERSION_MAX  64

static const char *const map_members[] = {
    "$schema",        "map",          "version",   "source",      "target",
    "mode",           "direction",    "on_delete", "on_truncate", "columns",
    "on_filter_exit", "dead_letters", "reconcile", NULL};
static const char *const source_members[] = {"system", "table", "key", "filter", NULL};
static const char *const target_members[] = {"system", "table", "key", NULL};
static const char *const delete_members[] = {"set", "to", "live", NULL};
static const char *const directions[] = {"forward", NULL};
static const char *const modes[] = {"async", NULL};
static const char *const delete_choices[] = {"delete", "ignore", NULL};
static const char *const exit_choices[] = {"delete", "keep", NULL};
static const char *const truncate_choices[] = {"truncate", "ignore", NULL};
static const char *const letter_members[] = {"auto_replay", NULL};
static const char *const auto_replays[] = {"lookups", "all", "off", NULL};

/* --- name and version ------------------------------------------------------------------------ */

static bool only_of(struct dw_str text, const char *letters, size_t max)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.ptr[i] || !strchr(letters, text.ptr[i]))
            return false;
    return text.len > 0 && text.len <= max;
}

static void parse_map_name(struct dw_map_reader *reader, const struct dw_node *root,
                           struct dw_table_map *map)
{
    const struct dw_node *node = dw_map_reader_need(reader, root, "map", "the map's name");
    if (!node || !dw_map_reader_text(reader, node, &map->name))
        return;
    if (!only_of(map->name, "abcdefghijklmnopqrstuvwxyz0123456789_-", MAP_NAME_MAX))
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-005"},
                             "found %s, allowed: 1 to %d lower-case letters, digits, '_' and '-' "
                             "(it becomes part of a topic's name)",
                             dw_document_show(node, reader->arena), MAP_NAME_MAX);
    else if (dw_str_is(map->name, "dead-letters") || dw_str_is(map->name, "positions"))
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-005"},
                             "found %s, which is the name of a topic of dualwrite's own",
                             dw_document_show(node, reader->arena));
}

static void parse_version(struct dw_map_reader *reader, const struct dw_node *root,
                          struct dw_table_map *map)
{
    const struct dw_node *node = dw_document_member(root, "version");
    map->version = DW_STR_LIT("");
    if (!node || !dw_map_reader_text(reader, node, &map->version))
        return;
    if (!only_of(map->version, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_",
                 VERSION_MAX))
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-018"},
                             "found %s, allowed: 1 to %d letters, digits, '.', '+', '-' and '_'",
                             dw_document_show(node, reader->arena), VERSION_MAX);
}

/* --- sides ----------------------------------------------------------------------------------- */

static bool is_twice(const struct dw_str *names, size_t count, struct dw_str name)
{
    for (size_t i = 0; i < count; i++)
        if (dw_str_equal(names[i], name))
            return true;
    return false;
}

static void parse_key(struct dw_map_reader *reader, const struct dw_node *node,
                      struct dw_map_side *side)
{
    if (node->kind != DW_NODE_ARRAY || node->count == 0 || node->count > DW_TABLE_MAP_KEY_MAX) {
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-007"},
                             "found %s%s, allowed: an array of 1 to %d column names",
                             dw_document_show(node, reader->arena),
                             node->kind != DW_NODE_ARRAY ? ""
                             : node->count               ? " with more names"
                                                         : " without a name",
                             DW_TABLE_MAP_KEY_MAX);
        return;
    }
    struct dw_str *key = DW_ARENA_ARRAY(reader->arena, struct dw_str, node->count);
    size_t count = 0;
    for (const struct dw_node *name = node->first; name; name = name->next) {
        if (!dw_map_reader_name(reader, name, &key[count]))
            continue;
        if (is_twice(key, count, key[count]))
            dw_map_reader_report(reader, name, &(struct dw_map_fault){.code = "DW-MAP-007"},
                                 "found the key column %s a second time",
                                 dw_document_show(name, reader->arena));
        count++;
    }
    side->key = key;
    side->key_count = count == node->count ? count : 0; /* 0: do not pair a key with holes */
}

static const struct dw_node *parse_side(struct dw_map_reader *reader, const struct dw_node *root,
                                        const char *name, const char *const *members,
                                        struct dw_map_side *side)
{
    const struct dw_node *node = dw_map_reader_need(reader, root, name,
                                                    "an object with system, "
                                                    "table and key");
    if (!node || !dw_map_reader_object(reader, node, name, members))
        return NULL;
    const struct dw_node *system =
        dw_map_reader_need(reader, node, "system", "a system's name in dualwrite.json");
    if (system)
        (void)dw_map_reader_text(reader, system, &side->system); /* reported */
    const struct dw_node *table = dw_map_reader_need(reader, node, "table", "SCHEMA.TABLE");
    if (table)
        (void)dw_map_reader_table(reader, table, &side->schema, &side->table); /* reported */
    const struct dw_node *key = dw_map_reader_need(reader, node, "key", "the names of its columns");
    if (key)
        parse_key(reader, key, side);
    return node;
}

/* --- on_delete, on_filter_exit, on_truncate
 * ------------------------------------------------------------------ */

static bool same_value(const struct dw_value *a, const struct dw_value *b)
{
    return a->kind == b->kind && dw_str_equal(a->text, b->text);
}

static bool parse_set(struct dw_map_reader *reader, const struct dw_node *node, const char *owner,
                      struct dw_map_flag *out)
{
    if (!dw_map_reader_object(reader, node, owner, delete_members))
        return false;
    const struct dw_node *set = dw_map_reader_need(reader, node, "set", "a target column");
    const struct dw_node *to =
        dw_map_reader_need(reader, node, "to", "the column's value for a row that is gone");
    const struct dw_node *live =
        dw_map_reader_need(reader, node, "live", "the column's value for every other row");
    bool ok = set && dw_map_reader_name(reader, set, &out->column);
    ok = to && dw_map_reader_scalar(reader, to, &out->value) && ok;
    ok = live && dw_map_reader_scalar(reader, live, &out->live) && ok;
    if (ok && same_value(&out->value, &out->live))
        dw_map_reader_report(reader, live, &(struct dw_map_fault){.code = "DW-MAP-015"},
                             "found the same value as \"to\"; a row that is gone could not be told "
                             "from a live one");
    return ok;
}

/* The flag stands alone: a mapping of the same column would overwrite it. */
static void check_flag_column(struct dw_map_reader *reader, const struct dw_node *node,
                              const struct dw_table_map *map, struct dw_str name,
                              const struct dw_map_columns *columns)
{
    const struct dw_node *set = dw_document_member(node, "set");
    bool mapped = is_twice(map->target.key, map->target.key_count, name);
    for (size_t i = 0; i < columns->count; i++)
        if (dw_str_equal(columns->items[i].target, name))
            mapped = true;
    if (set && name.ptr && mapped)
        dw_map_reader_report(reader, set, &(struct dw_map_fault){.code = "DW-MAP-015"},
                             "found \"%.*s\", which the map also writes as a column or key; "
                             "allowed: a column for this alone",
                             DW_STR_ARG(name));
}

/* One column may serve both; its value for a live row is one then. */
static void check_flags_agree(struct dw_map_reader *reader, const struct dw_node *root,
                              const struct dw_table_map *map)
{
    const struct dw_node *live =
        dw_document_member(dw_document_member(root, "on_filter_exit"), "live");
    if (live && map->on_delete == DW_ON_DELETE_SET && map->delete_column.ptr &&
        dw_str_equal(map->delete_column, map->exit.column) &&
        !same_value(&map->live_value, &map->exit.live))
        dw_map_reader_report(reader, live, &(struct dw_map_fault){.code = "DW-MAP-015"},
                             "found another value than \"on_delete.live\"; both set column "
                             "\"%.*s\", which has one value for a live row",
                             DW_STR_ARG(map->exit.column));
}

static void check_flags(struct dw_map_reader *reader, const struct dw_node *root,
                        const struct dw_table_map *map, const struct dw_map_columns *columns)
{
    if (map->on_delete == DW_ON_DELETE_SET)
        check_flag_column(reader, dw_document_member(root, "on_delete"), map, map->delete_column,
                          columns);
    if (map->on_filter_exit != DW_ON_FILTER_EXIT_SET)
        return;
    check_flag_column(reader, dw_document_member(root, "on_filter_exit"), map, map->exit.column,
                      columns);
    check_flags_agree(reader, root, map);
}

static void parse_delete_set(struct dw_map_reader *reader, const struct dw_node *node,
                             struct dw_table_map *map)
{
    struct dw_map_flag flag = {.column = {NULL, 0}};
    map->on_delete = DW_ON_DELETE_SET;
    (void)parse_set(reader, node, "on_delete", &flag); /* reported */
    map->delete_column = flag.column;
    map->delete_value = flag.value;
    map->live_value = flag.live;
}

static void parse_on_delete(struct dw_map_reader *reader, const struct dw_node *root,
                            struct dw_table_map *map)
{
    const struct dw_node *node = dw_document_member(root, "on_delete");
    int choice = 0;
    map->on_delete = DW_ON_DELETE_DELETE;
    if (node && node->kind == DW_NODE_OBJECT)
        parse_delete_set(reader, node, map);
    else if (node && node->kind == DW_NODE_STRING &&
             dw_map_reader_choice(reader, node, delete_choices, &choice))
        map->on_delete = choice ? DW_ON_DELETE_IGNORE : DW_ON_DELETE_DELETE;
    else if (node && node->kind != DW_NODE_STRING)
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-003"},
                             "found %s, allowed: \"delete\", \"ignore\", or an object with set, to "
                             "and live",
                             dw_document_show(node, reader->arena));
}

static void parse_on_filter_exit(struct dw_map_reader *reader, const struct dw_node *root,
                                 struct dw_table_map *map)
{
    const struct dw_node *node = dw_document_member(root, "on_filter_exit");
    int choice = 0;
    map->on_filter_exit = DW_ON_FILTER_EXIT_DELETE;
    if (!node)
        return;
    if (node->kind == DW_NODE_OBJECT) {
        map->on_filter_exit = DW_ON_FILTER_EXIT_SET;
        (void)parse_set(reader, node, "on_filter_exit", &map->exit); /* reported */
    } else if (node->kind != DW_NODE_STRING) {
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-003"},
                             "found %s, allowed: \"delete\", \"keep\", or an object with set, to "
                             "and live",
                             dw_document_show(node, reader->arena));
    } else if (dw_map_reader_choice(reader, node, exit_choices, &choice)) {
        map->on_filter_exit = choice ? DW_ON_FILTER_EXIT_KEEP : DW_ON_FILTER_EXIT_DELETE;
    }
    if (!map->filter.ptr)
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-060"},
                             "found \"on_filter_exit\", but \"source\" has no \"filter\" that a "
                             "row could leave");
}

static void parse_on_truncate(struct dw_map_reader *reader, const struct dw_node *root,
                              struct dw_table_map *map)
{
    const struct dw_node *node = dw_document_member(root, "on_truncate");
    /* who keeps deleted rows did not mean to lose them all at once */
    int choice = map->on_delete != DW_ON_DELETE_DELETE;
    if (node)
        (void)dw_map_reader_choice(reader, node, truncate_choices, &choice); /* reported */
    map->on_truncate = choice ? DW_ON_TRUNCATE_IGNORE : DW_ON_TRUNCATE_TRUNCATE;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void parse_choices(struct dw_map_reader *reader, const struct dw_node *root,
                          struct dw_table_map *map)
{
    const struct dw_node *direction = dw_document_member(root, "direction");
    const struct dw_node *mode = dw_document_member(root, "mode");
    int choice = 0;
    if (direction)
        (void)dw_map_reader_choice(reader, direction, directions, &choice); /* reported */
    if (mode)
        (void)dw_map_reader_choice(reader, mode, modes, &choice); /* reported */
    map->direction = DW_DIRECTION_FORWARD;
}

/* The reconciler alone acts upon it: from the state database, which reads it off the document. */
static void check_dead_letters(struct dw_map_reader *reader, const struct dw_node *root)
{
    const struct dw_node *node = dw_document_member(root, "dead_letters");
    int ignored = 0;
    if (!node || !dw_map_reader_object(reader, node, "dead_letters", letter_members))
        return;
    node = dw_document_member(node, "auto_replay");
    if (node)
        (void)dw_map_reader_choice(reader, node, auto_replays, &ignored); /* reported */
}

static void parse_root(struct dw_map_reader *reader, const struct dw_node *root,
                       struct dw_table_map *map)
{
    struct dw_map_columns columns;
    if (!dw_map_reader_object(reader, root, "a map", map_members))
        return;
    parse_map_name(reader, root, map);
    parse_version(reader, root, map);
    const struct dw_node *source = parse_side(reader, root, "source", source_members, &map->source);
    const struct dw_node *filter = source ? dw_document_member(source, "filter") : NULL;
    if (filter)
        (void)dw_map_reader_text(reader, filter, &map->filter); /* reported */
    const struct dw_node *target = parse_side(reader, root, "target", target_members, &map->target);
    parse_choices(reader, root, map);
    parse_on_delete(reader, root, map);
    parse_on_truncate(reader, root, map);
    parse_on_filter_exit(reader, root, map);
    check_dead_letters(reader, root);
    dw_map_reconcile_parse(reader, dw_document_member(root, "reconcile"), &map->reconcile);
    dw_map_columns_parse(reader, dw_document_member(root, "columns"), &columns);
    if (source && target && map->source.key_count && map->target.key_count)
        dw_map_columns_bind_keys(reader, map, target, &columns);
    check_flags(reader, root, map, &columns);
    map->columns = columns.items;
    map->column_count = columns.count;
}

static void report_fault(struct dw_map_problems *problems, const char *file,
                         const struct dw_document_fault *fault)
{
    const char *message =
        dw_arena_printf(problems->arena, "column %u: %s", fault->column, fault->reason);
    dw_map_problems_add(problems, &(struct dw_map_problem){
                                      .code = "DW-MAP-001",
                                      .file = dw_str_from(file),
                                      .path = dw_str_from(fault->path),
                                      .line = fault->line,
                                      .message = dw_str_from(message),
                                      .remedy = dw_str_from(dw_err_find("DW-MAP-001")->remedy),
                                  });
}

const struct dw_table_map *dw_table_map_parse(struct dw_str text, const char *file,
                                              struct dw_arena *arena,
                                              struct dw_map_problems *problems)
{
    const struct dw_node *root;
    struct dw_document_fault fault;
    size_t errors = dw_map_problems_errors(problems);
    if (dw_document_parse(text, arena, &root, &fault) != DW_OK) {
        report_fault(problems, file, &fault);
        return NULL;
    }
    struct dw_map_reader reader = {.arena = arena, .problems = problems, .file = dw_str_from(file)};
    struct dw_table_map *map = DW_ARENA_NEW(arena, struct dw_table_map);
    parse_root(&reader, root, map);
    return dw_map_problems_errors(problems) == errors ? map : NULL;
}
