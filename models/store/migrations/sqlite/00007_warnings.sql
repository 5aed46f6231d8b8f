-- What a tenant's contacts have been warned of, so that they are warned once.

-- +goose Up

-- A row stands as long as what it says is so; month is when the contacts were told last.
CREATE TABLE warnings (
    tenant_id INTEGER NOT NULL,
    what      TEXT NOT NULL,
    month     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, what)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE warnings;
