/* catalogue_apply.h - the DW-APPLY-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-APPLY-201", "the topic lost what was not applied yet",
    "Retention removed it, the topic was made anew, or the broker lost the end of the log.",
    "Re-sync the map; or resume it, which goes on with what the topic holds and leaves the gap noted.")
DW_ERR_ENTRY("DW-APPLY-202", "the map's document cannot be read",
    "It was applied by a newer version of dualwrite.",
    "Upgrade the consumer, or apply the map again with this version.")
DW_ERR_ENTRY("DW-APPLY-203", "too many events would be dead letters",
    "The map does not fit the data, or something changed in the target: a constraint, a trigger, a type.",
    "Look at the first reason in the message. Resume the map to accept the letters: for one breaker window all pass.")
DW_ERR_ENTRY("DW-APPLY-204", "a truncate without a version",
    "It comes from a foreign producer; partitions cannot know whether they stand at the same truncate.",
    "Truncate the target by hand, and discard the letter.")
DW_ERR_ENTRY("DW-APPLY-205", "an event without its row",
    "A delete must carry its key in \"before\", every other event its row in \"after\".",
    "Correct the producer of the record; ours always writes both.")
DW_ERR_ENTRY("DW-APPLY-206", "no thread",
    "The system refused another thread.",
    "Raise the limit of threads (ulimit -u, cgroup pids.max), or lower consumer.lanes.")
DW_ERR_ENTRY("DW-APPLY-207", "the target system is not in the settings",
    "The map names a system that this consumer's dualwrite.json does not have.",
    "Add the system to the settings of every consumer, restart them, and resume the map.")
/* clang-format on */
