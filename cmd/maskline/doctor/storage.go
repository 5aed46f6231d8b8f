package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
	"maskline/models"
	"maskline/models/store"
)

// The bounds beyond which a clock or a disk is worth a word.
const (
	driftWarn = time.Second
	driftFail = 30 * time.Second
	spaceWarn = 2 << 30   // bytes
	spaceFail = 200 << 20 // bytes
)

func keys(_ context.Context, cfg conf.Config) []Finding {
	about := "keys"
	for i, k := range cfg.Keys {
		if _, err := k.Bytes(); err != nil {
			return []Finding{failed(about, fmt.Sprintf("keys[%d]: %s", i, err), "set it; without the key that sealed them, app secrets cannot be read")}
		}
	}
	if len(cfg.Keys) > 1 {
		return []Finding{ok(about, fmt.Sprintf("%s seals; %d older keys still open", cfg.Keys[0].ID, len(cfg.Keys)-1))}
	}
	return []Finding{ok(about, cfg.Keys[0].ID+" seals")}
}

func database(ctx context.Context, cfg conf.Config) []Finding {
	about := "database"
	sc, err := daemon.StoreConfig(cfg)
	if err != nil {
		return []Finding{failed(about, err.Error(), "correct the configuration")}
	}
	if sc.Driver == store.SQLite {
		if _, err := os.Stat(sc.DSN); errors.Is(err, fs.ErrNotExist) {
			return []Finding{warn(about, sc.DSN+" does not exist yet", "start the daemon, or run: maskline migrate")}
		}
	}
	st, err := store.Open(ctx, sc)
	if err != nil {
		return []Finding{failed(about, err.Error(), "see that the database runs and that database.dsn names it")}
	}
	defer func() { _ = st.Close() }()
	if err := st.Ping(ctx); err != nil {
		return []Finding{failed(about, err.Error(), "see that the database runs and that database.dsn names it")}
	}
	out := []Finding{ok(about, sc.Driver+" answers")}
	switch n, err := st.Pending(ctx); {
	case err != nil:
		return append(out, failed("schema", err.Error(), "see that the database's user may read and write its tables"))
	case n > 0 && cfg.Database.Migrate:
		return append(out, warn("schema", fmt.Sprintf("%d migrations are missing", n), "the daemon applies them when it starts; or run: maskline migrate"))
	case n > 0:
		return append(out, failed("schema", fmt.Sprintf("%d migrations are missing", n), "run: maskline migrate"))
	}
	out = append(out, ok("schema", "is up to date"), clocks(ctx, st))
	return append(out, sealed(ctx, st))
}

// clocks compares the database's clock, which decides about expiry, with this machine's.
func clocks(ctx context.Context, st *store.Store) Finding {
	before := time.Now()
	theirs, err := st.Now(ctx)
	if err != nil {
		return failed("clock", err.Error(), "see the line about the database")
	}
	// The answer was made between before and now; only what lies outside is drift.
	drift := max(before.Sub(theirs), time.Until(theirs), 0).Round(time.Millisecond)
	switch {
	case drift > driftFail:
		return failed("clock", fmt.Sprintf("database and daemon differ by %s", drift), "run NTP (chrony, systemd-timesyncd) on both machines")
	case drift > driftWarn:
		return warn("clock", fmt.Sprintf("database and daemon differ by %s", drift), "run NTP (chrony, systemd-timesyncd) on both machines")
	}
	return ok("clock", "database and daemon agree")
}

// sealed opens a secret with the configured keys.
func sealed(ctx context.Context, st *store.Store) Finding {
	apps, total, err := st.Apps(ctx, store.AppFilter{}, models.Page{Limit: models.PageMax})
	if err != nil {
		return failed("app secrets", err.Error(), "see the line about the database")
	}
	for _, a := range apps {
		if _, err := st.AppSecrets(ctx, a.ID); err != nil {
			return failed("app secrets", fmt.Sprintf("those of app %d cannot be read: %s", a.ID, err), "put the key that sealed them back into keys")
		}
	}
	return ok("app secrets", fmt.Sprintf("those of %d of %d apps can be read", len(apps), total))
}

func directories(_ context.Context, cfg conf.Config) []Finding {
	dirs := []struct{ key, dir string }{
		{"media.prompts", cfg.Media.Prompts}, {"media.tenants", cfg.Media.Tenants}, {"media.uploads", cfg.Media.Uploads}, {"media.recordings", cfg.Media.Recordings},
		{"speech.dir", cfg.Speech.Dir}, {"delivery.dead_files", cfg.Delivery.DeadFiles}, {"orders.documents", cfg.Orders.Documents},
	}
	for i, dir := range cfg.Media.Drain {
		dirs = append(dirs, struct{ key, dir string }{fmt.Sprintf("media.drain[%d]", i), dir})
	}
	if cfg.Listen.Intake != "" {
		dirs = append(dirs, struct{ key, dir string }{"intake.spool", cfg.Intake.Spool})
	}
	for _, s := range cfg.Switches {
		if s.Spool != "" {
			dirs = append(dirs, struct{ key, dir string }{"spool of switch " + s.Name, s.Spool})
		}
	}
	var out []Finding
	for _, d := range dirs {
		out = append(out, directory(d.key, d.dir))
	}
	return out
}

const freeSome = "free some space: recordings, old logs"

func directory(about, dir string) Finding {
	at := dir
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		for at = filepath.Dir(at); ; at = filepath.Dir(at) {
			if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
				break
			}
		}
		if writable(at) != nil {
			return failed(about, dir+" does not exist and cannot be made", "make it: install -d -m 750 -o USER "+dir)
		}
		return ok(about, dir+" will be made")
	}
	switch {
	case err != nil:
		return failed(about, err.Error(), "see that the daemon's user may read it")
	case !info.IsDir():
		return failed(about, dir+" is no directory", "name another")
	}
	switch err := writable(dir); {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return failed(about, dir+" is full", freeSome)
	case err != nil:
		return failed(about, dir+" cannot be written", "give it to the daemon's user: chown USER "+dir)
	}
	var fsys syscall.Statfs_t
	if err := syscall.Statfs(dir, &fsys); err != nil {
		return warn(about, "free space of "+dir+" is unknown: "+err.Error(), "")
	}
	free := fsys.Bavail * uint64(fsys.Bsize)
	says := fmt.Sprintf("%s has %.1f GB free", dir, float64(free)/1e9)
	switch {
	case free < spaceFail:
		return failed(about, says, freeSome)
	case free < spaceWarn:
		return warn(about, says, freeSome)
	}
	return ok(about, says)
}

// writable tries it: permissions, read-only mounts and quotas are all answered by that.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".maskline-doctor-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString("x")
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}
