package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// results is one run, as it is written to the file of results.
type results struct {
	At       string    `json:"at"` // day
	Machine  string    `json:"machine"`
	Software string    `json:"software"`
	Rate     int       `json:"calls_per_second"`
	Rounds   int       `json:"rounds"`
	Calls    int       `json:"calls_per_measurement"`
	Left     []string  `json:"left_out,omitempty"`
	Variants []outcome `json:"variants"`
	Targets  []target  `json:"targets"`
}

// outcome is what the rounds of one variant gave.
type outcome struct {
	variant

	Rounds  []round `json:"rounds"`
	Median  round   `json:"median"` // of each column by itself; Failed is the sum
	Highest int     `json:"highest_calls_per_second,omitempty"`
}

// total is the CPU of a call, all processes together.
func (r round) total() ms { return r.Switch + r.Daemon + r.Database }

// target is one promise and what was measured.
type target struct {
	What string  `json:"what"`
	Most float64 `json:"most"`
	Is   float64 `json:"is"`
	Met  bool    `json:"met"`
}

// settle takes the medians and compares them with what was promised.
func (r *results) settle() {
	for i := range r.Variants {
		r.Variants[i].Median = medians(r.Variants[i].Rounds)
	}
	a, hasA := r.find("a")
	b, hasB := r.find("b")
	c, hasC := r.find("c")
	a2, hasA2 := r.find("a2")
	c2, hasC2 := r.find("c2")
	if hasA && hasC {
		r.promise("(c) switch + daemon + database, to (a)", 1.2, float64(c.total()/a.total()))
		r.promise("(c) daemon, to its switch", 0.1, float64(c.Daemon/c.Switch))
		r.promise("(c) set-up, ms beyond (a)", 30, float64(c.Setup-a.Setup))
	}
	if hasB && hasC {
		r.promise("(c) switch + daemon + database, to (b)", 1, float64(c.total()/b.total()))
	}
	if hasA2 && hasC2 {
		r.promise("(c2) switch + daemon + database, to (a2)", 1.2, float64(c2.total()/a2.total()))
	}
}

func (r *results) promise(what string, most, is float64) {
	r.Targets = append(r.Targets, target{what, most, is, is <= most})
}

func (r *results) find(key string) (round, bool) {
	for _, v := range r.Variants {
		if v.Key == key {
			return v.Median, true
		}
	}
	return round{}, false
}

func medians(rounds []round) round {
	of := func(column func(round) ms) ms {
		var all []ms
		for _, r := range rounds {
			all = append(all, column(r))
		}
		return median(all)
	}
	count := func(column func(round) float64) float64 {
		return float64(of(func(r round) ms { return ms(column(r)) }))
	}
	m := round{
		Queries: count(func(r round) float64 { return r.Queries }), Commits: count(func(r round) float64 { return r.Commits }),
		Switch: of(func(r round) ms { return r.Switch }), Daemon: of(func(r round) ms { return r.Daemon }), Database: of(func(r round) ms { return r.Database }),
		Setup: of(func(r round) ms { return r.Setup }), SetupP95: of(func(r round) ms { return r.SetupP95 }),
	}
	for _, r := range rounds {
		m.Calls += r.Calls
		m.Failed += r.Failed
	}
	return m
}

// median is the middle of some values, or between the middle two; 0 of none.
func median(all []ms) ms {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// publish prints and writes the results, and says whether every target is met and no call failed.
func (b *bench) publish(r results) (bool, error) {
	r.At, r.Software = time.Now().UTC().Format(time.DateOnly), b.software()
	r.settle()
	fmt.Println("\n" + r.table())
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return false, fmt.Errorf("write the results: %w", err)
	}
	if err := os.WriteFile(b.asked.out, append(text, '\n'), 0o600); err != nil {
		return false, fmt.Errorf("write the results: %w", err)
	}
	if b.asked.write != "" {
		if err := r.document(b.asked.write); err != nil {
			return false, err
		}
	}
	failed := 0
	for _, v := range r.Variants {
		failed += v.Median.Failed
	}
	return failed == 0 && !slices.ContainsFunc(r.Targets, func(t target) bool { return !t.Met }), nil
}

// document writes the table between the markers of a page, and the plot beside the page.
func (r results) document(page string) error {
	text, err := os.ReadFile(page) //nolint:gosec // named on the command line
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	renewed, err := between(string(text), "<!-- live:begin -->", "<!-- live:end -->", r.table())
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	plot := strings.TrimSuffix(page, filepath.Ext(page)) + ".svg"
	return errors.Join(os.WriteFile(page, []byte(renewed), 0o644), os.WriteFile(plot, []byte(r.plot()), 0o644)) //nolint:gosec // documentation, for all to read
}

// between replaces what stands between two markers.
func between(text, begin, end, block string) (string, error) {
	i, j := strings.Index(text, begin), strings.Index(text, end)
	if i < 0 || j < i {
		return "", fmt.Errorf("the markers %s and %s are not there", begin, end)
	}
	return text[:i+len(begin)] + "\n" + block + text[j:], nil
}

// table is the results in Markdown.
func (r results) table() string {
	var t strings.Builder
	fmt.Fprintf(&t, "Measured on %s: %s.\n%s. %d calls a second, %d rounds of %d calls a variant, medians; times in ms.\n\n", r.At, r.Machine, r.Software, r.Rate, r.Rounds, r.Calls)
	t.WriteString("| variant | switch CPU | daemon CPU | database CPU | together | to (a) | statements, commits | set-up, median | set-up, p95 | failed | highest rate |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	a, _ := r.find("a")
	for _, v := range r.Variants {
		m, ratio, highest, asked := v.Median, "", "", ""
		if m.Queries >= 0.5 {
			asked = fmt.Sprintf("%.0f, %.1f", m.Queries, m.Commits)
		}
		if a.total() > 0 {
			ratio = fmt.Sprintf("%.2f", m.total()/a.total())
		}
		if v.Highest > 0 {
			highest = strconv.Itoa(v.Highest) + "/s"
		}
		fmt.Fprintf(&t, "| %s | %.2f | %.2f | %.2f | %.2f | %s | %s | %.0f | %.0f | %d of %d | %s |\n", v.Title, m.Switch, m.Daemon, m.Database, m.total(), ratio, asked, m.Setup, m.SetupP95, m.Failed, m.Calls, highest)
	}
	t.WriteString("\n| target | at most | measured | |\n|---|--:|--:|---|\n")
	for _, p := range r.Targets {
		word := "met"
		if !p.Met {
			word = "**missed**"
		}
		fmt.Fprintf(&t, "| %s | %g | %.2f | %s |\n", p.What, p.Most, p.Is, word)
	}
	for _, why := range r.Left {
		t.WriteString("\n" + why + ".\n")
	}
	return t.String()
}

// machine says what the figures are of, without any name.
func machine() string {
	model, memory := "unknown processor", "unknown memory"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name\t: "); ok {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if f := strings.Fields(string(text)); len(f) > 1 {
			if kb, err := strconv.Atoi(f[1]); err == nil {
				memory = fmt.Sprintf("%.0f GiB", float64(kb)/(1<<20))
			}
		}
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		kernel = []byte("unknown")
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(kernel)), "-")
	return fmt.Sprintf("%d cores (%s), %s, Linux %s", runtime.NumCPU(), strings.TrimSpace(model), memory, version)
}

// software names the programs measured.
func (b *bench) software() string {
	first := func(program string, args ...string) string {
		out, err := exec.Command(program, args...).CombinedOutput() //nolint:gosec,noctx // the run's own programs
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		if err != nil && line == "" {
			return "unknown"
		}
		return strings.TrimSpace(line)
	}
	fs := first(b.fs.binary, "-version")
	if f := strings.Fields(fs); len(f) > 2 {
		fs = f[2]
	}
	fs, _, _ = strings.Cut(fs, "~")
	var mariadb string
	if err := b.sql.QueryRow("SELECT VERSION()").Scan(&mariadb); err != nil { //nolint:noctx // at once
		mariadb = "unknown"
	}
	mariadb, _, _ = strings.Cut(mariadb, "-")
	return fmt.Sprintf("FreeSWITCH %s, MariaDB %s, %s", fs, mariadb, runtime.Version())
}
