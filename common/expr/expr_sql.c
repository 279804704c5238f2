/* expr_sql.c - see expr_sql.h.
 *
 * Rules that make the result the evaluator's:
 *   texts      COLLATE "C" at every leaf: compared by bytes, letters changed in ASCII only. Left
 *              out where a column's own collation tells the same texts apart, so that an index on
 *              it can be used
 *   null       eq and ne are IS [NOT] DISTINCT FROM, the others COALESCE(…, FALSE); plain operators
 *              where null and false are the same to the reader, again for the index; but not in an
 *              expression that can fail, because a null in an AND lets what follows be evaluated
 *   numbers    whole ones compute as int8, all others as numeric; a float is cast by its text
 *   times      at UTC, whatever the session's zone is; infinity has no year
 *   casts      a text is let through by the pattern that expr_value.c checks, else an "x" takes its
 * place, so that all versions of PostgreSQL take the same texts No argument is written twice: a
 * nested expression would grow without bound.
 */
#include "common/expr/expr_sql.h"

#include "common/expr/expr_time.h"
#include "common/expr/expr_value.h"

#define DAY_PATTERN    "[0-9]{4}-[0-9]{2}-[0-9]{2}"
#define MINUTE_PATTERN "([01][0-9]|2[0-3]):[0-5][0-9]"
#define SECOND_PATTERN ":[0-5][0-9](\\.[0-9]{1,6})?"

struct writer {
    struct dw_expr_sql *sql;
    struct dw_arena *arena;
    struct dw_buf *out;
    struct dw_str *params;
    size_t count;
    bool can_fail;
};

static void write(struct writer *writer, const struct dw_expr_node *node, bool only_true);

static void put(struct writer *writer, const char *text)
{
    dw_buf_append_text(writer->out, text);
}

/* ---- leaves ---- */

static const char *type_name(enum dw_expr_type type)
{
    static const char *const names[DW_EXPR_TYPE_COUNT] = {
        [DW_EXPR_NULL] = "text",        [DW_EXPR_BOOL] = "boolean",       [DW_EXPR_INT] = "int8",
        [DW_EXPR_DECIMAL] = "numeric",  [DW_EXPR_STRING] = "text",        [DW_EXPR_DATE] = "date",
        [DW_EXPR_TIME] = "time",        [DW_EXPR_MOMENT] = "timestamptz", [DW_EXPR_GUID] = "uuid",
        [DW_EXPR_DURATION] = "numeric", [DW_EXPR_OTHER] = "text",
    };
    return names[type];
}

static void put_param(struct writer *writer, struct dw_str text, const char *type)
{
    if ((writer->count & (writer->count - 1)) == 0) { /* room for the next power of two */
        size_t room = writer->count ? writer->count * 2 : 1;
        struct dw_str *params = DW_ARENA_ARRAY(writer->arena, struct dw_str, room);
        for (size_t i = 0; i < writer->count; i++)
            params[i] = writer->params[i];
        writer->params = params;
    }
    writer->params[writer->count] = dw_arena_copy(writer->arena, text);
    const struct dw_expr_sql *sql = writer->sql;
    if (sql->setting)
        dw_buf_printf(writer->out, "current_setting('%s%zu')::%s", sql->setting,
                      sql->first_param + writer->count, type);
    else
        dw_buf_printf(writer->out, "$%zu::%s", sql->first_param + writer->count, type);
    writer->count++;
}

static void put_const(struct writer *writer, const struct dw_expr_node *node, bool plain)
{
    if (node->value.is_null) {
        dw_buf_printf(writer->out, "NULL::%s", type_name(node->type));
    } else if (node->type == DW_EXPR_BOOL) {
        put(writer, node->value.boolean ? "TRUE" : "FALSE");
    } else {
        bool collate = node->type == DW_EXPR_STRING && !plain;
        put(writer, collate ? "(" : "");
        put_param(writer, dw_expr_value_format(node->type, &node->value, writer->arena),
                  type_name(node->type));
        put(writer, collate ? " COLLATE \"C\")" : "");
    }
}

static void put_name(struct writer *writer, const struct dw_expr_node *node)
{
    struct dw_str name = node->column->name;
    dw_buf_append_str(writer->out, writer->sql->qualifier);
    dw_buf_append_char(writer->out, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            dw_buf_append_char(writer->out, '"');
        dw_buf_append_char(writer->out, name.ptr[i]);
    }
    dw_buf_append_char(writer->out, '"');
}

static bool is_text_itself(const struct dw_expr_node *node)
{
    return node->column->base_oid == 25 || node->column->base_oid == 1043;
}

/* `plain`: beside a comparison that an index may serve. */
static void put_column(struct writer *writer, const struct dw_expr_node *node, bool plain)
{
    const char *front = "";
    const char *behind = "";
    uint32_t oid = node->column->base_oid;
    if (node->type == DW_EXPR_STRING && !plain) {
        front = "(";
        behind = is_text_itself(node) ? " COLLATE \"C\")" : "::text COLLATE \"C\")";
    } else if (node->type == DW_EXPR_INT && (!plain || oid == 26)) {
        behind = "::int8";
    } else if (node->type == DW_EXPR_DECIMAL && oid != 1700) {
        behind = "::text::numeric";
    } else if (node->type == DW_EXPR_MOMENT && oid == 1114) {
        front = "(";
        behind = " AT TIME ZONE 'UTC')";
    }
    put(writer, front);
    put_name(writer, node);
    put(writer, behind);
}

/* "%" stands for the next argument; nothing else is special. */
static void put_form(struct writer *writer, const struct dw_expr_node *node, const char *form)
{
    size_t next = 0;
    for (; *form; form++) {
        if (*form == '%')
            write(writer, node->args[next++], false);
        else
            dw_buf_append_char(writer->out, *form);
    }
}

/* ---- comparisons and logic ---- */

/* The catalogue's NOT NULL is not asked: it may be dropped while the expression is in use. */
static bool never_null(const struct dw_expr_node *node)
{
    return node->op == DW_EXPR_CONST && !node->value.is_null;
}

/* May this side of an equality with constants stand as it is? */
static bool is_plain_text(const struct dw_expr_node *node)
{
    return node->op == DW_EXPR_COLUMN && node->column->deterministic && is_text_itself(node);
}

static void put_side(struct writer *writer, const struct dw_expr_node *node, bool plain)
{
    if (node->op == DW_EXPR_COLUMN)
        put_column(writer, node, plain || node->type == DW_EXPR_INT);
    else if (node->op == DW_EXPR_CONST)
        put_const(writer, node, plain);
    else
        write(writer, node, false);
}

static void put_comparison(struct writer *writer, const struct dw_expr_node *node, bool only_true)
{
    static const char *const operators[DW_EXPR_OP_COUNT] = {[DW_EXPR_EQ] = " = ",
                                                            [DW_EXPR_GT] = " > ",
                                                            [DW_EXPR_GE] = " >= ",
                                                            [DW_EXPR_LT] = " < ",
                                                            [DW_EXPR_LE] = " <= "};
    const struct dw_expr_node *a = node->args[0];
    const struct dw_expr_node *b = node->args[1];
    bool equality = node->op == DW_EXPR_EQ || node->op == DW_EXPR_NE;
    bool constant = a->op == DW_EXPR_CONST || b->op == DW_EXPR_CONST;
    bool plain = equality && constant && (is_plain_text(a) || is_plain_text(b));
    const char *front = "(";
    const char *between = operators[node->op];
    const char *behind = ")";
    if (node->op == DW_EXPR_EQ && !(only_true && (never_null(a) || never_null(b)))) {
        between = " IS NOT DISTINCT FROM ";
    } else if (node->op == DW_EXPR_NE) {
        between = " IS DISTINCT FROM ";
    } else if (!equality && !only_true) {
        front = "COALESCE(";
        behind = ", FALSE)";
    }
    put(writer, front);
    put_side(writer, a, plain);
    put(writer, between);
    put_side(writer, b, plain);
    put(writer, behind);
}

static void put_in(struct writer *writer, const struct dw_expr_node *node, bool only_true)
{
    const struct dw_expr_node *needle = node->args[0];
    bool plain = is_plain_text(needle);
    bool has_null = false;
    size_t values = 0;
    for (size_t i = 1; i < node->count; i++) {
        has_null = has_null || node->args[i]->value.is_null;
        values += !node->args[i]->value.is_null;
    }
    bool total = !has_null && only_true;
    put(writer, total || !values ? "(" : "COALESCE(");
    put_side(writer, needle, plain);
    if (values) {
        put(writer, " = ANY (ARRAY[");
        const char *comma = "";
        for (size_t i = 1; i < node->count; i++) {
            if (node->args[i]->value.is_null)
                continue;
            put(writer, comma);
            put_const(writer, node->args[i], true);
            comma = ", ";
        }
        put(writer, "])");
    } else {
        put(writer, " IS NULL");
    }
    put(writer, total || !values ? ")" : has_null ? ", TRUE)" : ", FALSE)");
}

static void put_chain(struct writer *writer, const struct dw_expr_node *node, bool only_true)
{
    put(writer, "(");
    for (size_t i = 0; i < node->count; i++) {
        put(writer, i == 0 ? "" : node->op == DW_EXPR_AND ? " AND " : " OR ");
        write(writer, node->args[i], only_true);
    }
    put(writer, ")");
}

/* A composite value of nulls is null to IS NULL, but not to IS DISTINCT FROM. */
static void put_null_test(struct writer *writer, const struct dw_expr_node *node)
{
    bool is_null = node->op == DW_EXPR_IS_NULL;
    put(writer, "(");
    if (node->args[0]->op == DW_EXPR_COLUMN)
        put_name(writer, node->args[0]);
    else
        write(writer, node->args[0], false);
    if (node->args[0]->type == DW_EXPR_OTHER)
        put(writer, is_null ? " IS NOT DISTINCT FROM NULL)" : " IS DISTINCT FROM NULL)");
    else
        put(writer, is_null ? " IS NULL)" : " IS NOT NULL)");
}

static void put_case(struct writer *writer, const struct dw_expr_node *node, bool only_true)
{
    put(writer, "CASE");
    for (size_t i = 0; i + 1 < node->count; i += 2) {
        put(writer, " WHEN ");
        write(writer, node->args[i], !writer->can_fail);
        put(writer, " THEN ");
        write(writer, node->args[i + 1], only_true);
    }
    if (node->count % 2) {
        put(writer, " ELSE ");
        write(writer, node->args[node->count - 1], only_true);
    }
    put(writer, " END");
}

/* ---- arithmetic ---- */

static void put_shift(struct writer *writer, const struct dw_expr_node *node)
{
    int64_t us = node->args[1]->value.integer;
    long long days = us / DW_EXPR_TIME_DAY_US;
    if (node->type == DW_EXPR_DATE) {
        put_form(writer, node, "(% + ");
        put_param(writer, dw_str_from(dw_arena_printf(writer->arena, "%lld", days)), "int4");
        put(writer, ")");
        return;
    }
    struct dw_expr_number seconds =
        dw_expr_number_from_micros(us % DW_EXPR_TIME_DAY_US, writer->arena);
    struct dw_str text = dw_expr_number_format(&seconds, writer->arena);
    char *interval =
        dw_arena_printf(writer->arena, "%lld days %.*s seconds", days, DW_STR_ARG(text));
    put_form(writer, node, "(((% AT TIME ZONE 'UTC') + ");
    put_param(writer, dw_str_from(interval), "interval");
    put(writer, ") AT TIME ZONE 'UTC')");
}

static void put_arithmetic(struct writer *writer, const struct dw_expr_node *node)
{
    if (node->type == DW_EXPR_DATE || node->type == DW_EXPR_MOMENT) {
        put_shift(writer, node);
    } else if (node->type == DW_EXPR_DURATION && node->args[0]->type != DW_EXPR_DURATION) {
        put_form(writer, node, "(extract(epoch FROM %) - extract(epoch FROM %))");
    } else if (node->op == DW_EXPR_MOD) {
        put_form(writer, node, "mod(%, %)");
    } else {
        put_form(writer, node,
                 node->op == DW_EXPR_ADD   ? "(% + %)"
                 : node->op == DW_EXPR_SUB ? "(% - %)"
                 : node->op == DW_EXPR_MUL ? "(% * %)"
                                           : "(% / %)");
    }
}

/* ---- casts ---- */

static const char *pattern(enum dw_expr_type type)
{
    static const char *const patterns[DW_EXPR_TYPE_COUNT] = {
        [DW_EXPR_BOOL] = "true|false",
        [DW_EXPR_INT] = "[+-]?[0-9]+",
        [DW_EXPR_DECIMAL] = "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]{1,3})?",
        [DW_EXPR_DATE] = DAY_PATTERN,
        [DW_EXPR_TIME] = MINUTE_PATTERN SECOND_PATTERN,
        [DW_EXPR_MOMENT] = DAY_PATTERN "T" MINUTE_PATTERN "(" SECOND_PATTERN ")?"
                                       "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])",
        [DW_EXPR_GUID] = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    };
    return patterns[type];
}

static const char *int_name(int32_t bits)
{
    return bits == 16 ? "::int2::int8" : bits == 32 ? "::int4::int8" : "::int8";
}

static void put_text_of_column(struct writer *writer, const struct dw_expr_node *column)
{
    put(writer, "(CASE WHEN ");
    put_name(writer, column);
    put(writer, " IS DISTINCT FROM NULL THEN concat(");
    put_name(writer, column);
    put(writer, ") END COLLATE \"C\")");
}

static void put_cast(struct writer *writer, const struct dw_expr_node *node)
{
    enum dw_expr_type from = node->args[0]->type;
    if (from == DW_EXPR_OTHER) {
        put_text_of_column(writer, node->args[0]);
    } else if (from == DW_EXPR_STRING) {
        put_form(writer, node, "regexp_replace(%, '^(?!(");
        put(writer, pattern(node->type));
        put(writer, ")$).*', 'x')");
        put(writer, node->type == DW_EXPR_INT ? int_name(node->detail) : "::");
        put(writer, node->type == DW_EXPR_INT ? "" : type_name(node->type));
    } else if (node->type == DW_EXPR_STRING) {
        put_form(writer, node, "((%)::text COLLATE \"C\")");
    } else if (node->type == DW_EXPR_INT) {
        put_form(writer, node, "(%)");
        put(writer, int_name(node->detail));
    } else if (from == DW_EXPR_MOMENT) {
        put_form(writer, node, "(% AT TIME ZONE 'UTC')::");
        put(writer, type_name(node->type));
    } else if (from == DW_EXPR_DATE) {
        put_form(writer, node, "((%)::timestamp AT TIME ZONE 'UTC')");
    } else {
        put_form(writer, node, "(%)::numeric");
    }
}

/* ---- functions ---- */

/* NULL for those that depend on their argument's type. */
static const char *function_form(enum dw_expr_op op)
{
    static const char *const forms[DW_EXPR_OP_COUNT] = {
        [DW_EXPR_NOT] = "(NOT %)",
        [DW_EXPR_NEGATE] = "(- %)",
        [DW_EXPR_CONTAINS] = "(strpos(%, %) > 0)",
        [DW_EXPR_STARTS] = "starts_with(%, %)",
        [DW_EXPR_ENDS] = "starts_with(reverse(%), reverse(%))",
        [DW_EXPR_LENGTH] = "length(%)::int8",
        [DW_EXPR_INDEX_OF] = "(strpos(%, %)::int8 - 1)",
        [DW_EXPR_LOWER] = "lower(%)",
        [DW_EXPR_UPPER] = "upper(%)",
        [DW_EXPR_TRIM] = "btrim(%, E' \\t\\n\\x0B\\f\\r')",
        [DW_EXPR_SECONDS] = "(%)",
        [DW_EXPR_FLOOR] = "floor(%)",
        [DW_EXPR_CEILING] = "ceil(%)",
    };
    return forms[op];
}

/* greatest() and least() would pass over a null, these do not. */
#define CLAMPED "int8smaller(int8larger(%, 0), 1000000000)::int4"

static void put_time_part(struct writer *writer, const struct dw_expr_node *node)
{
    static const char *const forms[DW_EXPR_OP_COUNT][2] = {
        [DW_EXPR_YEAR] = {"nullif(nullif(extract(year FROM ", "), 'Infinity'), '-Infinity')::int8"},
        [DW_EXPR_MONTH] = {"extract(month FROM ", ")::int8"},
        [DW_EXPR_DAY] = {"extract(day FROM ", ")::int8"},
        [DW_EXPR_HOUR] = {"extract(hour FROM ", ")::int8"},
        [DW_EXPR_MINUTE] = {"extract(minute FROM ", ")::int8"},
        [DW_EXPR_SECOND] = {"floor(extract(second FROM ", "))::int8"},
        [DW_EXPR_FRACTION] = {"mod(extract(second FROM ", "), 1)"},
    };
    put(writer, forms[node->op][0]);
    put_form(writer, node, node->args[0]->type == DW_EXPR_MOMENT ? "(% AT TIME ZONE 'UTC')" : "%");
    put(writer, forms[node->op][1]);
}

static void put_concat(struct writer *writer, const struct dw_expr_node *node)
{
    put(writer, "(");
    for (size_t i = 0; i < node->count; i++) {
        put(writer, i ? " || " : "");
        write(writer, node->args[i], false);
    }
    put(writer, ")");
}

static void put_function(struct writer *writer, const struct dw_expr_node *node)
{
    const char *form = function_form(node->op);
    if (form) {
        put_form(writer, node, form);
    } else if (node->op == DW_EXPR_CONCAT) {
        put_concat(writer, node);
    } else if (node->op == DW_EXPR_SUBSTRING) {
        put_form(writer, node,
                 node->count > 2 ? "substr(%, " CLAMPED " + 1, " CLAMPED ")"
                                 : "substr(%, " CLAMPED " + 1)");
    } else if (node->op == DW_EXPR_ROUND) {
        put_form(writer, node, "round(%");
        dw_buf_printf(writer->out, ", %d)", (int)node->detail);
    } else {
        put_time_part(writer, node);
    }
}

static void write(struct writer *writer, const struct dw_expr_node *node, bool only_true)
{
    if (!dw_buf_ok(writer->out))
        return;
    switch ((int)node->op) { /* those that are no functions */
    case DW_EXPR_CONST:
        put_const(writer, node, false);
        break;
    case DW_EXPR_COLUMN:
        put_column(writer, node, false);
        break;
    case DW_EXPR_AND:
    case DW_EXPR_OR:
        put_chain(writer, node, only_true);
        break;
    case DW_EXPR_EQ:
    case DW_EXPR_NE:
    case DW_EXPR_GT:
    case DW_EXPR_GE:
    case DW_EXPR_LT:
    case DW_EXPR_LE:
        put_comparison(writer, node, only_true);
        break;
    case DW_EXPR_IN:
        put_in(writer, node, only_true);
        break;
    case DW_EXPR_IS_NULL:
    case DW_EXPR_NOT_NULL:
        put_null_test(writer, node);
        break;
    case DW_EXPR_ADD:
    case DW_EXPR_SUB:
    case DW_EXPR_MUL:
    case DW_EXPR_DIV:
    case DW_EXPR_MOD:
        put_arithmetic(writer, node);
        break;
    case DW_EXPR_CAST:
        put_cast(writer, node);
        break;
    case DW_EXPR_CASE:
        put_case(writer, node, only_true);
        break;
    default:
        put_function(writer, node);
        break;
    }
}

void dw_expr_sql_write(const struct dw_expr_node *node, const struct dw_expr_sql_reader *reader,
                       struct dw_expr_sql *sql, struct dw_arena *arena, struct dw_buf *out)
{
    struct writer writer = {.sql = sql, .arena = arena, .out = out, .can_fail = reader->can_fail};
    write(&writer, node, reader->is_filter && !reader->can_fail);
    sql->params = writer.params;
    sql->param_count = writer.count;
}
