-- The index of the dead-letter topic. A letter and the offset behind it are written in one
-- transaction, so each is indexed once whatever is killed.
CREATE TABLE dualwrite.dead_letter_offset (
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    tail_hash bigint NOT NULL, -- of the record before it: shows a topic that was made anew
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);

CREATE TABLE dualwrite.dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('event', 'reference', 'foreign')),
    -- open: held by the target, or counts by itself; unconfirmed: the worker's commit was not seen
    -- yet; void: a successor applied the event after all; foreign: not written by us
    state text NOT NULL CHECK (state IN ('open', 'unconfirmed', 'void', 'foreign')),
    letter_topic text NOT NULL,
    letter_partition int NOT NULL,
    letter_offset bigint NOT NULL,
    copies int NOT NULL DEFAULT 1, -- records on the dead-letter topic that say the same
    topic text NOT NULL DEFAULT '',
    partition int NOT NULL DEFAULT -1,
    record_offset bigint NOT NULL DEFAULT -1,
    incarnation text NOT NULL DEFAULT '',
    map text NOT NULL DEFAULT '',
    revision bigint NOT NULL DEFAULT 0,
    system text NOT NULL DEFAULT '',
    version text NOT NULL DEFAULT '',
    code text NOT NULL DEFAULT '',
    class text NOT NULL DEFAULT '',
    stage text NOT NULL DEFAULT '',
    message text NOT NULL DEFAULT '',
    sqlstate text NOT NULL DEFAULT '',
    column_name text NOT NULL DEFAULT '',
    instance text NOT NULL DEFAULT '',
    attempts bigint NOT NULL DEFAULT 0,
    first_failed_us bigint NOT NULL DEFAULT 0,
    failed_us bigint NOT NULL DEFAULT 0,
    headers json NOT NULL,
    key bytea,
    value bytea,
    indexed_at timestamptz NOT NULL DEFAULT now(),
    state_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX dead_letter_event
    ON dualwrite.dead_letter (topic, partition, record_offset, incarnation) WHERE kind = 'event';
CREATE UNIQUE INDEX dead_letter_reference
    ON dualwrite.dead_letter (map, version) WHERE kind = 'reference';
CREATE INDEX dead_letter_map ON dualwrite.dead_letter (map, state, id);
CREATE INDEX dead_letter_unconfirmed ON dualwrite.dead_letter (system, id) WHERE state = 'unconfirmed';
