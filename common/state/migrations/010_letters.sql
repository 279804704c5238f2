-- What becomes of dead letters: they are replayed, superseded, discarded; by whom, in which job, and by what they ended.
ALTER TABLE dualwrite.dead_letter DROP CONSTRAINT dead_letter_state_check;
ALTER TABLE dualwrite.dead_letter ADD CONSTRAINT dead_letter_state_check
    -- replaying: on its way through the map's topic, or its row is read again; discarding: the target is to let it go
    CHECK (state IN ('open', 'unconfirmed', 'void', 'foreign', 'replaying', 'discarding', 'applied', 'superseded',
        'filtered', 'discarded'));
ALTER TABLE dualwrite.dead_letter
    ADD COLUMN archived boolean NOT NULL DEFAULT false, -- loaded from an archive: only its row of now can be had
    ADD COLUMN edited bytea,                            -- the event that is replayed; value stays as it was
    ADD COLUMN edited_by text NOT NULL DEFAULT '',
    ADD COLUMN edited_at timestamptz,
    ADD COLUMN attempt bigint NOT NULL DEFAULT 0,       -- of the replay under way
    ADD COLUMN sent boolean NOT NULL DEFAULT false,     -- … Kafka has it
    ADD COLUMN sync bigint,                             -- the re-sync that reads its row
    ADD COLUMN job bigint,                              -- that it belongs to, or did last
    ADD COLUMN ended_as text NOT NULL DEFAULT '',       -- applied, superseded, filtered, discarded: survives a restored target
    ADD COLUMN ended_by text NOT NULL DEFAULT '',       -- a version, a sync, a person
    ADD COLUMN try_at timestamptz NOT NULL DEFAULT now(), -- when it is tried again whether it would apply
    ADD COLUMN tries int NOT NULL DEFAULT 0,
    ADD COLUMN verdict text NOT NULL DEFAULT '';        -- of that try

CREATE INDEX dead_letter_flight ON dualwrite.dead_letter (system, state, id) WHERE state IN ('replaying', 'discarding');
CREATE INDEX dead_letter_job ON dualwrite.dead_letter (job) WHERE state IN ('replaying', 'discarding');
CREATE INDEX dead_letter_cause ON dualwrite.dead_letter (state, map, code, column_name, id);
CREATE INDEX dead_letter_try ON dualwrite.dead_letter (try_at) WHERE state = 'open';

-- Work on many letters: it walks them by id, so that it goes on from where it was after a kill.
CREATE TABLE dualwrite.letter_job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action text NOT NULL CHECK (action IN ('replay', 'discard', 'purge')),
    source_row boolean NOT NULL DEFAULT false, -- replay: by the source's row of now
    filter json NOT NULL,
    by text NOT NULL,
    reason text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'cancelled')),
    last_id bigint NOT NULL,            -- letters that come later are not meant
    at_id bigint NOT NULL DEFAULT 0,    -- all up to here were looked at
    total bigint NOT NULL DEFAULT 0,    -- matches at the start
    taken bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,  -- with the reason of the last one
    refusal text NOT NULL DEFAULT '',
    applied bigint NOT NULL DEFAULT 0,  -- how those taken ended
    superseded bigint NOT NULL DEFAULT 0,
    filtered bigint NOT NULL DEFAULT 0,
    discarded bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,   -- open again
    purged bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX letter_job_running ON dualwrite.letter_job (id) WHERE state = 'running';
