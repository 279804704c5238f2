-- The life of a map: an initial sync and catching up are states of their own.
ALTER TABLE dualwrite.map DROP CONSTRAINT map_state_check;
ALTER TABLE dualwrite.map ADD CONSTRAINT map_state_check
    CHECK (state IN ('stopped', 'initial_sync', 'running', 'paused', 'catching_up', 'error'));

-- What follows by itself (synced, caught up) is history, but no change that processes have to act upon.
ALTER TABLE dualwrite.map_history DROP CONSTRAINT map_history_map_change_key;
CREATE INDEX map_history_map ON dualwrite.map_history (map, id);
