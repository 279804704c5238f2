/* catalogue_compare.h - the DW-COMPARE-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-COMPARE-001", "no key to walk along",
    "Both sides are compared in pieces along the map's key, which needs a unique index on exactly the key's columns in the source.",
    "Give the source table a primary key or a unique index on the map's key.")
DW_ERR_ENTRY("DW-COMPARE-002", "a column cannot be compared",
    "A mapped column is gone, or the reconciler's role may not read it; or the stored map is unreadable.",
    "Correct the map, or GRANT SELECT on the table to the role that the reconciler uses for this system.")
DW_ERR_ENTRY("DW-COMPARE-003", "the comparison's filter cannot be used",
    "It does not parse, or it can fail on a row (a division, a cast), which would end the whole statement.",
    "Write a filter that holds for every row; the message says what is wrong and where.")
DW_ERR_ENTRY("DW-COMPARE-004", "the map cannot be compared by hashes",
    "The way \"hash\" was asked for, but the map or the servers do not allow it; the message says why.",
    "Leave the way out: the reconciler chooses, and reads rows where hashes cannot be used.")
DW_ERR_ENTRY("DW-COMPARE-005", "a system is not configured here",
    "The reconciler reads both sides of the map itself.",
    "Add the system to the reconciler's dualwrite.json.")
DW_ERR_ENTRY("DW-COMPARE-006", "the map was changed meanwhile",
    "A comparison, and its repair, are of one revision of a map; by another one rows may be meant to be otherwise.",
    "Compare again: `dualwrite reconcile run MAP`.")
DW_ERR_ENTRY("DW-COMPARE-007", "an extra row that no source row can have",
    "The target has a row whose key is no value of the source's key type: somebody else wrote it.",
    "Delete it by hand if it is to go: no re-sync can name it.")
DW_ERR_ENTRY("DW-COMPARE-008", "the re-sync of a repair did not come to its end",
    "It failed, or somebody cancelled it; the message says why.",
    "Mend what the message says, then order the repair again.")
DW_ERR_ENTRY("DW-COMPARE-009", "changes to be compared are no longer in Kafka",
    "Kafka's retention removed records of the topic while a comparison by --since read them.",
    "Compare all rows, or those since a later moment; keep records longer (kafka.retention_ms).")
DW_ERR_ENTRY("DW-COMPARE-010", "two source rows have one target row",
    "Their keys are different in the source and one key in the target, which takes blanks at the end for nothing. The target has whichever was written last; deleting one of them deletes it.",
    "Give one of both another key, or the target's key column a type that tells them apart (varchar). No repair can mend it.")
DW_ERR_ENTRY("DW-COMPARE-011", "too much differs to be mended without a person",
    "A comparison found more rows to mend than its policy allows (reconciler.compare_repair_max and compare_repair_percent, or \"reconcile\" of the map); none was mended.",
    "Look at what differs: `dualwrite reconcile report RUN`; then order the repair: `dualwrite reconcile repair RUN`.")
DW_ERR_ENTRY("DW-COMPARE-012", "a row belongs to none of the maps that share its table",
    "The target has a row that no map has written since the table is shared, and its source row is in no map's filter.",
    "Delete it by the repair with --delete-extra, or leave it to whoever put it there.")
/* clang-format on */
