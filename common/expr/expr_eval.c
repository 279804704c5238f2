/* expr_eval.c - see expr_eval.h.
 *
 * Order of evaluation is that of PostgreSQL's executor, so that the same row fails on both sides:
 * "and", "or" and "case" stop as soon as the result is known; every other operation evaluates all
 * its arguments and is null when one of them is. The check has taken out what PostgreSQL's planner
 * would compute beforehand.
 */
#include "common/expr/expr_eval.h"

#include "common/base/utf8.h"
#include "common/expr/expr_text.h"
#include "common/expr/expr_time.h"
#include "common/expr/expr_value.h"

#define STRICT_ARGS_MAX 3
#define EPOCH_DAYS      10957LL /* from 1970-01-01 to 2000-01-01 */

struct run {
    const struct dw_value *cells;
    struct dw_arena *arena;
    struct dw_err *err;
};

static enum dw_rc eval(const struct run *run, const struct dw_expr_node *node,
                       struct dw_expr_value *out);

/* ---- errors ---- */

static enum dw_rc column_fault(const struct run *run, const struct dw_expr_node *node,
                               enum dw_expr_fault fault)
{
    if (fault == DW_EXPR_NO_VALUE)
        return dw_err_set(run->err, DW_REJECT, "DW-EXPR-023",
                          "the event does not carry column %.*s, which the expression uses",
                          DW_STR_ARG(node->name));
    return dw_err_set(run->err, DW_REJECT, "DW-EXPR-024", "column %.*s does not hold %s",
                      DW_STR_ARG(node->name), dw_expr_tree_type_words(node->type));
}

static enum dw_rc report(const struct run *run, const struct dw_expr_node *node,
                         enum dw_expr_fault fault)
{
    const char *name = dw_expr_tree_op_name(node->op);
    switch (fault) {
    case DW_EXPR_FINE:
        return DW_OK;
    case DW_EXPR_DIVISION_BY_ZERO:
        return dw_err_set(run->err, DW_REJECT, "DW-EXPR-020", "position %u: %s divides by zero",
                          node->position, name);
    case DW_EXPR_OUT_OF_RANGE:
        return dw_err_set(run->err, DW_REJECT, "DW-EXPR-021",
                          "position %u: the result of %s is out of range", node->position, name);
    case DW_EXPR_BAD_CAST:
        return dw_err_set(run->err, DW_REJECT, "DW-EXPR-022",
                          "position %u: %s finds a value that is not %s", node->position, name,
                          dw_expr_tree_type_words(node->type));
    case DW_EXPR_NO_VALUE:
    case DW_EXPR_BAD_TEXT:
        break;
    }
    return column_fault(run, node, fault);
}

/* ---- columns and logic ---- */

static enum dw_rc eval_column(const struct run *run, const struct dw_expr_node *node,
                              struct dw_expr_value *out)
{
    const struct dw_value *cell = &run->cells[node->cell];
    if (cell->kind == DW_VALUE_ABSENT)
        return column_fault(run, node, DW_EXPR_NO_VALUE);
    out->is_null = cell->kind == DW_VALUE_NULL;
    if (out->is_null)
        return DW_OK;
    enum dw_expr_fault fault =
        dw_expr_value_read(node->type, node->column->base_oid, cell->text, run->arena, out);
    return report(run, node, fault);
}

/* Also of a column whose type has no values here. */
static enum dw_rc eval_null_test(const struct run *run, const struct dw_expr_node *node,
                                 struct dw_expr_value *out)
{
    const struct dw_expr_node *arg = node->args[0];
    struct dw_expr_value value = {.is_null = false};
    enum dw_rc rc = DW_OK;
    if (arg->op == DW_EXPR_COLUMN && run->cells[arg->cell].kind != DW_VALUE_ABSENT)
        value.is_null = run->cells[arg->cell].kind == DW_VALUE_NULL;
    else
        rc = eval(run, arg, &value);
    out->is_null = false;
    out->boolean = value.is_null == (node->op == DW_EXPR_IS_NULL);
    return rc;
}

/* AND stops at false, OR at true; else null where one was null. */
static enum dw_rc eval_chain(const struct run *run, const struct dw_expr_node *node,
                             struct dw_expr_value *out)
{
    bool stop = node->op == DW_EXPR_OR;
    bool any_null = false;
    for (size_t i = 0; i < node->count; i++) {
        enum dw_rc rc = eval(run, node->args[i], out);
        if (rc != DW_OK || (!out->is_null && out->boolean == stop))
            return rc;
        any_null = any_null || out->is_null;
    }
    out->is_null = any_null;
    out->boolean = !stop;
    return DW_OK;
}

static enum dw_rc eval_case(const struct run *run, const struct dw_expr_node *node,
                            struct dw_expr_value *out)
{
    for (size_t i = 0; i + 1 < node->count; i += 2) {
        struct dw_expr_value condition = {.is_null = true};
        enum dw_rc rc = eval(run, node->args[i], &condition);
        if (rc != DW_OK)
            return rc;
        if (!condition.is_null && condition.boolean)
            return eval(run, node->args[i + 1], out);
    }
    if (node->count % 2)
        return eval(run, node->args[node->count - 1], out);
    out->is_null = true;
    return DW_OK;
}

/* ---- comparisons: never null ---- */

static enum dw_rc eval_comparison(const struct run *run, const struct dw_expr_node *node,
                                  struct dw_expr_value *out)
{
    struct dw_expr_value a = {.is_null = true};
    struct dw_expr_value b = {.is_null = true};
    enum dw_rc rc = eval(run, node->args[0], &a);
    if (rc == DW_OK)
        rc = eval(run, node->args[1], &b);
    if (rc != DW_OK)
        return rc;
    bool equality = node->op == DW_EXPR_EQ || node->op == DW_EXPR_NE;
    out->is_null = false;
    out->boolean = false;
    if (a.is_null || b.is_null) {
        out->boolean = equality && (a.is_null && b.is_null) == (node->op == DW_EXPR_EQ);
        return DW_OK;
    }
    if (equality && node->args[0]->type == DW_EXPR_STRING) {
        out->boolean = dw_str_equal(a.text, b.text) == (node->op == DW_EXPR_EQ);
        return DW_OK;
    }
    int order = dw_expr_value_compare(node->args[0]->type, &a, &b);
    out->boolean = node->op == DW_EXPR_EQ   ? order == 0
                   : node->op == DW_EXPR_NE ? order != 0
                   : node->op == DW_EXPR_GT ? order > 0
                   : node->op == DW_EXPR_GE ? order >= 0
                   : node->op == DW_EXPR_LT ? order < 0
                                            : order <= 0;
    return DW_OK;
}

static enum dw_rc eval_in(const struct run *run, const struct dw_expr_node *node,
                          struct dw_expr_value *out)
{
    struct dw_expr_value value = {.is_null = true};
    enum dw_rc rc = eval(run, node->args[0], &value);
    out->is_null = false;
    out->boolean = false;
    for (size_t i = 1; i < node->count && rc == DW_OK && !out->boolean; i++) {
        const struct dw_expr_value *item = &node->args[i]->value;
        if (value.is_null || item->is_null)
            out->boolean = value.is_null && item->is_null;
        else
            out->boolean = dw_expr_value_compare(node->args[0]->type, &value, item) == 0;
    }
    return rc;
}

/* ---- arithmetic ---- */

static enum dw_expr_fault int_arithmetic(enum dw_expr_op op, int64_t a, int64_t b, int64_t *out)
{
    bool overflow = false;
    if ((op == DW_EXPR_DIV || op == DW_EXPR_MOD) && b == 0)
        return DW_EXPR_DIVISION_BY_ZERO;
    if (op == DW_EXPR_ADD)
        overflow = __builtin_add_overflow(a, b, out);
    else if (op == DW_EXPR_SUB)
        overflow = __builtin_sub_overflow(a, b, out);
    else if (op == DW_EXPR_MUL)
        overflow = __builtin_mul_overflow(a, b, out);
    else if (op == DW_EXPR_MOD)
        *out = b == -1 ? 0 : a % b; /* INT64_MIN % -1 traps */
    else if (b == -1)
        overflow = __builtin_sub_overflow((int64_t)0, a, out);
    else
        *out = a / b;
    return overflow ? DW_EXPR_OUT_OF_RANGE : DW_EXPR_FINE;
}

static dw_expr_number_fn number_arithmetic(enum dw_expr_op op)
{
    return op == DW_EXPR_ADD   ? dw_expr_number_add
           : op == DW_EXPR_SUB ? dw_expr_number_sub
           : op == DW_EXPR_MUL ? dw_expr_number_mul
           : op == DW_EXPR_DIV ? dw_expr_number_div
                               : dw_expr_number_mod;
}

/* Seconds since 1970, as extract(epoch) gives them: of a date whole ones, of a moment with six
 * digits, except that in the last 30 years of its range PostgreSQL keeps only four of them. */
static struct dw_expr_number seconds_of(enum dw_expr_type type, int64_t value,
                                        struct dw_arena *arena)
{
    int64_t us;
    if (!dw_expr_time_is_finite(value))
        return (struct dw_expr_number){.kind = DW_EXPR_NUMBER_INFINITE,
                                       .negative = value == DW_EXPR_TIME_BEFORE_ALL};
    if (type == DW_EXPR_DATE)
        return dw_expr_number_from_int((value + EPOCH_DAYS) * 86400, arena);
    if (!__builtin_add_overflow(value, EPOCH_DAYS * DW_EXPR_TIME_DAY_US, &us))
        return dw_expr_number_from_micros(us, arena);
    struct dw_expr_number since_2000 = dw_expr_number_from_micros(value, arena);
    struct dw_expr_number epoch = dw_expr_number_from_int(EPOCH_DAYS * 86400, arena);
    struct dw_expr_number sum = epoch;
    struct dw_expr_number four = epoch;
    struct dw_expr_number six = epoch;
    (void)dw_expr_number_add(&since_2000, &epoch, arena, &sum); /* thirteen digits: no overflow */
    (void)dw_expr_number_round(&sum, 4, arena, &four);
    (void)dw_expr_number_round(&four, 6, arena, &six);
    return six;
}

static enum dw_expr_fault difference(const struct run *run, const struct dw_expr_node *node,
                                     const struct dw_expr_value *in, struct dw_expr_value *out)
{
    enum dw_expr_type type = node->args[0]->type;
    struct dw_expr_number a = seconds_of(type, in[0].integer, run->arena);
    struct dw_expr_number b = seconds_of(type, in[1].integer, run->arena);
    return dw_expr_value_fault(dw_expr_number_sub(&a, &b, run->arena, &out->number));
}

static enum dw_expr_fault arithmetic(const struct run *run, const struct dw_expr_node *node,
                                     const struct dw_expr_value *in, struct dw_expr_value *out)
{
    enum dw_expr_type left = node->args[0]->type;
    bool fine;
    if (node->type == DW_EXPR_INT)
        return int_arithmetic(node->op, in[0].integer, in[1].integer, &out->integer);
    if (node->type == DW_EXPR_DURATION && left != DW_EXPR_DURATION)
        return difference(run, node, in, out);
    if (node->type == DW_EXPR_DATE) {
        int64_t days = in[1].integer / DW_EXPR_TIME_DAY_US;
        fine = dw_expr_time_add_days(in[0].integer, days, &out->integer);
    } else if (node->type == DW_EXPR_MOMENT) {
        fine = dw_expr_time_add_us(in[0].integer, in[1].integer, &out->integer);
    } else {
        return dw_expr_value_fault(
            number_arithmetic(node->op)(&in[0].number, &in[1].number, run->arena, &out->number));
    }
    return fine ? DW_EXPR_FINE : DW_EXPR_OUT_OF_RANGE;
}

static enum dw_expr_fault negate(const struct dw_expr_node *node, const struct dw_expr_value *in,
                                 struct dw_expr_value *out)
{
    if (node->type == DW_EXPR_INT)
        return int_arithmetic(DW_EXPR_SUB, 0, in->integer, &out->integer);
    out->number = dw_expr_number_negate(&in->number);
    return DW_EXPR_FINE;
}

static enum dw_expr_fault round_number(const struct run *run, const struct dw_expr_node *node,
                                       const struct dw_expr_value *in, struct dw_expr_value *out)
{
    if (node->op == DW_EXPR_FLOOR)
        return dw_expr_value_fault(dw_expr_number_floor(&in->number, run->arena, &out->number));
    if (node->op == DW_EXPR_CEILING)
        return dw_expr_value_fault(dw_expr_number_ceiling(&in->number, run->arena, &out->number));
    return dw_expr_value_fault(
        dw_expr_number_round(&in->number, node->detail, run->arena, &out->number));
}

/* ---- parts of dates and times ---- */

static void part_of_day(const struct dw_expr_node *node, const struct dw_expr_value *in,
                        struct dw_expr_value *out)
{
    int64_t rest;
    out->is_null = !dw_expr_time_is_finite(in->integer);
    if (out->is_null)
        return;
    bool moment = node->args[0]->type == DW_EXPR_MOMENT;
    struct dw_expr_time_day day =
        dw_expr_time_day_of(moment ? dw_expr_time_split(in->integer, &rest) : in->integer);
    out->integer = node->op == DW_EXPR_YEAR    ? day.year
                   : node->op == DW_EXPR_MONTH ? day.month
                                               : day.day;
}

static void part_of_time(const struct run *run, const struct dw_expr_node *node,
                         const struct dw_expr_value *in, struct dw_expr_value *out)
{
    int64_t us = in->integer;
    out->is_null = !dw_expr_time_is_finite(us);
    if (out->is_null)
        return;
    if (node->args[0]->type == DW_EXPR_MOMENT)
        (void)dw_expr_time_split(us, &us);
    int64_t seconds = us / 1000000;
    if (node->op == DW_EXPR_FRACTION)
        out->number = dw_expr_number_from_micros(us % 1000000, run->arena);
    else
        out->integer = node->op == DW_EXPR_HOUR     ? seconds / 3600
                       : node->op == DW_EXPR_MINUTE ? seconds / 60 % 60
                                                    : seconds % 60;
}

/* ---- operations on arguments of which none is null ---- */

static void on_text(const struct run *run, const struct dw_expr_node *node,
                    const struct dw_expr_value *in, struct dw_expr_value *out)
{
    struct dw_str text = in[0].text;
    if (node->op == DW_EXPR_CONTAINS)
        out->boolean = dw_expr_text_contains(text, in[1].text);
    else if (node->op == DW_EXPR_STARTS)
        out->boolean = dw_expr_text_starts(text, in[1].text);
    else if (node->op == DW_EXPR_ENDS)
        out->boolean = dw_expr_text_ends(text, in[1].text);
    else if (node->op == DW_EXPR_LENGTH)
        out->integer = (int64_t)dw_utf8_length(text.ptr, text.len);
    else if (node->op == DW_EXPR_INDEX_OF)
        out->integer = dw_expr_text_index_of(text, in[1].text);
    else if (node->op == DW_EXPR_SUBSTRING)
        out->text = dw_expr_text_substring(text, in[1].integer,
                                           node->count > 2 ? in[2].integer : INT64_MAX);
    else if (node->op == DW_EXPR_LOWER)
        out->text = dw_expr_text_lower(text, run->arena);
    else if (node->op == DW_EXPR_UPPER)
        out->text = dw_expr_text_upper(text, run->arena);
    else
        out->text = dw_expr_text_trim(text);
}

static enum dw_expr_fault apply(const struct run *run, const struct dw_expr_node *node,
                                const struct dw_expr_value *in, struct dw_expr_value *out)
{
    switch ((int)node->op) { /* the operations that come here */
    case DW_EXPR_NOT:
        out->boolean = !in->boolean;
        return DW_EXPR_FINE;
    case DW_EXPR_ADD:
    case DW_EXPR_SUB:
    case DW_EXPR_MUL:
    case DW_EXPR_DIV:
    case DW_EXPR_MOD:
        return arithmetic(run, node, in, out);
    case DW_EXPR_NEGATE:
        return negate(node, in, out);
    case DW_EXPR_YEAR:
    case DW_EXPR_MONTH:
    case DW_EXPR_DAY:
        part_of_day(node, in, out);
        return DW_EXPR_FINE;
    case DW_EXPR_HOUR:
    case DW_EXPR_MINUTE:
    case DW_EXPR_SECOND:
    case DW_EXPR_FRACTION:
        part_of_time(run, node, in, out);
        return DW_EXPR_FINE;
    case DW_EXPR_SECONDS:
        out->number = in->number;
        return DW_EXPR_FINE;
    case DW_EXPR_ROUND:
    case DW_EXPR_FLOOR:
    case DW_EXPR_CEILING:
        return round_number(run, node, in, out);
    case DW_EXPR_CAST:
        return dw_expr_value_cast(node->args[0]->type, node->type, node->detail, in, run->arena,
                                  out);
    default:
        on_text(run, node, in, out);
        return DW_EXPR_FINE;
    }
}

static enum dw_rc eval_strict(const struct run *run, const struct dw_expr_node *node,
                              struct dw_expr_value *out)
{
    struct dw_expr_value in[STRICT_ARGS_MAX] = {{.is_null = true}};
    bool any_null = false;
    for (size_t i = 0; i < node->count; i++) {
        enum dw_rc rc = eval(run, node->args[i], &in[i]);
        if (rc != DW_OK)
            return rc;
        any_null = any_null || in[i].is_null;
    }
    out->is_null = any_null;
    return any_null ? DW_OK : report(run, node, apply(run, node, in, out));
}

static enum dw_rc eval_concat(const struct run *run, const struct dw_expr_node *node,
                              struct dw_expr_value *out)
{
    struct dw_str *parts = DW_ARENA_ARRAY(run->arena, struct dw_str, node->count);
    size_t bytes = 0;
    bool any_null = false;
    for (size_t i = 0; i < node->count; i++) {
        struct dw_expr_value part = {.is_null = true};
        enum dw_rc rc = eval(run, node->args[i], &part);
        if (rc != DW_OK)
            return rc;
        any_null = any_null || part.is_null;
        if (!part.is_null)
            parts[i] = part.text;
        bytes += parts[i].len;
    }
    out->is_null = any_null;
    if (any_null)
        return DW_OK;
    char *text = dw_arena_alloc(run->arena, bytes);
    out->text = (struct dw_str){text, bytes};
    for (size_t i = 0; i < node->count; i++) {
        if (parts[i].len)
            memcpy(text, parts[i].ptr, parts[i].len);
        text += parts[i].len;
    }
    return DW_OK;
}

static enum dw_rc eval(const struct run *run, const struct dw_expr_node *node,
                       struct dw_expr_value *out)
{
    switch ((int)node->op) { /* those that are not strict */
    case DW_EXPR_CONST:
        *out = node->value;
        return DW_OK;
    case DW_EXPR_COLUMN:
        return eval_column(run, node, out);
    case DW_EXPR_AND:
    case DW_EXPR_OR:
        return eval_chain(run, node, out);
    case DW_EXPR_EQ:
    case DW_EXPR_NE:
    case DW_EXPR_GT:
    case DW_EXPR_GE:
    case DW_EXPR_LT:
    case DW_EXPR_LE:
        return eval_comparison(run, node, out);
    case DW_EXPR_IN:
        return eval_in(run, node, out);
    case DW_EXPR_IS_NULL:
    case DW_EXPR_NOT_NULL:
        return eval_null_test(run, node, out);
    case DW_EXPR_CONCAT:
        return eval_concat(run, node, out);
    case DW_EXPR_CASE:
        return eval_case(run, node, out);
    default:
        return eval_strict(run, node, out);
    }
}

enum dw_rc dw_expr_eval(const struct dw_expr_node *node, const struct dw_value *cells,
                        struct dw_arena *arena, struct dw_expr_value *out, struct dw_err *err)
{
    struct run run = {.cells = cells, .arena = arena, .err = err};
    return eval(&run, node, out);
}
