-- Bounds of what a tenant's calls may cost, and what they have used.

-- +goose Up
ALTER TABLE tenants  ADD COLUMN toll    TEXT NOT NULL;
ALTER TABLE sessions ADD COLUMN counted TINYINT NOT NULL DEFAULT 0;

-- Of tenants with limits alone. What was used in the clock hour and the day (UTC) that began last; seconds are those of calls that are over.
CREATE TABLE toll_counts (
    tenant_id   BIGINT NOT NULL PRIMARY KEY,
    hour_at     BIGINT NOT NULL,
    hour_used   BIGINT NOT NULL,
    day_at      BIGINT NOT NULL,
    day_used    BIGINT NOT NULL,
    day_seconds BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- Their calls that go on: a row goes in the transaction that ends its session.
CREATE TABLE toll_calls (
    tenant_id  BIGINT       NOT NULL,
    session_id VARCHAR(191) NOT NULL,
    began_at   BIGINT       NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- +goose Down
DROP TABLE toll_calls;
DROP TABLE toll_counts;
ALTER TABLE sessions DROP COLUMN counted;
ALTER TABLE tenants DROP COLUMN toll;
