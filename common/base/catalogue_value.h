/* catalogue_value.h - the DW-VALUE-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-VALUE-001", "a value does not belong to its type",
    "The event holds, for instance, a number where the source column is a text; events of a Debezium connector need decimal.handling.mode=string, time.precision.mode=isostring and binary.handling.mode=base64.",
    "Set these properties in the connector; else apply the map again, if the source column was retyped.")
DW_ERR_ENTRY("DW-VALUE-002", "a text is too long",
    "The target column is shorter than the value; blanks at the end count too. Nothing is cut.",
    "Widen the target column, or shorten the value in the source.")
DW_ERR_ENTRY("DW-VALUE-003", "digits would be lost",
    "The number has more digits behind the point, or more significant ones, than the target's type keeps. Nothing is rounded.",
    "Give the target column a wider type, or round in the source.")
DW_ERR_ENTRY("DW-VALUE-004", "a number is out of range",
    "The target's type ends before this number.",
    "Give the target column a wider type, or correct the value in the source.")
DW_ERR_ENTRY("DW-VALUE-005", "a text is no value of the target's type",
    "A text column of the source goes to a column with a narrower meaning, and this text is none of its values.",
    "Correct the value in the source, or use a value map.")
DW_ERR_ENTRY("DW-VALUE-006", "a part of a time would be lost",
    "The target keeps fewer digits of the second, no time of day, or no offset.",
    "Give the target column a wider type, or correct the value in the source.")
DW_ERR_ENTRY("DW-VALUE-007", "the target cannot hold NaN or Infinity",
    "Whole numbers and numeric(p,s) have no such value.",
    "Use numeric without a precision or double precision in the target, or correct the value in the source.")
DW_ERR_ENTRY("DW-VALUE-008", "a value is not in the value map",
    "The source has a value that the column's \"values\" does not name.",
    "Add it to the map and apply the map, or correct the value in the source.")
DW_ERR_ENTRY("DW-VALUE-009", "a key column has no value",
    "The event leaves out or nulls a column that the target key needs.",
    "Check the source table's replica identity and the map's key.")
DW_ERR_ENTRY("DW-VALUE-010", "a text is not valid",
    "It holds a NUL or bytes that are not UTF-8, which PostgreSQL does not store.",
    "Correct the value in the source.")
DW_ERR_ENTRY("DW-VALUE-020", "no conversion between two types",
    "The matrix of conversions has no rule for this pair of types.",
    "Map another column, change the target's type, or use a value map.")
DW_ERR_ENTRY("DW-VALUE-021", "a column's type is not known",
    "The map's revision was checked without this column.",
    "Apply the map again.")
DW_ERR_ENTRY("DW-VALUE-022", "a literal of the map does not fit its column",
    "A default, a value of a value map or of on_delete is no value of the target column's type.",
    "Correct the literal in the map file.")
DW_ERR_ENTRY("DW-VALUE-030", "a conversion may refuse values",
    "The target's type does not take every value of the source's type as it is.",
    "Nothing to do if such values do not occur; each would become a dead letter. Else widen the target column.")
/* clang-format on */
