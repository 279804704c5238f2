-- Which dead letter holds a row, by its place: it may be indexed after the row was judged.
ALTER TABLE dualwrite.reconcile_difference
    ADD COLUMN letter_topic text,
    ADD COLUMN letter_partition int,
    ADD COLUMN letter_offset bigint;
CREATE INDEX reconcile_difference_unlinked ON dualwrite.reconcile_difference (run)
    WHERE letter IS NULL AND letter_topic IS NOT NULL;
