-- What is wanted of each switch, and how it was seen last: a drain that any daemon may be told of, and its owner carries out.

-- +goose Up

-- wanted, shutdown, ordered_by and ordered_at are the operator's; the others are written by the daemon that holds the switch's connections.
-- Times are microseconds since 1970, 0 for never.
CREATE TABLE switch_states (
    name       VARCHAR(64)  NOT NULL,
    wanted     VARCHAR(16)  NOT NULL,
    shutdown   TINYINT      NOT NULL,
    ordered_by VARCHAR(128) NOT NULL,
    ordered_at BIGINT       NOT NULL,
    state      VARCHAR(16)  NOT NULL,
    state_at   BIGINT       NOT NULL,
    daemon     VARCHAR(128) NOT NULL,
    up         TINYINT      NOT NULL,
    core       VARCHAR(64)  NOT NULL,
    version    VARCHAR(128) NOT NULL,
    sessions   INT          NOT NULL,
    shut_core  VARCHAR(64)  NOT NULL,
    seen_at    BIGINT       NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin ROW_FORMAT = DYNAMIC;

-- +goose Down
DROP TABLE switch_states;
