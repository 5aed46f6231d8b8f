package conf

import (
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"maskline/models"
)

// Billing is how money is watched. What calls and numbers cost stands in price plans, in the database.
type Billing struct {
	Warn           []models.Amount `koanf:"warn"`            // balances below which a tenant's contacts are warned, the highest first
	WhenUnreadable string          `koanf:"when_unreadable"` // BillingRefuse or BillingAllow
}

// What becomes of a call whose tenant's balance cannot be read.
const (
	BillingRefuse = "refuse"
	BillingAllow  = "allow"
)

// Operators is how people log in to the admin API. Its tokens stand in Admin.
type Operators struct {
	SessionLife time.Duration `koanf:"session_life"`
	LockAfter   int           `koanf:"lock_after"` // failed logins
	LockFor     time.Duration `koanf:"lock_for"`
}

// Orders is how tenants come by numbers, and numbers back.
type Orders struct {
	EnterpriseFirst bool          `koanf:"enterprise_first"` // only tenants with an approved enterprise order
	Forbidden       []string      `koanf:"forbidden"`        // businesses beside models.ForbiddenBusinesses
	Documents       string        `koanf:"documents"`        // directory of the files that enterprises show
	CoolDown        time.Duration `koanf:"cool_down"`        // a returned number rests so long
}

// Mail is the server through which contacts are told. Without Host nobody is told by mail.
type Mail struct {
	Host     string `koanf:"host"` // host:port
	TLS      string `koanf:"tls"`  // one of the Mail… below
	User     string `koanf:"user"`
	Password Secret `koanf:"password"`
	From     string `koanf:"from"`
}

// How the connection to the mail server is kept private.
const (
	MailStartTLS = "starttls" // it must offer it
	MailTLS      = "tls"      // from the first byte
	MailPlain    = "none"     // for a server on the same machine
)

// Retention is for how many days rows are kept; 0 is for good. Recordings have media.retention_days. The ledger, the charges and the audit lines are
// never removed.
type Retention struct {
	CDRs       int `koanf:"cdrs"`
	Events     int `koanf:"events"`
	Deliveries int `koanf:"deliveries"`
}

// retentionLeast is for how many days CDRs and deliveries are kept at least: until a record that comes late has been settled and the last
// attempt of a push is over.
const retentionLeast = 7

func (c Config) checkBilling(f *faults) {
	falling := slices.IsSortedFunc(c.Billing.Warn, func(a, b models.Amount) int { return int(min(1, max(-1, b-a))) })
	if !falling || len(c.Billing.Warn) > 8 || len(slices.Compact(slices.Clone(c.Billing.Warn))) != len(c.Billing.Warn) {
		f.add("billing.warn", "is not a falling list of at most 8 amounts, such as [\"100\", \"20\"]")
	}
	f.oneOf("billing.when_unreadable", c.Billing.WhenUnreadable, BillingRefuse, BillingAllow)
	for _, r := range []struct {
		key  string
		days int
	}{{"retention.cdrs", c.Retention.CDRs}, {"retention.events", c.Retention.Events}, {"retention.deliveries", c.Retention.Deliveries}} {
		if r.days != 0 {
			f.count(r.key, r.days, retentionLeast, 36_500)
		}
	}
}

func (c Config) checkPeople(f *faults) {
	f.between("operators.session_life", c.Operators.SessionLife, 5*time.Minute, 31*24*time.Hour)
	f.count("operators.lock_after", c.Operators.LockAfter, 1, 1000)
	f.between("operators.lock_for", c.Operators.LockFor, time.Second, 24*time.Hour)
	if c.Orders.Documents == "" {
		f.add("orders.documents", "is empty; it is the directory for the files that enterprises show")
	}
	f.between("orders.cool_down", c.Orders.CoolDown, 0, 5*365*24*time.Hour)
	for _, b := range c.Orders.Forbidden {
		if b == "" || len([]rune(b)) > 64 {
			f.add("orders.forbidden", "%q is no business; it has 1 to 64 characters", b)
		}
	}
	c.checkMail(f)
}

func (c Config) checkMail(f *faults) {
	f.oneOf("mail.tls", c.Mail.TLS, MailStartTLS, MailTLS, MailPlain)
	f.secret("mail.password", c.Mail.Password)
	if c.Mail.Host == "" {
		return
	}
	f.address("mail.host", c.Mail.Host)
	if strings.Count(c.Mail.From, "@") != 1 || strings.ContainsAny(c.Mail.From, " \r\n<>") {
		f.add("mail.from", "%q is no address to send from, such as maskline@example.com", c.Mail.From)
	}
	if (c.Mail.User == "") != c.Mail.Password.IsZero() {
		f.add("mail.user", "and mail.password belong together; set both or none")
	}
	if host, _, _ := net.SplitHostPort(c.Mail.Host); c.Mail.TLS == MailPlain && c.Mail.User != "" && !loopback(host) {
		f.add("mail.tls", "is none and mail.host another machine: the password would go there in the open; write starttls or tls")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// amountHook reads amounts as they are written, 100 and 12.5 without quotes too: a plain number in YAML must not count 1/10000.
func amountHook(_, to reflect.Type, value any) (any, error) {
	if to != reflect.TypeFor[models.Amount]() {
		return value, nil
	}
	switch v := value.(type) {
	case models.Amount:
		return v, nil
	case float64:
		return models.ParseAmount("amount", strconv.FormatFloat(v, 'f', -1, 64))
	case string, int, int64, uint64:
		return models.ParseAmount("amount", strings.TrimSpace(fmt.Sprint(v)))
	}
	return nil, fmt.Errorf("%v is no amount such as 12.50", value)
}
