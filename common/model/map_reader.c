/* map_reader.c - see map_reader.h. */
#include "common/model/map_reader.h"

#include "common/config/nearest.h"
#include <stdarg.h>
#include <stdio.h>

#define DEFAULT_SCHEMA "public"

void dw_map_reader_report(struct dw_map_reader *reader, const struct dw_node *node,
                          const struct dw_map_fault *fault, const char *format, ...)
{
    char message[DW_ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const struct dw_err_info *info = dw_err_find(fault->code);
    const char *remedy = fault->remedy ? fault->remedy : info ? info->remedy : "";
    struct dw_map_problem problem = {
        .warning = fault->warning,
        .file = reader->file,
        .path = dw_str_from(dw_document_path(node, reader->arena)),
        .line = node->line,
        .message = dw_str_from(message),
        .remedy = dw_str_from(remedy),
    };
    (void)snprintf(problem.code, sizeof problem.code, "%s", fault->code);
    dw_map_problems_add(reader->problems, &problem);
}

static void refuse_kind(struct dw_map_reader *reader, const struct dw_node *node,
                        const char *allowed)
{
    dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-003"},
                         "found %s, allowed: %s", dw_document_show(node, reader->arena), allowed);
}

static const char *join(const char *const *names, struct dw_arena *arena)
{
    const char *text = "";
    for (size_t i = 0; names[i]; i++)
        text = dw_arena_printf(arena, "%s%s\"%s\"", text, *text ? ", " : "", names[i]);
    return text;
}

static size_t length_of(const char *const *names)
{
    size_t count = 0;
    while (names[count])
        count++;
    return count;
}

static bool is_known(struct dw_str name, const char *const *known)
{
    for (size_t i = 0; known[i]; i++)
        if (dw_str_is(name, known[i]))
            return true;
    return false;
}

bool dw_map_reader_object(struct dw_map_reader *reader, const struct dw_node *node,
                          const char *owner, const char *const *known)
{
    if (node->kind != DW_NODE_OBJECT) {
        refuse_kind(reader, node, "an object");
        return false;
    }
    for (const struct dw_node *member = node->first; member; member = member->next) {
        if (is_known(member->name, known))
            continue;
        const char *near = dw_nearest_of(member->name, known, length_of(known));
        const char *remedy =
            near ? dw_arena_printf(reader->arena, "Did you mean \"%s\"?", near) : "Remove it.";
        dw_map_reader_report(
            reader, member, &(struct dw_map_fault){.code = "DW-MAP-002", .remedy = remedy},
            "%s has no such member; allowed: %s", owner, join(known, reader->arena));
    }
    return true;
}

const struct dw_node *dw_map_reader_need(struct dw_map_reader *reader, const struct dw_node *object,
                                         const char *name, const char *what)
{
    const struct dw_node *member = dw_document_member(object, name);
    if (!member)
        dw_map_reader_report(reader, object, &(struct dw_map_fault){.code = "DW-MAP-004"},
                             "\"%s\" is missing: %s", name, what);
    return member;
}

bool dw_map_reader_text(struct dw_map_reader *reader, const struct dw_node *node,
                        struct dw_str *out)
{
    bool ok = node->kind == DW_NODE_STRING && node->text.len > 0;
    if (ok)
        *out = dw_arena_copy(reader->arena, node->text);
    else
        refuse_kind(reader, node, "text that is not empty");
    return ok;
}

bool dw_map_reader_is_name(struct dw_map_reader *reader, const struct dw_node *node,
                           struct dw_str name)
{
    bool clean = name.len > 0 && name.len <= DW_MAP_READER_NAME_MAX;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            clean = false;
    if (!clean)
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-006"},
                             "found %s, allowed: a name of 1 to %d bytes without control "
                             "characters",
                             dw_document_show(node, reader->arena), DW_MAP_READER_NAME_MAX);
    return clean;
}

bool dw_map_reader_name(struct dw_map_reader *reader, const struct dw_node *node,
                        struct dw_str *out)
{
    if (node->kind != DW_NODE_STRING) {
        refuse_kind(reader, node, "a name (text)");
        return false;
    }
    if (!dw_map_reader_is_name(reader, node, node->text))
        return false;
    *out = dw_arena_copy(reader->arena, node->text);
    return true;
}

bool dw_map_reader_choice(struct dw_map_reader *reader, const struct dw_node *node,
                          const char *const *choices, int *out)
{
    for (int i = 0; node->kind == DW_NODE_STRING && choices[i]; i++) {
        if (dw_str_is(node->text, choices[i])) {
            *out = i;
            return true;
        }
    }
    const char *code = node->kind == DW_NODE_STRING ? "DW-MAP-014" : "DW-MAP-003";
    dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = code},
                         "found %s, allowed: %s", dw_document_show(node, reader->arena),
                         join(choices, reader->arena));
    return false;
}

bool dw_map_reader_scalar(struct dw_map_reader *reader, const struct dw_node *node,
                          struct dw_value *out)
{
    static const enum dw_value_kind kinds[] = {
        [DW_NODE_STRING] = DW_VALUE_STRING, [DW_NODE_NUMBER] = DW_VALUE_NUMBER,
        [DW_NODE_TRUE] = DW_VALUE_TRUE,     [DW_NODE_FALSE] = DW_VALUE_FALSE,
        [DW_NODE_NULL] = DW_VALUE_NULL,
    };
    if (node->kind == DW_NODE_OBJECT || node->kind == DW_NODE_ARRAY) {
        refuse_kind(reader, node, "text, a number, true, false or null");
        return false;
    }
    out->kind = kinds[node->kind];
    out->text = (struct dw_str){NULL, 0};
    if (node->text.ptr)
        out->text = dw_arena_copy(reader->arena, node->text);
    return true;
}

/* Takes one part of a table's name off `text`: up to a dot, or "quoted" with "" for a quote. */
static bool take_part(struct dw_str *text, struct dw_arena *arena, struct dw_str *out)
{
    if (!text->len || *text->ptr != '"') {
        const char *dot = memchr(text->ptr, '.', text->len);
        size_t len = dot ? (size_t)(dot - text->ptr) : text->len;
        *out = dw_arena_copy(arena, (struct dw_str){text->ptr, len});
        *text = (struct dw_str){text->ptr + len, text->len - len};
        return true;
    }
    char *name = dw_arena_alloc(arena, text->len);
    size_t len = 0;
    size_t i = 1;
    for (; i < text->len; i++) {
        if (text->ptr[i] == '"') {
            if (i + 1 == text->len || text->ptr[i + 1] != '"')
                break;
            i++;
        }
        name[len++] = text->ptr[i];
    }
    if (i == text->len)
        return false;
    *out = dw_arena_copy(arena, (struct dw_str){name, len});
    *text = (struct dw_str){text->ptr + i + 1, text->len - i - 1};
    return true;
}

bool dw_map_reader_table(struct dw_map_reader *reader, const struct dw_node *node,
                         struct dw_str *out_schema, struct dw_str *out_table)
{
    struct dw_str rest;
    struct dw_str parts[2] = {{NULL, 0}};
    size_t count = 0;
    if (!dw_map_reader_text(reader, node, &rest))
        return false;
    bool ok = true;
    while (ok && count < 2) {
        ok = take_part(&rest, reader->arena, &parts[count++]);
        if (!ok || !rest.len || *rest.ptr != '.')
            break;
        rest = (struct dw_str){rest.ptr + 1, rest.len - 1};
        ok = count < 2;
    }
    if (!ok || rest.len) {
        dw_map_reader_report(reader, node, &(struct dw_map_fault){.code = "DW-MAP-006"},
                             "found %s, allowed: TABLE or SCHEMA.TABLE; a name that holds a dot "
                             "or a quote stands in double quotes",
                             dw_document_show(node, reader->arena));
        return false;
    }
    *out_schema = count == 2 ? parts[0] : DW_STR_LIT(DEFAULT_SCHEMA);
    *out_table = parts[count - 1];
    return dw_map_reader_is_name(reader, node, *out_schema) &&
           dw_map_reader_is_name(reader, node, *out_table);
}
