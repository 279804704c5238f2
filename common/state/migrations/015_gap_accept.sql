-- A gap at which a producer stands: a person accepts it, and the producer then goes on behind it, once.
ALTER TABLE dualwrite.gap ADD COLUMN accepted_at timestamptz;
ALTER TABLE dualwrite.gap ADD COLUMN accepted_by text;
ALTER TABLE dualwrite.gap ADD COLUMN used_at timestamptz; -- the producer went on
UPDATE dualwrite.gap SET used_at = now() WHERE map = '';
