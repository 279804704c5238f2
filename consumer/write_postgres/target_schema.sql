-- What dualwrite keeps in a target database, beside the tables that it writes. Run by the consumer at its first contact
-- (the role needs CREATE on the database), or by a person beforehand. Running it again changes nothing.
DO $$
BEGIN
    -- A DBA may have made the schema: CREATE SCHEMA IF NOT EXISTS would still ask for the privilege.
    IF to_regnamespace('dualwrite') IS NULL THEN
        CREATE SCHEMA dualwrite;
    END IF;
END
$$;

-- One row. The incarnation is part of the identity of dead letters: a target that was restored from a backup is another one.
CREATE TABLE IF NOT EXISTS dualwrite.target (
    "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"),
    incarnation uuid NOT NULL,
    schema_version int NOT NULL
);

-- One row per partition of a topic, written in the transaction of the rows: how far it has come, which is also the fence
-- against a worker that lost the partition, and the memory against events published twice.
CREATE TABLE IF NOT EXISTS dualwrite.progress (
    topic text,
    partition int,
    map text NOT NULL,
    revision bigint NOT NULL,      -- of the map, in force
    next_offset bigint NOT NULL,
    tail_hash bigint NOT NULL,     -- of key and value of the record before next_offset
    epoch bigint NOT NULL,         -- version of the last event seen
    commit_lsn pg_lsn NOT NULL,
    ordinal bigint NOT NULL,
    heartbeat_us bigint NOT NULL,  -- when the newest heartbeat was sent
    commit_us bigint NOT NULL,     -- newest commit applied
    applied bigint NOT NULL,       -- counts of records; with waiting their sum is next_offset - first_offset
    superseded bigint NOT NULL,
    duplicate bigint NOT NULL,
    filtered bigint NOT NULL,
    dead bigint NOT NULL,
    waiting bigint NOT NULL,       -- now
    control bigint NOT NULL,
    first_offset bigint NOT NULL,
    initial_sync bigint NOT NULL DEFAULT 0, -- begun in the stream and not ended; 0: none
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 20); -- updated with each batch: leave room for the new version in the same page

-- The revisions of maps that are in force in some partition, as the stream brought them: a worker knows them without the
-- state database. Bytes, since this database's encoding may not hold a document.
CREATE TABLE IF NOT EXISTS dualwrite.map_version (
    topic text,
    revision bigint,
    document bytea NOT NULL,
    resolved bytea NOT NULL,
    PRIMARY KEY (topic, revision)
);

-- The dead letters that count: a letter without its row here was written by a worker that never committed. The row is
-- the memory of its key: what was applied of the key since, and what replays of the letter came to.
CREATE TABLE IF NOT EXISTS dualwrite.held (
    topic text,
    partition int,
    record_offset bigint,
    map text NOT NULL,
    key text NOT NULL,             -- of the target row, a JSON array of texts; '' when not known
    epoch bigint NOT NULL,
    commit_lsn pg_lsn NOT NULL,
    ordinal bigint NOT NULL,
    code text NOT NULL,
    held_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset)
);
ALTER TABLE dualwrite.held
    ADD COLUMN IF NOT EXISTS source_key text NOT NULL DEFAULT '', -- a JSON array of texts; '' when not known
    ADD COLUMN IF NOT EXISTS key_hash bigint NOT NULL DEFAULT 0,  -- of source_key, which may be long
    ADD COLUMN IF NOT EXISTS lacks bigint[] NOT NULL DEFAULT '{}', -- columns that its event leaves out: hashes of names
    ADD COLUMN IF NOT EXISTS later_epoch bigint,                  -- version of the newest later event applied; NULL: none
    ADD COLUMN IF NOT EXISTS later_lsn pg_lsn,
    ADD COLUMN IF NOT EXISTS later_ordinal bigint,
    ADD COLUMN IF NOT EXISTS later_gone boolean,                  -- it was a delete
    ADD COLUMN IF NOT EXISTS attempts int NOT NULL DEFAULT 1,
    ADD COLUMN IF NOT EXISTS outcome text CHECK (outcome IN ('applied', 'superseded', 'filtered', 'discarded')),
    ADD COLUMN IF NOT EXISTS ended_at timestamptz,
    ADD COLUMN IF NOT EXISTS wants_row boolean NOT NULL DEFAULT false; -- a replay found it needs the source's row of now
-- By key, for those that later events may supersede; and what the reconciler has to take notice of.
CREATE INDEX IF NOT EXISTS held_key ON dualwrite.held (topic, key_hash) WHERE outcome IS NULL;
CREATE INDEX IF NOT EXISTS held_news ON dualwrite.held (topic, partition, record_offset)
    WHERE outcome IS NOT NULL OR wants_row;

-- How letters ended that were held: with those still held they are the "dead" of the progress rows.
CREATE TABLE IF NOT EXISTS dualwrite.held_end (
    topic text,
    partition int,
    applied bigint NOT NULL DEFAULT 0,
    superseded bigint NOT NULL DEFAULT 0,
    filtered bigint NOT NULL DEFAULT 0,
    discarded bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
);

-- Events that wait for a parent row or for a unique value that another row still has.
CREATE TABLE IF NOT EXISTS dualwrite.waiting (
    topic text,
    partition int,
    record_offset bigint,
    map text NOT NULL,
    key text NOT NULL,
    event bytea,
    record_key bytea,
    epoch bigint NOT NULL,
    commit_lsn pg_lsn NOT NULL,
    ordinal bigint NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    parent_schema text,
    parent_table text,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset)
);

-- Which partitions have reached a TRUNCATE: it runs when all have.
CREATE TABLE IF NOT EXISTS dualwrite.barrier (
    topic text,
    epoch bigint,
    commit_lsn pg_lsn,
    ordinal bigint,
    partition int,
    done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (topic, epoch, commit_lsn, ordinal, partition)
);

-- The marks of generations that were met in the stream: from each on its topic is published by more partitions, and behind it
-- nothing is applied before every partition below "reach" has come to it with nothing waiting.
CREATE TABLE IF NOT EXISTS dualwrite.generation (
    topic text,
    epoch bigint,
    commit_lsn pg_lsn,
    ordinal bigint,
    generation bigint NOT NULL,
    before int NOT NULL,           -- partitions until there
    partitions int NOT NULL,       -- from there on
    reach int NOT NULL,
    initial_sync bigint,           -- under way there: partitions that begin take it over; NULL: not known yet
    PRIMARY KEY (topic, epoch, commit_lsn, ordinal)
);

-- Whose a row is, where several maps write one table by filters: the map that wrote or removed it last.
CREATE TABLE IF NOT EXISTS dualwrite.owner (
    relation text,                 -- the table
    key bytea,                     -- SHA-256 of the target key, a JSON array of texts
    map text NOT NULL,
    epoch bigint NOT NULL,
    commit_lsn pg_lsn NOT NULL,
    ordinal bigint NOT NULL,
    gone smallint NOT NULL,        -- 0: no; 1: removed; 2: written and removed in one batch; forgotten after a day
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (relation, key)
);

-- Rows to be read again: they hold a value of a looked-up row that changed or went.
CREATE TABLE IF NOT EXISTS dualwrite.stale (
    map text,
    key text,                      -- of the source, a JSON array of texts
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (map, key)
);

-- Rows that took a null because a lookup found no row, or one whose value was null; they are read again when there is one.
CREATE TABLE IF NOT EXISTS dualwrite.missed (
    map text,
    key text,                      -- of the source, a JSON array of texts
    target text,                   -- the column that is null
    node int,                      -- which table of the lookup: 0 its own, then those inside
    hash bigint NOT NULL,          -- of the key looked for in that table
    PRIMARY KEY (map, key, target, node)
);
CREATE INDEX IF NOT EXISTS missed_hash ON dualwrite.missed (map, target, node, hash);
-- What questions of comparisons found, until the reconciler has taken it.
CREATE TABLE IF NOT EXISTS dualwrite.verdict (
    run bigint,
    key text,                      -- of the source, a JSON array of texts
    map text NOT NULL,
    target_key text NOT NULL,      -- likewise; '': not known
    kind text NOT NULL,            -- equal, missing, different, extra, waiting, unknown
    columns text NOT NULL,         -- JSON: [{"column","source","target"}] of those that differ
    code text NOT NULL,            -- why the row could not be written
    reason text NOT NULL,
    epoch bigint NOT NULL,         -- the place in the stream
    commit_lsn pg_lsn NOT NULL,
    ordinal bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run, key)
);

INSERT INTO dualwrite.target (incarnation, schema_version) VALUES (gen_random_uuid(), 1) ON CONFLICT DO NOTHING;
