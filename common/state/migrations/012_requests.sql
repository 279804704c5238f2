-- Requests of the operator API that carried an Idempotency-Key, with their answers: sent again within a day they get the
-- same answer, and nothing is done twice.
CREATE TABLE dualwrite.request (
    token text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL, -- SHA-256 of method, path, query and body
    status int, -- NULL: no answer yet, or the process that worked on it is gone
    answer bytea,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (token, key)
);
CREATE INDEX request_at ON dualwrite.request (at);
