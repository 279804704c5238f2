/* catalogue_sync.h - the DW-SYNC-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-SYNC-001", "no key to walk along",
    "Existing rows are read in pieces along the map's key, which needs a unique index on exactly the key's columns, all of them NOT NULL.",
    "Give the source table a primary key or a unique index on the map's key, with NOT NULL columns; or start the map without the initial sync (--no-sync).")
DW_ERR_ENTRY("DW-SYNC-002", "a column cannot be read",
    "A mapped column is gone, or the producer's role may not read it.",
    "Correct the map, or GRANT SELECT on the table to the producer's role; then resume the sync.")
DW_ERR_ENTRY("DW-SYNC-003", "a malformed key",
    "A key of a re-sync is no JSON array of texts, or has another number of columns than the map's key.",
    "Give all columns of the map's key, in its order.")
DW_ERR_ENTRY("DW-SYNC-004", "the source's answer is malformed",
    "The server, or a proxy before it, sent something that the protocol does not allow.",
    "Connect the producer straight to the server; report the message with the server's version.")
DW_ERR_ENTRY("DW-SYNC-005", "reading existing rows failed",
    "The source refused or cancelled the query of a chunk.",
    "Outages are tried again by themselves. Else mend what the message says, then resume the sync.")
DW_ERR_ENTRY("DW-SYNC-007", "the target's keys do not tell the source's",
    "Rows that the source has not any more can be deleted only where the key is copied as it is: a value map or a default in it cannot be turned back.",
    "Start the re-sync without --delete-extra, and compare both sides.")
DW_ERR_ENTRY("DW-SYNC-008", "the target's system is not configured here",
    "To find rows that the source has not any more the producer reads the target's keys.",
    "Add the target's system to the producer's dualwrite.json.")
/* clang-format on */
