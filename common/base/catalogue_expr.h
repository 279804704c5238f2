/* catalogue_expr.h - the DW-EXPR-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-EXPR-001", "not an expression",
    "The text breaks the rules of the expression language at the position named.",
    "Correct that place; the message says what is allowed there.")
DW_ERR_ENTRY("DW-EXPR-002", "unknown column",
    "The table has no column of this name; letter case counts.",
    "Correct the name. Names with blanks or signs, and names that are words of the language, stand in double quotes.")
DW_ERR_ENTRY("DW-EXPR-003", "unknown function or type",
    "The language has no function, or cast no type, of this name; letter case counts.",
    "Correct the name.")
DW_ERR_ENTRY("DW-EXPR-004", "wrong number of arguments",
    "The function takes more or fewer arguments.",
    "Give as many as the message names.")
DW_ERR_ENTRY("DW-EXPR-005", "types do not fit",
    "Nothing is converted silently, except whole numbers to decimals.",
    "Use a value of the type that the message names, or cast.")
DW_ERR_ENTRY("DW-EXPR-006", "not offered",
    "OData has it, but its result could not be the same here and in SQL, or has no meaning for one row of a table.",
    "Write the expression in another way; the message says how where there is one.")
DW_ERR_ENTRY("DW-EXPR-007", "expression too large",
    "An expression has limits of length, number of parts, and depth.",
    "Make it shorter; a long list of values belongs into \"in (...)\" or a value map.")
DW_ERR_ENTRY("DW-EXPR-008", "a constant part always fails",
    "A part of the expression that names no column divides by zero, overflows, or casts what cannot be cast.",
    "Correct that part.")
DW_ERR_ENTRY("DW-EXPR-009", "result of a wrong type",
    "A filter is true or false; a computed column has a value of a type that a column can have.",
    "Compare, or cast.")
DW_ERR_ENTRY("DW-EXPR-020", "division by zero",
    "A divisor is zero in this row.",
    "Correct the row in the source, or guard: case(b eq 0:0,true:a div b).")
DW_ERR_ENTRY("DW-EXPR-021", "result out of range",
    "Whole numbers end at 64 bits, dates at PostgreSQL's range.",
    "Correct the row in the source, or cast to Edm.Decimal before computing.")
DW_ERR_ENTRY("DW-EXPR-022", "a value cannot be cast",
    "The text in this row is none of the type's values.",
    "Correct the row in the source, or guard the cast with case.")
DW_ERR_ENTRY("DW-EXPR-023", "the event lacks a column that an expression uses",
    "An update leaves out values that are stored apart (TOAST) and did not change; a delete all but the key. Elsewhere the row is read again.",
    "ALTER TABLE ... REPLICA IDENTITY FULL in the source.")
DW_ERR_ENTRY("DW-EXPR-024", "a column's text is no value of its type",
    "The column was retyped since the map was applied, or the event was written by something else.",
    "Apply the map again.")
/* clang-format on */
