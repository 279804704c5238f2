-- Comparisons of both sides, and what they found. A run compares one map; those that were ordered together share a batch.
CREATE TABLE dualwrite.reconcile_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    map text NOT NULL REFERENCES dualwrite.map (name),
    batch bigint NOT NULL, -- id of the first of those that were ordered together
    origin text NOT NULL DEFAULT 'order' CHECK (origin IN ('order', 'schedule')),
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'done', 'cancelled', 'failed')),
    code text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    -- the scope
    filter text, -- OData expression over source columns
    sample real CHECK (sample > 0 AND sample <= 100), -- percent of the key ranges
    rate bigint NOT NULL DEFAULT 0 CHECK (rate >= 0), -- rows of the source per second, 0: no limit
    forced_way text NOT NULL DEFAULT '' CHECK (forced_way IN ('', 'hash', 'rows')),
    -- how it goes
    revision bigint NOT NULL DEFAULT 0, -- of the map, as it is compared
    way text NOT NULL DEFAULT '', -- hash: computed in the databases; rows: read and compared one by one
    way_reason text NOT NULL DEFAULT '', -- why not by hashes; or what is not looked for
    phase text NOT NULL DEFAULT 'rows' CHECK (phase IN ('rows', 'extra', 'judge')),
    cursor json, -- the phase is done up to this key
    rows_estimated bigint NOT NULL DEFAULT 0,
    rows_source bigint NOT NULL DEFAULT 0, -- compared so far
    rows_target bigint NOT NULL DEFAULT 0,
    segments bigint NOT NULL DEFAULT 0,
    suspects bigint NOT NULL DEFAULT 0, -- rows that looked different, most of them only because of the moment
    beyond bigint NOT NULL DEFAULT 0, -- suspects past the limit: counted, not judged
    unjudged bigint NOT NULL DEFAULT 0, -- suspects that nobody answered for in time
    begin_epoch bigint NOT NULL DEFAULT 0, -- the source's position in the stream then
    begin_lsn pg_lsn,
    end_epoch bigint NOT NULL DEFAULT 0,
    end_lsn pg_lsn,
    by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    -- the repair
    repair_state text NOT NULL DEFAULT 'none'
        CHECK (repair_state IN ('none', 'waiting', 'running', 'done', 'failed')),
    repair_extra bigint NOT NULL DEFAULT 0, -- rows of the target that may be deleted; 0: none
    repair_code text NOT NULL DEFAULT '',
    repair_reason text NOT NULL DEFAULT '',
    repair_by text NOT NULL DEFAULT '',
    repair_asked_at timestamptz,
    repair_ended_at timestamptz
);
CREATE INDEX reconcile_run_map ON dualwrite.reconcile_run (map, id);
CREATE INDEX reconcile_run_active ON dualwrite.reconcile_run (id)
    WHERE state IN ('waiting', 'running') OR repair_state IN ('waiting', 'running');

-- Rows that looked different and are to be judged at a place of the stream.
CREATE TABLE dualwrite.reconcile_suspect (
    run bigint NOT NULL REFERENCES dualwrite.reconcile_run (id) ON DELETE CASCADE,
    key text NOT NULL, -- of the source, a JSON array of texts
    sync bigint, -- the verify sync that asks for it
    rounds int NOT NULL DEFAULT 0, -- syncs that brought no answer, because the row changed meanwhile
    PRIMARY KEY (run, key)
);

CREATE TABLE dualwrite.reconcile_difference (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run bigint NOT NULL REFERENCES dualwrite.reconcile_run (id) ON DELETE CASCADE,
    key text NOT NULL, -- of the source, a JSON array of texts
    target_key text NOT NULL DEFAULT '', -- likewise
    -- held: by a dead letter; waiting: an event of it waits for another row
    kind text NOT NULL
        CHECK (kind IN ('missing', 'extra', 'different', 'duplicate', 'held', 'waiting')),
    columns json NOT NULL DEFAULT '[]', -- [{"column":…,"source":what the map makes of it,"target":…}]
    code text NOT NULL DEFAULT '', -- the cause, where it is known
    reason text NOT NULL DEFAULT '',
    letter bigint, -- held: the dead letter
    epoch bigint NOT NULL DEFAULT 0, -- the place in the stream at which it was judged
    commit_lsn pg_lsn NOT NULL DEFAULT '0/0',
    ordinal bigint NOT NULL DEFAULT 0,
    seen_at timestamptz NOT NULL DEFAULT now(),
    -- ordered: read again; gone: and equal now; left: still there
    repair text NOT NULL DEFAULT 'none' CHECK (repair IN ('none', 'ordered', 'gone', 'left')),
    repaired_at timestamptz,
    UNIQUE (run, key)
);
CREATE INDEX reconcile_difference_run ON dualwrite.reconcile_difference (run, id);

-- A sync whose rows are only questions of a comparison.
ALTER TABLE dualwrite.sync DROP CONSTRAINT sync_kind_check;
ALTER TABLE dualwrite.sync ADD CONSTRAINT sync_kind_check CHECK (kind IN ('initial', 'resync', 'verify'));
ALTER TABLE dualwrite.sync ADD COLUMN verify bigint CHECK ((verify IS NOT NULL) = (kind = 'verify'));
