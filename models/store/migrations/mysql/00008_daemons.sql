-- Several daemons that share this database.

-- +goose Up

-- A row is a daemon that runs, or ran and has not said that it ended. Who owns what stands in leases.
CREATE TABLE daemons (
    name       VARCHAR(128) NOT NULL PRIMARY KEY,
    version    VARCHAR(64)  NOT NULL,
    url        VARCHAR(255) NOT NULL,
    started_at BIGINT       NOT NULL,
    seen_at    BIGINT       NOT NULL,
    draining   BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- Which of the lanes of the outbox a delivery is in: a daemon owns lanes.
ALTER TABLE deliveries ADD COLUMN lane SMALLINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE deliveries DROP COLUMN lane;
DROP TABLE daemons;
