/* expr_functions.c - see expr_functions.h. */
#include "common/expr/expr_functions.h"

#include "common/config/nearest.h"

#define MANY   1000
#define BOOL   DW_EXPR_BIT(DW_EXPR_BOOL)
#define INT    DW_EXPR_BIT(DW_EXPR_INT)
#define NUMBER (DW_EXPR_BIT(DW_EXPR_INT) | DW_EXPR_BIT(DW_EXPR_DECIMAL))
#define TEXT   DW_EXPR_BIT(DW_EXPR_STRING)
#define DAY    (DW_EXPR_BIT(DW_EXPR_DATE) | DW_EXPR_BIT(DW_EXPR_MOMENT))
#define CLOCK  (DW_EXPR_BIT(DW_EXPR_TIME) | DW_EXPR_BIT(DW_EXPR_MOMENT))
#define MOMENT DW_EXPR_BIT(DW_EXPR_MOMENT)
#define CLOCK_TIME                                                                                 \
    "its result would change with the time of asking, so that two evaluations of one row differ"
#define NO_SETS "columns hold single values, no collections"

static const struct dw_expr_function functions[] = {
    {"concat", NULL, DW_EXPR_CONCAT, 2, MANY, {TEXT, TEXT, TEXT}, DW_EXPR_STRING},
    {"contains", NULL, DW_EXPR_CONTAINS, 2, 2, {TEXT, TEXT}, DW_EXPR_BOOL},
    {"startswith", NULL, DW_EXPR_STARTS, 2, 2, {TEXT, TEXT}, DW_EXPR_BOOL},
    {"endswith", NULL, DW_EXPR_ENDS, 2, 2, {TEXT, TEXT}, DW_EXPR_BOOL},
    {"length", NULL, DW_EXPR_LENGTH, 1, 1, {TEXT}, DW_EXPR_INT},
    {"indexof", NULL, DW_EXPR_INDEX_OF, 2, 2, {TEXT, TEXT}, DW_EXPR_INT},
    {"substring", NULL, DW_EXPR_SUBSTRING, 2, 3, {TEXT, INT, INT}, DW_EXPR_STRING},
    {"tolower", NULL, DW_EXPR_LOWER, 1, 1, {TEXT}, DW_EXPR_STRING},
    {"toupper", NULL, DW_EXPR_UPPER, 1, 1, {TEXT}, DW_EXPR_STRING},
    {"trim", NULL, DW_EXPR_TRIM, 1, 1, {TEXT}, DW_EXPR_STRING},
    {"year", NULL, DW_EXPR_YEAR, 1, 1, {DAY}, DW_EXPR_INT},
    {"month", NULL, DW_EXPR_MONTH, 1, 1, {DAY}, DW_EXPR_INT},
    {"day", NULL, DW_EXPR_DAY, 1, 1, {DAY}, DW_EXPR_INT},
    {"hour", NULL, DW_EXPR_HOUR, 1, 1, {CLOCK}, DW_EXPR_INT},
    {"minute", NULL, DW_EXPR_MINUTE, 1, 1, {CLOCK}, DW_EXPR_INT},
    {"second", NULL, DW_EXPR_SECOND, 1, 1, {CLOCK}, DW_EXPR_INT},
    {"fractionalseconds", NULL, DW_EXPR_FRACTION, 1, 1, {CLOCK}, DW_EXPR_DECIMAL},
    {"totalseconds", NULL, DW_EXPR_SECONDS, 1, 1, {DW_EXPR_BIT(DW_EXPR_DURATION)}, DW_EXPR_DECIMAL},
    {"date", NULL, DW_EXPR_CAST, 1, 1, {MOMENT}, DW_EXPR_DATE},
    {"time", NULL, DW_EXPR_CAST, 1, 1, {MOMENT}, DW_EXPR_TIME},
    {"round", NULL, DW_EXPR_ROUND, 1, 2, {NUMBER, INT}, DW_EXPR_NULL},
    {"floor", NULL, DW_EXPR_FLOOR, 1, 1, {NUMBER}, DW_EXPR_NULL},
    {"ceiling", NULL, DW_EXPR_CEILING, 1, 1, {NUMBER}, DW_EXPR_NULL},
    {.name = "now", .refused = CLOCK_TIME},
    {.name = "matchesPattern",
     .refused = "two engines of regular expressions never agree on all texts; use contains, "
                "startswith, endswith"},
    {.name = "totaloffsetminutes",
     .refused =
         "PostgreSQL does not keep the offset that a time was written with; all times are UTC"},
    {.name = "maxdatetime", .refused = "write the date"},
    {.name = "mindatetime", .refused = "write the date"},
    {.name = "isof", .refused = "a column has one type"},
    {.name = "any", .refused = NO_SETS},
    {.name = "all", .refused = NO_SETS},
    {.name = "hassubset", .refused = NO_SETS},
    {.name = "hassubsequence", .refused = NO_SETS},
    {.name = "substringof",
     .refused = "OData 4 has contains(text, part), with the arguments in the other order"},
};

static const struct dw_expr_cast casts[] = {
    {"Edm.Boolean", NULL, DW_EXPR_BOOL, 0},
    {"Edm.Int16", NULL, DW_EXPR_INT, 16},
    {"Edm.Int32", NULL, DW_EXPR_INT, 32},
    {"Edm.Int64", NULL, DW_EXPR_INT, 64},
    {"Edm.Decimal", NULL, DW_EXPR_DECIMAL, 0},
    {"Edm.String", NULL, DW_EXPR_STRING, 0},
    {"Edm.Date", NULL, DW_EXPR_DATE, 0},
    {"Edm.TimeOfDay", NULL, DW_EXPR_TIME, 0},
    {"Edm.DateTimeOffset", NULL, DW_EXPR_MOMENT, 0},
    {"Edm.Guid", NULL, DW_EXPR_GUID, 0},
    {.name = "Edm.Double", .refused = "binary floats are not exact; use Edm.Decimal"},
    {.name = "Edm.Single", .refused = "binary floats are not exact; use Edm.Decimal"},
    {.name = "Edm.Byte", .refused = "PostgreSQL has no such type; use Edm.Int16"},
    {.name = "Edm.SByte", .refused = "PostgreSQL has no such type; use Edm.Int16"},
    {.name = "Edm.Duration", .refused = "a duration is a literal or a difference of two times"},
    {.name = "Edm.Binary", .refused = "there are no operations on bytes"},
};

const struct dw_expr_function *dw_expr_functions_find(struct dw_str name, const char **out_nearest)
{
    struct dw_nearest nearest = {.best = {NULL, 0}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (dw_str_is(name, functions[i].name))
            return &functions[i];
        if (!functions[i].refused)
            dw_nearest_offer(&nearest, name, dw_str_from(functions[i].name));
    }
    dw_nearest_offer(&nearest, name, DW_STR_LIT("cast"));
    dw_nearest_offer(&nearest, name, DW_STR_LIT("case"));
    *out_nearest = nearest.best.ptr;
    return NULL;
}

const struct dw_expr_function *dw_expr_functions_of(enum dw_expr_op op)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!functions[i].refused && functions[i].op == op && op != DW_EXPR_CAST)
            return &functions[i];
    return NULL;
}

const struct dw_expr_cast *dw_expr_functions_cast(struct dw_str name, const char **out_nearest)
{
    struct dw_nearest nearest = {.best = {NULL, 0}};
    for (size_t i = 0; i < sizeof casts / sizeof *casts; i++) {
        if (dw_str_is(name, casts[i].name))
            return &casts[i];
        if (!casts[i].refused)
            dw_nearest_offer(&nearest, name, dw_str_from(casts[i].name));
    }
    *out_nearest = nearest.best.ptr;
    return NULL;
}
