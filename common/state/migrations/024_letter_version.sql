-- The letter that took an older one's place is found by the version that the target tells.
CREATE INDEX dead_letter_version ON dualwrite.dead_letter (map, version) WHERE kind = 'event';
