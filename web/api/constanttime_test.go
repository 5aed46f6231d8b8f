package api

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// secretish are names of what somebody could guess byte by byte, were it compared by ==.
var secretish = regexp.MustCompile(`(?i)(digest|signature|password|secret|token|bearer|mac|hmac|sum)$`)

// harmless are comparisons of such names with what is no secret, by file and text, and why.
var harmless = map[string]string{
	"controller/cluster/member.go":  "a lease's token is a number that grows",
	"controller/flow/call.go":       "an event's token is the id of the step that it ends",
	"controller/flow/connect.go":    "the same",
	"controller/media/documents.go": "the sum of a document is its name",
	"models/store/logins.go":        "LoginToken is a kind of login",
	"models/store/operators.go":     "two stored hashes: has it been changed",
	"web/admin/password.go":         "who sets a password may learn that it is his own name",
}

// Nothing that proves who somebody is is compared by ==, !=, bytes.Equal, strings.Compare and the like, whose time tells how far it was right; and the
// places that compare do it by hmac.Equal or subtle. No time is measured: that says nothing on a busy machine.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	places := map[string]bool{"web/api/auth.go": false, "web/admin/auth.go": false, "web/intake/intake.go": false, "web/peer/peer.go": false, "models/secret/secret.go": false,
		"controller/media/recordings_link.go": false, "controller/media/sounds.go": false}
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (rel == "scripts" || rel == "esl" || rel == "docs" || strings.HasPrefix(d.Name(), ".") && rel != "."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := gotoken.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			where := func() string { return rel + set.Position(n.Pos()).String()[len(path):] }
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == gotoken.EQL || n.Op == gotoken.NEQ) && guessable(n.X) && guessable(n.Y) && (secretish.MatchString(nameOf(n.X)) || secretish.MatchString(nameOf(n.Y))) && harmless[rel] == "" {
					t.Errorf("%s compares %s with %s by %s", where(), nameOf(n.X), nameOf(n.Y), n.Op)
				}
			case *ast.CallExpr:
				name := nameOf(n.Fun)
				if name == "subtle.ConstantTimeCompare" || name == "hmac.Equal" {
					if _, listed := places[rel]; listed {
						places[rel] = true
					}
				}
				if name == "bytes.Equal" || name == "bytes.Compare" || name == "strings.Compare" || name == "strings.EqualFold" || name == "slices.Equal" || name == "reflect.DeepEqual" {
					for _, a := range n.Args {
						if secretish.MatchString(nameOf(a)) && harmless[rel] == "" {
							t.Errorf("%s compares %s by %s", where(), nameOf(a), name)
						}
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for file, compares := range places {
		if !compares {
			t.Errorf("%s compares nothing in constant time any more", file)
		}
	}
}

// nameOf is an expression's last name, with its package's for functions.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return nameOf(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr:
		return nameOf(e.X)
	case *ast.SliceExpr:
		return nameOf(e.X)
	case *ast.CallExpr:
		if len(e.Args) == 1 {
			return nameOf(e.Args[0]) // a conversion
		}
		return nameOf(e.Fun)
	}
	return ""
}

// guessable leaves out literals, nil, constants and lengths: to compare with those tells nothing.
func guessable(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit, *ast.CompositeLit:
		return false
	case *ast.Ident:
		return e.Name != "nil" && !ast.IsExported(e.Name)
	case *ast.CallExpr:
		return nameOf(e.Fun) != "len"
	}
	return true
}
