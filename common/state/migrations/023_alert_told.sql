-- As what a webhook was told of an alert, and whether it was told that this is over: one that takes critical ones alone hears
-- so when the level falls.
ALTER TABLE dualwrite.alert_delivery
    ADD COLUMN level text, -- NULL: told before this column was there
    ADD COLUMN over boolean NOT NULL DEFAULT false;
