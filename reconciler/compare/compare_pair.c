/* compare_pair.c - see compare_pair.h. */
#include "reconciler/compare/compare_pair.h"

#define INT8_OID    20
#define TEXT_OID    25
#define FLOAT8_OID  701
#define BPCHAR_OID  1042
#define VARCHAR_OID 1043
#define NUMERIC_OID 1700
#define JSONB_OID   3802

static bool is_text(const struct dw_convert_type *type)
{
    return type->oid == TEXT_OID || type->oid == VARCHAR_OID;
}

static bool is_number(const struct dw_convert_type *type)
{
    return type->family == DW_FAMILY_INTEGER || type->family == DW_FAMILY_NUMERIC;
}

static struct dw_compare_pair as_it_is(const struct dw_convert_type *type)
{
    return (struct dw_compare_pair){"", "", dw_pg_compare_by(type->oid), type->oid};
}

static struct dw_compare_pair as_text(void)
{
    return (struct dw_compare_pair){"", "pg_catalog.text", DW_COMPARE_BYTES, TEXT_OID};
}

/* A float goes to another width by its text, which is what the consumer writes. */
static struct dw_compare_pair float_pair(const struct dw_convert_type *source,
                                         const struct dw_convert_type *target)
{
    if (source->width == target->width)
        return as_it_is(target);
    return (struct dw_compare_pair){"pg_catalog.text", "pg_catalog.float8", DW_COMPARE_VALUE,
                                    FLOAT8_OID};
}

static bool text_pair(const struct dw_convert_type *source, const struct dw_convert_type *target,
                      struct dw_compare_pair *out)
{
    if (is_text(target) && (is_text(source) || source->family == DW_FAMILY_INTEGER ||
                            source->family == DW_FAMILY_UUID))
        *out = as_text();
    else if (source->oid == target->oid)
        *out = as_it_is(target);
    else
        return false; /* blanks at the end of char(n), the limits of name */
    return true;
}

static bool same_type(const struct dw_convert_type *source, const struct dw_convert_type *target)
{
    return source->family == target->family && dw_str_equal(source->name, target->name);
}

bool dw_compare_pair_of(const struct dw_convert_type *source, const struct dw_convert_type *target,
                        struct dw_compare_pair *out)
{
    if (target->family == DW_FAMILY_TEXT)
        return text_pair(source, target, out);
    if (is_number(source) && is_number(target)) {
        bool integers = source->family == target->family && source->family == DW_FAMILY_INTEGER;
        *out =
            integers
                ? (struct dw_compare_pair){"", "pg_catalog.int8", DW_COMPARE_VALUE, INT8_OID}
                : (struct dw_compare_pair){"", "pg_catalog.numeric", DW_COMPARE_VALUE, NUMERIC_OID};
        return true;
    }
    if (source->family != target->family)
        return false;
    switch (target->family) {
    case DW_FAMILY_BOOL:
    case DW_FAMILY_BYTES:
    case DW_FAMILY_UUID:
    case DW_FAMILY_DATE:
    case DW_FAMILY_TIME:
    case DW_FAMILY_TIMETZ:
    case DW_FAMILY_TIMESTAMP:
    case DW_FAMILY_TIMESTAMPTZ:
        *out = as_it_is(target);
        return true;
    case DW_FAMILY_FLOAT:
        *out = float_pair(source, target);
        return true;
    case DW_FAMILY_INTERVAL:
    case DW_FAMILY_MONEY: /* our sessions print it by the same locale */
    case DW_FAMILY_BITS:
        *out = as_text();
        return true;
    case DW_FAMILY_JSON:
        *out = target->oid == JSONB_OID ? as_it_is(target) : as_text();
        return source->oid == target->oid;
    case DW_FAMILY_ARRAY:
    case DW_FAMILY_OTHER:
        *out = as_text();
        return same_type(source, target);
    case DW_FAMILY_INTEGER:
    case DW_FAMILY_NUMERIC:
    case DW_FAMILY_TEXT:
    case DW_FAMILY_COUNT:
        break;
    }
    return false;
}

void dw_compare_pair_cast(const struct dw_compare_pair *pair, const char *expression,
                          struct dw_buf *out)
{
    dw_buf_printf(out, "(%s)%s%s%s%s", expression, *pair->via ? "::" : "", pair->via,
                  *pair->cast ? "::" : "", pair->cast);
}

bool dw_compare_pair_sorts_alike(const struct dw_convert_type *source,
                                 const struct dw_convert_type *target, const char *source_collation,
                                 const char *target_collation)
{
    if (source->family != target->family)
        return false;
    switch (source->family) {
    case DW_FAMILY_INTEGER:
        return source->sign == target->sign;
    case DW_FAMILY_TEXT:
        return (is_text(source) ? is_text(target)
                                : source->oid == BPCHAR_OID && target->oid == BPCHAR_OID) &&
               *source_collation && strcmp(source_collation, target_collation) == 0;
    case DW_FAMILY_NUMERIC:
    case DW_FAMILY_BYTES:
    case DW_FAMILY_UUID:
    case DW_FAMILY_DATE:
    case DW_FAMILY_TIME:
    case DW_FAMILY_TIMESTAMP:
    case DW_FAMILY_TIMESTAMPTZ:
        return source->oid == target->oid;
    case DW_FAMILY_BOOL:
    case DW_FAMILY_FLOAT:
    case DW_FAMILY_MONEY:
    case DW_FAMILY_TIMETZ:
    case DW_FAMILY_INTERVAL:
    case DW_FAMILY_JSON:
    case DW_FAMILY_BITS:
    case DW_FAMILY_ARRAY:
    case DW_FAMILY_OTHER:
    case DW_FAMILY_COUNT:
        break;
    }
    return false;
}
