/* catalogue_map.h - the DW-MAP-nnn part of err_catalogue.h, in order of ids. */
/* clang-format off */
DW_ERR_ENTRY("DW-MAP-001", "map file is not JSON",
    "The text breaks JSON's rules at the place named, is too large or nested too deep, or gives a member twice.",
    "Correct that place; JSON has no comments and no comma behind the last member.")
DW_ERR_ENTRY("DW-MAP-002", "unknown member",
    "The map holds a member that means nothing there.",
    "Correct its spelling, or remove it.")
DW_ERR_ENTRY("DW-MAP-003", "value of a wrong JSON type",
    "A member has text where an object belongs, or the like.",
    "Give a value of the type that the message names.")
DW_ERR_ENTRY("DW-MAP-004", "member missing",
    "A member that every map needs is not there.",
    "Add it.")
DW_ERR_ENTRY("DW-MAP-005", "name of the map not allowed",
    "The map's name becomes part of a topic's name.",
    "Choose another name.")
DW_ERR_ENTRY("DW-MAP-006", "name of a table or column not allowed",
    "PostgreSQL takes names of 1 to 63 bytes.",
    "Give the name as the catalogue shows it.")
DW_ERR_ENTRY("DW-MAP-007", "key is empty, too long or names a column twice",
    "A key is a list of different columns that tell rows apart.",
    "List each column of the key once.")
DW_ERR_ENTRY("DW-MAP-008", "keys of different length",
    "The n-th column of the source key goes to the n-th column of the target key that is no constant.",
    "Give both keys the same columns in the same order, or make the others constants in \"columns\".")
DW_ERR_ENTRY("DW-MAP-009", "target column twice",
    "Two entries of \"columns\" write the same target column.",
    "Remove one of them.")
DW_ERR_ENTRY("DW-MAP-010", "column has no origin, or several",
    "A column takes a source column, an expression by \"compute\", or a constant by \"default\"; \"values\" goes with a source column, \"default_when_null\" with that or \"compute\".",
    "Keep one of \"source\", \"compute\" and \"default\".")
DW_ERR_ENTRY("DW-MAP-012", "null where a value belongs",
    "A key column cannot be null, and a default for null cannot be null itself.",
    "Give a value, or remove the member.")
DW_ERR_ENTRY("DW-MAP-013", "columns and keys contradict each other",
    "\"columns\" gives a target key column another source than the order of both keys does.",
    "Change the order of one of the keys, or the column's source.")
DW_ERR_ENTRY("DW-MAP-014", "unknown choice",
    "The member allows only some words.",
    "Give one of the words that the message names.")
DW_ERR_ENTRY("DW-MAP-015", "on_delete or on_filter_exit cannot work",
    "The column that marks rows that are gone must be written by nothing else, with different values for those and live rows.",
    "Name a target column for this alone.")
DW_ERR_ENTRY("DW-MAP-016", "too many columns",
    "PostgreSQL's tables have at most 1600.",
    "Remove some.")
DW_ERR_ENTRY("DW-MAP-017", "value map is not reversible",
    "Two source values become one target value; from the target nobody can tell them apart.",
    "Nothing to do if that is intended.")
DW_ERR_ENTRY("DW-MAP-018", "version not allowed",
    "A version is a short word such as 1.0.0.",
    "Give one, or leave the member out.")
DW_ERR_ENTRY("DW-MAP-019", "map twice",
    "Two map files have the same name, and so the same topic.",
    "Give each map a name of its own.")
DW_ERR_ENTRY("DW-MAP-020", "unknown system",
    "The map names a system that dualwrite.json does not have.",
    "Correct the name, or add the system to dualwrite.json.")
DW_ERR_ENTRY("DW-MAP-021", "system cannot be reached",
    "No connection to the system's server; nothing about its tables is known.",
    "Check host and port in dualwrite.json, and that the server runs.")
DW_ERR_ENTRY("DW-MAP-022", "login refused",
    "The server does not let this user, password or database in.",
    "Correct user, password or database of the system in dualwrite.json.")
DW_ERR_ENTRY("DW-MAP-023", "no such table",
    "The system has no table of this name.",
    "Correct the name; letter case counts.")
DW_ERR_ENTRY("DW-MAP-024", "not a table that can be synchronised",
    "Views, foreign, temporary and unlogged tables have no change stream; a target must be a table.",
    "Name an ordinary or a partitioned table.")
DW_ERR_ENTRY("DW-MAP-025", "partition in place of its table",
    "Changes of a partitioned table are published under the table's own name.",
    "Name the partitioned table.")
DW_ERR_ENTRY("DW-MAP-026", "no such column",
    "The table has no column of this name.",
    "Correct the name; letter case counts.")
DW_ERR_ENTRY("DW-MAP-027", "column cannot be written",
    "The server computes the column's value itself (GENERATED ALWAYS).",
    "Remove the column from the map, or change the table.")
DW_ERR_ENTRY("DW-MAP-028", "no conversion",
    "Values of the source column's type never fit the target column's type.",
    "Map another column, use \"values\", or change a type.")
DW_ERR_ENTRY("DW-MAP-029", "conversion may refuse values",
    "Not every value of the source column fits the target column; what does not fit becomes a dead letter.",
    "Make the target column as wide as the source column, or accept it.")
DW_ERR_ENTRY("DW-MAP-030", "source key may be null",
    "A row whose key is null cannot be found in the target.",
    "Make the key columns NOT NULL.")
DW_ERR_ENTRY("DW-MAP-031", "source key is not unique",
    "Without a unique index on the key two source rows may share one target row.",
    "Create a unique index on the key columns, or name the columns of one.")
DW_ERR_ENTRY("DW-MAP-032", "replica identity breaks the application",
    "A published table without a replica identity makes the application's own UPDATE and DELETE fail.",
    "Give the table a primary key, or set its replica identity.")
DW_ERR_ENTRY("DW-MAP-033", "replica identity does not carry the key",
    "An update or delete brings only the columns of the replica identity; without the map's key its row is unknown.",
    "Use the identity's columns as the key, or change the replica identity.")
DW_ERR_ENTRY("DW-MAP-034", "no unique index on the target key",
    "Rows are merged by the target key. Partial, expression, deferrable and invalid indexes do not count.",
    "Create a unique index on exactly these columns.")
DW_ERR_ENTRY("DW-MAP-035", "target column without a value",
    "The column is NOT NULL, has no default, and the map does not write it; every insert would fail.",
    "Map it, give it a constant by \"default\", or give it a default in the table.")
DW_ERR_ENTRY("DW-MAP-036", "null may meet a column that is NOT NULL",
    "The source column may be null, the target column not; such rows become dead letters.",
    "Add \"default_when_null\" to the column.")
DW_ERR_ENTRY("DW-MAP-037", "value does not fit the target column",
    "A constant, default or target of a value map is no value of the target column's type.",
    "Give a value that the column takes.")
DW_ERR_ENTRY("DW-MAP-038", "keys that differ in the source are one in the target",
    "Two source rows would share one target row, and deleting one would remove the other's.",
    "Make the target key tell apart what the source key does.")
DW_ERR_ENTRY("DW-MAP-039", "maps share a target table and one deletes",
    "A delete that comes by one map could remove the row that the other wrote.",
    "Give both maps a constant key column with different values; or the same source table and key, a \"filter\" each, and REPLICA IDENTITY FULL; or set \"on_delete\" and \"on_truncate\" to \"ignore\".")
DW_ERR_ENTRY("DW-MAP-040", "server does not write logical WAL",
    "Changes can only be captured with wal_level = logical.",
    "ALTER SYSTEM SET wal_level = 'logical'; and restart the server.")
DW_ERR_ENTRY("DW-MAP-041", "user may not replicate",
    "Reading the change stream needs the role attribute REPLICATION.",
    "ALTER ROLE ... REPLICATION;")
DW_ERR_ENTRY("DW-MAP-042", "publication missing and cannot be made",
    "The publication does not exist, and the user may not create it or does not own the tables.",
    "Have an owner of the tables create it.")
DW_ERR_ENTRY("DW-MAP-043", "publication lacks the table",
    "The publication exists, does not hold the table, and the user may not add it.",
    "Have the publication's owner, who must own the table too, add it.")
DW_ERR_ENTRY("DW-MAP-044", "publication lacks an operation",
    "The publication does not publish every operation; what it leaves out never arrives.",
    "ALTER PUBLICATION ... SET (publish = 'insert, update, delete, truncate');")
DW_ERR_ENTRY("DW-MAP-045", "publication hides rows or columns",
    "The publication has a row filter or a list of columns for the table, which hides what the map needs.",
    "Publish the whole table.")
DW_ERR_ENTRY("DW-MAP-046", "publication publishes partitions",
    "Changes of a partitioned table would come under the names of its partitions.",
    "ALTER PUBLICATION ... SET (publish_via_partition_root = true);")
DW_ERR_ENTRY("DW-MAP-047", "source table may not be read",
    "Live sync reads the change stream; initial sync and comparison read the table itself.",
    "GRANT SELECT ON the table.")
DW_ERR_ENTRY("DW-MAP-048", "privilege missing on the target table",
    "The map's inserts, updates or deletes would be refused.",
    "Grant the privileges that the message names.")
DW_ERR_ENTRY("DW-MAP-049", "schema dualwrite cannot be made in the target",
    "Progress is stored in the target, in the schema dualwrite, which is missing and which the user may not create.",
    "Grant CREATE on the database, or have its owner create the schema for the user.")
DW_ERR_ENTRY("DW-MAP-050", "row-level security applies",
    "Policies on the table could hide rows from us, which would look like missing rows or refuse writes.",
    "ALTER ROLE ... BYPASSRLS; or have policies that let the user see and write every row.")
DW_ERR_ENTRY("DW-MAP-051", "no free replication slot",
    "All of max_replication_slots are in use, and the map's producer needs one.",
    "Drop a slot that nobody uses, or raise max_replication_slots.")
DW_ERR_ENTRY("DW-MAP-052", "parent table is fed by no map",
    "A foreign key of the target table names a table that no map writes; rows whose parent is missing wait, then die.",
    "Map the parent table too, or keep it filled some other way.")
DW_ERR_ENTRY("DW-MAP-053", "map writes its own source",
    "Source and target are the same table of the same system.",
    "Name another target.")
DW_ERR_ENTRY("DW-MAP-054", "catalogue cannot be read",
    "The server failed while the check asked it about the table.",
    "Try again; the message has the server's words.")
DW_ERR_ENTRY("DW-MAP-055", "server version too old",
    "dualwrite works with PostgreSQL 14 and later.",
    "Use a newer server.")
DW_ERR_ENTRY("DW-MAP-056", "value map is not complete",
    "The source column can hold values that the value map says nothing of; rows with them become dead letters.",
    "Add them to \"values\", or accept it.")
DW_ERR_ENTRY("DW-MAP-057", "source value never matches",
    "A member of a value map is no value of the source column, or is spelled differently from how the source writes it.",
    "Spell it as the source column shows it.")
DW_ERR_ENTRY("DW-MAP-058", "loop marks are off for a captured system",
    "What is written into a captured system would come back as a change of its own.",
    "Set \"capture\": true for the system in dualwrite.json.")
DW_ERR_ENTRY("DW-MAP-060", "on_filter_exit without a filter",
    "A row can leave only a filter that the map has.",
    "Give \"source\" a \"filter\", or remove \"on_filter_exit\".")
DW_ERR_ENTRY("DW-MAP-061", "events lack columns that the map computes with",
    "An update leaves out values that are stored apart (TOAST) and did not change, unless the table's replica identity is FULL. Filters and computed columns need them in every event; and a row that left a filter but stayed in the target needs all its columns when it comes back.",
    "ALTER TABLE ... REPLICA IDENTITY FULL in the source.")
DW_ERR_ENTRY("DW-MAP-062", "key column is computed or looked up",
    "A delete brings the source key alone, and from it the target's row must be found.",
    "Copy the key columns; compute other columns.")
DW_ERR_ENTRY("DW-MAP-063", "lookup cannot work",
    "A lookup names a target table, a column whose value is taken, and a key of that table: each key column takes a source column, a constant, or what another lookup finds. A unique index on exactly these columns makes the row certain.",
    "Correct what the message names.")
DW_ERR_ENTRY("DW-MAP-064", "lookups go in a circle",
    "Rows of each of these maps need rows of the next one, and so themselves.",
    "Remove one of the lookups, or give one \"on_missing\": \"null\".")
DW_ERR_ENTRY("DW-MAP-065", "changes of a looked-up table go unnoticed",
    "When a looked-up row changes or goes, the rows that took a value from it are synchronised again; that needs a map that writes the table.",
    "Map the looked-up table, or re-sync this map after changes of it.")
DW_ERR_ENTRY("DW-MAP-066", "a truncated partition goes unnoticed",
    "PostgreSQL publishes a partitioned table under the name of its root, and then leaves a TRUNCATE of a single partition out.",
    "DELETE the rows, TRUNCATE the whole table, or re-sync the map with --delete-extra behind it.")
DW_ERR_ENTRY("DW-MAP-068", "when a map is compared, or what is mended, cannot be so",
    "A number of \"reconcile\" is out of its range, its kinds are none that are mended without a person, or two of its members exclude each other.",
    "Correct it as the message says; what is left out is as dualwrite.json has it (reconciler.compare_*).")
DW_ERR_ENTRY("DW-MAP-080", "the source's database has no encoding",
    "A database in SQL_ASCII takes any bytes as text. What is not UTF-8 in them cannot be published: such rows become dead letters.",
    "Store UTF-8 alone, or move the tables to a database in UTF8, LATIN1 or whatever encoding their text is in.")
DW_ERR_ENTRY("DW-MAP-090", "stored catalogue facts cannot be read",
    "What the check stored with a map's revision is not what it writes.",
    "Apply the map again.")
/* clang-format on */
