-- Enterprises, orders of numbers, the stock they are delivered from, who holds a number, registered parties, contacts.

-- +goose Up
CREATE INDEX numbers_ends ON numbers (ends_at);

CREATE TABLE enterprises (
    id          INTEGER PRIMARY KEY,
    tenant_id   INTEGER NOT NULL UNIQUE,
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    licence     TEXT    NOT NULL,
    documents   TEXT    NOT NULL,
    scenario    TEXT    NOT NULL,
    script      TEXT    NOT NULL,
    business    TEXT    NOT NULL,
    sms         INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    urgent      INTEGER NOT NULL,
    uploaded_by TEXT    NOT NULL,
    uploaded_at INTEGER NOT NULL,
    reviewed_by TEXT    NOT NULL,
    reviewed_at INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    refusals    INTEGER NOT NULL
) STRICT;
CREATE INDEX enterprises_state ON enterprises (state);

CREATE TABLE orders (
    id           INTEGER PRIMARY KEY,
    tenant_id    INTEGER NOT NULL,
    app_id       INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    area_code    TEXT    NOT NULL,
    carrier      TEXT    NOT NULL,
    wanted       INTEGER NOT NULL,
    quick        INTEGER NOT NULL,
    recording    INTEGER NOT NULL,
    inspection   INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    requested_by TEXT    NOT NULL,
    requested_at INTEGER NOT NULL,
    reviewed_by  TEXT    NOT NULL,
    reviewed_at  INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    delivered_by TEXT    NOT NULL,
    delivered_at INTEGER NOT NULL,
    numbers      TEXT    NOT NULL
) STRICT;
CREATE INDEX orders_tenant ON orders (tenant_id);
CREATE INDEX orders_app    ON orders (app_id);
CREATE INDEX orders_state  ON orders (state);

-- A number stays here while an app has it: order_id is the order that took it, -1 when the app got it without one, 0 when it is to be had
-- once free_at is past.
CREATE TABLE stock (
    id        INTEGER PRIMARY KEY,
    number    TEXT    NOT NULL UNIQUE,
    kind      TEXT    NOT NULL,
    area_code TEXT    NOT NULL,
    carrier   TEXT    NOT NULL,
    trunk     TEXT    NOT NULL,
    free_at   INTEGER NOT NULL,
    added_at  INTEGER NOT NULL,
    order_id  INTEGER NOT NULL
) STRICT;
CREATE INDEX stock_order ON stock (order_id);
CREATE INDEX stock_area  ON stock (order_id, area_code);

CREATE TABLE returned_numbers (
    id           INTEGER PRIMARY KEY,
    number       TEXT    NOT NULL,
    tenant_id    INTEGER NOT NULL,
    app_id       INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    area_code    TEXT    NOT NULL,
    delivered_at INTEGER NOT NULL,
    returned_at  INTEGER NOT NULL,
    returned_by  TEXT    NOT NULL,
    reason       TEXT    NOT NULL
) STRICT;
CREATE INDEX returned_numbers_number ON returned_numbers (number);
CREATE INDEX returned_numbers_tenant ON returned_numbers (tenant_id);

-- sealed is the ID number. Of a number at most one row is open (until_at 0).
CREATE TABLE holders (
    id         INTEGER PRIMARY KEY,
    number     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    since_at   INTEGER NOT NULL,
    until_at   INTEGER NOT NULL,
    changed_by TEXT    NOT NULL
) STRICT;
CREATE INDEX holders_number ON holders (number);
CREATE INDEX holders_key    ON holders (key_id);

CREATE TABLE registered_parties (
    id            INTEGER PRIMARY KEY,
    tenant_id     INTEGER NOT NULL,
    party         TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    registered_at INTEGER NOT NULL,
    UNIQUE (party, tenant_id)
) STRICT;
CREATE INDEX registered_parties_tenant ON registered_parties (tenant_id);

CREATE TABLE contacts (
    id        INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    phone     TEXT    NOT NULL,
    mail      TEXT    NOT NULL,
    webhook   TEXT    NOT NULL,
    notices   TEXT    NOT NULL
) STRICT;
CREATE INDEX contacts_tenant ON contacts (tenant_id);

-- +goose Down
DROP TABLE contacts;
DROP TABLE registered_parties;
DROP TABLE holders;
DROP TABLE returned_numbers;
DROP TABLE stock;
DROP TABLE orders;
DROP TABLE enterprises;
DROP INDEX numbers_ends;
