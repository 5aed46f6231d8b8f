-- Enterprises, orders of numbers, the stock they are delivered from, who holds a number, registered parties, contacts.

-- +goose Up
CREATE INDEX numbers_ends ON numbers (ends_at);

CREATE TABLE enterprises (
    id          BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id   BIGINT       NOT NULL UNIQUE,
    kind        VARCHAR(32)  NOT NULL,
    name        VARCHAR(128) NOT NULL,
    licence     VARCHAR(64)  NOT NULL,
    documents   TEXT         NOT NULL,
    scenario    TEXT         NOT NULL,
    script      TEXT         NOT NULL,
    business    VARCHAR(64)  NOT NULL,
    sms         TINYINT      NOT NULL,
    state       VARCHAR(32)  NOT NULL,
    urgent      TINYINT      NOT NULL,
    uploaded_by VARCHAR(128) NOT NULL,
    uploaded_at BIGINT       NOT NULL,
    reviewed_by VARCHAR(128) NOT NULL,
    reviewed_at BIGINT       NOT NULL,
    reason      VARCHAR(512) NOT NULL,
    refusals    INT          NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX enterprises_state ON enterprises (state);

CREATE TABLE orders (
    id           BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id    BIGINT       NOT NULL,
    app_id       BIGINT       NOT NULL,
    kind         VARCHAR(32)  NOT NULL,
    area_code    VARCHAR(32)  NOT NULL,
    carrier      VARCHAR(64)  NOT NULL,
    wanted       INT          NOT NULL,
    quick        TINYINT      NOT NULL,
    recording    TINYINT      NOT NULL,
    inspection   TINYINT      NOT NULL,
    state        VARCHAR(32)  NOT NULL,
    requested_by VARCHAR(128) NOT NULL,
    requested_at BIGINT       NOT NULL,
    reviewed_by  VARCHAR(128) NOT NULL,
    reviewed_at  BIGINT       NOT NULL,
    reason       VARCHAR(512) NOT NULL,
    delivered_by VARCHAR(128) NOT NULL,
    delivered_at BIGINT       NOT NULL,
    numbers      TEXT         NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX orders_tenant ON orders (tenant_id);
CREATE INDEX orders_app    ON orders (app_id);
CREATE INDEX orders_state  ON orders (state);

-- A number stays here while an app has it: order_id is the order that took it, -1 when the app got it without one, 0 when it is to be had
-- once free_at is past.
CREATE TABLE stock (
    id        BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    number    VARCHAR(32) NOT NULL UNIQUE,
    kind      VARCHAR(32) NOT NULL,
    area_code VARCHAR(32) NOT NULL,
    carrier   VARCHAR(64) NOT NULL,
    trunk     VARCHAR(64) NOT NULL,
    free_at   BIGINT      NOT NULL,
    added_at  BIGINT      NOT NULL,
    order_id  BIGINT      NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX stock_order ON stock (order_id);
CREATE INDEX stock_area  ON stock (order_id, area_code);

CREATE TABLE returned_numbers (
    id           BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    number       VARCHAR(32)  NOT NULL,
    tenant_id    BIGINT       NOT NULL,
    app_id       BIGINT       NOT NULL,
    kind         VARCHAR(32)  NOT NULL,
    area_code    VARCHAR(32)  NOT NULL,
    delivered_at BIGINT       NOT NULL,
    returned_at  BIGINT       NOT NULL,
    returned_by  VARCHAR(128) NOT NULL,
    reason       VARCHAR(512) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX returned_numbers_number ON returned_numbers (number);
CREATE INDEX returned_numbers_tenant ON returned_numbers (tenant_id);

-- sealed is the ID number. Of a number at most one row is open (until_at 0).
CREATE TABLE holders (
    id         BIGINT          NOT NULL AUTO_INCREMENT PRIMARY KEY,
    number     VARCHAR(32)     NOT NULL,
    name       VARCHAR(128)    NOT NULL,
    key_id     VARCHAR(64)     NOT NULL,
    sealed     VARBINARY(1024) NOT NULL,
    since_at   BIGINT          NOT NULL,
    until_at   BIGINT          NOT NULL,
    changed_by VARCHAR(128)    NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX holders_number ON holders (number);
CREATE INDEX holders_key    ON holders (key_id);

CREATE TABLE registered_parties (
    id            BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id     BIGINT       NOT NULL,
    party         VARCHAR(64)  NOT NULL,
    name          VARCHAR(128) NOT NULL,
    registered_at BIGINT       NOT NULL,
    UNIQUE KEY (party, tenant_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX registered_parties_tenant ON registered_parties (tenant_id);

CREATE TABLE contacts (
    id        BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tenant_id BIGINT        NOT NULL,
    name      VARCHAR(128)  NOT NULL,
    phone     VARCHAR(32)   NOT NULL,
    mail      VARCHAR(254)  NOT NULL,
    webhook   VARCHAR(1024) NOT NULL,
    notices   TEXT          NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;
CREATE INDEX contacts_tenant ON contacts (tenant_id);

-- +goose Down
DROP TABLE contacts;
DROP TABLE registered_parties;
DROP TABLE holders;
DROP TABLE returned_numbers;
DROP TABLE stock;
DROP TABLE orders;
DROP TABLE enterprises;
DROP INDEX numbers_ends ON numbers;
