-- Times are microseconds since 1970 in UTC; 0 is "never" or "not yet". No foreign keys: the package comment of store says why.

-- +goose Up
CREATE TABLE tenants (
    id         BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(64)   NOT NULL UNIQUE,
    sp_id      VARCHAR(32)   NOT NULL UNIQUE,
    state      VARCHAR(32)   NOT NULL,
    created_at BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

CREATE TABLE apps (
    id               BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id        BIGINT        NOT NULL,
    app_key          VARCHAR(128)  NOT NULL UNIQUE,
    name             VARCHAR(64)   NOT NULL,
    mode             VARCHAR(32)   NOT NULL,
    state            VARCHAR(32)   NOT NULL,
    status_url       VARCHAR(1024) NOT NULL,
    fee_url          VARCHAR(1024) NOT NULL,
    push_scheme      VARCHAR(32)   NOT NULL,
    record           TINYINT       NOT NULL,
    sms              TINYINT       NOT NULL,
    one_use_nonce    TINYINT       NOT NULL,
    allow_from       TEXT          NOT NULL,
    pairs_per_number INT           NOT NULL,
    prompts          TEXT          NOT NULL,
    created_at       BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX apps_tenant ON apps (tenant_id);

CREATE TABLE app_secrets (
    id         BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    app_id     BIGINT        NOT NULL,
    key_id     VARCHAR(64)   NOT NULL,
    sealed     VARBINARY(1024) NOT NULL,
    created_at BIGINT        NOT NULL,
    expires_at BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX app_secrets_app ON app_secrets (app_id);
CREATE INDEX app_secrets_key ON app_secrets (key_id);

-- pairs counts the open bindings of the number, the expired ones among them until they are closed.
CREATE TABLE numbers (
    id         BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id  BIGINT        NOT NULL,
    app_id     BIGINT        NOT NULL,
    number     VARCHAR(32)   NOT NULL UNIQUE,
    area_code  VARCHAR(32)   NOT NULL,
    state      INT           NOT NULL,
    trunk      VARCHAR(64)   NOT NULL,
    pairs      INT           NOT NULL,
    created_at BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX numbers_area   ON numbers (app_id, area_code, state, pairs);
CREATE INDEX numbers_light  ON numbers (app_id, state, pairs);
CREATE INDEX numbers_app    ON numbers (app_id);
CREATE INDEX numbers_tenant ON numbers (tenant_id);

CREATE TABLE bindings (
    seq              BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id               VARCHAR(64)   NOT NULL UNIQUE,
    tenant_id        BIGINT        NOT NULL,
    app_id           BIGINT        NOT NULL,
    mode             VARCHAR(32)   NOT NULL,
    x                VARCHAR(32)   NOT NULL,
    a                VARCHAR(64)   NOT NULL,
    b                VARCHAR(64)   NOT NULL,
    direction        INT           NOT NULL,
    lifetime         INT           NOT NULL,
    record           TINYINT       NOT NULL,
    record_hint_tone VARCHAR(128)  NOT NULL,
    max_duration     INT           NOT NULL,
    last_min_voice   VARCHAR(128)  NOT NULL,
    private_sms      TINYINT       NOT NULL,
    pre_voice_a      VARCHAR(128)  NOT NULL,
    pre_voice_b      VARCHAR(128)  NOT NULL,
    user_data        VARCHAR(256)  NOT NULL,
    created_at       BIGINT        NOT NULL,
    started_at       BIGINT        NOT NULL,
    expires_at       BIGINT        NOT NULL,
    closed_at        BIGINT        NOT NULL,
    reason           VARCHAR(32)   NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX bindings_x       ON bindings (x, closed_at, expires_at);
CREATE INDEX bindings_expiry  ON bindings (closed_at, expires_at);
CREATE INDEX bindings_app     ON bindings (app_id);
CREATE INDEX bindings_open    ON bindings (app_id, closed_at);
CREATE INDEX bindings_tenant  ON bindings (tenant_id);
CREATE INDEX bindings_a       ON bindings (a);
CREATE INDEX bindings_b       ON bindings (b);

CREATE TABLE routes (
    dialled     VARCHAR(32)   NOT NULL,
    caller      VARCHAR(64)   NOT NULL,
    extension   VARCHAR(8)    NOT NULL,
    app_id      BIGINT        NOT NULL,
    binding_id  VARCHAR(64)   NOT NULL,
    destination VARCHAR(64)   NOT NULL,
    display     VARCHAR(64)   NOT NULL,
    side        VARCHAR(32)   NOT NULL,
    forbidden   TINYINT       NOT NULL,
    valid_from  BIGINT        NOT NULL,
    expires_at  BIGINT        NOT NULL,
    PRIMARY KEY (dialled, caller, extension)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

CREATE TABLE route_history (
    id          BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    dialled     VARCHAR(32)   NOT NULL,
    caller      VARCHAR(64)   NOT NULL,
    extension   VARCHAR(8)    NOT NULL,
    app_id      BIGINT        NOT NULL,
    binding_id  VARCHAR(64)   NOT NULL,
    destination VARCHAR(64)   NOT NULL,
    display     VARCHAR(64)   NOT NULL,
    side        VARCHAR(32)   NOT NULL,
    forbidden   TINYINT       NOT NULL,
    valid_from  BIGINT        NOT NULL,
    expires_at  BIGINT        NOT NULL,
    valid_to    BIGINT        NOT NULL,
    reason      VARCHAR(32)   NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX route_history_key ON route_history (dialled, caller, extension, valid_to);

CREATE TABLE sessions (
    seq        BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id         VARCHAR(191)  NOT NULL UNIQUE,
    leg_a      VARCHAR(64)   NOT NULL,
    `switch`     VARCHAR(64)   NOT NULL,
    host       VARCHAR(128)  NOT NULL,
    tenant_id  BIGINT        NOT NULL,
    app_id     BIGINT        NOT NULL,
    binding_id VARCHAR(64)   NOT NULL,
    mode       VARCHAR(32)   NOT NULL,
    side       VARCHAR(32)   NOT NULL,
    dialled    VARCHAR(32)   NOT NULL,
    caller     VARCHAR(64)   NOT NULL,
    callee     VARCHAR(64)   NOT NULL,
    trunk      VARCHAR(64)   NOT NULL,
    user_data  VARCHAR(256)  NOT NULL,
    plan       TEXT          NOT NULL,
    record_as  VARCHAR(255)  NOT NULL,
    stage      VARCHAR(32)   NOT NULL,
    stopped    TINYINT       NOT NULL,
    started_at BIGINT        NOT NULL,
    ended_at   BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX sessions_live    ON sessions (ended_at, `switch`);
CREATE INDEX sessions_started ON sessions (started_at);
CREATE INDEX sessions_switch  ON sessions (`switch`, started_at);
CREATE INDEX sessions_app     ON sessions (app_id, started_at);
CREATE INDEX sessions_tenant  ON sessions (tenant_id, started_at);
CREATE INDEX sessions_caller  ON sessions (caller, started_at);
CREATE INDEX sessions_callee  ON sessions (callee, started_at);

CREATE TABLE call_events (
    id         BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    session_id VARCHAR(191)  NOT NULL,
    evkey      VARCHAR(64)   NOT NULL,
    type       VARCHAR(32)   NOT NULL,
    at         BIGINT        NOT NULL,
    caller     VARCHAR(64)   NOT NULL,
    called     VARCHAR(64)   NOT NULL,
    state      INT           NOT NULL,
    digits     VARCHAR(64)   NOT NULL,
    UNIQUE KEY (session_id, evkey)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

CREATE TABLE cdrs (
    id           BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    session_id   VARCHAR(191)  NOT NULL UNIQUE,
    icid         VARCHAR(128)  NOT NULL,
    tenant_id    BIGINT        NOT NULL,
    app_id       BIGINT        NOT NULL,
    binding_id   VARCHAR(64)   NOT NULL,
    mode         VARCHAR(32)   NOT NULL,
    direction    INT           NOT NULL,
    x            VARCHAR(32)   NOT NULL,
    area         VARCHAR(32)   NOT NULL,
    caller       VARCHAR(64)   NOT NULL,
    display      VARCHAR(64)   NOT NULL,
    callee       VARCHAR(64)   NOT NULL,
    trunk        VARCHAR(64)   NOT NULL,
    `switch`       VARCHAR(64)   NOT NULL,
    host         VARCHAR(128)  NOT NULL,
    call_in_at   BIGINT        NOT NULL,
    start_at     BIGINT        NOT NULL,
    alerting_at  BIGINT        NOT NULL,
    answer_at    BIGINT        NOT NULL,
    end_at       BIGINT        NOT NULL,
    fail_at      BIGINT        NOT NULL,
    q850         INT           NOT NULL,
    fail         INT           NOT NULL,
    sip_status   INT           NOT NULL,
    hung_up_by   INT           NOT NULL,
    record       TINYINT       NOT NULL,
    record_at    BIGINT        NOT NULL,
    record_file  VARCHAR(255)  NOT NULL,
    user_data    VARCHAR(256)  NOT NULL,
    source       VARCHAR(32)   NOT NULL,
    completed_at BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX cdrs_call_in ON cdrs (call_in_at);
CREATE INDEX cdrs_app     ON cdrs (app_id, call_in_at);
CREATE INDEX cdrs_tenant  ON cdrs (tenant_id, call_in_at);
CREATE INDEX cdrs_caller  ON cdrs (caller, call_in_at);
CREATE INDEX cdrs_callee  ON cdrs (callee, call_in_at);
CREATE INDEX cdrs_x       ON cdrs (x, call_in_at);

-- dkey is NULL for a delivery that may be written again (test pushes); the unique index passes NULLs.
CREATE TABLE deliveries (
    id          BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    app_id      BIGINT        NOT NULL,
    session_id  VARCHAR(191)  NOT NULL,
    dkey        VARCHAR(64),
    kind        VARCHAR(32)   NOT NULL,
    url         VARCHAR(1024) NOT NULL,
    body        MEDIUMBLOB    NOT NULL,
    state       VARCHAR(32)   NOT NULL,
    attempts    INT           NOT NULL,
    first_at    BIGINT        NOT NULL,
    due_at      BIGINT        NOT NULL,
    last_status INT           NOT NULL,
    last_error  VARCHAR(512)  NOT NULL,
    created_at  BIGINT        NOT NULL,
    ended_at    BIGINT        NOT NULL,
    UNIQUE KEY (session_id, dkey)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX deliveries_due     ON deliveries (state, due_at);
CREATE INDEX deliveries_state   ON deliveries (state);
CREATE INDEX deliveries_created ON deliveries (created_at);
CREATE INDEX deliveries_app     ON deliveries (app_id, created_at);
CREATE INDEX deliveries_dead    ON deliveries (app_id, state, ended_at);

-- Both hashes are SHA-256 in hex. nonce_key is unique: the nonce's hash for an app that allows a nonce once, else request_key again.
CREATE TABLE api_replies (
    request_key CHAR(64)      NOT NULL PRIMARY KEY,
    nonce_key   CHAR(64)      NOT NULL UNIQUE,
    nonce_hash  CHAR(64)      NOT NULL,
    status      INT           NOT NULL,
    body        MEDIUMBLOB    NOT NULL,
    created_at  BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX api_replies_nonce   ON api_replies (nonce_hash);
CREATE INDEX api_replies_created ON api_replies (created_at);

-- +goose Down
DROP TABLE api_replies;
DROP TABLE deliveries;
DROP TABLE cdrs;
DROP TABLE call_events;
DROP TABLE sessions;
DROP TABLE route_history;
DROP TABLE routes;
DROP TABLE bindings;
DROP TABLE numbers;
DROP TABLE app_secrets;
DROP TABLE apps;
DROP TABLE tenants;
