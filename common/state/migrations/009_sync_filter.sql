-- A re-sync of the rows that match an expression. What is extra in the target has no row that could match.
ALTER TABLE dualwrite.sync ADD COLUMN filter text;
ALTER TABLE dualwrite.sync ADD CONSTRAINT sync_filter_check
    CHECK (filter IS NULL OR (keys IS NULL AND NOT delete_extra));
