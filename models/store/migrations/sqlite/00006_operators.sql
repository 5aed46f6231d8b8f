-- Who works with the platform, what they changed, and which daemon does what only one may do at a time.

-- +goose Up
CREATE TABLE operators (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    role       TEXT    NOT NULL,
    tenant_id  INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    password   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    login_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX operators_tenant ON operators (tenant_id);
CREATE INDEX operators_role   ON operators (role);
CREATE INDEX operators_state  ON operators (state);

CREATE TABLE logins (
    id          INTEGER PRIMARY KEY,
    operator_id INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    hash        TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER NOT NULL,
    from_addr   TEXT    NOT NULL
) STRICT;
CREATE INDEX logins_operator ON logins (operator_id);
CREATE INDEX logins_expiry   ON logins (expires_at);

-- id is given under the lock of audit_head, without gaps, and grows with at.
CREATE TABLE audit (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    who       TEXT    NOT NULL,
    role      TEXT    NOT NULL,
    tenant_id INTEGER NOT NULL,
    action    TEXT    NOT NULL,
    object    TEXT    NOT NULL,
    was       TEXT    NOT NULL,
    became    TEXT    NOT NULL,
    from_addr TEXT    NOT NULL,
    request   TEXT    NOT NULL,
    previous  TEXT    NOT NULL,
    hash      TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_at     ON audit (at);
CREATE INDEX audit_who    ON audit (who);
CREATE INDEX audit_tenant ON audit (tenant_id);
CREATE INDEX audit_action ON audit (action);
CREATE INDEX audit_object ON audit (object);

-- The chain's end: how many lines there are, and the time and hash of the last one.
CREATE TABLE audit_head (
    id     INTEGER PRIMARY KEY,
    length INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    hash   TEXT    NOT NULL
) STRICT;
INSERT INTO audit_head (id, length, at, hash) VALUES (1, 0, 0, '');

-- A lease that was given back has expires_at 0. Rows stay: token must grow.
CREATE TABLE leases (
    name       TEXT    NOT NULL PRIMARY KEY,
    holder     TEXT    NOT NULL,
    token      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- The last run of each job, and the last that failed.
CREATE TABLE job_runs (
    name       TEXT    NOT NULL PRIMARY KEY,
    run        INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    touched    INTEGER NOT NULL,
    failure    TEXT    NOT NULL,
    run_by     TEXT    NOT NULL,
    failed_at  INTEGER NOT NULL,
    last_error TEXT    NOT NULL
) STRICT;

-- +goose Down
DROP TABLE job_runs;
DROP TABLE leases;
DROP TABLE audit_head;
DROP TABLE audit;
DROP TABLE logins;
DROP TABLE operators;
