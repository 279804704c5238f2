/* option.h - a table of options drives parsing, the environment, --help, the reference and the
 * JSON Schema; adding an option is adding a row.
 *
 * An option is a member of a section's JSON object, an environment variable PREFIX_NAME, and a
 * field of the section's struct at `offset`: TEXT and LISTEN `const char *`, INTEGER `int64_t`,
 * BOOL `bool`, CHOICE `const char *`, ENUM `int` (index into choices). Threads: any.
 */
#ifndef DW_CONFIG_OPTION_H
#define DW_CONFIG_OPTION_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/config/document.h"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum dw_option_type {
    DW_OPTION_TEXT,
    DW_OPTION_LISTEN, /* HOST:PORT or "" */
    DW_OPTION_INTEGER,
    DW_OPTION_BOOL,
    DW_OPTION_CHOICE,
    DW_OPTION_ENUM,
};

#define DW_OPTION_REQUIRED 1U
#define DW_OPTION_SECRET   2U /* also as NAME_file; shown as *** */
#define DW_OPTION_RELOAD   4U /* takes effect without a restart */
#define DW_OPTION_NAME     8U /* lower-case letters, digits, '_', '-', '.' only */

struct dw_option {
    const char *name;
    enum dw_option_type type;
    size_t offset;
    const char *fallback;       /* default as text; NULL: none */
    int64_t min, max;           /* INTEGER; TEXT: max length when not 0 */
    const char *const *choices; /* NULL-terminated */
    const char *unit;           /* "ms", "bytes", "%", or NULL */
    unsigned flags;
    const char *text; /* one sentence for a person */
};

struct dw_option_section {
    const char *name; /* "kafka" */
    const char *text;
    const struct dw_option *options;
    size_t count;
    /* Members of the section that are no options (kafka.properties), each with its text. */
    const char *extra_name;
    const char *extra_text;
};

/* What a section is read from. */
struct dw_option_source {
    struct dw_arena *arena;
    const char *file;           /* for messages */
    const char *folder;         /* where relative *_file paths start */
    const struct dw_node *node; /* the section's object; NULL: not in the file */
    const char *path;           /* "kafka", "systems.erp" */
    const char *env_prefix;     /* "DW_KAFKA" */
};

/* Fills `out` (the section's struct) with environment, file, default, in this order. Errors:
 * DW_CONFIG DW-CONFIG-nnn. */
enum dw_rc dw_option_read(const struct dw_option_section *section,
                          const struct dw_option_source *source, void *out,
                          struct dw_err *err) DW_MUST_CHECK;

/* Reads a secret's file, without one newline at its end. Errors: DW-CONFIG-008. */
enum dw_rc dw_option_read_secret(const char *folder, struct dw_str file, struct dw_arena *arena,
                                 const char **out, struct dw_err *err) DW_MUST_CHECK;

/* "FILE:LINE: PATH: message", with DW_CONFIG and `id`. */
enum dw_rc dw_option_fault(struct dw_err *err, const char *id,
                           const struct dw_option_source *source, const struct dw_node *node,
                           const char *format, ...) __attribute__((format(printf, 5, 6)));

/* PREFIX_NAME of the environment, in capitals. */
const char *dw_option_env_name(const char *prefix, const char *name, struct dw_arena *arena);

#endif
