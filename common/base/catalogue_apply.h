/* catalogue_apply.h - the DW-APPLY-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-APPLY-001", "a mapped column is not in the target table",
    "It was dropped or renamed since the map was applied.",
    "Bring the column back, or correct the map and apply it again; then resume the map.")
DW_ERR_ENTRY("DW-APPLY-002", "no unique index on the target key",
    "Rows can only be found by a unique index on exactly the key's columns, valid, immediate, without expression or predicate.",
    "Create it: CREATE UNIQUE INDEX ON table (key columns); then resume the map.")
DW_ERR_ENTRY("DW-APPLY-003", "a right on the target table is missing",
    "The role of the target system may not do what the message names.",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON the table TO the role; then resume the map.")
DW_ERR_ENTRY("DW-APPLY-004", "a mapped column cannot be written",
    "It is generated, or an identity column that is always generated.",
    "Leave the column out of the map, or change it in the target.")
DW_ERR_ENTRY("DW-APPLY-005", "the schema \"dualwrite\" cannot be created in the target",
    "The consumer keeps its progress in the target database, and its role may not create the schema.",
    "Run the statement in the message as the database's owner; then resume the map.")
DW_ERR_ENTRY("DW-APPLY-006", "the target was used by a newer dualwrite",
    "Its schema \"dualwrite\" has a version that this worker does not know.",
    "Upgrade this worker.")
DW_ERR_ENTRY("DW-APPLY-007", "the target system is no PostgreSQL database",
    "This writer only writes to PostgreSQL.",
    "Correct the map's target system.")
DW_ERR_ENTRY("DW-APPLY-010", "the partition was taken over",
    "Another worker has written its progress: this one was too slow or cut off.",
    "Nothing to do: this worker gives the partition up.")
DW_ERR_ENTRY("DW-APPLY-011", "the target refuses a value",
    "PostgreSQL cannot read it as the column's type (the message names the column when it could be found).",
    "Correct the value in the source, or the column's type or the map.")
DW_ERR_ENTRY("DW-APPLY-012", "the target refuses a row",
    "A constraint of the target table (not null, check, exclusion) does not allow it.",
    "Correct the row in the source, give the column a default_when_null in the map, or change the constraint.")
DW_ERR_ENTRY("DW-APPLY-013", "a row waits for another table",
    "A foreign key of the target names a row that is not there yet, or rows of another table still refer to a deleted one.",
    "Nothing to do when the other table is mapped too; else map it, or drop the foreign key.")
DW_ERR_ENTRY("DW-APPLY-014", "a row waits for a unique value",
    "Another row of the target has it now; it may be about to give it up.",
    "Nothing to do when values move between rows; else find the row that has it, by the constraint named.")
DW_ERR_ENTRY("DW-APPLY-015", "a row cannot be built from its event",
    "The event leaves out unchanged large (TOAST) values, or columns that the map did not have yet when it was published. It waited for its row to be read again, which did not come.",
    "Touch the row in the source with all its columns, or set REPLICA IDENTITY FULL on the source table.")
DW_ERR_ENTRY("DW-APPLY-016", "an event waits behind an earlier one of its key",
    "Order per key is kept: it comes once the earlier one is settled.",
    "Look at the earlier event's reason.")
DW_ERR_ENTRY("DW-APPLY-017", "the application in the target refuses a row",
    "A trigger or a rule of the target database raised an error.",
    "The message is the application's; correct the row in the source or the trigger.")
DW_ERR_ENTRY("DW-APPLY-018", "a row is too large for the target",
    "A limit of PostgreSQL stands in the way, such as the size of an index entry.",
    "Shorten the value, or change the index named.")
DW_ERR_ENTRY("DW-APPLY-020", "the target cannot be reached",
    "The connection was lost, the server is down, or a lock or serialization failure made it give up.",
    "Nothing to do: the batch is applied again.")
DW_ERR_ENTRY("DW-APPLY-021", "the target refuses the statement",
    "A right, a table or a column is missing, or the server does not allow the statement.",
    "Correct what the message names; then resume the map.")
DW_ERR_ENTRY("DW-APPLY-022", "another map took a row of the same table",
    "Several maps write the target table by filters, and a worker of another one was faster with a row of this batch.",
    "Nothing: the batch is tried again at once.")
DW_ERR_ENTRY("DW-APPLY-023", "a looked-up row is missing",
    "The map takes a value from a row of another target table, and no row has the key. The event waits for it as for a parent row; then it is a dead letter.",
    "See that the row named comes to its table, or set the lookup's \"on_missing\". A dead letter of it is replayed by itself once the row is there.")
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
DW_ERR_ENTRY("DW-APPLY-208", "the target is not where it was left",
    "It crashed and lost commits that were not synchronised, was restored, or another worker wrote to it.",
    "Nothing: the partition is claimed again and goes on from where the target stands.")
DW_ERR_ENTRY("DW-APPLY-209", "the target refuses a TRUNCATE",
    "Rows of another table refer to those that would go, and no map empties that table.",
    "Remove those rows, or let the map ignore a truncate (on_truncate); then resume it: the TRUNCATE comes again.")
DW_ERR_ENTRY("DW-APPLY-210", "a record of another system",
    "Somebody publishes to the map's topic, or two installations share a Kafka and a topic prefix.",
    "Find who writes to the topic (dualwrite.* of one installation are its own: kafka.topic_prefix), then discard the letter.")
DW_ERR_ENTRY("DW-APPLY-211", "only the change of a row can be replayed",
    "The letter's event is a truncate or a message, which has no row of its own.",
    "Discard the letter; re-sync the map when its target lacks the effect.")
DW_ERR_ENTRY("DW-APPLY-212", "a record of another table",
    "The map read another table when the record was published, or somebody else publishes to its topic.",
    "Discard the letter when the map's rows were copied since; else find who writes to the topic.")
/* clang-format on */
