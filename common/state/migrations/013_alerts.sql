-- Alerts: what fires now and what was, who was told of it, and what nobody wants to be told of.
CREATE TABLE dualwrite.alert (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule text NOT NULL,   -- "lag"
    object text NOT NULL, -- the map, the system
    level text NOT NULL CHECK (level IN ('warning', 'critical', 'lost')), -- the worst so far while it fires
    message text NOT NULL,
    remedy text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz, -- NULL: it fires
    -- Rises with what is news: fired, worse, over. Webhooks are told of each once.
    version int NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT now() -- when the version rose
);
CREATE UNIQUE INDEX alert_firing ON dualwrite.alert (rule, object) WHERE resolved_at IS NULL;
CREATE INDEX alert_resolved ON dualwrite.alert (resolved_at) WHERE resolved_at IS NOT NULL;

-- What a webhook was told; a row is written once the receiver has acknowledged it.
CREATE TABLE dualwrite.alert_delivery (
    alert bigint NOT NULL REFERENCES dualwrite.alert (id) ON DELETE CASCADE,
    webhook text NOT NULL,
    version int NOT NULL,
    delivered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (alert, webhook)
);

-- How it goes with each webhook.
CREATE TABLE dualwrite.webhook (
    name text PRIMARY KEY,
    delivered_at timestamptz,
    failing_since timestamptz, -- NULL: the last delivery worked
    tries bigint NOT NULL DEFAULT 0, -- since then
    error text NOT NULL DEFAULT ''
);

CREATE TABLE dualwrite.alert_silence (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule text NOT NULL DEFAULT '',   -- '': every
    object text NOT NULL DEFAULT '', -- '': every
    until timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- New letters of the last minutes are counted all the time.
CREATE INDEX dead_letter_recent ON dualwrite.dead_letter (indexed_at);
