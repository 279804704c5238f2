/* expr_check.c - see expr_check.h. Bottom-up: a node's arguments first, then its own types, then
 * expr_fold.c takes out what is constant.
 */
#include "common/expr/expr_check.h"

#include "common/config/nearest.h"
#include "common/expr/expr_fold.h"
#include "common/expr/expr_functions.h"
#include "common/expr/expr_time.h"
#include "common/expr/expr_value.h"

#define ROUND_DIGITS_MAX 100

static enum dw_rc check_node(struct dw_expr_check *check, struct dw_expr_node **place);

/* ---- errors ---- */

static enum dw_rc mismatch(struct dw_expr_check *check, const struct dw_expr_node *at,
                           const char *found, const char *allowed)
{
    *check->out_at = at->at;
    return dw_err_set(check->err, DW_CONFIG, "DW-EXPR-005", "position %u: %s, %s", at->position,
                      found, allowed);
}

/* "the 2nd argument of eq is a text, allowed is …" */
static enum dw_rc wrong_type(struct dw_expr_check *check, const struct dw_expr_node *node,
                             const struct dw_expr_node *arg, const char *allowed)
{
    const char *found =
        dw_arena_printf(check->arena, "%s stands here with %s", dw_expr_tree_op_name(node->op),
                        dw_expr_tree_type_words(arg->type));
    return mismatch(check, arg, found, allowed);
}

/* ---- columns ---- */

static bool is_text_oid(uint32_t oid)
{
    static const uint32_t oids[] = {18, 19, 25, 1042, 1043}; /* "char" name text bpchar varchar */
    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++)
        if (oids[i] == oid)
            return true;
    return false;
}

enum dw_expr_type dw_expr_check_type(uint32_t base_oid, char category)
{
    switch (base_oid) {
    case 16:
        return DW_EXPR_BOOL;
    case 20:
    case 21:
    case 23:
    case 26:
        return DW_EXPR_INT;
    case 700:
    case 701:
    case 1700:
        return DW_EXPR_DECIMAL;
    case 1082:
        return DW_EXPR_DATE;
    case 1083:
        return DW_EXPR_TIME;
    case 1114:
    case 1184:
        return DW_EXPR_MOMENT;
    case 2950:
        return DW_EXPR_GUID;
    default:
        break;
    }
    bool text = is_text_oid(base_oid) || category == 'S' || category == 'E';
    return text ? DW_EXPR_STRING : DW_EXPR_OTHER;
}

static enum dw_rc unknown_column(struct dw_expr_check *check, const struct dw_expr_node *node)
{
    struct dw_nearest nearest = {.best = {NULL, 0}};
    for (size_t i = 0; i < check->source->column_count; i++)
        dw_nearest_offer(&nearest, node->name, check->source->columns[i].name);
    *check->out_at = node->at;
    bool quoted = node->at < check->source->text.len && check->source->text.ptr[node->at] == '"';
    if (quoted && !nearest.best.ptr)
        return dw_err_set(check->err, DW_CONFIG, "DW-EXPR-002",
                          "position %u: there is no column %.*s; a text stands in single quotes: "
                          "'%.*s'",
                          node->position, DW_STR_ARG(node->name), DW_STR_ARG(node->name));
    return dw_err_set(check->err, DW_CONFIG, "DW-EXPR-002",
                      "position %u: there is no column %.*s%s%.*s%s", node->position,
                      DW_STR_ARG(node->name), nearest.best.ptr ? "; did you mean " : "",
                      DW_STR_ARG(nearest.best), nearest.best.ptr ? "?" : "");
}

static enum dw_rc check_column(struct dw_expr_check *check, struct dw_expr_node *node)
{
    const struct dw_expr_column *columns = check->source->columns;
    size_t index = 0;
    while (index < check->source->column_count && !dw_str_equal(columns[index].name, node->name))
        index++;
    if (index == check->source->column_count)
        return unknown_column(check, node);
    node->column = &columns[index];
    node->type = dw_expr_check_type(columns[index].base_oid, columns[index].category);
    node->cell = 0;
    while (node->cell < check->used_count && check->used[node->cell] != index)
        node->cell++;
    if (node->cell == check->used_count)
        check->used[check->used_count++] = index;
    return DW_OK;
}

/* ---- conversions that nobody writes ---- */

static bool is_number(enum dw_expr_type type)
{
    return type == DW_EXPR_INT || type == DW_EXPR_DECIMAL;
}

static enum dw_rc to_decimal(struct dw_expr_check *check, struct dw_expr_node **place)
{
    struct dw_expr_node *arg = *place;
    if (arg->type == DW_EXPR_DECIMAL)
        return DW_OK;
    struct dw_expr_node *node = DW_ARENA_NEW(check->arena, struct dw_expr_node);
    node->op = DW_EXPR_CAST;
    node->type = DW_EXPR_DECIMAL;
    node->at = arg->at;
    node->position = arg->position;
    node->count = 1;
    node->args = DW_ARENA_NEW(check->arena, struct dw_expr_node *);
    node->args[0] = arg;
    *place = node;
    return dw_expr_fold(check, place);
}

/* Makes the types of two arguments one, where there is a way. */
static enum dw_rc unify(struct dw_expr_check *check, struct dw_expr_node **a,
                        struct dw_expr_node **b)
{
    enum dw_rc rc = DW_OK;
    if (!is_number((*a)->type) || !is_number((*b)->type) || (*a)->type == (*b)->type)
        return DW_OK;
    rc = to_decimal(check, a);
    return rc == DW_OK ? to_decimal(check, b) : rc;
}

/* ---- comparisons ---- */

static const char *advice(enum dw_expr_type a, enum dw_expr_type b)
{
    unsigned both = DW_EXPR_BIT(a) | DW_EXPR_BIT(b);
    unsigned times = DW_EXPR_BIT(DW_EXPR_DATE) | DW_EXPR_BIT(DW_EXPR_TIME) |
                     DW_EXPR_BIT(DW_EXPR_MOMENT) | DW_EXPR_BIT(DW_EXPR_GUID);
    if (both & DW_EXPR_BIT(DW_EXPR_OTHER))
        return "a column of this type takes only \"eq null\", \"ne null\" and cast to Edm.String";
    if (both & DW_EXPR_BIT(DW_EXPR_STRING)) {
        if (both & times)
            return "both must be of one type; dates, times and GUIDs are written without quotes";
        return "both must be of one type; numbers, true and false are written without quotes, or "
               "use cast";
    }
    if (both == (DW_EXPR_BIT(DW_EXPR_DATE) | DW_EXPR_BIT(DW_EXPR_MOMENT)))
        return "both must be of one type; date(…) takes the date out of a date with time";
    return "both must be of one type";
}

static enum dw_rc different(struct dw_expr_check *check, const struct dw_expr_node *node,
                            enum dw_expr_type a, enum dw_expr_type b)
{
    const char *found =
        dw_arena_printf(check->arena, "%s stands between %s and %s", dw_expr_tree_op_name(node->op),
                        dw_expr_tree_type_words(a), dw_expr_tree_type_words(b));
    if (node->op == DW_EXPR_IN)
        found = dw_arena_printf(check->arena, "in looks for %s among values of which one is %s",
                                dw_expr_tree_type_words(a), dw_expr_tree_type_words(b));
    if (node->op == DW_EXPR_CASE)
        found = dw_arena_printf(check->arena, "case has values of two types, %s and %s",
                                dw_expr_tree_type_words(a), dw_expr_tree_type_words(b));
    return mismatch(check, node, found, advice(a, b));
}

static enum dw_rc null_test(struct dw_expr_node *node)
{
    if (node->args[0]->type == DW_EXPR_NULL)
        node->args[0] = node->args[1];
    node->op = node->op == DW_EXPR_EQ ? DW_EXPR_IS_NULL : DW_EXPR_NOT_NULL;
    node->count = 1;
    return DW_OK;
}

static enum dw_rc check_comparison(struct dw_expr_check *check, struct dw_expr_node *node)
{
    enum dw_expr_type a = node->args[0]->type;
    enum dw_expr_type b = node->args[1]->type;
    bool equality = node->op == DW_EXPR_EQ || node->op == DW_EXPR_NE;
    node->type = DW_EXPR_BOOL;
    if (a == DW_EXPR_NULL || b == DW_EXPR_NULL) {
        if (equality)
            return null_test(node);
        return mismatch(check, node,
                        dw_arena_printf(check->arena, "%s with null is never true",
                                        dw_expr_tree_op_name(node->op)),
                        "allowed are \"eq null\" and \"ne null\"");
    }
    bool same = a == b || (is_number(a) && is_number(b));
    if (!same || a == DW_EXPR_OTHER)
        return different(check, node, a, b);
    return unify(check, &node->args[0], &node->args[1]);
}

static enum dw_rc check_in(struct dw_expr_check *check, struct dw_expr_node *node)
{
    bool decimal = node->args[0]->type == DW_EXPR_DECIMAL;
    node->type = DW_EXPR_BOOL;
    for (size_t i = 0; i < node->count; i++) {
        enum dw_expr_type a = node->args[0]->type;
        enum dw_expr_type b = node->args[i]->type;
        if (i && node->args[i]->op != DW_EXPR_CONST)
            return mismatch(check, node->args[i], "a list of in holds what is not constant",
                            "allowed are literals; use eq and or");
        bool same = a == b || (is_number(a) && is_number(b)) || (i && b == DW_EXPR_NULL);
        if (!same || a == DW_EXPR_OTHER || a == DW_EXPR_NULL)
            return different(check, node, a, b);
        decimal = decimal || b == DW_EXPR_DECIMAL;
    }
    enum dw_rc rc = DW_OK;
    for (size_t i = 0; i < node->count && rc == DW_OK; i++) {
        if (node->args[i]->type == DW_EXPR_NULL)
            node->args[i]->type = node->args[0]->type;
        else if (decimal)
            rc = to_decimal(check, &node->args[i]);
    }
    return rc;
}

static enum dw_rc check_logic(struct dw_expr_check *check, struct dw_expr_node *node)
{
    node->type = DW_EXPR_BOOL;
    for (size_t i = 0; i < node->count; i++) {
        struct dw_expr_node *arg = node->args[i];
        if (arg->type == DW_EXPR_NULL)
            arg->type = DW_EXPR_BOOL;
        if (arg->type != DW_EXPR_BOOL)
            return wrong_type(check, node, arg,
                              node->op == DW_EXPR_NOT
                                  ? "allowed is true or false; not binds before comparisons, "
                                    "write not (a eq b)"
                                  : "allowed is true or false");
    }
    return DW_OK;
}

/* ---- arithmetic ---- */

static bool is_day(enum dw_expr_type type)
{
    return type == DW_EXPR_DATE || type == DW_EXPR_MOMENT;
}

/* A date or moment and a constant duration: becomes ADD of microseconds. */
static enum dw_rc check_shift(struct dw_expr_check *check, struct dw_expr_node *node)
{
    struct dw_expr_node *duration = node->args[1];
    if (duration->op != DW_EXPR_CONST)
        return mismatch(check, duration, "a duration that the row decides",
                        "allowed is a literal (duration'P1D')");
    struct dw_expr_number million = dw_expr_number_from_int(1000000, check->arena);
    struct dw_expr_number us;
    struct dw_expr_node *constant = DW_ARENA_NEW(check->arena, struct dw_expr_node);
    *constant = *duration;
    constant->type = DW_EXPR_INT;
    if (dw_expr_number_mul(&duration->value.number, &million, check->arena, &us) !=
            DW_EXPR_NUMBER_OK ||
        dw_expr_number_to_int(&us, check->arena, &constant->value.integer) != DW_EXPR_NUMBER_OK ||
        constant->value.integer / DW_EXPR_TIME_DAY_US > INT32_MAX ||
        constant->value.integer / DW_EXPR_TIME_DAY_US < -INT32_MAX)
        return mismatch(check, duration, "a duration that is too long",
                        "allowed are ten million days");
    if (node->args[0]->type == DW_EXPR_DATE && constant->value.integer % DW_EXPR_TIME_DAY_US)
        return mismatch(check, duration, "a date moved by a part of a day",
                        "allowed are whole days");
    if (node->op == DW_EXPR_SUB)
        constant->value.integer = -constant->value.integer;
    node->op = DW_EXPR_ADD;
    node->args[1] = constant;
    node->type = node->args[0]->type;
    return DW_OK;
}

static enum dw_rc check_arithmetic(struct dw_expr_check *check, struct dw_expr_node *node)
{
    enum dw_expr_type a = node->args[0]->type;
    enum dw_expr_type b = node->args[1]->type;
    bool additive = node->op == DW_EXPR_ADD || node->op == DW_EXPR_SUB;
    if (additive && is_day(a) && b == DW_EXPR_DURATION)
        return check_shift(check, node);
    bool difference = node->op == DW_EXPR_SUB && is_day(a) && a == b;
    if (difference || (additive && a == DW_EXPR_DURATION && b == DW_EXPR_DURATION)) {
        node->type = DW_EXPR_DURATION;
        return DW_OK;
    }
    if (!is_number(a) || !is_number(b))
        return wrong_type(check, node, node->args[is_number(a)],
                          is_day(a) && additive
                              ? "allowed are numbers, a duration literal behind a date, or two "
                                "dates of one type with sub"
                              : "allowed are numbers");
    enum dw_rc rc = DW_OK;
    if (node->op == DW_EXPR_DIVBY) {
        node->op = DW_EXPR_DIV;
        rc = to_decimal(check, &node->args[0]);
        if (rc == DW_OK)
            rc = to_decimal(check, &node->args[1]);
    } else {
        rc = unify(check, &node->args[0], &node->args[1]);
    }
    node->type = node->args[0]->type;
    return rc;
}

static enum dw_rc check_negate(struct dw_expr_check *check, struct dw_expr_node *node)
{
    node->type = node->args[0]->type;
    if (is_number(node->type) || node->type == DW_EXPR_DURATION)
        return DW_OK;
    return wrong_type(check, node, node->args[0], "allowed are numbers and durations");
}

/* ---- functions ---- */

static const char *list_types(struct dw_arena *arena, unsigned bits)
{
    const char *list = "allowed is";
    bool first = true;
    for (int type = 0; type < DW_EXPR_TYPE_COUNT; type++) {
        if (!(bits & DW_EXPR_BIT(type)))
            continue;
        list = dw_arena_printf(arena, "%s%s %s", list, first ? "" : " or",
                               dw_expr_tree_type_words((enum dw_expr_type)type));
        first = false;
    }
    return list;
}

static enum dw_rc check_function(struct dw_expr_check *check, struct dw_expr_node *node,
                                 const struct dw_expr_function *function)
{
    for (size_t i = 0; i < node->count; i++) {
        size_t slot = i < DW_EXPR_FUNCTION_ARGS ? i : DW_EXPR_FUNCTION_ARGS - 1;
        if (!(function->types[slot] & DW_EXPR_BIT(node->args[i]->type)))
            return wrong_type(check, node, node->args[i],
                              list_types(check->arena, function->types[slot]));
    }
    node->type = function->result == DW_EXPR_NULL ? node->args[0]->type : function->result;
    return DW_OK;
}

/* round(x, digits): not OData's, but converting never rounds, so there must be a way. */
static enum dw_rc check_round(struct dw_expr_check *check, struct dw_expr_node *node)
{
    if (node->count == 1)
        return DW_OK;
    const struct dw_expr_node *digits = node->args[1];
    if (digits->op != DW_EXPR_CONST || digits->value.is_null || digits->value.integer < 0 ||
        digits->value.integer > ROUND_DIGITS_MAX)
        return mismatch(check, digits, "round to a number of digits that is not constant",
                        "allowed is a literal from 0 to 100");
    node->detail = (int32_t)digits->value.integer;
    node->count = 1;
    return DW_OK;
}

static enum dw_rc check_cast(struct dw_expr_check *check, struct dw_expr_node *node)
{
    struct dw_expr_node *arg = node->args[0];
    if (node->detail == DW_EXPR_FROM_MOMENT && arg->type != DW_EXPR_MOMENT)
        return mismatch(check, arg,
                        dw_arena_printf(check->arena, "date and time stand here with %s",
                                        dw_expr_tree_type_words(arg->type)),
                        "allowed is a date with time");
    if (arg->type == DW_EXPR_NULL)
        arg->type = node->type; /* a null with a type */
    if (dw_expr_value_can_cast(arg->type, node->type))
        return DW_OK;
    return mismatch(check, node,
                    dw_arena_printf(check->arena, "there is no cast from %s to %s",
                                    dw_expr_tree_type_words(arg->type),
                                    dw_expr_tree_type_words(node->type)),
                    "allowed are text from and to everything, numbers among each other, and a date "
                    "with time from and to a date");
}

static enum dw_rc check_case(struct dw_expr_check *check, struct dw_expr_node *node)
{
    struct dw_expr_node *typed = NULL;
    bool decimal = false;
    for (size_t i = 0; i < node->count; i += 2) {
        struct dw_expr_node *condition = node->args[i];
        if (condition->type == DW_EXPR_NULL)
            condition->type = DW_EXPR_BOOL;
        if (condition->type != DW_EXPR_BOOL)
            return wrong_type(check, node, condition, "before : allowed is true or false");
        struct dw_expr_node *value = node->args[i + 1];
        if (value->type == DW_EXPR_OTHER)
            return wrong_type(check, node, value, "use cast to Edm.String");
        if (value->type == DW_EXPR_NULL)
            continue;
        decimal = decimal || value->type == DW_EXPR_DECIMAL;
        if (!typed)
            typed = value;
        else if (typed->type != value->type && !(is_number(typed->type) && is_number(value->type)))
            return different(check, node, typed->type, value->type);
    }
    if (!typed)
        return mismatch(check, node, "case has only null values", "allowed is one with a type");
    node->type = decimal ? DW_EXPR_DECIMAL : typed->type;
    enum dw_rc rc = DW_OK;
    for (size_t i = 1; i < node->count && rc == DW_OK; i += 2) {
        if (node->args[i]->type == DW_EXPR_NULL)
            node->args[i]->type = node->type;
        else if (decimal)
            rc = to_decimal(check, &node->args[i]);
    }
    return rc;
}

/* ---- the walk ---- */

static enum dw_rc check_types(struct dw_expr_check *check, struct dw_expr_node *node)
{
    const struct dw_expr_function *function = dw_expr_functions_of(node->op);
    if (function) {
        enum dw_rc rc = check_function(check, node, function);
        return rc == DW_OK && node->op == DW_EXPR_ROUND ? check_round(check, node) : rc;
    }
    switch ((int)node->op) { /* those that are no functions */
    case DW_EXPR_COLUMN:
        return check_column(check, node);
    case DW_EXPR_AND:
    case DW_EXPR_OR:
    case DW_EXPR_NOT:
        return check_logic(check, node);
    case DW_EXPR_EQ:
    case DW_EXPR_NE:
    case DW_EXPR_GT:
    case DW_EXPR_GE:
    case DW_EXPR_LT:
    case DW_EXPR_LE:
        return check_comparison(check, node);
    case DW_EXPR_IN:
        return check_in(check, node);
    case DW_EXPR_ADD:
    case DW_EXPR_SUB:
    case DW_EXPR_MUL:
    case DW_EXPR_DIV:
    case DW_EXPR_DIVBY:
    case DW_EXPR_MOD:
        return check_arithmetic(check, node);
    case DW_EXPR_NEGATE:
        return check_negate(check, node);
    case DW_EXPR_CAST:
        return check_cast(check, node);
    case DW_EXPR_CASE:
        return check_case(check, node);
    default:
        return DW_OK; /* a literal has its type from the parser */
    }
}

static enum dw_rc check_node(struct dw_expr_check *check, struct dw_expr_node **place)
{
    struct dw_expr_node *node = *place;
    for (size_t i = 0; i < node->count; i++) {
        enum dw_rc rc = check_node(check, &node->args[i]);
        if (rc != DW_OK)
            return rc;
    }
    enum dw_rc rc = check_types(check, node);
    return rc == DW_OK ? dw_expr_fold(check, place) : rc;
}

/* What is folded away is not used: the columns are counted in the tree that is left. */
static void count_again(struct dw_expr_check *check, struct dw_expr_node *node)
{
    check->can_fail = check->can_fail || dw_expr_fold_can_fail(node);
    for (size_t i = 0; i < node->count; i++)
        count_again(check, node->args[i]);
    if (node->op == DW_EXPR_COLUMN)
        (void)check_column(check, node); /* found before */
}

enum dw_rc dw_expr_check_tree(struct dw_expr_check *check, struct dw_expr_node **root)
{
    check->used_count = 0;
    enum dw_rc rc = check_node(check, root);
    if (rc != DW_OK)
        return rc;
    struct dw_expr_node *node = *root;
    *check->out_at = 0;
    if (check->source->use == DW_EXPR_FILTER && node->type == DW_EXPR_NULL)
        node->type = DW_EXPR_BOOL;
    if (check->source->use == DW_EXPR_FILTER && node->type != DW_EXPR_BOOL)
        return dw_err_set(check->err, DW_CONFIG, "DW-EXPR-009",
                          "the filter is %s, allowed is true or false",
                          dw_expr_tree_type_words(node->type));
    if (node->type == DW_EXPR_NULL || node->type == DW_EXPR_DURATION || node->type == DW_EXPR_OTHER)
        return dw_err_set(check->err, DW_CONFIG, "DW-EXPR-009", "the result is %s, %s",
                          dw_expr_tree_type_words(node->type),
                          node->type == DW_EXPR_DURATION ? "take totalseconds(…) of it"
                          : node->type == DW_EXPR_NULL   ? "allowed is a value with a type"
                                                         : "use cast to Edm.String");
    check->used_count = 0;
    count_again(check, node);
    return DW_OK;
}
