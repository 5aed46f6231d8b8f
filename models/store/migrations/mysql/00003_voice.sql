-- Calls that the platform places itself, prompts and templates under review, recordings.

-- +goose Up
ALTER TABLE tenants
    ADD COLUMN calls_hour INT NOT NULL DEFAULT 0,
    ADD COLUMN calls_day  INT NOT NULL DEFAULT 0;

ALTER TABLE numbers ADD COLUMN kind VARCHAR(32) NOT NULL DEFAULT 'private';

ALTER TABLE cdrs
    ADD COLUMN out_at          BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN out_alerting_at BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN out_answer_at   BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN out_q850        INT    NOT NULL DEFAULT 0,
    ADD COLUMN speech_plays    INT    NOT NULL DEFAULT 0,
    ADD COLUMN speech_seconds  INT    NOT NULL DEFAULT 0;

-- Calls that wait to be placed, and those being dialled until they are known to be on the switch.
CREATE TABLE outgoing (
    id         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    session_id VARCHAR(191) NOT NULL UNIQUE,
    leg_a      VARCHAR(64)  NOT NULL UNIQUE,
    `switch`   VARCHAR(64)  NOT NULL,
    host       VARCHAR(128) NOT NULL,
    tenant_id  BIGINT       NOT NULL,
    app_id     BIGINT       NOT NULL,
    mode       VARCHAR(32)  NOT NULL,
    side       VARCHAR(32)  NOT NULL,
    dialled    VARCHAR(32)  NOT NULL,
    caller     VARCHAR(64)  NOT NULL,
    callee     VARCHAR(64)  NOT NULL,
    trunk      VARCHAR(64)  NOT NULL,
    user_data  VARCHAR(256) NOT NULL,
    plan       TEXT         NOT NULL,
    record_as  VARCHAR(255) NOT NULL,
    area       VARCHAR(32)  NOT NULL,
    started_at BIGINT       NOT NULL,
    priority   INT          NOT NULL,
    state      VARCHAR(32)  NOT NULL,
    core       VARCHAR(64)  NOT NULL,
    queued_at  BIGINT       NOT NULL,
    give_up_at BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX outgoing_head   ON outgoing (app_id, state, priority, queued_at);
CREATE INDEX outgoing_expiry ON outgoing (state, give_up_at);
CREATE INDEX outgoing_tenant ON outgoing (tenant_id, state, give_up_at);

-- How many rows of outgoing are queued, an app: the sum over its shards. One row would be a lock that every acceptance waits for; a shard's
-- own count may be negative.
CREATE TABLE outgoing_depth (
    app_id    BIGINT NOT NULL,
    shard     INT    NOT NULL,
    tenant_id BIGINT NOT NULL,
    waiting   BIGINT NOT NULL,
    PRIMARY KEY (app_id, shard)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- Accepted calls in the clock hour and the day that began last. scope is "tenant:1", "app:2", "number:+86…".
CREATE TABLE call_counts (
    scope     VARCHAR(64) NOT NULL PRIMARY KEY,
    hour_at   BIGINT      NOT NULL,
    hour_used INT         NOT NULL,
    day_at    BIGINT      NOT NULL,
    day_used  INT         NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- slot is the state where a name may have one only (waiting, approved), else NULL; the unique index passes NULLs.
CREATE TABLE prompts (
    id          BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id   BIGINT       NOT NULL,
    name        VARCHAR(128) NOT NULL,
    slot        VARCHAR(32),
    state       VARCHAR(32)  NOT NULL,
    urgent      TINYINT      NOT NULL,
    uploaded_by VARCHAR(128) NOT NULL,
    uploaded_at BIGINT       NOT NULL,
    reviewed_by VARCHAR(128) NOT NULL,
    reviewed_at BIGINT       NOT NULL,
    reason      VARCHAR(512) NOT NULL,
    bytes       BIGINT       NOT NULL,
    encoding    VARCHAR(32)  NOT NULL,
    duration    BIGINT       NOT NULL,
    hash        VARCHAR(64)  NOT NULL,
    UNIQUE KEY (tenant_id, name, slot)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX prompts_tenant ON prompts (tenant_id);
CREATE INDEX prompts_state  ON prompts (state);
CREATE INDEX prompts_name   ON prompts (name);

CREATE TABLE templates (
    seq         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id          VARCHAR(32)  NOT NULL UNIQUE,
    tenant_id   BIGINT       NOT NULL,
    name        VARCHAR(64)  NOT NULL,
    content     TEXT         NOT NULL,
    voice       VARCHAR(64)  NOT NULL,
    rate        INT          NOT NULL,
    scene       VARCHAR(512) NOT NULL,
    state       VARCHAR(32)  NOT NULL,
    urgent      TINYINT      NOT NULL,
    uploaded_by VARCHAR(128) NOT NULL,
    uploaded_at BIGINT       NOT NULL,
    reviewed_by VARCHAR(128) NOT NULL,
    reviewed_at BIGINT       NOT NULL,
    reason      VARCHAR(512) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX templates_tenant ON templates (tenant_id);
CREATE INDEX templates_state  ON templates (state);

-- duration is in microseconds.
CREATE TABLE recordings (
    seq        BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(255) NOT NULL UNIQUE,
    session_id VARCHAR(191) NOT NULL,
    tenant_id  BIGINT       NOT NULL,
    app_id     BIGINT       NOT NULL,
    `switch`   VARCHAR(64)  NOT NULL,
    state      VARCHAR(32)  NOT NULL,
    bytes      BIGINT       NOT NULL,
    duration   BIGINT       NOT NULL,
    began_at   BIGINT       NOT NULL,
    wait_until BIGINT       NOT NULL,
    kept_at    BIGINT       NOT NULL,
    removed_at BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
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
ALTER TABLE cdrs DROP COLUMN speech_seconds, DROP COLUMN speech_plays, DROP COLUMN out_q850, DROP COLUMN out_answer_at,
    DROP COLUMN out_alerting_at, DROP COLUMN out_at;
ALTER TABLE numbers DROP COLUMN kind;
ALTER TABLE tenants DROP COLUMN calls_day, DROP COLUMN calls_hour;
