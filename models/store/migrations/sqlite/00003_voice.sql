-- Calls that the platform places itself, prompts and templates under review, recordings.

-- +goose Up
ALTER TABLE tenants ADD COLUMN calls_hour INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN calls_day  INTEGER NOT NULL DEFAULT 0;

ALTER TABLE numbers ADD COLUMN kind TEXT NOT NULL DEFAULT 'private';

ALTER TABLE cdrs ADD COLUMN out_at          INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cdrs ADD COLUMN out_alerting_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cdrs ADD COLUMN out_answer_at   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cdrs ADD COLUMN out_q850        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cdrs ADD COLUMN speech_plays    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cdrs ADD COLUMN speech_seconds  INTEGER NOT NULL DEFAULT 0;

-- Calls that wait to be placed, and those being dialled until they are known to be on the switch.
CREATE TABLE outgoing (
    id         INTEGER PRIMARY KEY,
    session_id TEXT    NOT NULL UNIQUE,
    leg_a      TEXT    NOT NULL UNIQUE,
    switch     TEXT    NOT NULL,
    host       TEXT    NOT NULL,
    tenant_id  INTEGER NOT NULL,
    app_id     INTEGER NOT NULL,
    mode       TEXT    NOT NULL,
    side       TEXT    NOT NULL,
    dialled    TEXT    NOT NULL,
    caller     TEXT    NOT NULL,
    callee     TEXT    NOT NULL,
    trunk      TEXT    NOT NULL,
    user_data  TEXT    NOT NULL,
    plan       TEXT    NOT NULL,
    record_as  TEXT    NOT NULL,
    area       TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    core       TEXT    NOT NULL,
    queued_at  INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outgoing_head   ON outgoing (app_id, state, priority, queued_at);
CREATE INDEX outgoing_expiry ON outgoing (state, give_up_at);
CREATE INDEX outgoing_tenant ON outgoing (tenant_id, state, give_up_at);

-- How many rows of outgoing are queued, an app: the sum over its shards. One row would be a lock that every acceptance waits for; a shard's
-- own count may be negative.
CREATE TABLE outgoing_depth (
    app_id    INTEGER NOT NULL,
    shard     INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    waiting   INTEGER NOT NULL,
    PRIMARY KEY (app_id, shard)
) STRICT, WITHOUT ROWID;

-- Accepted calls in the clock hour and the day that began last. scope is "tenant:1", "app:2", "number:+86…".
CREATE TABLE call_counts (
    scope     TEXT    NOT NULL PRIMARY KEY,
    hour_at   INTEGER NOT NULL,
    hour_used INTEGER NOT NULL,
    day_at    INTEGER NOT NULL,
    day_used  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- slot is the state where a name may have one only (waiting, approved), else NULL; the unique index passes NULLs.
CREATE TABLE prompts (
    id          INTEGER PRIMARY KEY,
    tenant_id   INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    slot        TEXT,
    state       TEXT    NOT NULL,
    urgent      INTEGER NOT NULL,
    uploaded_by TEXT    NOT NULL,
    uploaded_at INTEGER NOT NULL,
    reviewed_by TEXT    NOT NULL,
    reviewed_at INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    bytes       INTEGER NOT NULL,
    encoding    TEXT    NOT NULL,
    duration    INTEGER NOT NULL,
    hash        TEXT    NOT NULL,
    UNIQUE (tenant_id, name, slot)
) STRICT;
CREATE INDEX prompts_tenant ON prompts (tenant_id);
CREATE INDEX prompts_state  ON prompts (state);
CREATE INDEX prompts_name   ON prompts (name);

CREATE TABLE templates (
    seq         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    tenant_id   INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    content     TEXT    NOT NULL,
    voice       TEXT    NOT NULL,
    rate        INTEGER NOT NULL,
    scene       TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    urgent      INTEGER NOT NULL,
    uploaded_by TEXT    NOT NULL,
    uploaded_at INTEGER NOT NULL,
    reviewed_by TEXT    NOT NULL,
    reviewed_at INTEGER NOT NULL,
    reason      TEXT    NOT NULL
) STRICT;
CREATE INDEX templates_tenant ON templates (tenant_id);
CREATE INDEX templates_state  ON templates (state);

-- duration is in microseconds.
CREATE TABLE recordings (
    seq        INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    session_id TEXT    NOT NULL,
    tenant_id  INTEGER NOT NULL,
    app_id     INTEGER NOT NULL,
    switch     TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    bytes      INTEGER NOT NULL,
    duration   INTEGER NOT NULL,
    began_at   INTEGER NOT NULL,
    wait_until INTEGER NOT NULL,
    kept_at    INTEGER NOT NULL,
    removed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX recordings_session ON recordings (session_id);
CREATE INDEX recordings_waiting ON recordings (state, wait_until);
CREATE INDEX recordings_state   ON recordings (state, began_at);
CREATE INDEX recordings_app     ON recordings (app_id, began_at);
CREATE INDEX recordings_tenant  ON recordings (tenant_id, began_at);
CREATE INDEX recordings_began   ON recordings (began_at);

-- +goose Down
DROP TABLE recordings;
DROP TABLE templates;
DROP TABLE prompts;
DROP TABLE call_counts;
DROP TABLE outgoing_depth;
DROP TABLE outgoing;
ALTER TABLE cdrs DROP COLUMN speech_seconds;
ALTER TABLE cdrs DROP COLUMN speech_plays;
ALTER TABLE cdrs DROP COLUMN out_q850;
ALTER TABLE cdrs DROP COLUMN out_answer_at;
ALTER TABLE cdrs DROP COLUMN out_alerting_at;
ALTER TABLE cdrs DROP COLUMN out_at;
ALTER TABLE numbers DROP COLUMN kind;
ALTER TABLE tenants DROP COLUMN calls_day;
ALTER TABLE tenants DROP COLUMN calls_hour;
