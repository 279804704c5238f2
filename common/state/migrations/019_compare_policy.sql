-- Which kinds of differences a repair reads again: those of a policy may be fewer.
ALTER TABLE dualwrite.reconcile_run ADD COLUMN repair_kinds text[] NOT NULL DEFAULT '{missing,different,held}';
