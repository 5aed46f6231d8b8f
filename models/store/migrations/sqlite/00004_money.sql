-- The ledger, price plans, charges and packages; what a tenant may owe, and since when his numbers are paid for. Amounts are 1/10000.

-- +goose Up
ALTER TABLE tenants ADD COLUMN credit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN arrears INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN zone TEXT NOT NULL DEFAULT '';

ALTER TABLE numbers ADD COLUMN suspended_for TEXT NOT NULL DEFAULT '';
ALTER TABLE numbers ADD COLUMN ends_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE numbers ADD COLUMN delivered_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX numbers_rent ON numbers (tenant_id, number);

-- unrated is 1 for an answered call whose charges could not be made when it ended. Calls from before this migration are not billed.
ALTER TABLE cdrs ADD COLUMN unrated INTEGER NOT NULL DEFAULT 0;
CREATE INDEX cdrs_unrated ON cdrs (unrated);

CREATE TABLE entries (
    id        INTEGER PRIMARY KEY,
    ekey      TEXT    NOT NULL UNIQUE,
    kind      TEXT    NOT NULL,
    tenant_id INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    for_at    INTEGER NOT NULL,
    memo      TEXT    NOT NULL,
    by_whom   TEXT    NOT NULL
) STRICT;
CREATE INDEX entries_at     ON entries (at);
CREATE INDEX entries_kind   ON entries (kind, at);
CREATE INDEX entries_tenant ON entries (tenant_id, at);

-- at is the entry's, so that an account's postings are read in order.
CREATE TABLE postings (
    entry_id INTEGER NOT NULL,
    line     INTEGER NOT NULL,
    account  TEXT    NOT NULL,
    amount   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (entry_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX postings_account ON postings (account, at, entry_id, amount);

-- The sum of an account's postings, kept with each of them.
CREATE TABLE balances (
    account TEXT    NOT NULL PRIMARY KEY,
    amount  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE price_plans (
    id         INTEGER PRIMARY KEY,
    tenant_id  INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    from_at    INTEGER NOT NULL,
    until_at   INTEGER NOT NULL,
    calls      TEXT    NOT NULL,
    rent       TEXT    NOT NULL,
    cut_calls  INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX price_plans_tenant ON price_plans (tenant_id, from_at);

-- billed is what the balance paid, once the charge is settled: amount less what packages covered.
CREATE TABLE charges (
    id              INTEGER PRIMARY KEY,
    session_id      TEXT    NOT NULL,
    leg             INTEGER NOT NULL,
    cdr_id          INTEGER NOT NULL,
    tenant_id       INTEGER NOT NULL,
    app_id          INTEGER NOT NULL,
    mode            TEXT    NOT NULL,
    end_at          INTEGER NOT NULL,
    seconds         INTEGER NOT NULL,
    units           INTEGER NOT NULL,
    minutes         INTEGER NOT NULL,
    plan_id         INTEGER NOT NULL,
    amount          INTEGER NOT NULL,
    why             TEXT    NOT NULL,
    entry_id        INTEGER NOT NULL,
    package_minutes INTEGER NOT NULL,
    billed          INTEGER NOT NULL,
    settled_at      INTEGER NOT NULL,
    UNIQUE (session_id, leg)
) STRICT;
CREATE INDEX charges_open   ON charges (settled_at, tenant_id, end_at);
CREATE INDEX charges_tenant ON charges (tenant_id, end_at);
CREATE INDEX charges_app    ON charges (app_id, end_at);
CREATE INDEX charges_end    ON charges (end_at);

-- Hours that were settled to their end. What is found in them later is a correction.
CREATE TABLE settled_hours (
    tenant_id  INTEGER NOT NULL,
    hour_at    INTEGER NOT NULL,
    settled_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, hour_at)
) STRICT, WITHOUT ROWID;

-- pkey is the key of the entry that paid it; a package that costs nothing has a key and no entry.
CREATE TABLE packages (
    id           INTEGER PRIMARY KEY,
    pkey         TEXT    NOT NULL UNIQUE,
    tenant_id    INTEGER NOT NULL,
    name         TEXT    NOT NULL,
    modes        TEXT    NOT NULL,
    minutes      INTEGER NOT NULL,
    minutes_left INTEGER NOT NULL,
    price        INTEGER NOT NULL,
    bought_at    INTEGER NOT NULL,
    from_at      INTEGER NOT NULL,
    until_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX packages_tenant ON packages (tenant_id, until_at);

-- +goose Down
DROP TABLE packages;
DROP TABLE settled_hours;
DROP TABLE charges;
DROP TABLE price_plans;
DROP TABLE balances;
DROP TABLE postings;
DROP TABLE entries;
DROP INDEX cdrs_unrated;
ALTER TABLE cdrs DROP COLUMN unrated;
DROP INDEX numbers_rent;
ALTER TABLE numbers DROP COLUMN delivered_at;
ALTER TABLE numbers DROP COLUMN ends_at;
ALTER TABLE numbers DROP COLUMN suspended_for;
ALTER TABLE tenants DROP COLUMN zone;
ALTER TABLE tenants DROP COLUMN arrears;
ALTER TABLE tenants DROP COLUMN credit;
