/* catalogue_event.h - the DW-EVENT-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-EVENT-001", "the record is not JSON",
    "Its value breaks JSON's rules at the byte named, is cut off, empty, not UTF-8, or nested too deep.",
    "Find out who writes to this topic; only a producer of dualwrite or of Debezium should. The record itself can only be discarded.")
DW_ERR_ENTRY("DW-EVENT-002", "the record is no change event",
    "A member of Debezium's envelope is missing, or has a wrong type.",
    "Find out who writes to this topic. Debezium's own topics need its envelope: do not flatten it with a transform.")
DW_ERR_ENTRY("DW-EVENT-003", "unknown operation",
    "The member \"op\" is none of c, u, d, r, t, m.",
    "Find out who writes to this topic, or upgrade dualwrite if it was written by a newer one.")
DW_ERR_ENTRY("DW-EVENT-004", "a member stands twice",
    "A row or the envelope holds the same name two times, so its value is ambiguous.",
    "Find out who writes to this topic; correct that producer.")
/* clang-format on */
