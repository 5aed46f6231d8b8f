-- Bounds of what a tenant's calls may cost, and what they have used.

-- +goose Up
ALTER TABLE tenants  ADD COLUMN toll    TEXT    NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;

-- Of tenants with limits alone. What was used in the clock hour and the day (UTC) that began last; seconds are those of calls that are over.
CREATE TABLE toll_counts (
    tenant_id   INTEGER NOT NULL PRIMARY KEY,
    hour_at     INTEGER NOT NULL,
    hour_used   INTEGER NOT NULL,
    day_at      INTEGER NOT NULL,
    day_used    INTEGER NOT NULL,
    day_seconds INTEGER NOT NULL
) STRICT;

-- Their calls that go on: a row goes in the transaction that ends its session.
CREATE TABLE toll_calls (
    tenant_id  INTEGER NOT NULL,
    session_id TEXT    NOT NULL,
    began_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE toll_calls;
DROP TABLE toll_counts;
ALTER TABLE sessions DROP COLUMN counted;
ALTER TABLE tenants DROP COLUMN toll;
