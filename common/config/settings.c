/* settings.c - see settings.h. The options themselves stand in settings_options.c. */
#include "common/config/settings.h"

#include "common/config/document.h"
#include "common/config/nearest.h"
#include "common/config/settings_options.h"
#include "common/config/text_file.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FILE_BYTES_MAX   ((size_t)1 << 20)
#define SECTION_NAME_MAX 40

/* What all sections are read with. */
struct load {
    struct dw_arena *arena;
    const char *file;
    const char *folder;
    const struct dw_node *root;
};

static struct dw_option_source source_of(const struct load *load, const char *path,
                                         const struct dw_node *node)
{
    return (struct dw_option_source){
        .arena = load->arena,
        .file = load->file,
        .folder = load->folder,
        .node = node,
        .path = path,
        .env_prefix = dw_option_env_name("DW", path, load->arena),
    };
}

static enum dw_rc read_section(const struct load *load, enum dw_settings_section which, void *out,
                               struct dw_err *err)
{
    const struct dw_option_section *section = dw_settings_options(which);
    struct dw_option_source source =
        source_of(load, section->name, dw_document_member(load->root, section->name));
    return dw_option_read(section, &source, out, err);
}

static enum dw_rc check_top(const struct load *load, struct dw_err *err)
{
    struct dw_option_source source = source_of(load, "", NULL);
    if (load->root->kind != DW_NODE_OBJECT)
        return dw_option_fault(err, "DW-CONFIG-004", &source, load->root,
                               "found %s, allowed: an object",
                               dw_document_show(load->root, load->arena));
    for (const struct dw_node *member = load->root->first; member; member = member->next) {
        struct dw_nearest nearest = {.best = {NULL, 0}};
        bool known = dw_str_is(member->name, "$schema");
        for (int i = 0; i < DW_SETTINGS_SECTIONS && !known; i++) {
            const char *name = dw_settings_options((enum dw_settings_section)i)->name;
            known = dw_str_is(member->name, name);
            dw_nearest_offer(&nearest, member->name, dw_str_from(name));
        }
        if (!known)
            return dw_option_fault(err, "DW-CONFIG-003", &source, member,
                                   nearest.best.ptr ? "unknown member; did you mean \"%.*s\"?"
                                                    : "unknown member%.*s",
                                   DW_STR_ARG(nearest.best));
    }
    return DW_OK;
}

/* --- kafka.properties ---------------------------------------------------------------------------
 */

static bool is_secret_name(const char *name)
{
    return strcasestr(name, "password") || strcasestr(name, "secret") || strcasestr(name, "key") ||
           strcasestr(name, "token");
}

static enum dw_rc read_property(const struct dw_option_source *source, const struct dw_node *node,
                                struct dw_property *out, struct dw_err *err)
{
    static const char suffix[] = "_file";
    const size_t suffix_len = sizeof suffix - 1;
    struct dw_str name = node->name;
    bool is_file =
        name.len > suffix_len && memcmp(name.ptr + name.len - suffix_len, suffix, suffix_len) == 0;
    if (is_file)
        name.len -= suffix_len;
    out->name = dw_arena_copy(source->arena, name).ptr;
    out->secret = is_file || is_secret_name(out->name);
    if (is_file && node->kind != DW_NODE_STRING)
        return dw_option_fault(err, "DW-CONFIG-004", source, node, "found %s, allowed: a file name",
                               dw_document_show(node, source->arena));
    if (is_file) {
        enum dw_rc rc =
            dw_option_read_secret(source->folder, node->text, source->arena, &out->value, err);
        if (rc != DW_OK)
            dw_err_add_context(err, "%s:%u: %s", source->file, node->line,
                               dw_document_path(node, source->arena));
        return rc;
    }
    if (node->kind == DW_NODE_OBJECT || node->kind == DW_NODE_ARRAY || node->kind == DW_NODE_NULL)
        return dw_option_fault(err, "DW-CONFIG-004", source, node,
                               "found %s, allowed: text, a number, true or false",
                               dw_document_kind_name(node->kind));
    if (node->kind == DW_NODE_TRUE || node->kind == DW_NODE_FALSE)
        out->value = node->kind == DW_NODE_TRUE ? "true" : "false";
    else
        out->value = dw_arena_copy(source->arena, node->text).ptr;
    return DW_OK;
}

/* DW_KAFKA_PROPERTIES_SASL_PASSWORD is sasl.password: librdkafka's names have no underscores. */
#define PROPERTY_PREFIX "DW_KAFKA_PROPERTIES_"

static enum dw_rc read_env_property(const struct dw_option_source *source, const char *variable,
                                    struct dw_property *out, struct dw_err *err)
{
    static const char suffix[] = ".file";
    const char *equals = strchr(variable, '=');
    const char *from = variable + sizeof PROPERTY_PREFIX - 1;
    char *name = dw_arena_printf(source->arena, "%.*s", (int)(equals - from), from);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '.' : (char)tolower((unsigned char)*c);
    size_t len = strlen(name);
    bool is_file = len >= sizeof suffix && strcmp(name + len - (sizeof suffix - 1), suffix) == 0;
    if (is_file)
        name[len - (sizeof suffix - 1)] = '\0';
    *out = (struct dw_property){.name = name, .secret = true};
    if (!is_file) {
        out->value = dw_arena_printf(source->arena, "%s", equals + 1);
        return DW_OK;
    }
    enum dw_rc rc =
        dw_option_read_secret(".", dw_str_from(equals + 1), source->arena, &out->value, err);
    if (rc != DW_OK)
        dw_err_add_context(err, "environment %.*s", (int)(equals - variable), variable);
    return rc;
}

/* The environment counts more than the file. */
static void put_property(struct dw_kafka_settings *kafka, struct dw_property *properties,
                         const struct dw_property *property)
{
    size_t i = 0;
    while (i < kafka->property_count && strcmp(properties[i].name, property->name) != 0)
        i++;
    properties[i] = *property;
    if (i == kafka->property_count)
        kafka->property_count++;
}

static enum dw_rc read_env_properties(const struct dw_option_source *source,
                                      struct dw_kafka_settings *kafka, size_t room,
                                      struct dw_property *properties, struct dw_err *err)
{
    for (char **variable = environ; *variable && kafka->property_count < room; variable++) {
        struct dw_property property;
        if (strncmp(*variable, PROPERTY_PREFIX, sizeof PROPERTY_PREFIX - 1) != 0 ||
            !strchr(*variable, '='))
            continue;
        enum dw_rc rc = read_env_property(source, *variable, &property, err);
        if (rc != DW_OK)
            return rc;
        put_property(kafka, properties, &property);
    }
    return DW_OK;
}

static enum dw_rc read_file_properties(const struct dw_option_source *source,
                                       struct dw_kafka_settings *kafka,
                                       struct dw_property *properties, struct dw_err *err)
{
    const struct dw_node *member = source->node ? source->node->first : NULL;
    for (; member; member = member->next) {
        struct dw_property property;
        size_t count = kafka->property_count;
        enum dw_rc rc = read_property(source, member, &property, err);
        if (rc != DW_OK)
            return rc;
        put_property(kafka, properties, &property);
        if (kafka->property_count == count)
            return dw_option_fault(err, "DW-CONFIG-007", source, member,
                                   "%s is given both by itself and as a file; give one of them",
                                   property.name);
    }
    return DW_OK;
}

static enum dw_rc read_properties(const struct load *load, struct dw_kafka_settings *kafka,
                                  struct dw_err *err)
{
    const struct dw_node *section = dw_document_member(load->root, "kafka");
    const struct dw_node *node = dw_document_member(section, "properties");
    struct dw_option_source source = source_of(load, "kafka.properties", node);
    size_t room = node ? node->count : 0;
    if (node && node->kind != DW_NODE_OBJECT)
        return dw_option_fault(err, "DW-CONFIG-004", &source, node, "found %s, allowed: an object",
                               dw_document_show(node, load->arena));
    for (char **variable = environ; *variable; variable++)
        room += strncmp(*variable, PROPERTY_PREFIX, sizeof PROPERTY_PREFIX - 1) == 0;
    struct dw_property *properties = DW_ARENA_ARRAY(load->arena, struct dw_property, room + 1);
    kafka->properties = properties;
    enum dw_rc rc = read_file_properties(&source, kafka, properties, err);
    if (rc == DW_OK)
        rc = read_env_properties(&source, kafka, room, properties, err);
    return rc;
}

/* --- sections by name: systems, tokens, webhooks
 * -------------------------------------------------------- */

/* A system's name becomes part of slot, publication, key and variable names. */
static bool is_name(struct dw_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '_')))
            return false;
    }
    return name.len > 0 && name.len <= SECTION_NAME_MAX;
}

/* One member of the section `which`, into its struct. */
static enum dw_rc read_named(const struct load *load, enum dw_settings_section which,
                             const struct dw_node *node, void *out, struct dw_err *err)
{
    const struct dw_option_section *section = dw_settings_options(which);
    const char *path =
        dw_arena_printf(load->arena, "%s.%.*s", section->name, DW_STR_ARG(node->name));
    struct dw_option_source source = source_of(load, path, node);
    if (!is_name(node->name))
        return dw_option_fault(err, "DW-CONFIG-005", &source, node,
                               "found the name \"%.*s\", allowed: a lower-case letter, then "
                               "lower-case letters, digits and '_', at most %d",
                               DW_STR_ARG(node->name), SECTION_NAME_MAX);
    return dw_option_read(section, &source, out, err);
}

static enum dw_rc read_system(const struct load *load, const struct dw_node *node,
                              struct dw_system_settings *out, struct dw_err *err)
{
    enum dw_rc rc = read_named(load, DW_SETTINGS_SYSTEM, node, out, err);
    if (rc != DW_OK)
        return rc;
    out->name = dw_arena_copy(load->arena, node->name).ptr;
    const char *name = dw_arena_printf(load->arena, "dualwrite_%s", out->name);
    if (!out->slot)
        out->slot = name;
    if (!out->publication)
        out->publication = name;
    /* the server's own rule, met here with file and line instead of at the producer's start */
    struct dw_option_source source = source_of(load, "systems", node);
    if (strspn(out->slot, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(out->slot))
        return dw_option_fault(err, "DW-CONFIG-005", &source, dw_document_member(node, "slot"),
                               "found \"%s\", allowed: lower-case letters, digits and '_'",
                               out->slot);
    return rc;
}

static enum dw_rc read_systems(const struct load *load, struct dw_settings *out, struct dw_err *err)
{
    const struct dw_node *node = dw_document_member(load->root, "systems");
    struct dw_option_source source = source_of(load, "systems", node);
    if (!node)
        return dw_option_fault(err, "DW-CONFIG-009", &source, load->root,
                               "systems is missing: an object with a member for each system");
    if (node->kind != DW_NODE_OBJECT)
        return dw_option_fault(err, "DW-CONFIG-004", &source, node, "found %s, allowed: an object",
                               dw_document_show(node, load->arena));
    struct dw_system_settings *systems =
        DW_ARENA_ARRAY(load->arena, struct dw_system_settings, node->count);
    size_t count = 0;
    for (const struct dw_node *member = node->first; member; member = member->next) {
        enum dw_rc rc = read_system(load, member, &systems[count++], err);
        if (rc != DW_OK)
            return rc;
    }
    out->systems = systems;
    out->system_count = count;
    return DW_OK;
}

/* *out: the members of a section by name; NULL when it is left out. */
static enum dw_rc find_named(const struct load *load, const char *name, const struct dw_node **out,
                             struct dw_err *err)
{
    const struct dw_node *node = dw_document_member(load->root, name);
    struct dw_option_source source = source_of(load, name, node);
    if (node && node->kind != DW_NODE_OBJECT)
        return dw_option_fault(err, "DW-CONFIG-004", &source, node, "found %s, allowed: an object",
                               dw_document_show(node, load->arena));
    *out = node;
    return DW_OK;
}

static enum dw_rc read_tokens(const struct load *load, struct dw_settings *out, struct dw_err *err)
{
    const struct dw_node *node = NULL;
    enum dw_rc found = find_named(load, "tokens", &node, err);
    if (found != DW_OK)
        return found;
    struct dw_option_source source = source_of(load, "tokens", node);
    struct dw_token_settings *tokens =
        DW_ARENA_ARRAY(load->arena, struct dw_token_settings, node ? node->count : 0);
    size_t count = 0;
    for (const struct dw_node *member = node ? node->first : NULL; member; member = member->next) {
        struct dw_token_settings *token = &tokens[count++];
        if (dw_str_is(member->name, DW_TOKEN_ADMIN_NAME))
            return dw_option_fault(err, "DW-CONFIG-005", &source, member,
                                   "found the name \"admin\", which is that of reconciler.token");
        enum dw_rc rc = read_named(load, DW_SETTINGS_TOKEN, member, token, err);
        if (rc != DW_OK)
            return rc;
        token->name = dw_arena_copy(load->arena, member->name).ptr;
    }
    out->tokens = tokens;
    out->token_count = count;
    return DW_OK;
}

static enum dw_rc read_webhooks(const struct load *load, struct dw_settings *out,
                                struct dw_err *err)
{
    const struct dw_node *node = NULL;
    enum dw_rc rc = find_named(load, "webhooks", &node, err);
    struct dw_webhook_settings *webhooks =
        DW_ARENA_ARRAY(load->arena, struct dw_webhook_settings, node ? node->count : 0);
    const struct dw_node *member = node ? node->first : NULL;
    for (; member && rc == DW_OK; member = member->next) {
        struct dw_option_source source = source_of(load, "webhooks", member);
        struct dw_webhook_settings *webhook = &webhooks[out->webhook_count++];
        rc = read_named(load, DW_SETTINGS_WEBHOOK, member, webhook, err);
        webhook->name = dw_arena_copy(load->arena, member->name).ptr;
        if (rc == DW_OK && strncasecmp(webhook->url, "http://", 7) != 0 &&
            strncasecmp(webhook->url, "https://", 8) != 0)
            rc = dw_option_fault(err, "DW-CONFIG-005", &source, member,
                                 "the url begins with something else than http:// or https://");
    }
    out->webhooks = webhooks;
    return rc;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum dw_rc read_all(const struct load *load, struct dw_settings *out, struct dw_err *err)
{
    struct dw_log_settings log = {.level = DW_LOG_INFO};
    enum dw_rc rc = check_top(load, err);
    if (rc == DW_OK)
        rc = read_section(load, DW_SETTINGS_KAFKA, &out->kafka, err);
    if (rc == DW_OK)
        rc = read_properties(load, &out->kafka, err);
    if (rc == DW_OK)
        rc = read_section(load, DW_SETTINGS_STATE, &out->state, err);
    if (rc == DW_OK)
        rc = read_systems(load, out, err);
    if (rc == DW_OK)
        rc = read_section(load, DW_SETTINGS_PRODUCER, &out->producer, err);
    if (rc == DW_OK)
        rc = read_section(load, DW_SETTINGS_CONSUMER, &out->consumer, err);
    if (rc == DW_OK)
        rc = read_section(load, DW_SETTINGS_RECONCILER, &out->reconciler, err);
    if (rc == DW_OK)
        rc = read_tokens(load, out, err);
    if (rc == DW_OK)
        rc = read_section(load, DW_SETTINGS_ALERTS, &out->alerts, err);
    if (rc == DW_OK)
        rc = read_section(load, DW_SETTINGS_DIGEST, &out->digest, err);
    if (rc == DW_OK)
        rc = read_webhooks(load, out, err);
    if (rc == DW_OK)
        rc = read_section(load, DW_SETTINGS_LOG, &log, err);
    out->log_level = (enum dw_log_level)log.level;
    return rc;
}

/* Defaults that follow from other options. */
static void derive(struct dw_settings *settings, struct dw_arena *arena)
{
    if (!settings->kafka.dead_letter_topic)
        settings->kafka.dead_letter_topic =
            dw_arena_printf(arena, "%s.dead-letters", settings->kafka.topic_prefix);
    if (!settings->reconciler.url)
        settings->reconciler.url =
            *settings->reconciler.listen
                ? dw_arena_printf(arena, "%s://%s",
                                  settings->reconciler.tls_certificate ? "https" : "http",
                                  settings->reconciler.listen)
                : "";
}

static const char *choose_file(const char *file)
{
    if (file)
        return file;
    const char *named = getenv("DW_CONFIG");
    return named && *named ? named : "./dualwrite.json";
}

static const char *folder_of(const char *file, struct dw_arena *arena)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return ".";
    return slash == file ? "" : dw_arena_printf(arena, "%.*s", (int)(slash - file), file);
}

enum dw_rc dw_settings_load(const char *file, struct dw_arena *arena, struct dw_settings *out,
                            struct dw_err *err)
{
    struct load load = {.arena = arena};
    load.file = dw_arena_printf(arena, "%s", choose_file(file));
    load.folder = folder_of(load.file, arena);
    struct dw_str text;
    const char *why = dw_text_file_read(load.file, FILE_BYTES_MAX, arena, &text);
    if (why)
        return dw_err_set(err, DW_CONFIG, "DW-CONFIG-001", "%s: %s", load.file, why);
    struct dw_document_fault fault;
    if (dw_document_parse(text, arena, &load.root, &fault) != DW_OK)
        return dw_err_set(err, DW_CONFIG, "DW-CONFIG-002", "%s:%u:%u: %s%s%s", load.file,
                          fault.line, fault.column, fault.path, *fault.path ? ": " : "",
                          fault.reason);
    struct dw_settings settings = {.file = load.file};
    enum dw_rc rc = read_all(&load, &settings, err);
    if (rc != DW_OK)
        return rc;
    derive(&settings, arena);
    *out = settings;
    return DW_OK;
}

const struct dw_system_settings *dw_settings_system(const struct dw_settings *settings,
                                                    const char *name)
{
    for (size_t i = 0; i < settings->system_count; i++)
        if (strcmp(settings->systems[i].name, name) == 0)
            return &settings->systems[i];
    return NULL;
}
