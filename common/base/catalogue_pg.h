/* catalogue_pg.h - the DW-PG-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-PG-001", "the PostgreSQL server cannot be reached",
    "It is down, restarting, or the host, port or network is wrong.",
    "Nothing to do for an outage: the connection is tried again. Else check the connection string.")
DW_ERR_ENTRY("DW-PG-002", "the PostgreSQL server refuses the login",
    "Wrong user or password, missing database, pg_hba.conf, or TLS settings.",
    "Correct the connection string or the password file; look at the server's log for its reason.")
DW_ERR_ENTRY("DW-PG-003", "a statement failed",
    "The server's message and SQLSTATE tell why.",
    "Depends on the SQLSTATE: 42501 wants a grant, 53xxx resources, 57xxx and 08xxx are outages that are retried.")
DW_ERR_ENTRY("DW-PG-010", "there is no such table",
    "The schema or table name is misspelt, or the table was dropped.",
    "Use one of the names in the message, written as the catalogue has it (case matters).")
/* clang-format on */
