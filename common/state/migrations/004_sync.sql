-- Copies of rows that exist already: the initial sync of a map, or a re-sync of some keys, a range or all of it. The
-- key space is cut into ranges; each is walked by chunks in key order, and done_to moves when Kafka has a chunk's rows.
CREATE TABLE dualwrite.sync (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    map text NOT NULL REFERENCES dualwrite.map (name),
    kind text NOT NULL CHECK (kind IN ('initial', 'resync')),
    -- waiting: for those in "after"; draining: all is in Kafka, the target has not passed the end mark yet
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'paused', 'draining', 'done', 'cancelled', 'failed')),
    reason text NOT NULL DEFAULT '',
    code text NOT NULL DEFAULT '',
    -- the scope: all of the table, or from a key to a key, both in it
    from_key json, -- ["dat","C-1"]: the map's source key, as texts
    to_key json,
    keys json, -- or these keys alone: an array of them
    on_existing text NOT NULL DEFAULT 'overwrite' CHECK (on_existing IN ('overwrite', 'keep')),
    delete_extra boolean NOT NULL DEFAULT false, -- rows of the target that the source has not are deleted
    rate bigint NOT NULL DEFAULT 0 CHECK (rate >= 0), -- rows per second, 0: no limit
    batch bigint NOT NULL, -- id of the first of those that were started together
    after bigint[] NOT NULL DEFAULT '{}',
    planned boolean NOT NULL DEFAULT false, -- its ranges are there
    rows_estimated bigint NOT NULL DEFAULT 0,
    rows_deleted bigint NOT NULL DEFAULT 0,
    chunks_repeated bigint NOT NULL DEFAULT 0,
    owner text NOT NULL DEFAULT '', -- the producer that works on it
    epoch bigint NOT NULL DEFAULT 0, -- with end_lsn: the end mark's version
    end_lsn pg_lsn,
    by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    CHECK ((from_key IS NULL) = (to_key IS NULL))
);
-- One initial sync of a map at a time.
CREATE UNIQUE INDEX sync_initial ON dualwrite.sync (map)
    WHERE kind = 'initial' AND state NOT IN ('done', 'cancelled', 'failed');
CREATE INDEX sync_map ON dualwrite.sync (map, id);
CREATE INDEX sync_active ON dualwrite.sync (id) WHERE state NOT IN ('done', 'cancelled', 'failed');

CREATE TABLE dualwrite.sync_range (
    sync bigint NOT NULL REFERENCES dualwrite.sync (id) ON DELETE CASCADE,
    number int NOT NULL,
    part text NOT NULL DEFAULT 'rows' CHECK (part IN ('rows', 'extra')), -- extra: walks the target's keys
    lower json, -- NULL: from the first key
    lower_in boolean NOT NULL DEFAULT false, -- lower itself is in it
    upper json, -- in it; NULL: to the last key
    done_to json, -- NULL: nothing yet
    rows_done bigint NOT NULL DEFAULT 0,
    chunks_done bigint NOT NULL DEFAULT 0,
    done boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sync, number)
);

CREATE TRIGGER sync_notify AFTER INSERT OR UPDATE OR DELETE ON dualwrite.sync
    FOR EACH STATEMENT EXECUTE FUNCTION dualwrite.notify_change('sync');
