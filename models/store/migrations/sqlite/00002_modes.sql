-- The modes beside AXB. Old rows read '' as "nothing set".

-- +goose Up
ALTER TABLE apps ADD COLUMN settings TEXT NOT NULL DEFAULT '';

-- pairs counts the places taken: one by each binding, all of them by one that has the number for itself.
-- cause says why a number is unavailable. y_left_at is when a relation last ended for which the number was Y.
ALTER TABLE numbers ADD COLUMN cause     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE numbers ADD COLUMN y_left_at INTEGER NOT NULL DEFAULT 0;

-- more holds the settings that only some modes have, as JSON.
ALTER TABLE bindings ADD COLUMN extension TEXT NOT NULL DEFAULT '';
ALTER TABLE bindings ADD COLUMN y         TEXT NOT NULL DEFAULT '';
ALTER TABLE bindings ADD COLUMN parent    TEXT NOT NULL DEFAULT '';
ALTER TABLE bindings ADD COLUMN more      TEXT NOT NULL DEFAULT '';
CREATE INDEX bindings_a_open ON bindings (a, closed_at);
CREATE INDEX bindings_y      ON bindings (y);

ALTER TABLE routes        ADD COLUMN temp       TEXT    NOT NULL DEFAULT '';
ALTER TABLE routes        ADD COLUMN temp_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE route_history ADD COLUMN temp       TEXT    NOT NULL DEFAULT '';
ALTER TABLE route_history ADD COLUMN temp_until INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sessions ADD COLUMN extension TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN area      TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_dialled ON sessions (dialled, started_at);

ALTER TABLE cdrs ADD COLUMN extension TEXT NOT NULL DEFAULT '';

-- Numbers that carry one call at a time, and whose. A row of a session that has ended holds nobody up.
CREATE TABLE busy (
    number     TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX busy_session ON busy (session_id);

CREATE TABLE barred (
    id         INTEGER PRIMARY KEY,
    tenant_id  INTEGER NOT NULL,
    app_id     INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    party      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (party, kind, tenant_id, app_id)
) STRICT;
CREATE INDEX barred_app    ON barred (app_id);
CREATE INDEX barred_tenant ON barred (tenant_id);

-- +goose Down
DROP TABLE barred;
DROP TABLE busy;
ALTER TABLE cdrs DROP COLUMN extension;
DROP INDEX sessions_dialled;
ALTER TABLE sessions DROP COLUMN area;
ALTER TABLE sessions DROP COLUMN extension;
ALTER TABLE route_history DROP COLUMN temp_until;
ALTER TABLE route_history DROP COLUMN temp;
ALTER TABLE routes DROP COLUMN temp_until;
ALTER TABLE routes DROP COLUMN temp;
DROP INDEX bindings_y;
DROP INDEX bindings_a_open;
ALTER TABLE bindings DROP COLUMN more;
ALTER TABLE bindings DROP COLUMN parent;
ALTER TABLE bindings DROP COLUMN y;
ALTER TABLE bindings DROP COLUMN extension;
ALTER TABLE numbers DROP COLUMN y_left_at;
ALTER TABLE numbers DROP COLUMN cause;
ALTER TABLE apps DROP COLUMN settings;
