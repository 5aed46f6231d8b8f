-- What is wanted of each switch, and how it was seen last: a drain that any daemon may be told of, and its owner carries out.

-- +goose Up

-- wanted, shutdown, ordered_by and ordered_at are the operator's; the others are written by the daemon that holds the switch's connections.
-- Times are microseconds since 1970, 0 for never.
CREATE TABLE switch_states (
    name       TEXT    NOT NULL,
    wanted     TEXT    NOT NULL,
    shutdown   INTEGER NOT NULL,
    ordered_by TEXT    NOT NULL,
    ordered_at INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    state_at   INTEGER NOT NULL,
    daemon     TEXT    NOT NULL,
    up         INTEGER NOT NULL,
    core       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    sessions   INTEGER NOT NULL,
    shut_core  TEXT    NOT NULL,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE switch_states;
