-- Dead letters are tried at once when their map was mended; which ones by themselves, a map may say.
ALTER TABLE dualwrite.map ADD COLUMN auto_replay text; -- of its document; NULL: as the reconciler is set

CREATE TABLE dualwrite.letter_retry (
    map text PRIMARY KEY REFERENCES dualwrite.map (name),
    revision bigint NOT NULL DEFAULT 0, -- the newest known to be in force
    since timestamptz NOT NULL,         -- when the map was mended last
    at_id bigint NOT NULL DEFAULT 0,    -- its letters up to here were tried since
    last_id bigint NOT NULL             -- letters that came later are not meant
);

-- By map, so that letters which nobody tries do not stand before those of other maps.
DROP INDEX dualwrite.dead_letter_try;
CREATE INDEX dead_letter_try ON dualwrite.dead_letter (map, try_at)
    WHERE state = 'open' AND kind = 'event' AND NOT archived;
CREATE INDEX dead_letter_try_lookup ON dualwrite.dead_letter (map, try_at)
    WHERE state = 'open' AND kind = 'event' AND NOT archived AND code = 'DW-APPLY-023';
