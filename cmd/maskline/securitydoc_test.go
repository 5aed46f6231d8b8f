package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"maskline/conf"
)

// The page on security names tests, fuzz targets and keys that there are, and every fuzz target.
func TestThePageOnSecurityIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	decl := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.IsDir() && d.Name() == "bin":
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range decl.FindAllStringSubmatch(string(text), -1) {
			declared[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 80 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, m := range named {
		if !declared[m[1]] {
			t.Errorf("there is no %s", m[1])
		}
	}
	for name := range declared {
		if strings.HasPrefix(name, "Fuzz") && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("%s is not named", name)
		}
	}
	keys := conf.Keys()
	for _, m := range regexp.MustCompile("`([a-z0-9]+\\.[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		if !slices.ContainsFunc(keys, func(k string) bool {
			return k == m[1] || strings.HasPrefix(k, m[1]+".") || strings.HasPrefix(k, m[1]+"[")
		}) {
			t.Errorf("there is no key %s", m[1])
		}
	}
}
