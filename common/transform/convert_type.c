/* convert_type.c - see convert_type.h. The oids of built-in types never change. */
#include "common/transform/convert_type.h"

#define HEADER_BYTES  4 /* a typmod of varchar, bpchar and numeric counts these (VARHDRSZ) */
#define SECOND_DIGITS 6
#define NAME_BYTES    63
#define NUMERIC_OID   1700
#define BPCHAR_OID    1042
#define CHAR_OID      18
#define NAME_OID      19
#define BIT_OID       1560

struct built_in {
    uint32_t oid;
    uint32_t array_oid;
    enum dw_family family;
    int32_t width;
};

static const struct built_in built_ins[] = {
    {16, 1000, DW_FAMILY_BOOL, 0},
    {17, 1001, DW_FAMILY_BYTES, 0},
    {CHAR_OID, 1002, DW_FAMILY_TEXT, 0},
    {NAME_OID, 1003, DW_FAMILY_TEXT, 0},
    {20, 1016, DW_FAMILY_INTEGER, 8},
    {21, 1005, DW_FAMILY_INTEGER, 2},
    {23, 1007, DW_FAMILY_INTEGER, 4},
    {25, 1009, DW_FAMILY_TEXT, 0},
    {26, 1028, DW_FAMILY_INTEGER, 4},
    {114, 199, DW_FAMILY_JSON, 0},
    {142, 143, DW_FAMILY_OTHER, 0},
    {650, 651, DW_FAMILY_OTHER, 0},
    {700, 1021, DW_FAMILY_FLOAT, 4},
    {701, 1022, DW_FAMILY_FLOAT, 8},
    {774, 775, DW_FAMILY_OTHER, 0},
    {790, 791, DW_FAMILY_MONEY, 0},
    {829, 1040, DW_FAMILY_OTHER, 0},
    {869, 1041, DW_FAMILY_OTHER, 0},
    {BPCHAR_OID, 1014, DW_FAMILY_TEXT, 0},
    {1043, 1015, DW_FAMILY_TEXT, 0},
    {1082, 1182, DW_FAMILY_DATE, 0},
    {1083, 1183, DW_FAMILY_TIME, 0},
    {1114, 1115, DW_FAMILY_TIMESTAMP, 0},
    {1184, 1185, DW_FAMILY_TIMESTAMPTZ, 0},
    {1186, 1187, DW_FAMILY_INTERVAL, 0},
    {1266, 1270, DW_FAMILY_TIMETZ, 0},
    {BIT_OID, 1561, DW_FAMILY_BITS, 0},
    {1562, 1563, DW_FAMILY_BITS, 0},
    {NUMERIC_OID, 1231, DW_FAMILY_NUMERIC, 0},
    {2950, 2951, DW_FAMILY_UUID, 0},
    {3802, 3807, DW_FAMILY_JSON, 0},
};

static const struct built_in *find(uint32_t oid)
{
    for (size_t i = 0; i < sizeof built_ins / sizeof *built_ins; i++)
        if (built_ins[i].oid == oid)
            return &built_ins[i];
    return NULL;
}

static const struct built_in *find_array(uint32_t array_oid)
{
    for (size_t i = 0; i < sizeof built_ins / sizeof *built_ins; i++)
        if (built_ins[i].array_oid == array_oid)
            return &built_ins[i];
    return NULL;
}

static bool is_array_name(struct dw_str name)
{
    return name.len > 2 && memcmp(name.ptr + name.len - 2, "[]", 2) == 0;
}

static void text_limits(struct dw_convert_type *type)
{
    type->padded = type->oid == BPCHAR_OID;
    if (type->oid == NAME_OID || type->oid == CHAR_OID) {
        type->length = type->oid == NAME_OID ? NAME_BYTES : 1;
        type->length_bytes = true;
    } else if (type->typmod >= HEADER_BYTES) {
        type->length = type->typmod - HEADER_BYTES;
    }
}

/* numeric(p,s): p in the high half, s in the low 11 bits with a sign (since PostgreSQL 15). */
static void numeric_limits(struct dw_convert_type *type)
{
    if (type->typmod < HEADER_BYTES)
        return;
    int32_t packed = type->typmod - HEADER_BYTES;
    type->precision = packed >> 16 & 0xffff;
    type->scale = ((packed & 0x7ff) ^ 1024) - 1024;
}

static void set_limits(struct dw_convert_type *type)
{
    switch (type->family) {
    case DW_FAMILY_TEXT:
        text_limits(type);
        break;
    case DW_FAMILY_NUMERIC:
        numeric_limits(type);
        break;
    case DW_FAMILY_TIME:
    case DW_FAMILY_TIMETZ:
    case DW_FAMILY_TIMESTAMP:
    case DW_FAMILY_TIMESTAMPTZ:
        type->precision = type->typmod >= 0 ? type->typmod : SECOND_DIGITS;
        break;
    case DW_FAMILY_BITS:
        type->length = type->typmod > 0 ? type->typmod : DW_CONVERT_NO_LIMIT;
        type->length_exact = type->oid == BIT_OID && type->typmod > 0;
        break;
    case DW_FAMILY_BOOL:
    case DW_FAMILY_INTEGER:
    case DW_FAMILY_FLOAT:
    case DW_FAMILY_MONEY:
    case DW_FAMILY_BYTES:
    case DW_FAMILY_UUID:
    case DW_FAMILY_DATE:
    case DW_FAMILY_INTERVAL:
    case DW_FAMILY_JSON:
    case DW_FAMILY_ARRAY:
    case DW_FAMILY_OTHER:
    case DW_FAMILY_COUNT:
        break;
    }
}

static void set_scalar(struct dw_convert_type *type, const struct built_in *known)
{
    type->oid = known->oid;
    type->family = known->family;
    type->width = known->width;
    type->sign = known->oid != 26;
    set_limits(type);
}

void dw_convert_type_of(const struct dw_resolved_column *column, struct dw_convert_type *out)
{
    *out = (struct dw_convert_type){.family = DW_FAMILY_OTHER,
                                    .oid = column->base_oid ? column->base_oid : column->oid,
                                    .typmod = column->typmod,
                                    .length = DW_CONVERT_NO_LIMIT,
                                    .precision = DW_CONVERT_NO_LIMIT,
                                    .name = column->type};
    const struct built_in *known = find(out->oid);
    if (known) {
        set_scalar(out, known);
        return;
    }
    known = find_array(out->oid);
    if (known)
        out->element = known->oid;
    if (known || is_array_name(column->type))
        out->family = DW_FAMILY_ARRAY;
}

bool dw_convert_type_element(const struct dw_convert_type *array, struct dw_convert_type *out)
{
    const struct built_in *known = array->element ? find(array->element) : NULL;
    if (!known)
        return false;
    struct dw_str name = array->name;
    if (is_array_name(name))
        name.len -= 2;
    *out = (struct dw_convert_type){.typmod = array->typmod,
                                    .length = DW_CONVERT_NO_LIMIT,
                                    .precision = DW_CONVERT_NO_LIMIT,
                                    .name = name};
    set_scalar(out, known);
    return true;
}

const char *dw_convert_type_words(enum dw_family family)
{
    static const char *const words[DW_FAMILY_COUNT] = {
        [DW_FAMILY_BOOL] = "true or false",
        [DW_FAMILY_INTEGER] = "a whole number",
        [DW_FAMILY_NUMERIC] = "a number",
        [DW_FAMILY_FLOAT] = "a number",
        [DW_FAMILY_MONEY] = "an amount of money",
        [DW_FAMILY_TEXT] = "text",
        [DW_FAMILY_BYTES] = "bytes in base64",
        [DW_FAMILY_UUID] = "a UUID",
        [DW_FAMILY_DATE] = "a date",
        [DW_FAMILY_TIME] = "a time",
        [DW_FAMILY_TIMETZ] = "a time with a zone",
        [DW_FAMILY_TIMESTAMP] = "a date and time",
        [DW_FAMILY_TIMESTAMPTZ] = "a date and time with a zone",
        [DW_FAMILY_INTERVAL] = "an interval",
        [DW_FAMILY_JSON] = "JSON",
        [DW_FAMILY_BITS] = "bits",
        [DW_FAMILY_ARRAY] = "an array",
        [DW_FAMILY_OTHER] = "a value",
    };
    return words[family];
}
