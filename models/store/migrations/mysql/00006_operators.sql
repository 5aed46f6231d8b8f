-- Who works with the platform, what they changed, and which daemon does what only one may do at a time.

-- +goose Up
CREATE TABLE operators (
    id         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(64)  NOT NULL UNIQUE,
    role       VARCHAR(32)  NOT NULL,
    tenant_id  BIGINT       NOT NULL,
    state      VARCHAR(32)  NOT NULL,
    password   VARCHAR(255) NOT NULL,
    created_at BIGINT       NOT NULL,
    login_at   BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX operators_tenant ON operators (tenant_id);
CREATE INDEX operators_role   ON operators (role);
CREATE INDEX operators_state  ON operators (state);

CREATE TABLE logins (
    id          BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    operator_id BIGINT      NOT NULL,
    kind        VARCHAR(32) NOT NULL,
    hash        VARCHAR(64) NOT NULL UNIQUE,
    name        VARCHAR(64) NOT NULL,
    created_at  BIGINT      NOT NULL,
    expires_at  BIGINT      NOT NULL,
    used_at     BIGINT      NOT NULL,
    from_addr   VARCHAR(64) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX logins_operator ON logins (operator_id);
CREATE INDEX logins_expiry   ON logins (expires_at);

-- id is given under the lock of audit_head, without gaps, and grows with at.
CREATE TABLE audit (
    id        BIGINT       NOT NULL PRIMARY KEY,
    at        BIGINT       NOT NULL,
    who       VARCHAR(128) NOT NULL,
    role      VARCHAR(32)  NOT NULL,
    tenant_id BIGINT       NOT NULL,
    action    VARCHAR(64)  NOT NULL,
    object    VARCHAR(191) NOT NULL,
    was       TEXT         NOT NULL,
    became    TEXT         NOT NULL,
    from_addr VARCHAR(64)  NOT NULL,
    request   VARCHAR(128) NOT NULL,
    previous  VARCHAR(64)  NOT NULL,
    hash      VARCHAR(64)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX audit_at     ON audit (at);
CREATE INDEX audit_who    ON audit (who);
CREATE INDEX audit_tenant ON audit (tenant_id);
CREATE INDEX audit_action ON audit (action);
CREATE INDEX audit_object ON audit (object);

-- The chain's end: how many lines there are, and the time and hash of the last one.
CREATE TABLE audit_head (
    id     INT         NOT NULL PRIMARY KEY,
    length BIGINT      NOT NULL,
    at     BIGINT      NOT NULL,
    hash   VARCHAR(64) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
INSERT INTO audit_head (id, length, at, hash) VALUES (1, 0, 0, '');

-- A lease that was given back has expires_at 0. Rows stay: token must grow.
CREATE TABLE leases (
    name       VARCHAR(128) NOT NULL PRIMARY KEY,
    holder     VARCHAR(128) NOT NULL,
    token      BIGINT       NOT NULL,
    expires_at BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- The last run of each job, and the last that failed.
CREATE TABLE job_runs (
    name       VARCHAR(64)  NOT NULL PRIMARY KEY,
    run        BIGINT       NOT NULL,
    started_at BIGINT       NOT NULL,
    ended_at   BIGINT       NOT NULL,
    touched    BIGINT       NOT NULL,
    failure    VARCHAR(512) NOT NULL,
    run_by     VARCHAR(128) NOT NULL,
    failed_at  BIGINT       NOT NULL,
    last_error VARCHAR(512) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- +goose Down
DROP TABLE job_runs;
DROP TABLE leases;
DROP TABLE audit_head;
DROP TABLE audit;
DROP TABLE logins;
DROP TABLE operators;
