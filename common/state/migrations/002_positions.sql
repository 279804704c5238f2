-- How far each source system is published, where events may be missing, which processes live.
CREATE TABLE dualwrite.position (
    system text PRIMARY KEY,
    epoch bigint NOT NULL,
    published_lsn pg_lsn NOT NULL,
    confirmed_lsn pg_lsn NOT NULL,
    published_xid bigint NOT NULL,
    published_commit_us bigint NOT NULL,
    system_identifier text NOT NULL,
    timeline bigint NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dualwrite.gap (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system text NOT NULL,
    map text NOT NULL DEFAULT '', -- '': all maps of the system
    code text NOT NULL,
    from_lsn pg_lsn NOT NULL,
    reason text NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    UNIQUE (system, map, code, from_lsn)
);

CREATE TABLE dualwrite.process (
    kind text NOT NULL, -- producer, consumer, reconciler
    instance text NOT NULL,
    state text NOT NULL,
    stats json NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, instance)
);
