/* catalogue_capture.h - the DW-CAPTURE-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-CAPTURE-001", "the replication stream is malformed",
    "The server sent bytes that pgoutput's protocol 1 does not allow, or a proxy changed them.",
    "Connect the producer straight to the server; report the message with the server's version.")
DW_ERR_ENTRY("DW-CAPTURE-002", "a message that protocol 1 has not",
    "The server sent a kind of message that was not asked for.",
    "Report it with the server's version.")
DW_ERR_ENTRY("DW-CAPTURE-003", "a row without its description",
    "The stream holds a row of a table that it did not describe before.",
    "Restart the producer: the server describes all tables again. Report it with the server's version.")
DW_ERR_ENTRY("DW-CAPTURE-004", "the replication stream has ended",
    "The server was stopped, the connection was cut, or the walsender was terminated.",
    "Nothing: the producer connects again. Check the server's log when it repeats.")
DW_ERR_ENTRY("DW-CAPTURE-010", "a loop mark is malformed",
    "A WAL message with the prefix dualwrite.mark is not one that a consumer writes.",
    "Find who writes it; the rows of its transaction are published as ordinary changes.")
DW_ERR_ENTRY("DW-CAPTURE-011", "a mapped column is gone",
    "The column was dropped or renamed in the source, or the publication has a column list without it.",
    "Correct the map and apply it again, or bring the column back and resume the map.")
DW_ERR_ENTRY("DW-CAPTURE-012", "a mapped column has another type",
    "The column was retyped in the source after the map was applied.",
    "Apply the map again: the check looks at the new type; then resume it.")
DW_ERR_ENTRY("DW-CAPTURE-013", "the map's key is not in the replica identity",
    "Deletes and key changes in the source do not tell which row of the map they mean.",
    "ALTER TABLE … REPLICA IDENTITY FULL, or USING INDEX an index on the map's key; then resume the map and re-sync it: deletes and key changes meanwhile are missing.")
DW_ERR_ENTRY("DW-CAPTURE-014", "a table had left the publication, or its name",
    "The table was dropped and made anew, renamed, or taken out of the publication while its map was running.",
    "Where it was renamed, rename it back or map the new name. It is published again from now on; what changed in between is in no stream: resume the map, then re-sync it.")
DW_ERR_ENTRY("DW-CAPTURE-020", "the replication slot is gone",
    "Somebody dropped it, or the server was replaced by one without it.",
    "Start over: `dualwrite system resync NAME --accept-gap --delete-extra --yes`, since changes meanwhile are missing.")
DW_ERR_ENTRY("DW-CAPTURE-021", "the replication slot is lost",
    "The slot held back more WAL than max_slot_wal_keep_size allows and was invalidated.",
    "Start over: `dualwrite system resync NAME --accept-gap --delete-extra --yes`. Raise max_slot_wal_keep_size or watch dw_source_slot_retained_bytes.")
DW_ERR_ENTRY("DW-CAPTURE-022", "the replication slot is ahead",
    "Somebody moved the slot (pg_replication_slot_advance, another client): changes were skipped.",
    "Find the other client; start over: `dualwrite system resync NAME --accept-gap --delete-extra --yes`.")
DW_ERR_ENTRY("DW-CAPTURE-023", "another database cluster",
    "The connection leads to a cluster with another system identifier than before.",
    "Correct the connection; if the new cluster is meant, `dualwrite system resync NAME --accept-gap --delete-extra --yes`.")
DW_ERR_ENTRY("DW-CAPTURE-024", "another timeline",
    "The server was promoted or restored: what it holds may differ from what was published.",
    "Check what was lost; start over: `dualwrite system resync NAME --accept-gap --delete-extra --yes`.")
DW_ERR_ENTRY("DW-CAPTURE-025", "the server is behind",
    "Its WAL ends before what was published: it was restored from an older state.",
    "Start over: `dualwrite system resync NAME --accept-gap --delete-extra --yes`.")
DW_ERR_ENTRY("DW-CAPTURE-026", "another history",
    "The commits that the server sends again are not those that were published: it was restored from an image.",
    "Start over: `dualwrite system resync NAME --accept-gap --delete-extra --yes`.")
DW_ERR_ENTRY("DW-CAPTURE-027", "the publication was not there",
    "The publication was dropped while changes were made: the server cannot decode them without it, even when it is made again.",
    "Start over: `dualwrite system resync NAME --accept-gap --delete-extra --yes`, since those changes are missing.")
DW_ERR_ENTRY("DW-CAPTURE-031", "the map's topic is out of service",
    "The topic was deleted, has no leader, or may not be written to.",
    "Make the topic work again, then resume the map; events since the gap's position are missing until `dualwrite map resync NAME --delete-extra --yes`.")
DW_ERR_ENTRY("DW-CAPTURE-032", "a dead letter could not be queued",
    "Kafka does not take records fast enough.",
    "Nothing: it is sent again.")
DW_ERR_ENTRY("DW-CAPTURE-033", "a record was not taken",
    "Kafka refused a record, or the producer was broken while it was on its way.",
    "Nothing when it passes: everything since the last confirmed commit is sent again. Else see the reason given.")
DW_ERR_ENTRY("DW-CAPTURE-034", "a topic takes small batches only",
    "The topic's max.message.bytes is below what the producer sends in one request.",
    "Nothing: the records are sent again in smaller requests until the producer is restarted. Raise the topic's max.message.bytes to kafka.message_max_bytes: large rows would become dead letters, and small requests are slow.")
DW_ERR_ENTRY("DW-CAPTURE-040", "the slot is of another kind",
    "A replication slot of that name exists, but for another plug-in or database.",
    "Give systems.NAME.slot another name, or drop the slot.")
DW_ERR_ENTRY("DW-CAPTURE-041", "the slot waits for transactions",
    "A new slot waits until all transactions that run at that moment have ended.",
    "End the sessions that the message names; the producer tries again.")
DW_ERR_ENTRY("DW-CAPTURE-042", "the publication does not fit",
    "It is missing and may not be made, or it hides operations.",
    "Run the SQL that the message shows.")
DW_ERR_ENTRY("DW-CAPTURE-043", "a table cannot be published",
    "The publication may not be changed, or the table has no replica identity, which would make its updates fail.",
    "Run the SQL that the message shows.")
DW_ERR_ENTRY("DW-CAPTURE-044", "the server cannot be identified",
    "IDENTIFY_SYSTEM failed on the replication connection.",
    "The role needs the REPLICATION attribute; check the server's log.")
DW_ERR_ENTRY("DW-CAPTURE-045", "replication cannot start",
    "START_REPLICATION failed.",
    "See the message; wal_level has to be logical and max_wal_senders has to leave a free place.")
DW_ERR_ENTRY("DW-CAPTURE-046", "maps cannot be announced",
    "The new revisions of the maps are too large to be announced in the stream.",
    "Apply fewer maps at a time, or smaller ones.")
DW_ERR_ENTRY("DW-CAPTURE-050", "no thread",
    "The system refused a thread or a descriptor.",
    "Raise the limits of the process.")
DW_ERR_ENTRY("DW-CAPTURE-051", "which system?",
    "The configuration has several systems, or none of that name.",
    "Name one with --system.")
/* clang-format on */
