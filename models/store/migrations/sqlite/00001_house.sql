-- Times are microseconds since 1970 in UTC; 0 is "never" or "not yet". No foreign keys: the package comment of store says why.

-- +goose Up
CREATE TABLE tenants (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    sp_id      TEXT    NOT NULL UNIQUE,
    state      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE apps (
    id               INTEGER PRIMARY KEY,
    tenant_id        INTEGER NOT NULL,
    app_key          TEXT    NOT NULL UNIQUE,
    name             TEXT    NOT NULL,
    mode             TEXT    NOT NULL,
    state            TEXT    NOT NULL,
    status_url       TEXT    NOT NULL,
    fee_url          TEXT    NOT NULL,
    push_scheme      TEXT    NOT NULL,
    record           INTEGER NOT NULL,
    sms              INTEGER NOT NULL,
    one_use_nonce    INTEGER NOT NULL,
    allow_from       TEXT    NOT NULL,
    pairs_per_number INTEGER NOT NULL,
    prompts          TEXT    NOT NULL,
    created_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX apps_tenant ON apps (tenant_id);

CREATE TABLE app_secrets (
    id         INTEGER PRIMARY KEY,
    app_id     INTEGER NOT NULL,
    key_id     TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX app_secrets_app ON app_secrets (app_id);
CREATE INDEX app_secrets_key ON app_secrets (key_id);

-- pairs counts the open bindings of the number, the expired ones among them until they are closed.
CREATE TABLE numbers (
    id         INTEGER PRIMARY KEY,
    tenant_id  INTEGER NOT NULL,
    app_id     INTEGER NOT NULL,
    number     TEXT    NOT NULL UNIQUE,
    area_code  TEXT    NOT NULL,
    state      INTEGER NOT NULL,
    trunk      TEXT    NOT NULL,
    pairs      INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX numbers_area   ON numbers (app_id, area_code, state, pairs);
CREATE INDEX numbers_light  ON numbers (app_id, state, pairs);
CREATE INDEX numbers_app    ON numbers (app_id);
CREATE INDEX numbers_tenant ON numbers (tenant_id);

CREATE TABLE bindings (
    seq              INTEGER PRIMARY KEY,
    id               TEXT    NOT NULL UNIQUE,
    tenant_id        INTEGER NOT NULL,
    app_id           INTEGER NOT NULL,
    mode             TEXT    NOT NULL,
    x                TEXT    NOT NULL,
    a                TEXT    NOT NULL,
    b                TEXT    NOT NULL,
    direction        INTEGER NOT NULL,
    lifetime         INTEGER NOT NULL,
    record           INTEGER NOT NULL,
    record_hint_tone TEXT    NOT NULL,
    max_duration     INTEGER NOT NULL,
    last_min_voice   TEXT    NOT NULL,
    private_sms      INTEGER NOT NULL,
    pre_voice_a      TEXT    NOT NULL,
    pre_voice_b      TEXT    NOT NULL,
    user_data        TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    closed_at        INTEGER NOT NULL,
    reason           TEXT    NOT NULL
) STRICT;
CREATE INDEX bindings_x       ON bindings (x, closed_at, expires_at);
CREATE INDEX bindings_expiry  ON bindings (closed_at, expires_at);
CREATE INDEX bindings_app     ON bindings (app_id);
CREATE INDEX bindings_open    ON bindings (app_id, closed_at);
CREATE INDEX bindings_tenant  ON bindings (tenant_id);
CREATE INDEX bindings_a       ON bindings (a);
CREATE INDEX bindings_b       ON bindings (b);

CREATE TABLE routes (
    dialled     TEXT    NOT NULL,
    caller      TEXT    NOT NULL,
    extension   TEXT    NOT NULL,
    app_id      INTEGER NOT NULL,
    binding_id  TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    display     TEXT    NOT NULL,
    side        TEXT    NOT NULL,
    forbidden   INTEGER NOT NULL,
    valid_from  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (dialled, caller, extension)
) STRICT, WITHOUT ROWID;

CREATE TABLE route_history (
    id          INTEGER PRIMARY KEY,
    dialled     TEXT    NOT NULL,
    caller      TEXT    NOT NULL,
    extension   TEXT    NOT NULL,
    app_id      INTEGER NOT NULL,
    binding_id  TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    display     TEXT    NOT NULL,
    side        TEXT    NOT NULL,
    forbidden   INTEGER NOT NULL,
    valid_from  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    valid_to    INTEGER NOT NULL,
    reason      TEXT    NOT NULL
) STRICT;
CREATE INDEX route_history_key ON route_history (dialled, caller, extension, valid_to);

CREATE TABLE sessions (
    seq        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    leg_a      TEXT    NOT NULL,
    switch     TEXT    NOT NULL,
    host       TEXT    NOT NULL,
    tenant_id  INTEGER NOT NULL,
    app_id     INTEGER NOT NULL,
    binding_id TEXT    NOT NULL,
    mode       TEXT    NOT NULL,
    side       TEXT    NOT NULL,
    dialled    TEXT    NOT NULL,
    caller     TEXT    NOT NULL,
    callee     TEXT    NOT NULL,
    trunk      TEXT    NOT NULL,
    user_data  TEXT    NOT NULL,
    plan       TEXT    NOT NULL,
    record_as  TEXT    NOT NULL,
    stage      TEXT    NOT NULL,
    stopped    INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_live    ON sessions (ended_at, switch);
CREATE INDEX sessions_started ON sessions (started_at);
CREATE INDEX sessions_switch  ON sessions (switch, started_at);
CREATE INDEX sessions_app     ON sessions (app_id, started_at);
CREATE INDEX sessions_tenant  ON sessions (tenant_id, started_at);
CREATE INDEX sessions_caller  ON sessions (caller, started_at);
CREATE INDEX sessions_callee  ON sessions (callee, started_at);

CREATE TABLE call_events (
    id         INTEGER PRIMARY KEY,
    session_id TEXT    NOT NULL,
    evkey      TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    caller     TEXT    NOT NULL,
    called     TEXT    NOT NULL,
    state      INTEGER NOT NULL,
    digits     TEXT    NOT NULL,
    UNIQUE (session_id, evkey)
) STRICT;

CREATE TABLE cdrs (
    id           INTEGER PRIMARY KEY,
    session_id   TEXT    NOT NULL UNIQUE,
    icid         TEXT    NOT NULL,
    tenant_id    INTEGER NOT NULL,
    app_id       INTEGER NOT NULL,
    binding_id   TEXT    NOT NULL,
    mode         TEXT    NOT NULL,
    direction    INTEGER NOT NULL,
    x            TEXT    NOT NULL,
    area         TEXT    NOT NULL,
    caller       TEXT    NOT NULL,
    display      TEXT    NOT NULL,
    callee       TEXT    NOT NULL,
    trunk        TEXT    NOT NULL,
    switch       TEXT    NOT NULL,
    host         TEXT    NOT NULL,
    call_in_at   INTEGER NOT NULL,
    start_at     INTEGER NOT NULL,
    alerting_at  INTEGER NOT NULL,
    answer_at    INTEGER NOT NULL,
    end_at       INTEGER NOT NULL,
    fail_at      INTEGER NOT NULL,
    q850         INTEGER NOT NULL,
    fail         INTEGER NOT NULL,
    sip_status   INTEGER NOT NULL,
    hung_up_by   INTEGER NOT NULL,
    record       INTEGER NOT NULL,
    record_at    INTEGER NOT NULL,
    record_file  TEXT    NOT NULL,
    user_data    TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    completed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cdrs_call_in ON cdrs (call_in_at);
CREATE INDEX cdrs_app     ON cdrs (app_id, call_in_at);
CREATE INDEX cdrs_tenant  ON cdrs (tenant_id, call_in_at);
CREATE INDEX cdrs_caller  ON cdrs (caller, call_in_at);
CREATE INDEX cdrs_callee  ON cdrs (callee, call_in_at);
CREATE INDEX cdrs_x       ON cdrs (x, call_in_at);

-- dkey is NULL for a delivery that may be written again (test pushes); the unique index passes NULLs.
CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY,
    app_id      INTEGER NOT NULL,
    session_id  TEXT    NOT NULL,
    dkey        TEXT,
    kind        TEXT    NOT NULL,
    url         TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    state       TEXT    NOT NULL,
    attempts    INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    last_status INTEGER NOT NULL,
    last_error  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    UNIQUE (session_id, dkey)
) STRICT;
CREATE INDEX deliveries_due     ON deliveries (state, due_at);
CREATE INDEX deliveries_state   ON deliveries (state);
CREATE INDEX deliveries_created ON deliveries (created_at);
CREATE INDEX deliveries_app     ON deliveries (app_id, created_at);
CREATE INDEX deliveries_dead    ON deliveries (app_id, state, ended_at);

-- Both hashes are SHA-256 in hex. nonce_key is unique: the nonce's hash for an app that allows a nonce once, else request_key again.
CREATE TABLE api_replies (
    request_key TEXT    NOT NULL PRIMARY KEY,
    nonce_key   TEXT    NOT NULL UNIQUE,
    nonce_hash  TEXT    NOT NULL,
    status      INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
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
