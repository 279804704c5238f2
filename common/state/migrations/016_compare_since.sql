-- A comparison of the rows that changed since a moment alone.
ALTER TABLE dualwrite.reconcile_run ADD COLUMN since timestamptz;
