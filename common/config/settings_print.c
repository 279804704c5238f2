/* settings_print.c - the option tables as --help, as a Markdown page and as a JSON Schema. */
#include "common/base/json_write.h"
#include "common/config/settings.h"
#include "common/config/settings_options.h"
#include <inttypes.h>
#include <string.h>

#define PRINT_BYTES_MAX ((size_t)1 << 20)

/* "kafka.linger_ms", "systems.NAME.slot" */
static void print_name(FILE *out, enum dw_settings_section which, const char *name)
{
    (void)fprintf(out, "%s%s.%s", dw_settings_options(which)->name,
                  dw_settings_options_named(which) ? ".NAME" : "", name);
}

static void print_variable(FILE *out, enum dw_settings_section which,
                           const struct dw_option *option)
{
    struct dw_arena arena;
    dw_arena_init(&arena, 1024);
    const char *prefix = dw_arena_printf(&arena, "dw_%s%s", dw_settings_options(which)->name,
                                         dw_settings_options_named(which) ? "_NAME" : "");
    (void)fputs(dw_option_env_name(prefix, option->name, &arena), out);
    dw_arena_done(&arena);
}

static void print_choices(FILE *out, const struct dw_option *option, const char *separator)
{
    for (size_t i = 0; option->choices[i]; i++)
        (void)fprintf(out, "%s%s", i ? separator : "", option->choices[i]);
}

/* "1 to 64", "-1 to 315360000000 ms", "none|lz4", "text", "true|false", "HOST:PORT" */
static void print_allowed(FILE *out, const struct dw_option *option)
{
    switch (option->type) {
    case DW_OPTION_INTEGER:
        (void)fprintf(out, "%" PRId64 " to %" PRId64 "%s%s", option->min, option->max,
                      option->unit ? " " : "", option->unit ? option->unit : "");
        break;
    case DW_OPTION_BOOL:
        (void)fputs("true, false", out);
        break;
    case DW_OPTION_CHOICE:
    case DW_OPTION_ENUM:
        print_choices(out, option, ", ");
        break;
    case DW_OPTION_LISTEN:
        (void)fputs("HOST:PORT", out);
        break;
    case DW_OPTION_TEXT:
        (void)fputs("text", out);
        break;
    }
}

static const char *default_of(const struct dw_option *option)
{
    if (option->fallback)
        return *option->fallback ? option->fallback : "\"\"";
    return option->flags & DW_OPTION_REQUIRED ? "required" : "-";
}

static void help_section(FILE *out, enum dw_settings_section which)
{
    const struct dw_option_section *section = dw_settings_options(which);
    (void)fprintf(out, "%s: %s\n", section->name, section->text);
    for (size_t i = 0; i < section->count; i++) {
        const struct dw_option *option = &section->options[i];
        (void)fputs("  ", out);
        print_name(out, which, option->name);
        (void)fputs("  (", out);
        print_allowed(out, option);
        (void)fprintf(out, "; %s%s)\n      %s\n",
                      option->fallback || !(option->flags & DW_OPTION_REQUIRED) ? "default " : "",
                      default_of(option), option->text);
    }
    if (section->extra_name) {
        (void)fputs("  ", out);
        print_name(out, which, section->extra_name);
        (void)fprintf(out, "  (an object)\n      %s\n", section->extra_text);
    }
}

void dw_settings_print_help(FILE *out, const char *section)
{
    for (int i = 0; i < DW_SETTINGS_SECTIONS; i++) {
        enum dw_settings_section which = (enum dw_settings_section)i;
        if (!section || strcmp(section, dw_settings_options(which)->name) == 0)
            help_section(out, which);
    }
    (void)fputs("Each option can be set by an environment variable too (DW_SECTION_OPTION, "
                "systems: DW_SYSTEMS_NAME_OPTION), which\ncounts more than the file. Passwords, "
                "tokens and connection strings: also OPTION_file, a file that holds it.\n",
                out);
}

static void reference_section(FILE *out, enum dw_settings_section which)
{
    const struct dw_option_section *section = dw_settings_options(which);
    (void)fprintf(out, "\n## %s\n%s\n\n", section->name, section->text);
    (void)fputs("| option | allowed | default | variable | |\n|---|---|---|---|---|\n", out);
    for (size_t i = 0; i < section->count; i++) {
        const struct dw_option *option = &section->options[i];
        (void)fputs("| `", out);
        print_name(out, which, option->name);
        (void)fputs("` | ", out);
        print_allowed(out, option);
        (void)fprintf(out, " | %s | `", default_of(option));
        print_variable(out, which, option);
        (void)fprintf(out, "` | %s%s%s |\n", option->text,
                      option->flags & DW_OPTION_SECRET ? " Secret: also as `_file`." : "",
                      option->flags & DW_OPTION_RELOAD ? " Changed without a restart." : "");
    }
    if (section->extra_name) {
        (void)fputs("| `", out);
        print_name(out, which, section->extra_name);
        (void)fprintf(out, "` | object | - | - | %s |\n", section->extra_text);
    }
}

void dw_settings_print_reference(FILE *out)
{
    (void)fputs("# dualwrite.json\n\nGenerated from the option tables. What is set by the "
                "environment counts more than the file, the file more than the\ndefault.\n",
                out);
    for (int i = 0; i < DW_SETTINGS_SECTIONS; i++)
        reference_section(out, (enum dw_settings_section)i);
}

/* --- JSON Schema ----------------------------------------------------------------------------- */

static void schema_type(struct dw_buf *out, const struct dw_option *option)
{
    if (option->type == DW_OPTION_INTEGER) {
        dw_json_write_text(out, "type", "integer");
        dw_json_write_i64(out, "minimum", option->min);
        dw_json_write_i64(out, "maximum", option->max);
    } else if (option->type == DW_OPTION_BOOL) {
        dw_json_write_text(out, "type", "boolean");
    } else if (option->choices) {
        dw_json_write_name(out, "enum");
        for (size_t i = 0; option->choices[i]; i++) {
            dw_buf_append_char(out, i ? ',' : '[');
            dw_json_write_string(out, dw_str_from(option->choices[i]));
        }
        dw_buf_append_char(out, ']');
    } else {
        dw_json_write_text(out, "type", "string");
        if (option->max)
            dw_json_write_i64(out, "maxLength", option->max);
        if (option->flags & DW_OPTION_REQUIRED)
            dw_json_write_i64(out, "minLength", 1);
        if (option->flags & DW_OPTION_NAME)
            dw_json_write_text(out, "pattern", "^[a-z0-9_.-]*$");
    }
}

static void schema_default(struct dw_buf *out, const struct dw_option *option)
{
    bool bare = option->type == DW_OPTION_INTEGER || option->type == DW_OPTION_BOOL;
    if (!option->fallback)
        return;
    dw_json_write_name(out, "default");
    if (bare)
        dw_buf_append_text(out, option->fallback);
    else
        dw_json_write_string(out, dw_str_from(option->fallback));
}

static void schema_option(struct dw_buf *out, const struct dw_option *option)
{
    dw_buf_printf(out, "\n        \"%s\":{", option->name);
    dw_json_write_text(out, "description", option->text);
    schema_type(out, option);
    schema_default(out, option);
    dw_buf_append_char(out, '}');
    if (!(option->flags & DW_OPTION_SECRET))
        return;
    dw_buf_printf(out, ",\n        \"%s_file\":{", option->name);
    dw_json_write_text(out, "description", "A file that holds it.");
    dw_json_write_text(out, "type", "string");
    dw_json_write_i64(out, "minLength", 1);
    dw_buf_append_char(out, '}');
}

/* Nothing is "required": what the file leaves out may come from the environment. */
static void schema_object(struct dw_buf *out, const struct dw_option_section *section)
{
    dw_buf_append_text(out, "{\"type\":\"object\",\"additionalProperties\":false,\"description\":");
    dw_json_write_string(out, dw_str_from(section->text));
    dw_buf_append_text(out, ",\"properties\":{");
    for (size_t i = 0; i < section->count; i++) {
        if (i)
            dw_buf_append_char(out, ',');
        schema_option(out, &section->options[i]);
    }
    if (section->extra_name) {
        dw_buf_append_text(out, ",\n        \"");
        dw_buf_append_text(out, section->extra_name);
        dw_buf_append_text(out, "\":{\"description\":");
        dw_json_write_string(out, dw_str_from(section->extra_text));
        dw_buf_append_text(out, ",\"type\":\"object\",\"additionalProperties\":{\"type\":"
                                "[\"string\",\"number\",\"boolean\"]}}");
    }
    dw_buf_append_text(out, "}}");
}

void dw_settings_print_schema(FILE *out)
{
    struct dw_buf text;
    dw_buf_init(&text, PRINT_BYTES_MAX);
    dw_buf_append_text(&text,
                       "{\n  \"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n"
                       "  \"title\":\"dualwrite.json\",\n"
                       "  \"description\":\"Configuration of dualwrite. Generated from the option "
                       "tables; do not edit.\",\n"
                       "  \"type\":\"object\",\n  \"additionalProperties\":false,\n"
                       "  \"required\":[\"systems\"],\n  \"properties\":{\n"
                       "    \"$schema\":{\"type\":\"string\"}");
    for (int i = 0; i < DW_SETTINGS_SECTIONS; i++) {
        const struct dw_option_section *section = dw_settings_options((enum dw_settings_section)i);
        dw_buf_printf(&text, ",\n    \"%s\":", section->name);
        if (dw_settings_options_named((enum dw_settings_section)i))
            dw_buf_append_text(&text, "{\"type\":\"object\",\"propertyNames\":{\"pattern\":"
                                      "\"^[a-z][a-z0-9_]{0,39}$\"},\"additionalProperties\":");
        schema_object(&text, section);
        if (dw_settings_options_named((enum dw_settings_section)i))
            dw_buf_append_char(&text, '}');
    }
    dw_buf_append_text(&text, "\n  }\n}\n");
    (void)fwrite(text.data, 1, text.len, out);
    dw_buf_done(&text);
}
