/* expr_differential.c - random expressions over random rows, evaluated by common/expr and by a
 * PostgreSQL server: the same value, or the same kind of failure, for each row.
 *
 * usage: expr_differential [SEED [EXPRESSIONS]]; the server is in DW_PG_ERP. Prints the seed. After
 * a difference it prints the expression, reduced to its smallest part that still differs, the row,
 * both results and the SQL, and ends with 1.
 */
#include "common/expr/expr.h"
#include "common/postgres/pg.h"
#include "expr_random.h"
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROWS        24
#define ROWS_CHANGE 250 /* expressions on one set of rows */
#define COLUMNS_MAX 48
#define SQL_MAX     (1 << 20)
#define PARAMS_MAX  1024
#define CLASS_MAX   32

/* What differed once, or is too rare to wait for; tried on each set of rows. */
static const char *const known[] = {
    "case((i2 lt 5) and (i8 add 1) gt 0:1,true:2)",
    "((i2 lt 5) and ((i8 add 1) gt 0))",
    "((i4 div i2) eq 1 and false)",
    "cast(c,Edm.TimeOfDay)",
    "totalseconds(duration'PT36H' sub (ts sub tz))",
    "(-9223372036854775808 mod i2)",
    "(-9223372036854775808 div i2)",
    "substring(s,i8,i4)",
    "cast(d,Edm.DateTimeOffset)",
    "cast(n,Edm.Int16)",
    "(n div n2)",
    "(n2 divby i8)",
    "(n mod f8)",
};

struct test {
    PGconn *conn;
    struct expr_random random;
    struct dw_expr_column columns[COLUMNS_MAX];
    struct dw_value cells[ROWS][COLUMNS_MAX];
    struct dw_arena rows; /* texts of the cells */
    struct dw_arena arena;
    size_t compared, failed_rows, refused;
};

struct outcome { /* of a row: a value, null, or a failure's class */
    bool failed;
    bool is_null;
    char class[CLASS_MAX];
    struct dw_str text;
};

struct compiled {
    struct dw_str text;
    const struct dw_expr *expr;
    struct dw_buf sql;
    const char *params[PARAMS_MAX];
    int param_count;
};

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "expr_differential: %s: %s\n", what, why);
    exit(2);
}

static PGresult *query(struct test *test, const char *sql, int count, const char *const *params)
{
    PGresult *result = PQexecParams(test->conn, sql, count, NULL, params, NULL, NULL, 0);
    if (!result || PQstatus(test->conn) != CONNECTION_OK)
        die("lost the server", PQerrorMessage(test->conn));
    return result;
}

static void must(struct test *test, const char *sql)
{
    PGresult *result = query(test, sql, 0, NULL);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        die(sql, PQresultErrorMessage(result));
    PQclear(result);
}

/* ---- the table ---- */

static void create_table(struct test *test)
{
    struct dw_buf sql;
    dw_buf_init(&sql, SQL_MAX);
    must(test, "CREATE TYPE pg_temp.mood AS ENUM ('ok', 'sad', 'Größer')");
    must(test, "CREATE TYPE pg_temp.pair AS (a int, b int)");
    must(test, "CREATE DOMAIN pg_temp.short_text AS varchar(60)");
    must(test, "CREATE DOMAIN pg_temp.small AS int4 CHECK (VALUE < 100)");
    must(test, "CREATE DOMAIN pg_temp.price AS numeric(8,2)");
    must(test, "CREATE COLLATION pg_temp.loose (provider = icu, locale = 'und-u-ks-level2',"
               " deterministic = false)");
    dw_buf_append_text(&sql, "CREATE TEMP TABLE r (id int PRIMARY KEY");
    for (size_t i = 0; i < expr_random_column_count; i++) {
        const struct expr_random_column *column = &expr_random_columns[i];
        dw_buf_append_text(&sql, ", ");
        dw_pg_quote_name(&sql, dw_str_from(column->name));
        dw_buf_printf(&sql, " %s", column->sql_type);
        test->columns[i] =
            (struct dw_expr_column){.name = dw_str_from(column->name),
                                    .base_oid = column->oid,
                                    .category = column->category,
                                    .deterministic = strstr(column->sql_type, "loose") == NULL};
    }
    dw_buf_append_text(&sql, ")");
    must(test, sql.data);
    dw_buf_done(&sql);
}

static void insert_row(struct test *test, size_t row)
{
    const char *params[COLUMNS_MAX];
    struct dw_buf sql;
    dw_buf_init(&sql, SQL_MAX);
    dw_buf_printf(&sql, "INSERT INTO r VALUES (%zu", row);
    for (size_t i = 0; i < expr_random_column_count; i++) {
        params[i] = expr_random_cell(&test->random, &expr_random_columns[i]);
        dw_buf_printf(&sql, ", $%zu", i + 1);
    }
    dw_buf_append_text(&sql, ")");
    PGresult *result = query(test, sql.data, (int)expr_random_column_count, params);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die("insert", PQresultErrorMessage(result));
    PQclear(result);
    dw_buf_done(&sql);
}

static void change_rows(struct test *test)
{
    must(test, "TRUNCATE r");
    for (size_t row = 0; row < ROWS; row++)
        insert_row(test, row);
    dw_arena_reset(&test->rows);
    PGresult *result = query(test, "SELECT * FROM r ORDER BY id", 0, NULL);
    for (int row = 0; row < ROWS; row++)
        for (int i = 0; i < (int)expr_random_column_count; i++) {
            struct dw_value *cell = &test->cells[row][i];
            struct dw_str text = {PQgetvalue(result, row, i + 1),
                                  (size_t)PQgetlength(result, row, i + 1)};
            bool is_null = PQgetisnull(result, row, i + 1);
            cell->kind = is_null ? DW_VALUE_NULL : DW_VALUE_STRING;
            cell->text = dw_arena_copy(&test->rows, text);
        }
    PQclear(result);
}

/* ---- both sides ---- */

/* False when it does not compile; DW-EXPR-008 and -007 are what random ones may give. */
static bool compile(struct test *test, struct dw_str text, enum dw_expr_use use,
                    struct compiled *out, struct dw_err *err)
{
    struct dw_expr *expr;
    struct dw_expr_source source = {.text = text,
                                    .use = use,
                                    .columns = test->columns,
                                    .column_count = expr_random_column_count};
    struct dw_expr_sql sql = {.qualifier = DW_STR_LIT("r."), .first_param = 2};
    if (dw_expr_compile(&expr, &source, &test->arena, NULL, err) != DW_OK)
        return false;
    out->text = text;
    out->expr = expr;
    dw_buf_reset(&out->sql, SQL_MAX);
    if (dw_expr_write_sql(expr, &sql, &test->arena, &out->sql, err) != DW_OK ||
        sql.param_count + 1 >= PARAMS_MAX)
        return false;
    for (size_t i = 0; i < sql.param_count; i++)
        out->params[i + 1] = sql.params[i].ptr;
    out->param_count = (int)sql.param_count + 1;
    return true;
}

static const struct dw_value *row_cells(struct test *test, const struct dw_expr *expr, size_t row)
{
    size_t count;
    const size_t *used = dw_expr_columns(expr, &count);
    struct dw_value *cells = DW_ARENA_ARRAY(&test->arena, struct dw_value, count + 1);
    for (size_t i = 0; i < count; i++)
        cells[i] = test->cells[row][used[i]];
    return cells;
}

static void evaluate_here(struct test *test, const struct compiled *compiled, size_t row,
                          struct outcome *out)
{
    struct dw_err err = DW_ERR_INIT;
    struct dw_value value;
    const struct dw_value *cells = row_cells(test, compiled->expr, row);
    *out = (struct outcome){.failed = false};
    if (dw_expr_compute(compiled->expr, cells, &test->arena, &value, &err) != DW_OK) {
        out->failed = true;
        (void)snprintf(out->class, sizeof out->class, "%s", err.id);
        return;
    }
    out->is_null = value.kind == DW_VALUE_NULL;
    out->text = value.text;
}

static void from_server(struct test *test, PGresult *result, int row, struct outcome *out)
{
    *out = (struct outcome){.failed = PQresultStatus(result) != PGRES_TUPLES_OK};
    if (out->failed) {
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        (void)snprintf(out->class, sizeof out->class, "%s", sqlstate ? sqlstate : "?");
        if (strncmp(out->class, "22", 2) != 0 && strcmp(out->class, "0A000") != 0)
            (void)snprintf(out->class, sizeof out->class, "broken SQL");
        out->text = dw_arena_copy(&test->arena, dw_str_from(PQresultErrorMessage(result)));
        return;
    }
    out->is_null = PQgetisnull(result, row, 0);
    struct dw_str text = {PQgetvalue(result, row, 0), (size_t)PQgetlength(result, row, 0)};
    out->text = dw_arena_copy(&test->arena, text);
}

/* All rows in one query; where that fails each row in its own. */
static void evaluate_there(struct test *test, struct compiled *compiled, struct outcome *outcomes)
{
    const char *sql = dw_arena_printf(
        &test->arena, "SELECT %s FROM r WHERE id = $1::int OR $1::int < 0 ORDER BY id",
        compiled->sql.data);
    compiled->params[0] = "-1";
    PGresult *result = query(test, sql, compiled->param_count, compiled->params);
    bool fine = PQresultStatus(result) == PGRES_TUPLES_OK;
    for (int row = 0; row < ROWS; row++) {
        if (fine) {
            from_server(test, result, row, &outcomes[row]);
            continue;
        }
        compiled->params[0] = dw_arena_printf(&test->arena, "%d", row);
        PGresult *one = query(test, sql, compiled->param_count, compiled->params);
        from_server(test, one, 0, &outcomes[row]);
        PQclear(one);
    }
    PQclear(result);
}

/* Our id and PostgreSQL's SQLSTATE for the same thing. */
static bool same_class(const char *id, const char *sqlstate)
{
    if (strcmp(id, "DW-EXPR-020") == 0)
        return strcmp(sqlstate, "22012") == 0;
    if (strcmp(id, "DW-EXPR-021") == 0)
        return strcmp(sqlstate, "22003") == 0 || strcmp(sqlstate, "22008") == 0;
    return strcmp(id, "DW-EXPR-022") == 0 &&
           (strcmp(sqlstate, "22P02") == 0 || strcmp(sqlstate, "22007") == 0 ||
            strcmp(sqlstate, "22008") == 0 || strcmp(sqlstate, "0A000") == 0);
}

static bool same(const struct outcome *here, const struct outcome *there)
{
    if (here->failed || there->failed)
        return here->failed && there->failed && same_class(here->class, there->class);
    if (here->is_null || there->is_null)
        return here->is_null == there->is_null;
    return dw_str_equal(here->text, there->text);
}

/* The first row that differs, or -1. */
static int differing_row(struct test *test, struct compiled *compiled, struct outcome *out_here,
                         struct outcome *out_there)
{
    struct outcome there[ROWS];
    evaluate_there(test, compiled, there);
    for (int row = 0; row < ROWS; row++) {
        struct outcome here;
        evaluate_here(test, compiled, (size_t)row, &here);
        test->compared++;
        test->failed_rows += here.failed;
        bool equal = same(&here, &there[row]) && (dw_expr_can_fail(compiled->expr) || !here.failed);
        if (!equal) {
            *out_here = here;
            *out_there = there[row];
            return row;
        }
    }
    return -1;
}

/* ---- filters ---- */

/* As a condition: the same rows. Returns the first row that differs, or -1. */
static int differing_filter(struct test *test, struct compiled *compiled)
{
    bool matched[ROWS] = {false};
    const char *sql = dw_arena_printf(&test->arena, "SELECT id FROM r WHERE %s AND $1::int < 0",
                                      compiled->sql.data);
    compiled->params[0] = "-1";
    PGresult *result = query(test, sql, compiled->param_count, compiled->params);
    bool failed = PQresultStatus(result) != PGRES_TUPLES_OK;
    for (int i = 0; !failed && i < PQntuples(result); i++)
        matched[atoi(PQgetvalue(result, i, 0))] = true;
    PQclear(result);
    bool any_failed = false;
    int different = -1;
    for (int row = 0; row < ROWS; row++) {
        struct dw_err err = DW_ERR_INIT;
        bool match = false;
        const struct dw_value *cells = row_cells(test, compiled->expr, (size_t)row);
        if (dw_expr_match(compiled->expr, cells, &test->arena, &match, &err) != DW_OK)
            any_failed = true;
        else if (!failed && match != matched[row] && different < 0)
            different = row;
    }
    if (failed || any_failed)
        return failed == any_failed ? -1 : 0;
    return different;
}

/* ---- reporting ---- */

static void print_cells(struct test *test, const struct dw_expr *expr, int row)
{
    size_t count;
    const size_t *used = dw_expr_columns(expr, &count);
    for (size_t i = 0; i < count; i++) {
        const struct dw_value *cell = &test->cells[row][used[i]];
        if (cell->kind == DW_VALUE_NULL)
            printf("  %s = null\n", expr_random_columns[used[i]].name);
        else
            printf("  %s = \"%.*s\"\n", expr_random_columns[used[i]].name, DW_STR_ARG(cell->text));
    }
}

static void print_outcome(const char *side, const struct outcome *outcome)
{
    if (outcome->is_null)
        printf("  %s: null\n", side);
    else
        printf("  %s: %s%s\"%.*s\"\n", side, outcome->failed ? outcome->class : "",
               outcome->failed ? " " : "", DW_STR_ARG(outcome->text));
}

/* The next part in parentheses, from *at on, with the function's name before it. */
static bool next_part(struct dw_str text, size_t *at, struct dw_str *out)
{
    for (; *at < text.len; ++*at) {
        if (text.ptr[*at] != '(')
            continue;
        size_t from = *at;
        size_t end = *at;
        int depth = 0;
        do {
            depth += text.ptr[end] == '(';
            depth -= text.ptr[end] == ')';
            end++;
        } while (depth && end < text.len);
        while (from && text.ptr[from - 1] >= 'a' && text.ptr[from - 1] <= 'z')
            from--;
        ++*at;
        if (end - from < text.len) {
            *out = (struct dw_str){text.ptr + from, end - from};
            return true;
        }
    }
    return false;
}

/* Replaces the expression by a part that differs too, as long as there is one. */
static int reduce(struct test *test, struct compiled *compiled, struct outcome *here,
                  struct outcome *there)
{
    size_t at = 0;
    struct dw_str part;
    struct dw_str whole = compiled->text;
    struct dw_err err;
    while (next_part(whole, &at, &part)) {
        if (!compile(test, part, DW_EXPR_COMPUTE, compiled, &err))
            continue;
        if (differing_row(test, compiled, here, there) < 0)
            continue;
        whole = part;
        at = 0;
    }
    (void)compile(test, whole, DW_EXPR_COMPUTE, compiled, &err);
    return differing_row(test, compiled, here, there);
}

static void report(struct test *test, struct compiled *compiled, struct outcome *here,
                   struct outcome *there)
{
    printf("whole: %.*s\n", DW_STR_ARG(compiled->text));
    int row = reduce(test, compiled, here, there);
    printf("differs: %.*s\n", DW_STR_ARG(compiled->text));
    print_cells(test, compiled->expr, row);
    print_outcome("here", here);
    print_outcome("PostgreSQL", there);
    printf("  SQL: %s\n", compiled->sql.data);
    for (int i = 1; i < compiled->param_count; i++)
        printf("  $%d = %s\n", i + 1, compiled->params[i]);
}

/* ---- the run ---- */

static bool try_text(struct test *test, struct compiled *compiled, struct dw_str copy)
{
    struct dw_err err = DW_ERR_INIT;
    struct outcome here;
    struct outcome there;
    if (!compile(test, copy, DW_EXPR_COMPUTE, compiled, &err)) {
        test->refused++;
        bool fine = strcmp(err.id, "DW-EXPR-008") == 0 || strcmp(err.id, "DW-EXPR-007") == 0;
        if (!fine)
            printf("refused: %.*s\n  %s\n", DW_STR_ARG(copy), err.message);
        return fine;
    }
    int row = differing_row(test, compiled, &here, &there);
    if (row >= 0) {
        report(test, compiled, &here, &there);
        return false;
    }
    if (!compile(test, copy, DW_EXPR_FILTER, compiled, &err))
        return true; /* no condition */
    row = differing_filter(test, compiled);
    if (row >= 0) {
        printf("differs as a filter: %.*s\n  SQL: %s\n", DW_STR_ARG(copy), compiled->sql.data);
        print_cells(test, compiled->expr, row);
    }
    return row < 0;
}

static bool try_random(struct test *test, struct compiled *compiled)
{
    struct dw_buf text;
    dw_buf_init(&text, SQL_MAX);
    test->random.out = &text;
    expr_random_write(&test->random);
    struct dw_str copy = dw_arena_copy(&test->arena, dw_buf_str(&text));
    dw_buf_done(&text);
    return try_text(test, compiled, copy);
}

static bool try_known(struct test *test, struct compiled *compiled)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!try_text(test, compiled, dw_str_from(known[i])))
            return false;
    return true;
}

static void start(struct test *test)
{
    const char *connection = getenv("DW_PG_ERP");
    struct dw_err err = DW_ERR_INIT;
    struct pg_conn *conn;
    const struct dw_pg_options options = {
        .connection = connection, .application_name = "expr_differential", .what = "the server"};
    if (!connection || dw_pg_connect(&conn, &options, &err) != DW_OK)
        die("cannot connect", connection ? err.message : "DW_PG_ERP is not set");
    test->conn = (PGconn *)conn;
    if (expr_random_column_count > COLUMNS_MAX)
        die("columns", "more than COLUMNS_MAX");
    dw_arena_init(&test->rows, 65536);
    dw_arena_init(&test->arena, (size_t)1 << 20);
    create_table(test);
}

int main(int argc, char **argv)
{
    static struct test test;
    static struct compiled compiled;
    unsigned long long seed =
        argc > 1 ? strtoull(argv[1], NULL, 10) : (unsigned long long)time(NULL);
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 6000;
    bool fine = true;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    printf("seed %llu\n", seed);
    test.random.state = seed;
    start(&test);
    dw_buf_init(&compiled.sql, SQL_MAX);
    unsigned long done = 0;
    for (; done < count && fine; done++) {
        if (done % ROWS_CHANGE == 0) {
            change_rows(&test);
            fine = try_known(&test, &compiled);
        }
        fine = fine && try_random(&test, &compiled);
        dw_arena_reset(&test.arena);
    }
    printf("%lu expressions, %zu results compared, %zu of them failures, %zu constants refused\n",
           done, test.compared, test.failed_rows, test.refused);
    dw_buf_done(&compiled.sql);
    dw_pg_disconnect((struct pg_conn *)test.conn);
    dw_arena_done(&test.arena);
    dw_arena_done(&test.rows);
    return fine ? 0 : 1;
}
