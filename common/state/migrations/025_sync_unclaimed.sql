-- A re-sync of rows that no map of a shared table has a source row for, and none has claimed in the target.
ALTER TABLE dualwrite.sync ADD COLUMN unclaimed boolean NOT NULL DEFAULT false;
