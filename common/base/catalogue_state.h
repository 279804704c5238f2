/* catalogue_state.h - the DW-STATE-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-STATE-001", "the state database is newer than this program",
    "A newer version of dualwrite has migrated it.",
    "Run the newer version everywhere; an older one cannot use this database.")
DW_ERR_ENTRY("DW-STATE-002", "the state database was made by another build",
    "A migration was applied in another form than this program has it.",
    "Use the release that made the database. For a database of a development build: drop schema dualwrite and apply the maps again.")
DW_ERR_ENTRY("DW-STATE-004", "there is no such map",
    "The name is misspelt, or the map was never applied.",
    "See `dualwrite map list`; take the map live by `dualwrite map apply FILE`.")
DW_ERR_ENTRY("DW-STATE-005", "the map's state does not allow this",
    "Not every order fits every state: a stopped map cannot be resumed, one in error cannot be started.",
    "Do what the message says; `dualwrite map show NAME` gives the state, its reason and the history.")
DW_ERR_ENTRY("DW-STATE-006", "the state database holds an unreadable value",
    "Somebody changed it by hand, or a newer program wrote it.",
    "Put the value right that the message names.")
DW_ERR_ENTRY("DW-STATE-007", "the map was stopped for a while",
    "While a map is stopped nothing of it is published: changes made meanwhile are not in the target.",
    "Use pause instead of stop where no change may be missed; start the map with --delete-extra --yes, or `dualwrite map resync NAME --delete-extra --yes`: that closes the gap.")
DW_ERR_ENTRY("DW-STATE-008", "another reconciler indexes the dead-letter topic",
    "The stored offset moved while a batch was indexed; nothing was written twice.",
    "Nothing to do: this one starts again from the stored offset. When it repeats, look for a second reconciler.")
DW_ERR_ENTRY("DW-STATE-010", "an initial sync is under way",
    "A map has one initial sync at a time.",
    "Wait for it (`dualwrite sync list`), or cancel it: `dualwrite sync cancel ID`.")
DW_ERR_ENTRY("DW-STATE-011", "there is no such sync",
    "The number is none that was given.",
    "See `dualwrite sync list`.")
DW_ERR_ENTRY("DW-STATE-012", "the sync's state does not allow this",
    "One that is over cannot be paused, resumed or cancelled.",
    "See `dualwrite sync list`; start another one with `dualwrite map resync`.")
DW_ERR_ENTRY("DW-STATE-013", "an initial sync was cancelled",
    "The map goes on with live changes, but rows that existed before and were not copied yet are missing in the target.",
    "Copy them when it suits: `dualwrite map resync NAME`; that closes the gap.")
DW_ERR_ENTRY("DW-STATE-014", "there is no such revision of the map",
    "The number is none of the map's revisions, or the map has only one.",
    "See `dualwrite map history NAME`.")
DW_ERR_ENTRY("DW-STATE-030", "there is no such job",
    "The number is none that was given, or the job was purged.",
    "See `dualwrite dead-letter jobs`.")
DW_ERR_ENTRY("DW-STATE-031", "the job is over",
    "It has come to its end, or was cancelled before.",
    "See `dualwrite dead-letter jobs`.")
DW_ERR_ENTRY("DW-STATE-050", "there is no such silence",
    "The number is wrong, or the silence is over already.",
    "See `dualwrite alert list`, which shows those in force.")
/* clang-format on */
