-- Maps, their revisions and states, and who did what. Schema changes only by a new file.
DO $$
BEGIN
    -- A DBA may have made the schema: CREATE SCHEMA IF NOT EXISTS would still ask for the privilege.
    IF to_regnamespace('dualwrite') IS NULL THEN
        CREATE SCHEMA dualwrite;
    END IF;
END
$$;

CREATE TABLE dualwrite.migration (
    number int PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL, -- SHA-256 of the file
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dualwrite.system (
    name text PRIMARY KEY,
    kind text NOT NULL,
    incarnation text, -- of the target's dualwrite.target, as last seen: another one means it was restored
    seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dualwrite.map (
    name text PRIMARY KEY,
    state text NOT NULL DEFAULT 'stopped' CHECK (state IN ('stopped', 'running', 'paused', 'error')),
    change bigint NOT NULL DEFAULT 1, -- rises with each change of state or revision
    revision bigint NOT NULL DEFAULT 1,
    code text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    source_system text NOT NULL,
    target_system text NOT NULL,
    topic text NOT NULL UNIQUE,
    partitions int NOT NULL CHECK (partitions > 0),
    stopped_lsn pg_lsn, -- how far the source was published when the map was stopped
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dualwrite.map_revision (
    map text NOT NULL REFERENCES dualwrite.map (name),
    revision bigint NOT NULL,
    version text NOT NULL DEFAULT '', -- as the document names it
    document json NOT NULL,           -- json, not jsonb: numbers and order stay as written
    resolved json NOT NULL,
    applied_by text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (map, revision)
);

CREATE TABLE dualwrite.map_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    map text NOT NULL REFERENCES dualwrite.map (name),
    change bigint NOT NULL,
    revision bigint NOT NULL,
    event text NOT NULL, -- apply, start, pause, resume, stop, fail
    state text NOT NULL, -- after it
    code text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (map, change)
);

CREATE TABLE dualwrite.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    by text NOT NULL,
    action text NOT NULL, -- "map.start"
    object text NOT NULL, -- the map's name
    detail json NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_object ON dualwrite.audit_log (object, id);

-- One channel for all processes. A trigger, so that a change by hand is heard as well.
CREATE FUNCTION dualwrite.notify_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_notify('dualwrite', TG_ARGV[0]);
    RETURN NULL;
END
$$;
CREATE TRIGGER map_notify AFTER INSERT OR UPDATE OR DELETE ON dualwrite.map
    FOR EACH STATEMENT EXECUTE FUNCTION dualwrite.notify_change('map');
