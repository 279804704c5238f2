-- What each map did, by the hour: from this the daily digest is made. A row is written while something happens.
CREATE TABLE dualwrite.map_sample (
    map text NOT NULL,
    hour timestamptz NOT NULL,
    events bigint NOT NULL DEFAULT 0, -- settled by the target
    dead bigint NOT NULL DEFAULT 0,   -- that died
    letters bigint NOT NULL DEFAULT 0, -- open dead letters at the last look
    lag_max_us bigint NOT NULL DEFAULT 0,
    latency bigint[] NOT NULL, -- observations by bucket, source commit to target commit
    events_total bigint NOT NULL DEFAULT 0, -- the target's counts at the last look, from which the next ones are told
    dead_total bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (map, hour)
);
CREATE INDEX map_sample_hour ON dualwrite.map_sample (hour);

CREATE TABLE dualwrite.digest_delivery (
    day date NOT NULL,
    webhook text NOT NULL,
    delivered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, webhook)
);
