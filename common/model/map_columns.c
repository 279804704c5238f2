/* map_columns.c - see map_columns.h. */
#include "common/model/map_columns.h"

#include "common/base/table.h"
#include "common/model/map_lookup.h"

static const char *const column_members[] = {"source", "target",  "default", "default_when_null",
                                             "values", "compute", "lookup",  NULL};

/* The text that a value has in the target, with a letter in front that keeps null apart. */
static struct dw_str value_identity(const struct dw_value *value, struct dw_arena *arena)
{
    switch (value->kind) {
    case DW_VALUE_TRUE:
        return DW_STR_LIT("vtrue");
    case DW_VALUE_FALSE:
        return DW_STR_LIT("vfalse");
    case DW_VALUE_STRING:
    case DW_VALUE_NUMBER:
        return dw_str_from(dw_arena_printf(arena, "v%.*s", DW_STR_ARG(value->text)));
    case DW_VALUE_NULL:
    case DW_VALUE_ABSENT:
    case DW_VALUE_NESTED:
        break;
    }
    return DW_STR_LIT("n");
}

static bool parse_values(struct dw_map_reader *reader, const struct dw_node *node,
                         struct dw_map_column *column)
{
    if (node->kind != DW_NODE_OBJECT || node->count == 0) {
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-003"},
                             "found %s, allowed: an object whose members are source values, each "
                             "with its target value",
                             node->count ? dw_document_show(node, reader->arena) : "nothing in it");
        return false;
    }
    struct dw_map_value *values = DW_ARENA_ARRAY(reader->arena, struct dw_map_value, node->count);
    size_t count = 0;
    bool ok = true;
    for (const struct dw_node *entry = node->first; entry; entry = entry->next) {
        struct dw_map_value *value = &values[count];
        value->from.kind = DW_VALUE_STRING;
        value->from.text = dw_arena_copy(reader->arena, entry->name);
        if (dw_map_reader_scalar(reader, entry, &value->to))
            count++;
        else
            ok = false;
    }
    column->values = values;
    column->value_count = count;
    return ok;
}

/* Members of which a column has exactly one. */
static const char *const origins[] = {"source", "compute", "default"};

/* What goes with some of them only. */
static bool check_company(struct dw_map_reader *reader, const struct dw_node *node,
                          const char *origin)
{
    const struct dw_node *values = dw_document_member(node, "values");
    const struct dw_node *null_default = dw_document_member(node, "default_when_null");
    const struct dw_map_fault fault = {.code = "DW-MAP-010"};
    bool is_source = strcmp(origin, "source") == 0;
    bool is_constant = strcmp(origin, "default") == 0;
    if (values && !is_source)
        dw_map_reader_report(reader, values, &fault,
                             "found \"values\" beside %s; it is for a column with a \"source\"",
                             is_constant ? "a constant" : "\"compute\"");
    if (null_default && is_constant)
        dw_map_reader_report(reader, null_default, &fault,
                             "found \"default_when_null\" beside a constant; it is for a column "
                             "with a \"source\" or \"compute\"");
    return !(values && !is_source) && !(null_default && is_constant);
}

static bool check_lookup_company(struct dw_map_reader *reader, const struct dw_node *node)
{
    static const char *const others[] = {"compute", "default", "values"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct dw_node *member = dw_document_member(node, others[i]);
        if (!member)
            continue;
        dw_map_reader_report(reader, member, &(struct dw_map_fault){.code = "DW-MAP-010"},
                             "found \"%s\" beside \"lookup\"; allowed beside it: \"source\" and "
                             "\"default_when_null\"",
                             others[i]);
        return false;
    }
    return true;
}

static bool check_origin(struct dw_map_reader *reader, const struct dw_node *node)
{
    if (dw_document_member(node, "lookup"))
        return check_lookup_company(reader, node);
    const struct dw_map_fault fault = {.code = "DW-MAP-010"};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        const struct dw_node *member = dw_document_member(node, origins[i]);
        if (member && first) {
            dw_map_reader_report(reader, member, &fault, "found \"%s\"%s beside \"%s\"%s",
                                 origins[i], i == 2 ? " (a constant)" : "", first,
                                 i == 2 ? "; for a null in the source use \"default_when_null\""
                                        : "; allowed: one of them");
            return false;
        }
        if (member)
            first = origins[i];
    }
    if (first)
        return check_company(reader, node, first);
    dw_map_reader_report(reader, node, &fault,
                         "found neither \"source\" (a column) nor \"compute\" (an expression) nor "
                         "\"lookup\" nor \"default\" (a constant)");
    return false;
}

static bool parse_default_when_null(struct dw_map_reader *reader, const struct dw_node *node,
                                    struct dw_map_column *column)
{
    if (!dw_map_reader_scalar(reader, node, &column->default_when_null))
        return false;
    if (column->default_when_null.kind != DW_VALUE_NULL)
        return true;
    dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-012"},
                         "found null, allowed: a value to write in place of null");
    return false;
}

static bool parse_column(struct dw_map_reader *reader, const struct dw_node *node,
                         struct dw_map_column *out)
{
    *out = (struct dw_map_column){.key_index = -1};
    if (!dw_map_reader_object(reader, node, "a column", column_members))
        return false;
    bool ok = check_origin(reader, node);
    const struct dw_node *target =
        dw_map_reader_need(reader, node, "target", "the target's column");
    ok = target && dw_map_reader_name(reader, target, &out->target) && ok;
    const struct dw_node *member = dw_document_member(node, "source");
    if (member)
        ok = dw_map_reader_name(reader, member, &out->source) && ok;
    member = dw_document_member(node, "lookup");
    if (member) {
        out->lookup = dw_map_lookup_parse(reader, member, out->source);
        out->source = (struct dw_str){NULL, 0};
        ok = out->lookup && ok;
    }
    member = dw_document_member(node, "compute");
    if (member)
        ok = dw_map_reader_text(reader, member, &out->compute) && ok;
    member = dw_document_member(node, "default");
    if (member)
        ok = dw_map_reader_scalar(reader, member, &out->constant) && ok;
    member = dw_document_member(node, "default_when_null");
    if (member)
        ok = parse_default_when_null(reader, member, out) && ok;
    member = dw_document_member(node, "values");
    if (member)
        ok = parse_values(reader, member, out) && ok;
    return ok;
}

static void refuse_twice(struct dw_map_reader *reader, struct dw_map_columns *columns)
{
    struct dw_table seen;
    dw_table_init(&seen);
    for (size_t i = 0; i < columns->count; i++) {
        void **place = dw_table_place(&seen, columns->items[i].target);
        if (*place)
            dw_map_reader_report(reader, dw_document_member(columns->nodes[i], "target"),
                                 &(struct dw_map_fault){.code = "DW-MAP-009"},
                                 "found the target column \"%.*s\" a second time",
                                 DW_STR_ARG(columns->items[i].target));
        *place = &columns->items[i];
    }
    dw_table_done(&seen);
}

void dw_map_columns_parse(struct dw_map_reader *reader, const struct dw_node *node,
                          struct dw_map_columns *out)
{
    size_t room = DW_TABLE_MAP_KEY_MAX;
    if (node && node->kind != DW_NODE_ARRAY) {
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-003"},
                             "found %s, allowed: an array of objects",
                             dw_document_show(node, reader->arena));
        node = NULL;
    }
    if (node && node->count > DW_TABLE_MAP_COLUMNS_MAX) {
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-016"},
                             "found %zu columns, allowed: at most %d", node->count,
                             DW_TABLE_MAP_COLUMNS_MAX);
        node = NULL;
    }
    room += node ? node->count : 0;
    out->items = DW_ARENA_ARRAY(reader->arena, struct dw_map_column, room);
    out->nodes = DW_ARENA_ARRAY(reader->arena, const struct dw_node *, room);
    out->count = 0;
    for (const struct dw_node *column = node ? node->first : NULL; column; column = column->next) {
        out->nodes[out->count] = column;
        if (parse_column(reader, column, &out->items[out->count]))
            out->count++;
    }
    refuse_twice(reader, out);
}

static size_t find_target(const struct dw_map_columns *columns, struct dw_str target)
{
    size_t i = 0;
    while (i < columns->count && !dw_str_equal(columns->items[i].target, target))
        i++;
    return i;
}

/* A key column of the file: the constant or the pair that it is. */
static void check_key_column(struct dw_map_reader *reader, const struct dw_map_column *column,
                             const struct dw_node *node, struct dw_str pair)
{
    const struct dw_map_fault null_fault = {.code = "DW-MAP-012"};
    if (column->compute.ptr || column->lookup) {
        const char *origin = column->lookup ? "lookup" : "compute";
        dw_map_reader_report(reader, dw_document_member(node, origin),
                             &(struct dw_map_fault){.code = "DW-MAP-062"},
                             "found \"%s\" for the key column \"%.*s\", allowed: a copy, or a "
                             "constant",
                             origin, DW_STR_ARG(column->target));
        return;
    }
    if (!column->source.ptr) {
        if (column->constant.kind == DW_VALUE_NULL)
            dw_map_reader_report(reader, dw_document_member(node, "default"), &null_fault,
                                 "found null for a key column, allowed: a value");
        return;
    }
    if (pair.ptr && !dw_str_equal(column->source, pair))
        dw_map_reader_report(reader, dw_document_member(node, "source"),
                             &(struct dw_map_fault){.code = "DW-MAP-013"},
                             "found \"%.*s\", but by the order of both keys \"%.*s\" belongs to "
                             "the target key column \"%.*s\"",
                             DW_STR_ARG(column->source), DW_STR_ARG(pair),
                             DW_STR_ARG(column->target));
    if (column->default_when_null.kind != DW_VALUE_ABSENT)
        dw_map_reader_report(reader, dw_document_member(node, "default_when_null"), &null_fault,
                             "found a default for null in a key column; a null key would become "
                             "the same row as a key with this value");
    for (size_t i = 0; i < column->value_count; i++)
        if (column->values[i].to.kind == DW_VALUE_NULL)
            dw_map_reader_report(reader, dw_document_member(node, "values"), &null_fault,
                                 "found null for \"%.*s\" in a key column, allowed: a value",
                                 DW_STR_ARG(column->values[i].from.text));
}

/* Two source values with one target value cannot be told apart again. */
static void check_ambiguous(struct dw_map_reader *reader, const struct dw_map_column *column,
                            const struct dw_node *node)
{
    struct dw_table seen;
    dw_table_init(&seen);
    const struct dw_node *entry = dw_document_member(node, "values")->first;
    for (size_t i = 0; i < column->value_count; i++, entry = entry->next) {
        const struct dw_map_value *value = &column->values[i];
        void **place = dw_table_place(&seen, value_identity(&value->to, reader->arena));
        bool key = column->key_index >= 0;
        if (*place)
            dw_map_reader_report(
                reader, entry,
                &(struct dw_map_fault){.code = key ? "DW-MAP-038" : "DW-MAP-017", .warning = !key},
                "\"%.*s\" gets the same target value as \"%.*s\"%s", DW_STR_ARG(value->from.text),
                DW_STR_ARG(((const struct dw_map_value *)*place)->from.text),
                key ? ", so that two source rows would share one target row" : "");
        else
            *place = DW_ARENA_NEW(reader->arena, struct dw_map_value);
        *(struct dw_map_value *)*place = *value;
    }
    dw_table_done(&seen);
}

static void report_counts(struct dw_map_reader *reader, const struct dw_node *target,
                          size_t source_count, size_t pairs)
{
    dw_map_reader_report(reader, dw_document_member(target, "key"),
                         &(struct dw_map_fault){.code = "DW-MAP-008"},
                         "found %zu key columns that take a source column, allowed: as many as "
                         "the source key has, %zu",
                         pairs, source_count);
}

static void add_implied(struct dw_map_columns *columns, struct dw_str source, struct dw_str target,
                        int key_index)
{
    columns->nodes[columns->count] = NULL;
    columns->items[columns->count++] = (struct dw_map_column){
        .source = source, .target = target, .key_index = key_index, .implied = true};
}

void dw_map_columns_bind_keys(struct dw_map_reader *reader, const struct dw_table_map *map,
                              const struct dw_node *target, struct dw_map_columns *columns)
{
    size_t pairs = 0;
    for (size_t i = 0; i < map->target.key_count; i++) {
        size_t at = find_target(columns, map->target.key[i]);
        bool given = at < columns->count;
        bool constant = given && dw_table_map_is_constant(&columns->items[at]);
        struct dw_str pair = {NULL, 0};
        if (!constant && pairs < map->source.key_count)
            pair = map->source.key[pairs];
        pairs += !constant;
        if (given) {
            columns->items[at].key_index = (int)i;
            check_key_column(reader, &columns->items[at], columns->nodes[at], pair);
        } else if (pair.ptr) {
            add_implied(columns, pair, map->target.key[i], (int)i);
        }
    }
    if (pairs != map->source.key_count)
        report_counts(reader, target, map->source.key_count, pairs);
    for (size_t i = 0; i < columns->count; i++)
        if (columns->items[i].values)
            check_ambiguous(reader, &columns->items[i], columns->nodes[i]);
}
