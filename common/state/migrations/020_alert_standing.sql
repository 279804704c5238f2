-- Since when a condition stands that has to last before it is an alert: a restart does not begin anew.
CREATE TABLE dualwrite.alert_standing (
    rule text,
    object text,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (rule, object)
);
-- An alert's level is that of now; one that swings has to be lower for as long before it falls.
ALTER TABLE dualwrite.alert ADD COLUMN lower_since timestamptz; -- NULL: it is not lower
