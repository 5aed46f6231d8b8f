-- Several daemons that share this database.

-- +goose Up

-- A row is a daemon that runs, or ran and has not said that it ended. Who owns what stands in leases.
CREATE TABLE daemons (
    name       TEXT    NOT NULL PRIMARY KEY,
    version    TEXT    NOT NULL,
    url        TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    draining   INTEGER NOT NULL
) STRICT;

-- Which of the lanes of the outbox a delivery is in: a daemon owns lanes.
ALTER TABLE deliveries ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE deliveries DROP COLUMN lane;
DROP TABLE daemons;
