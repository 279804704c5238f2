-- By how many partitions a map is published from which place of the stream on: its generations from the second one.
-- dualwrite.map.partitions is the count of the newest. The positions topic has the same list; neither can lower the other.
CREATE TABLE dualwrite.map_generation (
    map text REFERENCES dualwrite.map (name),
    generation bigint,
    before int NOT NULL CHECK (before > 0),        -- partitions until its place
    partitions int NOT NULL CHECK (partitions > 0),
    epoch bigint NOT NULL,                         -- its place in the stream
    lsn pg_lsn NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (map, generation)
);
