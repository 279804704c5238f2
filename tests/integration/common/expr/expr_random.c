/* expr_random.c - see expr_random.h. Every operation is written with parentheses, so that the
 * reducer finds its parts. */
#include "expr_random.h"

#include <string.h>

#define VALUES(...)                                                                                \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static const char *const texts[] = {"",
                                    " ",
                                    "a",
                                    "A",
                                    "abc",
                                    "ABC ",
                                    "  x y\t",
                                    "12",
                                    "-7",
                                    "3.50",
                                    "1e3",
                                    "0x1F",
                                    "1_000",
                                    "NaN",
                                    "Infinity",
                                    " 5",
                                    "true",
                                    "t",
                                    "2024-02-29",
                                    "2023-02-29",
                                    "0000-01-01",
                                    "2024-01-31T12:30:15.25Z",
                                    "2024-13-01",
                                    "23:59:59",
                                    "24:00:00",
                                    "12:34",
                                    "Größe",
                                    "straße",
                                    "ÄÖÜ",
                                    "日本語",
                                    "a\nb",
                                    "%_\\'",
                                    "ab",
                                    "b",
                                    "99999999999999999999",
                                    "-9223372036854775808",
                                    "32768",
                                    "1.23456789012345678901",
                                    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                                    "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                                    "yes",
                                    ".5",
                                    "5.",
                                    ".",
                                    "-",
                                    "+3",
                                    "1e-7",
                                    "1e1000",
                                    "2024-01-31 12:30:15+00",
                                    "2024-01-31T12:30Z",
                                    "2024-01-31T23:30:00-14:59",
                                    "2024-02-30T00:00:00Z",
                                    "z\U0001F600z",
                                    NULL};

static const char *const numbers[] = {"0",
                                      "0.00",
                                      "1",
                                      "-1",
                                      "2.5",
                                      "-2.5",
                                      "0.5",
                                      "1.005",
                                      "100",
                                      "12345678.90",
                                      "99999.9999",
                                      "10000",
                                      "0.0001",
                                      "0.00000000000000000001",
                                      "123456789012345678901234567890.123456789",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "-9223372036854775808.5",
                                      "3",
                                      "7",
                                      "0.3333",
                                      "NaN",
                                      "Infinity",
                                      "-Infinity",
                                      "1e20",
                                      "-0.000",
                                      "9999.5",
                                      "32767.5",
                                      "-9999.9999",
                                      NULL};

static const char *const days[] = {
    "2024-01-31",   "2024-02-29",    "2000-01-01",    "1999-12-31",
    "0001-01-01",   "0044-03-15 BC", "4713-11-24 BC", "5874897-12-31",
    "294276-12-31", "294277-01-01",  "infinity",      "-infinity",
    "1600-02-29",   "1900-03-01",    "9999-12-31",    NULL};

static const char *const moments[] = {"2024-01-31 12:30:15.25+00",
                                      "2000-01-01 00:00:00+00",
                                      "1999-12-31 23:59:59.999999+00",
                                      "1969-07-20 20:17:40+00",
                                      "0044-03-15 12:00:00+00 BC",
                                      "4714-11-24 00:00:00+00 BC",
                                      "294276-12-31 23:59:59.999999+00",
                                      "infinity",
                                      "-infinity",
                                      "2024-02-29 00:00:00+00",
                                      "1883-11-18 17:00:00+00",
                                      "2024-07-01 23:59:59.000001+00",
                                      NULL};

/* Names, types, oids and categories as the catalogue of the test's own table has them; enum and
 * json types have oids of no interest here. */
const struct expr_random_column expr_random_columns[] = {
    {"b", "boolean", 16, 'B', false, VALUES("t", "f")},
    {"yes", "boolean", 16, 'B', true, VALUES("t", "f")},
    {"i2", "int2", 21, 'N', false, VALUES("0", "1", "-1", "32767", "-32768", "7")},
    {"i4", "int4", 23, 'N', true, VALUES("0", "1", "-1", "2147483647", "-2147483648", "12", "3")},
    {"i8", "int8", 20, 'N', false,
     VALUES("0", "1", "-1", "9223372036854775807", "-9223372036854775808", "42", "1000000007")},
    {"o", "oid", 26, 'N', false, VALUES("0", "1", "4294967295")},
    {"n", "numeric", 1700, 'N', false, numbers},
    {"n2", "numeric(12,2)", 1700, 'N', true,
     VALUES("0", "1", "-1", "2.50", "-9999999999.99", "0.01", "3.33", "100")},
    {"f4", "float4", 700, 'N', false,
     VALUES("0", "0.1", "1e20", "-1.5", "NaN", "Infinity", "1e-30")},
    {"f8", "float8", 701, 'N', false,
     VALUES("0", "0.1", "1e22", "-0", "3.3333333333333335", "1e-7")},
    {"s", "text", 25, 'S', false, texts},
    {"v", "varchar(60)", 1043, 'S', true, texts},
    {"c", "char(60)", 1042, 'S', false, texts},
    {"d", "date", 1082, 'D', false, days},
    {"t", "time", 1083, 'D', false,
     VALUES("00:00:00", "12:34:56.789", "23:59:59.999999", "24:00:00", "08:00:00")},
    {"ts", "timestamp", 1114, 'D', false, moments},
    {"tz", "timestamptz", 1184, 'D', false, moments},
    {"u", "uuid", 2950, 'U', false,
     VALUES("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff")},
    {"j", "jsonb", 3802, 'U', false, VALUES("{}", "[1, 2]", "\"x\"", "null")},
    {"ip", "inet", 869, 'I', false, VALUES("1.2.3.4", "10.0.0.0/8", "::1")},
    {"e", "pg_temp.mood", 0, 'E', false, VALUES("ok", "sad", "Größer")},
    {"Größe \"x\"", "text", 25, 'S', false, texts},
    {"nd", "text COLLATE pg_temp.loose", 25, 'S', false, texts},
    {"dt", "pg_temp.short_text", 1043, 'S', false, texts},
    {"di", "pg_temp.small", 23, 'N', false, VALUES("0", "5", "-5")},
    {"dn", "pg_temp.price", 1700, 'N', false, VALUES("0", "9.99", "1.50")},
    {"ch", "\"char\"", 18, 'Z', false, VALUES("a", "", "A")},
    {"na", "name", 19, 'S', false, VALUES("a", "abc", "Größe")},
    {"pair", "pg_temp.pair", 0, 'C', false, VALUES("(,)", "(1,2)")},
    {"by", "bytea", 17, 'U', false, VALUES("\\x", "\\x00ff")},
    {"iv", "interval", 1186, 'T', false, VALUES("1 day 02:00:00", "-1 year", "0")},
    {"ar", "int4[]", 1007, 'A', false, VALUES("{}", "{1,NULL,3}")},
    {"mo", "money", 790, 'N', false, VALUES("1.50", "-1234.56")},
    {"bi", "bit(3)", 1560, 'V', false, VALUES("101", "000")},
    {"xm", "xml", 142, 'U', false, VALUES("<a/>", "<?xml version=\"1.0\"?><a>x</a>")},
};
const size_t expr_random_column_count = sizeof expr_random_columns / sizeof *expr_random_columns;

uint64_t expr_random_next(struct expr_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

size_t expr_random_below(struct expr_random *random, size_t limit)
{
    return (size_t)(expr_random_next(random) % limit);
}

const char *expr_random_cell(struct expr_random *random, const struct expr_random_column *column)
{
    size_t count = 0;
    while (column->values[count])
        count++;
    if (!column->not_null && expr_random_below(random, 8) == 0)
        return NULL;
    return column->values[expr_random_below(random, count)];
}

/* ---- expressions ---- */

enum kind { BOOL, INT, DECIMAL, TEXT, DAY, TIME, MOMENT, GUID, DURATION, KINDS };

static void write_kind(struct expr_random *random, enum kind kind, int depth);

static void put(struct expr_random *random, const char *text)
{
    dw_buf_append_text(random->out, text);
}

static const char *pick(struct expr_random *random, const char *const *list)
{
    size_t count = 0;
    while (list[count])
        count++;
    return list[expr_random_below(random, count)];
}

/* "%B" and so on stand for an expression of that kind: B I N S D T M G P(eriod). */
static void put_form(struct expr_random *random, const char *form, int depth)
{
    static const char letters[] = "BINSDTMGP";
    for (; *form; form++) {
        if (*form == '%')
            write_kind(random, (enum kind)(strchr(letters, *++form) - letters), depth - 1);
        else
            dw_buf_append_char(random->out, *form);
    }
}

static const char *const forms[KINDS][40] = {
    [BOOL] = {"(%B and %B)",        "(%B or %B)",          "(not %B)",
              "(%B and %B and %B)", "(%B or %B or %B)",    "(%I eq %I)",
              "(%I ne %N)",         "(%I lt %I)",          "(%N le %N)",
              "(%N gt %I)",         "(%N ge %N)",          "(%N eq %N)",
              "(%S eq %S)",         "(%S ne %S)",          "(%S lt %S)",
              "(%S ge %S)",         "(%D eq %D)",          "(%D lt %D)",
              "(%T ge %T)",         "(%M le %M)",          "(%M ne %M)",
              "(%G eq %G)",         "(%G gt %G)",          "(%P lt %P)",
              "(%B eq %B)",         "(%B gt %B)",          "contains(%S,%S)",
              "startswith(%S,%S)",  "endswith(%S,%S)",     "(%S eq null)",
              "(%N ne null)",       "(%M eq null)",        "cast(%S,Edm.Boolean)",
              "case(%B:%B,%B:%B)",  "case(%B:%B,true:%B)", "(case(%B:1,%B:2) eq %I)",
              "(s eq 'a')",         "(v ne 'abc')"},
    [INT] = {"(%I add %I)",        "(%I sub %I)",
             "(%I mul %I)",        "(%I div %I)",
             "(%I mod %I)",        "(-(%I))",
             "length(%S)",         "indexof(%S,%S)",
             "year(%D)",           "year(%M)",
             "month(%M)",          "day(%D)",
             "month(%D)",          "day(%M)",
             "hour(%T)",           "hour(%M)",
             "minute(%T)",         "minute(%M)",
             "second(%T)",         "second(%M)",
             "cast(%S,Edm.Int64)", "cast(%S,Edm.Int16)",
             "cast(%N,Edm.Int32)", "cast(%N,Edm.Int64)",
             "cast(%I,Edm.Int16)", "round(%I)",
             "case(%B:%I,%B:%I)",  "case(%B:%I,true:null)",
             "cast(%I,Edm.Int32)"},
    [DECIMAL] = {"(%N add %N)",
                 "(%N sub %I)",
                 "(%N mul %N)",
                 "(%N div %N)",
                 "(%N mod %N)",
                 "(%I divby %I)",
                 "(%N divby %I)",
                 "(%I mul %N)",
                 "(%N add %I)",
                 "(-(%N))",
                 "round(%N)",
                 "floor(%N)",
                 "ceiling(%N)",
                 "round(%N,2)",
                 "round(%N,0)",
                 "round(%N,7)",
                 "cast(%S,Edm.Decimal)",
                 "cast(%I,Edm.Decimal)",
                 "totalseconds(%P)",
                 "fractionalseconds(%T)",
                 "fractionalseconds(%M)",
                 "case(%B:%N,%B:%I,true:%N)",
                 "case(%B:%I,%B:%N)"},
    [TEXT] = {"concat(%S,%S)",         "concat(%S,%S,%S)",    "substring(%S,%I)",
              "substring(%S,%I,%I)",   "substring(%S,1)",     "substring(%S,1,2)",
              "tolower(%S)",           "toupper(%S)",         "trim(%S)",
              "cast(%I,Edm.String)",   "cast(%N,Edm.String)", "cast(%B,Edm.String)",
              "cast(%D,Edm.String)",   "cast(%T,Edm.String)", "cast(%M,Edm.String)",
              "cast(%G,Edm.String)",   "case(%B:%S,%B:%S)",   "case(%B:%S,true:%S)",
              "case(%B:'x',true:'y')", "cast(j,Edm.String)",  "cast(ip,Edm.String)"},
    [DAY] = {"date(%M)", "cast(%S,Edm.Date)", "(%D add duration'P1D')", "(%D sub duration'P400D')",
             "(%D add duration'-P5000000D')", "(%D add duration'P5000000D')", "case(%B:%D,%B:%D)"},
    [TIME] = {"time(%M)", "cast(%S,Edm.TimeOfDay)", "case(%B:%T,true:%T)"},
    [MOMENT] = {"cast(%S,Edm.DateTimeOffset)", "cast(%D,Edm.DateTimeOffset)",
                "(%M add duration'PT1H30M0.000001S')", "(%M sub duration'P1DT23H59M59.5S')",
                "(%M add duration'-P3000000DT5S')", "(%M add duration'P3000000DT5S')",
                "case(%B:%M,true:%M)"},
    [GUID] = {"cast(%S,Edm.Guid)", "case(%B:%G,%B:%G)"},
    [DURATION] = {"(%M sub %M)", "(%D sub %D)", "(%P add %P)", "(%P sub %P)", "(-(%P))"},
};

static const char *const leaves[KINDS][40] = {
    [BOOL] = {"b",
              "yes",
              "b",
              "yes",
              "true",
              "false",
              "(b eq null)",
              "(j eq null)",
              "(pair eq null)",
              "(xm ne null)",
              "(nd eq 'a')",
              "(nd in ('a','ABC '))",
              "(dt eq 'ab')",
              "(di eq 5)",
              "(ip ne null)",
              "(i4 in (1,3,12))",
              "(i8 in (42,-1,null))",
              "(n in (0,2.5,1))",
              "(s in ('a','abc'))",
              "(v in ('A',null))",
              "(e eq 'ok')",
              "(e in ('sad','Größer'))",
              "(tz gt 2024-01-01T00:00:00Z)",
              "(u in (00000000-0000-0000-0000-000000000000))",
              "(d eq 2024-02-29)"},
    [INT] = {"i2", "i4", "i8", "o", "di", "i4", "i8", "0", "1", "-1", "2", "3", "10",
             "9223372036854775807", "-9223372036854775808", "1000000"},
    [DECIMAL] = {"n", "n2", "f4", "f8", "dn", "n", "n2", "0.0", "1.50", "-2.5", "0.001", "1e10",
                 "1e-10", "123456789.123456789", "9223372036854775808", "3.0", "7.00000"},
    [TEXT] = {"s", "v", "c", "e", "\"Größe \"\"x\"\"\"", "s", "v", "c", "''", "'a'", "'abc'",
              "'Größe'", "' '", "'it''s'", "'12'", "'3.50'", "'ab'", "'ß'"},
    [DAY] = {"d", "d", "2024-01-31", "2000-02-29", "0001-01-01", "9999-12-31"},
    [TIME] = {"t", "t", "00:00:00", "12:34:56.789", "23:59:59.999999"},
    [MOMENT] = {"ts", "tz", "ts", "tz", "2024-01-31T12:30:15.25Z", "2024-07-01T00:00:00-05:30",
                "0001-01-01T00:00:00Z"},
    [GUID] = {"u", "u", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
              "00000000-0000-0000-0000-000000000000"},
    [DURATION] = {"duration'P1D'", "duration'-PT0.5S'", "duration'PT36H'", "duration'P10DT3M'"},
};

static void write_kind(struct expr_random *random, enum kind kind, int depth)
{
    if (depth <= 0 || expr_random_below(random, 6) == 0)
        put(random, pick(random, leaves[kind]));
    else
        put_form(random, pick(random, forms[kind]), depth);
}

void expr_random_write(struct expr_random *random)
{
    static const enum kind kinds[] = {BOOL,    BOOL, BOOL, INT, INT,  DECIMAL, DECIMAL,
                                      DECIMAL, TEXT, TEXT, DAY, TIME, MOMENT,  GUID};
    enum kind kind = kinds[expr_random_below(random, sizeof kinds / sizeof *kinds)];
    write_kind(random, kind, 1 + (int)expr_random_below(random, 4));
}
