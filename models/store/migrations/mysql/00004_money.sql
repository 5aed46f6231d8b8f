-- The ledger, price plans, charges and packages; what a tenant may owe, and since when his numbers are paid for. Amounts are 1/10000.

-- +goose Up
ALTER TABLE tenants
    ADD COLUMN credit  BIGINT      NOT NULL DEFAULT 0,
    ADD COLUMN arrears TINYINT     NOT NULL DEFAULT 0,
    ADD COLUMN zone    VARCHAR(64) NOT NULL DEFAULT '';

ALTER TABLE numbers
    ADD COLUMN suspended_for VARCHAR(32) NOT NULL DEFAULT '',
    ADD COLUMN ends_at       BIGINT      NOT NULL DEFAULT 0,
    ADD COLUMN delivered_at  BIGINT      NOT NULL DEFAULT 0;
CREATE INDEX numbers_rent ON numbers (tenant_id, number);

-- unrated is 1 for an answered call whose charges could not be made when it ended. Calls from before this migration are not billed.
ALTER TABLE cdrs ADD COLUMN unrated TINYINT NOT NULL DEFAULT 0;
CREATE INDEX cdrs_unrated ON cdrs (unrated);

CREATE TABLE entries (
    id        BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    ekey      VARCHAR(120) NOT NULL UNIQUE,
    kind      VARCHAR(32)  NOT NULL,
    tenant_id BIGINT       NOT NULL,
    at        BIGINT       NOT NULL,
    for_at    BIGINT       NOT NULL,
    memo      VARCHAR(512) NOT NULL,
    by_whom   VARCHAR(128) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX entries_at     ON entries (at);
CREATE INDEX entries_kind   ON entries (kind, at);
CREATE INDEX entries_tenant ON entries (tenant_id, at);

-- at is the entry's, so that an account's postings are read in order.
CREATE TABLE postings (
    entry_id BIGINT      NOT NULL,
    line     INT         NOT NULL,
    account  VARCHAR(64) NOT NULL,
    amount   BIGINT      NOT NULL,
    at       BIGINT      NOT NULL,
    PRIMARY KEY (entry_id, line)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX postings_account ON postings (account, at, entry_id, amount);

-- The sum of an account's postings, kept with each of them.
CREATE TABLE balances (
    account VARCHAR(64) NOT NULL PRIMARY KEY,
    amount  BIGINT      NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

CREATE TABLE price_plans (
    id         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id  BIGINT       NOT NULL,
    name       VARCHAR(64)  NOT NULL,
    from_at    BIGINT       NOT NULL,
    until_at   BIGINT       NOT NULL,
    calls      TEXT         NOT NULL,
    rent       TEXT         NOT NULL,
    cut_calls  TINYINT      NOT NULL,
    created_at BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX price_plans_tenant ON price_plans (tenant_id, from_at);

-- billed is what the balance paid, once the charge is settled: amount less what packages covered.
CREATE TABLE charges (
    id              BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    session_id      VARCHAR(191) NOT NULL,
    leg             INT          NOT NULL,
    cdr_id          BIGINT       NOT NULL,
    tenant_id       BIGINT       NOT NULL,
    app_id          BIGINT       NOT NULL,
    mode            VARCHAR(32)  NOT NULL,
    end_at          BIGINT       NOT NULL,
    seconds         BIGINT       NOT NULL,
    units           BIGINT       NOT NULL,
    minutes         BIGINT       NOT NULL,
    plan_id         BIGINT       NOT NULL,
    amount          BIGINT       NOT NULL,
    why             VARCHAR(512) NOT NULL,
    entry_id        BIGINT       NOT NULL,
    package_minutes BIGINT       NOT NULL,
    billed          BIGINT       NOT NULL,
    settled_at      BIGINT       NOT NULL,
    UNIQUE KEY (session_id, leg)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX charges_open   ON charges (settled_at, tenant_id, end_at);
CREATE INDEX charges_tenant ON charges (tenant_id, end_at);
CREATE INDEX charges_app    ON charges (app_id, end_at);
CREATE INDEX charges_end    ON charges (end_at);

-- Hours that were settled to their end. What is found in them later is a correction.
CREATE TABLE settled_hours (
    tenant_id  BIGINT NOT NULL,
    hour_at    BIGINT NOT NULL,
    settled_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hour_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- pkey is the key of the entry that paid it; a package that costs nothing has a key and no entry.
CREATE TABLE packages (
    id           BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    pkey         VARCHAR(120) NOT NULL UNIQUE,
    tenant_id    BIGINT       NOT NULL,
    name         VARCHAR(64)  NOT NULL,
    modes        VARCHAR(255) NOT NULL,
    minutes      BIGINT       NOT NULL,
    minutes_left BIGINT       NOT NULL,
    price        BIGINT       NOT NULL,
    bought_at    BIGINT       NOT NULL,
    from_at      BIGINT       NOT NULL,
    until_at     BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX packages_tenant ON packages (tenant_id, until_at);

-- +goose Down
DROP TABLE packages;
DROP TABLE settled_hours;
DROP TABLE charges;
DROP TABLE price_plans;
DROP TABLE balances;
DROP TABLE postings;
DROP TABLE entries;
DROP INDEX cdrs_unrated ON cdrs;
ALTER TABLE cdrs DROP COLUMN unrated;
DROP INDEX numbers_rent ON numbers;
ALTER TABLE numbers DROP COLUMN delivered_at, DROP COLUMN ends_at, DROP COLUMN suspended_for;
ALTER TABLE tenants DROP COLUMN zone, DROP COLUMN arrears, DROP COLUMN credit;
