/* option.c - see option.h. */
#include "common/config/option.h"

#include "common/base/buf.h"
#include "common/base/utf8.h"
#include "common/config/nearest.h"
#include "common/config/text_file.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES_MAX ((size_t)64 << 10)

/* One value on its way in: its text, and where it stands. */
struct input {
    const char *text;
    const struct dw_node *node; /* NULL: from the environment or a default */
    const char *place;          /* "kafka.linger_ms" or "environment DW_KAFKA_LINGER_MS" */
};

enum dw_rc dw_option_fault(struct dw_err *err, const char *id,
                           const struct dw_option_source *source, const struct dw_node *node,
                           const char *format, ...)
{
    char message[DW_ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (!node)
        return dw_err_set(err, DW_CONFIG, id, "%s: %s", source->file, message);
    const char *path = dw_document_path(node, source->arena);
    return dw_err_set(err, DW_CONFIG, id, "%s:%u: %s%s%s", source->file, node->line, path,
                      *path ? ": " : "", message);
}

const char *dw_option_env_name(const char *prefix, const char *name, struct dw_arena *arena)
{
    char *text = dw_arena_printf(arena, "%s_%s", prefix, name);
    for (char *c = text; *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 32);
        else if (*c == '.' || *c == '-')
            *c = '_';
    }
    return text;
}

/* "a", "b", "c" */
static const char *join_choices(const char *const *choices, struct dw_arena *arena)
{
    const char *text = "";
    for (size_t i = 0; choices[i]; i++)
        text = dw_arena_printf(arena, "%s%s\"%s\"", text, *text ? ", " : "", choices[i]);
    return text;
}

static enum dw_rc refuse(const struct dw_option *option, const struct dw_option_source *source,
                         const struct input *input, const char *id, const char *allowed,
                         struct dw_err *err)
{
    const char *found = input->node ? dw_document_show(input->node, source->arena)
                                    : dw_arena_printf(source->arena, "\"%s\"", input->text);
    bool hide = option->flags & DW_OPTION_SECRET;
    if (input->node)
        return dw_option_fault(err, id, source, input->node, "found %s, allowed: %s",
                               hide ? "***" : found, allowed);
    return dw_err_set(err, DW_CONFIG, id, "%s: found %s, allowed: %s", input->place,
                      hide ? "***" : found, allowed);
}

static enum dw_rc set_integer(const struct dw_option *option, const struct dw_option_source *source,
                              const struct input *input, int64_t *out, struct dw_err *err)
{
    const char *unit = option->unit ? option->unit : "";
    const char *allowed =
        dw_arena_printf(source->arena, "a whole number from %lld to %lld%s%s",
                        (long long)option->min, (long long)option->max, *unit ? " " : "", unit);
    bool is_number = !input->node || input->node->kind == DW_NODE_NUMBER;
    char *end = NULL;
    errno = 0;
    long long number = strtoll(input->text, &end, 10);
    if (!is_number || end == input->text || *end)
        return refuse(option, source, input, "DW-CONFIG-004", allowed, err);
    if (errno == ERANGE || number < option->min || number > option->max)
        return refuse(option, source, input, "DW-CONFIG-005", allowed, err);
    *out = number;
    return DW_OK;
}

static enum dw_rc set_bool(const struct dw_option *option, const struct dw_option_source *source,
                           const struct input *input, bool *out, struct dw_err *err)
{
    bool is_text = input->node && input->node->kind == DW_NODE_STRING;
    bool is_true = strcmp(input->text, "true") == 0;
    if (is_text || (!is_true && strcmp(input->text, "false") != 0))
        return refuse(option, source, input, "DW-CONFIG-004", "true or false", err);
    *out = is_true;
    return DW_OK;
}

static int find_choice(const struct dw_option *option, const char *text)
{
    for (int i = 0; option->choices[i]; i++)
        if (strcmp(option->choices[i], text) == 0)
            return i;
    return -1;
}

/* "127.0.0.1:8085", "[::1]:8085", ""; without a host nobody could say where it listens */
static bool is_listen(const char *text)
{
    if (!*text)
        return true;
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !colon[1] || (*text == '[' && colon[-1] != ']'))
        return false;
    if (*text != '[' && memchr(text, ':', (size_t)(colon - text)))
        return false;
    char *end = NULL;
    if (colon[1] < '0' || colon[1] > '9')
        return false;
    long port = strtol(colon + 1, &end, 10);
    return !*end && port >= 0 && port <= 65535;
}

static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
    return strspn(text, letters) == strlen(text);
}

/* NULL when `text` is allowed, else what is. */
static const char *text_allowed(const struct dw_option *option, const char *text,
                                struct dw_arena *arena)
{
    if (option->type == DW_OPTION_LISTEN)
        return is_listen(text) ? NULL : "HOST:PORT, or \"\" for off";
    if (option->max && strlen(text) > (size_t)option->max)
        return dw_arena_printf(arena, "at most %lld bytes", (long long)option->max);
    if ((option->flags & DW_OPTION_REQUIRED) && !*text)
        return "text that is not empty";
    if ((option->flags & DW_OPTION_NAME) && !is_name(text))
        return "lower-case letters, digits, '_', '-' and '.'";
    return NULL;
}

static enum dw_rc set_text(const struct dw_option *option, const struct dw_option_source *source,
                           const struct input *input, const char **out, struct dw_err *err)
{
    if (input->node && input->node->kind != DW_NODE_STRING)
        return refuse(option, source, input, "DW-CONFIG-004", "text", err);
    const char *allowed = text_allowed(option, input->text, source->arena);
    if (allowed)
        return refuse(option, source, input, "DW-CONFIG-005", allowed, err);
    *out = input->text;
    return DW_OK;
}

static enum dw_rc set_value(const struct dw_option *option, const struct dw_option_source *source,
                            const struct input *input, void *out, struct dw_err *err)
{
    void *field = (char *)out + option->offset;
    if (option->type == DW_OPTION_INTEGER)
        return set_integer(option, source, input, field, err);
    if (option->type == DW_OPTION_BOOL)
        return set_bool(option, source, input, field, err);
    if (option->type == DW_OPTION_TEXT || option->type == DW_OPTION_LISTEN)
        return set_text(option, source, input, field, err);
    bool wrong_kind = input->node && input->node->kind != DW_NODE_STRING;
    int choice = wrong_kind ? -1 : find_choice(option, input->text);
    if (choice < 0)
        return refuse(option, source, input, wrong_kind ? "DW-CONFIG-004" : "DW-CONFIG-006",
                      join_choices(option->choices, source->arena), err);
    if (option->type == DW_OPTION_ENUM)
        *(int *)field = choice;
    else
        *(const char **)field = option->choices[choice];
    return DW_OK;
}

enum dw_rc dw_option_read_secret(const char *folder, struct dw_str file, struct dw_arena *arena,
                                 const char **out, struct dw_err *err)
{
    const char *path = file.len && *file.ptr == '/'
                           ? dw_arena_copy(arena, file).ptr
                           : dw_arena_printf(arena, "%s/%.*s", folder, DW_STR_ARG(file));
    struct dw_str text;
    const char *why = dw_text_file_read(path, SECRET_BYTES_MAX, arena, &text);
    if (why)
        return dw_err_set(err, DW_CONFIG, "DW-CONFIG-008", "secret file %s: %s", path, why);
    if (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (text.len && text.ptr[text.len - 1] == '\r')
        text.len--;
    if (!text.len)
        return dw_err_set(err, DW_CONFIG, "DW-CONFIG-008", "secret file %s: it is empty", path);
    if (memchr(text.ptr, '\0', text.len) || !dw_utf8_valid(text.ptr, text.len))
        return dw_err_set(err, DW_CONFIG, "DW-CONFIG-008",
                          "secret file %s: it holds bytes that are not text", path);
    *out = dw_arena_copy(arena, text).ptr;
    return DW_OK;
}

/* The text of a value in the file; a kind that has none gets "", which set_* refuses by kind. */
static const char *node_text(const struct dw_node *node, struct dw_arena *arena)
{
    if (node->kind == DW_NODE_STRING || node->kind == DW_NODE_NUMBER)
        return dw_arena_copy(arena, node->text).ptr;
    if (node->kind == DW_NODE_TRUE)
        return "true";
    return node->kind == DW_NODE_FALSE ? "false" : "";
}

/* NAME_file of a secret in the file or PREFIX_NAME_FILE in the environment. */
static enum dw_rc find_secret_file(const struct dw_option *option,
                                   const struct dw_option_source *source, bool environment,
                                   struct input *input, struct dw_err *err)
{
    const char *member = dw_arena_printf(source->arena, "%s_file", option->name);
    const char *variable = dw_option_env_name(source->env_prefix, member, source->arena);
    const char *path = environment ? getenv(variable) : NULL;
    const struct dw_node *node = environment ? NULL : dw_document_member(source->node, member);
    if (!(option->flags & DW_OPTION_SECRET) || (!path && !node))
        return DW_OK;
    if (node && node->kind != DW_NODE_STRING)
        return dw_option_fault(err, "DW-CONFIG-004", source, node, "found %s, allowed: a file name",
                               dw_document_show(node, source->arena));
    if (input->text && environment)
        return dw_err_set(err, DW_CONFIG, "DW-CONFIG-007",
                          "%s and %s are both set; give one of them", input->place, variable);
    if (input->text)
        return dw_option_fault(err, "DW-CONFIG-007", source, node,
                               "%s is given both by itself and as a file; give one of them",
                               option->name);
    struct dw_str file = path ? dw_str_from(path) : node->text;
    enum dw_rc rc = dw_option_read_secret(environment ? "." : source->folder, file, source->arena,
                                          &input->text, err);
    if (rc != DW_OK && node)
        dw_err_add_context(err, "%s:%u: %s", source->file, node->line,
                           dw_document_path(node, source->arena));
    return rc;
}

/* input->text stays NULL when the option is given nowhere. */
static enum dw_rc find_input(const struct dw_option *option, const struct dw_option_source *source,
                             struct input *input, struct dw_err *err)
{
    const char *variable = dw_option_env_name(source->env_prefix, option->name, source->arena);
    const char *value = getenv(variable);
    *input = (struct input){.text = value ? dw_arena_printf(source->arena, "%s", value) : NULL,
                            .place = dw_arena_printf(source->arena, "environment %s", variable)};
    if (value && !dw_utf8_valid(value, strlen(value)))
        return dw_err_set(err, DW_CONFIG, "DW-CONFIG-005", "%s: the text is not UTF-8",
                          input->place);
    enum dw_rc rc = find_secret_file(option, source, true, input, err);
    if (rc != DW_OK || input->text)
        return rc;
    input->node = dw_document_member(source->node, option->name);
    if (input->node) {
        if (input->node->kind == DW_NODE_NULL)
            return refuse(option, source, input, "DW-CONFIG-004", "leave it out instead of null",
                          err);
        input->text = node_text(input->node, source->arena);
    }
    rc = find_secret_file(option, source, false, input, err);
    if (rc != DW_OK || input->text)
        return rc;
    input->text = option->fallback;
    input->place = dw_arena_printf(source->arena, "default of %s.%s", source->path, option->name);
    return DW_OK;
}

static bool is_known(const struct dw_option_section *section, struct dw_str name)
{
    if (section->extra_name && dw_str_is(name, section->extra_name))
        return true;
    for (size_t i = 0; i < section->count; i++) {
        const struct dw_option *option = &section->options[i];
        size_t len = strlen(option->name);
        if (!dw_str_starts(name, option->name))
            continue;
        struct dw_str rest = {name.ptr + len, name.len - len};
        if (!rest.len || ((option->flags & DW_OPTION_SECRET) && dw_str_is(rest, "_file")))
            return true;
    }
    return false;
}

static enum dw_rc check_known(const struct dw_option_section *section,
                              const struct dw_option_source *source, struct dw_err *err)
{
    if (source->node && source->node->kind != DW_NODE_OBJECT)
        return dw_option_fault(err, "DW-CONFIG-004", source, source->node,
                               "found %s, allowed: an object",
                               dw_document_show(source->node, source->arena));
    const struct dw_node *member = source->node ? source->node->first : NULL;
    for (; member; member = member->next) {
        if (is_known(section, member->name))
            continue;
        struct dw_nearest nearest = {.best = {NULL, 0}};
        for (size_t i = 0; i < section->count; i++)
            dw_nearest_offer(&nearest, member->name, dw_str_from(section->options[i].name));
        if (section->extra_name)
            dw_nearest_offer(&nearest, member->name, dw_str_from(section->extra_name));
        return dw_option_fault(err, "DW-CONFIG-003", source, member,
                               nearest.best.ptr ? "unknown member; did you mean \"%.*s\"?"
                                                : "unknown member%.*s",
                               DW_STR_ARG(nearest.best));
    }
    return DW_OK;
}

enum dw_rc dw_option_read(const struct dw_option_section *section,
                          const struct dw_option_source *source, void *out, struct dw_err *err)
{
    enum dw_rc rc = check_known(section, source, err);
    for (size_t i = 0; rc == DW_OK && i < section->count; i++) {
        const struct dw_option *option = &section->options[i];
        struct input input;
        rc = find_input(option, source, &input, err);
        if (rc != DW_OK)
            break;
        if (input.text)
            rc = set_value(option, source, &input, out, err);
        else if (option->flags & DW_OPTION_REQUIRED)
            rc = dw_option_fault(
                err, "DW-CONFIG-009", source, source->node,
                "%s.%s is missing: %s It can also be set by %s", source->path, option->name,
                option->text, dw_option_env_name(source->env_prefix, option->name, source->arena));
    }
    return rc;
}
