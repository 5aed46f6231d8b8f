-- The modes beside AXB. Old rows read '' as "nothing set".

-- +goose Up
ALTER TABLE apps ADD COLUMN settings TEXT NOT NULL;

-- pairs counts the places taken: one by each binding, all of them by one that has the number for itself.
-- cause says why a number is unavailable. y_left_at is when a relation last ended for which the number was Y.
ALTER TABLE numbers
    ADD COLUMN cause     INT    NOT NULL DEFAULT 0,
    ADD COLUMN y_left_at BIGINT NOT NULL DEFAULT 0;

-- more holds the settings that only some modes have, as JSON.
ALTER TABLE bindings
    ADD COLUMN extension VARCHAR(8)   NOT NULL DEFAULT '',
    ADD COLUMN y         VARCHAR(32)  NOT NULL DEFAULT '',
    ADD COLUMN parent    VARCHAR(64)  NOT NULL DEFAULT '',
    ADD COLUMN more      VARCHAR(1024) NOT NULL DEFAULT '';
CREATE INDEX bindings_a_open ON bindings (a, closed_at);
CREATE INDEX bindings_y      ON bindings (y);

ALTER TABLE routes
    ADD COLUMN temp       VARCHAR(64) NOT NULL DEFAULT '',
    ADD COLUMN temp_until BIGINT      NOT NULL DEFAULT 0;
ALTER TABLE route_history
    ADD COLUMN temp       VARCHAR(64) NOT NULL DEFAULT '',
    ADD COLUMN temp_until BIGINT      NOT NULL DEFAULT 0;

ALTER TABLE sessions
    ADD COLUMN extension VARCHAR(8)  NOT NULL DEFAULT '',
    ADD COLUMN area      VARCHAR(32) NOT NULL DEFAULT '';
CREATE INDEX sessions_dialled ON sessions (dialled, started_at);

ALTER TABLE cdrs ADD COLUMN extension VARCHAR(8) NOT NULL DEFAULT '';

-- Numbers that carry one call at a time, and whose. A row of a session that has ended holds nobody up.
CREATE TABLE busy (
    number     VARCHAR(32)  NOT NULL PRIMARY KEY,
    session_id VARCHAR(191) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX busy_session ON busy (session_id);

CREATE TABLE barred (
    id         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id  BIGINT       NOT NULL,
    app_id     BIGINT       NOT NULL,
    kind       VARCHAR(32)  NOT NULL,
    party      VARCHAR(64)  NOT NULL,
    reason     VARCHAR(256) NOT NULL,
    created_at BIGINT       NOT NULL,
    UNIQUE KEY (party, kind, tenant_id, app_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX barred_app    ON barred (app_id);
CREATE INDEX barred_tenant ON barred (tenant_id);

-- +goose Down
DROP TABLE barred;
DROP TABLE busy;
ALTER TABLE cdrs DROP COLUMN extension;
DROP INDEX sessions_dialled ON sessions;
ALTER TABLE sessions DROP COLUMN area, DROP COLUMN extension;
ALTER TABLE route_history DROP COLUMN temp_until, DROP COLUMN temp;
ALTER TABLE routes DROP COLUMN temp_until, DROP COLUMN temp;
DROP INDEX bindings_y ON bindings;
DROP INDEX bindings_a_open ON bindings;
ALTER TABLE bindings DROP COLUMN more, DROP COLUMN parent, DROP COLUMN y, DROP COLUMN extension;
ALTER TABLE numbers DROP COLUMN y_left_at, DROP COLUMN cause;
ALTER TABLE apps DROP COLUMN settings;
