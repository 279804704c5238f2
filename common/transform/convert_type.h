/* convert_type.h - a column's type as conversion sees it: its family and its limits. */
#ifndef DW_TRANSFORM_CONVERT_TYPE_H
#define DW_TRANSFORM_CONVERT_TYPE_H
#include "common/base/str.h"
#include "common/model/map_resolved.h"
#include <stdbool.h>
#include <stdint.h>

enum dw_family {
    DW_FAMILY_BOOL,
    DW_FAMILY_INTEGER, /* int2, int4, int8, oid */
    DW_FAMILY_NUMERIC,
    DW_FAMILY_FLOAT, /* float4, float8 */
    DW_FAMILY_MONEY,
    DW_FAMILY_TEXT, /* text, varchar, bpchar, name, "char" */
    DW_FAMILY_BYTES,
    DW_FAMILY_UUID,
    DW_FAMILY_DATE,
    DW_FAMILY_TIME,
    DW_FAMILY_TIMETZ,
    DW_FAMILY_TIMESTAMP,
    DW_FAMILY_TIMESTAMPTZ,
    DW_FAMILY_INTERVAL,
    DW_FAMILY_JSON, /* json, jsonb */
    DW_FAMILY_BITS, /* bit, varbit */
    DW_FAMILY_ARRAY,
    DW_FAMILY_OTHER, /* inet, macaddr, xml, enums, composites, ranges, extensions' types */
    DW_FAMILY_COUNT
};

#define DW_CONVERT_NO_LIMIT (-1)

struct dw_convert_type {
    enum dw_family family;
    uint32_t oid;       /* base type; an array's is its own */
    uint32_t element;   /* of a built-in array type, else 0 */
    int32_t typmod;     /* as declared; an array's is that of its elements */
    int32_t length;     /* TEXT: characters (name, "char": bytes); BITS: bits; or NO_LIMIT */
    bool length_exact;  /* bit(n) */
    bool length_bytes;  /* name, "char" */
    bool padded;        /* bpchar: blanks at the end say nothing */
    int32_t precision;  /* NUMERIC: digits or NO_LIMIT; times: digits of the second */
    int32_t scale;      /* NUMERIC */
    int32_t width;      /* INTEGER, FLOAT: bytes */
    bool sign;          /* INTEGER: not for oid */
    struct dw_str name; /* as format_type() shows it */
};

void dw_convert_type_of(const struct dw_resolved_column *column, struct dw_convert_type *out);
/* The elements of a built-in array type, with the array's typmod. False for other arrays. */
bool dw_convert_type_element(const struct dw_convert_type *array, struct dw_convert_type *out);
/* "a whole number", "text", … for messages. */
const char *dw_convert_type_words(enum dw_family family);

#endif
