package trunkxml

import (
	"encoding/xml"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maskline/models"
)

var carriers = []models.Trunk{
	{Name: "carrier-a", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")},
		Proxy: "sip.carrier.example:5060;transport=tcp", User: `us"er`, Password: `p<&>'"$${secret}`, Register: true, Ping: 30 * time.Second,
		FromDomain: "carrier.example", External: "198.51.100.7"},
	{Name: "carrier-b", Proxy: "192.0.2.9:5060"},
	{Name: "box", Registers: "device-1", RegisterKey: "key"},
}

// params reads name/value pairs of a document back, and shows that it is well-formed.
func params(t *testing.T, content []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	d := xml.NewDecoder(strings.NewReader(string(content)))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%v in %s", err, content)
		}
		if e, ok := tok.(xml.StartElement); ok {
			a := map[string]string{}
			for _, x := range e.Attr {
				a[x.Name.Local] = x.Value
			}
			out[e.Name.Local+" "+a["name"]+a["id"]+a["cidr"]] = a["value"]
		}
	}
}

func TestFiles(t *testing.T) {
	files := Files(carriers)
	var names []string
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "acl/trunks.xml gateways/carrier-a.xml gateways/carrier-b.xml users/box.xml" {
		t.Errorf("files: %s", got)
	}
	list := params(t, files["acl/trunks.xml"])
	for _, cidr := range []string{"192.0.2.0/24", "2001:db8::1/128"} {
		if _, ok := list["node "+cidr]; !ok {
			t.Errorf("acl lacks %s", cidr)
		}
	}
	a := params(t, files["gateways/carrier-a.xml"])
	for name, want := range map[string]string{"proxy": "sip.carrier.example:5060", "register-transport": "tcp", "username": `us"er`,
		"password": `p<&>'"secret}`, "register": "true", "ping": "30", "from-domain": "carrier.example", "contact-host": "198.51.100.7",
		"caller-id-in-from": "true", "extension-in-contact": "false"} {
		if a["param "+name] != want {
			t.Errorf("carrier-a: %s is %q, want %q", name, a["param "+name], want)
		}
	}
	b := params(t, files["gateways/carrier-b.xml"])
	if b["param username"] != "carrier-b" || b["param register-transport"] != "udp" || b["param register"] != "false" {
		t.Errorf("carrier-b: %v", b)
	}
	u := params(t, files["users/box.xml"])
	if _, ok := u["user device-1"]; !ok || u["param password"] != "key" || u["variable maskline_trunk"] != "box" {
		t.Errorf("box: %v", u)
	}
	if !Registrar(carriers) || Registrar(carriers[:2]) {
		t.Error("Registrar is wrong")
	}
}

func TestWriteReplacesItsOwnAndLeavesOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "gateways"), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"loopback.xml": mark + "; the example. -->\n<include/>", "mine.xml": "<include/>"} {
		if err := os.WriteFile(filepath.Join(dir, "gateways", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wrote, removed, others, err := Write(dir, Files(carriers))
	if err != nil || len(wrote) != 4 || !slices.Equal(removed, []string{"gateways/loopback.xml"}) || !slices.Equal(others, []string{"gateways/mine.xml"}) {
		t.Fatalf("wrote %v, removed %v, others %v, %v", wrote, removed, others, err)
	}
	if _, removed, _, err = Write(dir, Files(carriers[1:2])); err != nil || !slices.Equal(removed, []string{"gateways/carrier-a.xml", "users/box.xml"}) {
		t.Errorf("a trunk that is gone: removed %v, %v", removed, err)
	}
	st, err := os.Stat(filepath.Join(dir, "gateways", "carrier-b.xml"))
	if err != nil || st.Mode().Perm()&0o007 != 0 {
		t.Errorf("everybody may read passwords: %v, %v", st.Mode(), err)
	}
}

func TestTheExamplesThatShipAreOurs(t *testing.T) {
	shipped, err := filepath.Glob("../../../conf/freeswitch/trunks/*/*.xml")
	if err != nil || len(shipped) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range shipped {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(content), mark) {
			t.Errorf("%s would stay beside the generated files", path)
		}
	}
}
