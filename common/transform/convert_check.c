/* convert_check.c - whether every value of a source type fits a target type (the check's question).
 */
#include "common/transform/convert.h"
#include "common/transform/convert_rules.h"

#define JSON_OID             114
#define JSONB_OID            3802
#define MONEY_INTEGER_DIGITS 17
#define MONEY_SCALE          2

static int integer_digits(const struct dw_convert_type *type)
{
    return type->width == 2 ? 5 : type->width == 4 ? 10 : 19;
}

/* The longest text that a value of the type prints as; NO_LIMIT when there is none worth naming. */
static int32_t longest_text(const struct dw_convert_type *type)
{
    switch (type->family) {
    case DW_FAMILY_BOOL:
        return 5;
    case DW_FAMILY_INTEGER:
        return integer_digits(type) + 1;
    case DW_FAMILY_UUID:
        return 36;
    case DW_FAMILY_TEXT:
    case DW_FAMILY_BITS:
        return type->length;
    case DW_FAMILY_NUMERIC:
        return type->precision == DW_CONVERT_NO_LIMIT ? DW_CONVERT_NO_LIMIT : type->precision + 3;
    case DW_FAMILY_FLOAT:
    case DW_FAMILY_MONEY:
        return 26;
    case DW_FAMILY_DATE:
        return 13;
    case DW_FAMILY_TIME:
    case DW_FAMILY_TIMETZ:
    case DW_FAMILY_TIMESTAMP:
    case DW_FAMILY_TIMESTAMPTZ:
        return 35;
    case DW_FAMILY_BYTES:
    case DW_FAMILY_INTERVAL:
    case DW_FAMILY_JSON:
    case DW_FAMILY_ARRAY:
    case DW_FAMILY_OTHER:
    case DW_FAMILY_COUNT:
        break;
    }
    return DW_CONVERT_NO_LIMIT;
}

static bool text_fits(const struct dw_convert_type *source, const struct dw_convert_type *target)
{
    if (target->length == DW_CONVERT_NO_LIMIT)
        return true;
    if (source->oid == target->oid && source->typmod == target->typmod)
        return true;
    int32_t longest = longest_text(source);
    return longest != DW_CONVERT_NO_LIMIT && longest <= target->length &&
           (!target->length_bytes || source->family != DW_FAMILY_TEXT);
}

static bool integer_fits(const struct dw_convert_type *source, const struct dw_convert_type *target)
{
    if (source->family != DW_FAMILY_INTEGER)
        return false;
    if (source->sign == target->sign)
        return source->width <= target->width;
    return !source->sign && target->width == 8;
}

static bool numeric_fits(const struct dw_convert_type *source, const struct dw_convert_type *target)
{
    if (source->family == DW_FAMILY_TEXT)
        return false;
    if (target->precision == DW_CONVERT_NO_LIMIT)
        return true;
    int32_t before = target->precision - target->scale;
    if (source->family == DW_FAMILY_INTEGER)
        return target->scale >= 0 && before >= integer_digits(source);
    if (source->family == DW_FAMILY_MONEY)
        return target->scale >= MONEY_SCALE && before >= MONEY_INTEGER_DIGITS;
    return source->family == DW_FAMILY_NUMERIC && source->precision != DW_CONVERT_NO_LIMIT &&
           source->scale <= target->scale && source->precision - source->scale <= before;
}

static bool float_fits(const struct dw_convert_type *source, const struct dw_convert_type *target)
{
    if (source->family == DW_FAMILY_FLOAT)
        return source->width <= target->width;
    return source->family == DW_FAMILY_INTEGER && source->width < target->width;
}

static bool time_fits(const struct dw_convert_type *source, const struct dw_convert_type *target)
{
    if (source->family == DW_FAMILY_DATE && target->family == DW_FAMILY_TIMESTAMP)
        return true;
    return source->family == target->family && source->precision <= target->precision;
}

static bool bits_fit(const struct dw_convert_type *source, const struct dw_convert_type *target)
{
    if (source->family != DW_FAMILY_BITS)
        return false;
    if (target->length == DW_CONVERT_NO_LIMIT)
        return true;
    if (source->length == DW_CONVERT_NO_LIMIT)
        return false;
    return target->length_exact ? source->length_exact && source->length == target->length
                                : source->length <= target->length;
}

/* Does every value fit? The rule exists. */
static bool always_fits(const struct dw_convert_type *source, const struct dw_convert_type *target)
{
    switch (target->family) {
    case DW_FAMILY_TEXT:
        return text_fits(source, target);
    case DW_FAMILY_INTEGER:
        return integer_fits(source, target);
    case DW_FAMILY_NUMERIC:
        return numeric_fits(source, target);
    case DW_FAMILY_FLOAT:
        return float_fits(source, target);
    case DW_FAMILY_DATE:
    case DW_FAMILY_TIME:
    case DW_FAMILY_TIMETZ:
    case DW_FAMILY_TIMESTAMP:
    case DW_FAMILY_TIMESTAMPTZ:
        return time_fits(source, target);
    case DW_FAMILY_BITS:
        return bits_fit(source, target);
    case DW_FAMILY_JSON:
        return source->family == DW_FAMILY_JSON &&
               !(source->oid == JSON_OID && target->oid == JSONB_OID);
    case DW_FAMILY_ARRAY:
        return source->family == DW_FAMILY_ARRAY &&
               (target->element || dw_str_equal(source->name, target->name));
    case DW_FAMILY_OTHER:
        return source->family == DW_FAMILY_OTHER && dw_str_equal(source->name, target->name);
    case DW_FAMILY_BOOL:
    case DW_FAMILY_MONEY:
    case DW_FAMILY_BYTES:
    case DW_FAMILY_UUID:
    case DW_FAMILY_INTERVAL:
    case DW_FAMILY_COUNT:
        break;
    }
    return source->family == target->family;
}

/* What may happen to a value that does not fit, or that does with another meaning. */
static const char *doubt(const struct dw_convert *convert)
{
    enum dw_family source = convert->source.family;
    enum dw_family target = convert->target.family;
    if (dw_convert_rules_is_servers(convert->rule))
        return "the server decides on each value";
    if (source == DW_FAMILY_TIMESTAMPTZ && target == DW_FAMILY_TIMESTAMP)
        return "it becomes the wall time of UTC";
    if ((source == DW_FAMILY_TIMESTAMP || source == DW_FAMILY_DATE) &&
        target == DW_FAMILY_TIMESTAMPTZ)
        return "it is taken as the wall time of UTC";
    if (target == DW_FAMILY_DATE)
        return "values that are not midnight (UTC) are refused";
    if (target == DW_FAMILY_JSON)
        return "jsonb keeps neither the order nor the repetition of members";
    if (target == DW_FAMILY_TEXT)
        return "longer values are refused";
    if (source == DW_FAMILY_TEXT)
        return "text that is no such value is refused";
    return "values that would lose digits or are out of range are refused";
}

enum dw_rc dw_convert_check(const struct dw_convert_type *source,
                            const struct dw_convert_type *target, struct dw_err *err)
{
    struct dw_arena arena;
    struct dw_convert convert;
    dw_arena_init(&arena, 1024);
    enum dw_rc rc = dw_convert_init(&convert, source, target, &arena, err);
    if (rc == DW_OK && !always_fits(source, target))
        rc = dw_err_set(err, DW_REJECT, "DW-VALUE-030", "%.*s to %.*s: %s",
                        DW_STR_ARG(source->name), DW_STR_ARG(target->name), doubt(&convert));
    dw_arena_done(&arena);
    return rc;
}
