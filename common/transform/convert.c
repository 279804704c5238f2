/* convert.c - see convert.h. */
#include "common/transform/convert.h"

#include "common/transform/convert_rules.h"
#include "common/transform/convert_wire.h"

static enum dw_rc no_rule(const struct dw_convert_type *source,
                          const struct dw_convert_type *target, const char *why, struct dw_err *err)
{
    return dw_err_set(err, DW_CONFIG, "DW-VALUE-020", "%.*s does not convert to %.*s%s",
                      DW_STR_ARG(source->name), DW_STR_ARG(target->name), why);
}

/* Arrays of built-in types: the elements' own conversion, which must take every value. */
static enum dw_rc init_elements(struct dw_convert *convert, struct dw_arena *arena,
                                struct dw_err *err)
{
    struct dw_convert_type source;
    struct dw_convert_type target;
    bool known = dw_convert_type_element(&convert->source, &source);
    if (known != dw_convert_type_element(&convert->target, &target))
        return no_rule(&convert->source, &convert->target, "", err);
    if (!known)
        return DW_OK;
    struct dw_err ignored;
    bool same_words = source.family == target.family ||
                      (source.family == DW_FAMILY_INTEGER && target.family == DW_FAMILY_NUMERIC);
    if (!same_words || dw_convert_check(&source, &target, &ignored) != DW_OK)
        return no_rule(&convert->source, &convert->target,
                       ": an array converts only to elements that take every value", err);
    struct dw_convert *element = DW_ARENA_NEW(arena, struct dw_convert);
    convert->element = element;
    return dw_convert_init(element, &source, &target, arena, err);
}

/* The server takes an array's text as a whole, and would round or cut such elements without a word.
 */
static bool elements_are_cut(const struct dw_convert_type *array)
{
    struct dw_convert_type element;
    if (!dw_convert_type_element(array, &element))
        return false;
    switch (element.family) {
    case DW_FAMILY_NUMERIC:
    case DW_FAMILY_INTERVAL:
        return element.typmod >= 0;
    case DW_FAMILY_FLOAT:
    case DW_FAMILY_MONEY:
    case DW_FAMILY_DATE:
    case DW_FAMILY_TIME:
    case DW_FAMILY_TIMETZ:
    case DW_FAMILY_TIMESTAMP:
    case DW_FAMILY_TIMESTAMPTZ:
        return true;
    case DW_FAMILY_BOOL:
    case DW_FAMILY_INTEGER:
    case DW_FAMILY_TEXT:
    case DW_FAMILY_BYTES:
    case DW_FAMILY_UUID:
    case DW_FAMILY_JSON:
    case DW_FAMILY_BITS:
    case DW_FAMILY_ARRAY:
    case DW_FAMILY_OTHER:
    case DW_FAMILY_COUNT:
        break;
    }
    return false;
}

enum dw_rc dw_convert_init(struct dw_convert *out, const struct dw_convert_type *source,
                           const struct dw_convert_type *target, struct dw_arena *arena,
                           struct dw_err *err)
{
    *out = (struct dw_convert){.source = *source, .target = *target};
    out->rule = dw_convert_rules_find(source->family, target->family);
    if (!out->rule)
        return no_rule(source, target, "; a value map can say what becomes what", err);
    if (target->family == DW_FAMILY_INTERVAL && target->typmod >= 0 &&
        (source->family != DW_FAMILY_INTERVAL || source->typmod != target->typmod))
        return no_rule(source, target, ": the server would cut its fields without a word", err);
    if (source->family == DW_FAMILY_ARRAY && target->family == DW_FAMILY_ARRAY)
        return init_elements(out, arena, err);
    if (target->family == DW_FAMILY_ARRAY && elements_are_cut(target))
        return no_rule(source, target, ": the server would cut its elements without a word", err);
    return DW_OK;
}

enum dw_rc dw_convert_value(const struct dw_convert *convert, const struct dw_value *value,
                            struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_str text;
    enum dw_rc rc = dw_convert_wire_undo(convert, value, arena, &text, err);
    return rc == DW_OK ? convert->rule(convert, text, arena, out, err) : rc;
}

enum dw_rc dw_convert_source_text(const struct dw_convert *convert, const struct dw_value *value,
                                  struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_str text;
    enum dw_rc rc = dw_convert_wire_undo(convert, value, arena, &text, err);
    if (rc != DW_OK)
        return rc;
    enum dw_family family = convert->source.family;
    if (family >= DW_FAMILY_DATE && family <= DW_FAMILY_TIMESTAMPTZ)
        return dw_convert_rules_moment_text(convert, text, arena, out, err);
    while (convert->source.padded && text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    *out = text;
    return DW_OK;
}

enum dw_rc dw_convert_literal(const struct dw_value *literal, const struct dw_convert_type *target,
                              struct dw_arena *arena, struct dw_str *out, struct dw_err *err)
{
    struct dw_convert_type source = {.family = DW_FAMILY_TEXT,
                                     .length = DW_CONVERT_NO_LIMIT,
                                     .precision = DW_CONVERT_NO_LIMIT,
                                     .typmod = -1,
                                     .name = DW_STR_LIT("text")};
    if (literal->kind == DW_VALUE_NUMBER) {
        source.family = DW_FAMILY_NUMERIC;
        source.name = DW_STR_LIT("a number");
    } else if (literal->kind == DW_VALUE_TRUE || literal->kind == DW_VALUE_FALSE) {
        source.family = DW_FAMILY_BOOL;
        source.name = DW_STR_LIT("true or false");
    }
    if (target->family == DW_FAMILY_BYTES && literal->kind == DW_VALUE_STRING)
        source.family = DW_FAMILY_BYTES; /* base64, as in an event */
    struct dw_convert convert;
    enum dw_rc rc = dw_convert_init(&convert, &source, target, arena, err);
    return rc == DW_OK ? dw_convert_value(&convert, literal, arena, out, err) : rc;
}
