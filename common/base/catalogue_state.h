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
DW_ERR_ENTRY("DW-STATE-020", "the map's state lets nothing be compared",
    "While a map is stopped nobody could judge what looks different; while existing rows are still copied most of them would be missing.",
    "Start the map, or wait until its initial sync is done (`dualwrite status`); then order the comparison again.")
DW_ERR_ENTRY("DW-STATE-021", "there is no such comparison",
    "The number is none that was given.",
    "See `dualwrite reconcile list`.")
DW_ERR_ENTRY("DW-STATE-022", "the comparison is over",
    "One that is done, cancelled or failed cannot be cancelled.",
    "See `dualwrite reconcile show ID`; order another one with `dualwrite reconcile run MAP`.")
DW_ERR_ENTRY("DW-STATE-023", "the comparison is not done",
    "Only what a whole comparison found can be repaired.",
    "Wait for it (`dualwrite reconcile show ID`), or order another one with `dualwrite reconcile run MAP`.")
DW_ERR_ENTRY("DW-STATE-024", "the map has changed since it was compared",
    "By another revision the target's rows may be meant to be otherwise, so that what was found may be no difference.",
    "Compare again: `dualwrite reconcile run MAP`, then repair what that finds.")
DW_ERR_ENTRY("DW-STATE-025", "more rows would be deleted than allowed",
    "The comparison found more rows in the target that the source has not than --limit says.",
    "Look at them (`dualwrite reconcile differences ID --kind extra`); if they are to go, give a higher --limit.")
DW_ERR_ENTRY("DW-STATE-026", "a repair is under way",
    "What a comparison found is repaired by one at a time.",
    "Wait for it: `dualwrite reconcile show ID`.")
DW_ERR_ENTRY("DW-STATE-030", "there is no such job",
    "The number is none that was given, or the job was purged.",
    "See `dualwrite dead-letter jobs`.")
DW_ERR_ENTRY("DW-STATE-031", "the job is over",
    "It has come to its end, or was cancelled before.",
    "See `dualwrite dead-letter jobs`.")
DW_ERR_ENTRY("DW-STATE-032", "the dead letter is not open",
    "It is being replayed, or has ended: its event cannot be changed.",
    "See `dualwrite dead-letter show ID`.")
DW_ERR_ENTRY("DW-STATE-033", "not a line of an archive",
    "A file that is loaded has one dead letter on each line, as `dualwrite dead-letter export` writes them.",
    "Load files that were exported; nothing of this part was loaded.")
DW_ERR_ENTRY("DW-STATE-050", "there is no such silence",
    "The number is wrong, or the silence is over already.",
    "See `dualwrite alert list`, which shows those in force.")
/* clang-format on */
