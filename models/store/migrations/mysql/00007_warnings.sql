-- What a tenant's contacts have been warned of, so that they are warned once.

-- +goose Up

-- A row stands as long as what it says is so; month is when the contacts were told last.
CREATE TABLE warnings (
    tenant_id BIGINT NOT NULL,
    what      VARCHAR(64) NOT NULL,
    month     VARCHAR(16) NOT NULL,
    PRIMARY KEY (tenant_id, what)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- +goose Down
DROP TABLE warnings;
