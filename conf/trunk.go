package conf

import (
	"net/netip"
	"time"

	"maskline/models"
)

// Trunk is a way in from and out to a carrier; models.Trunk says what each setting does.
type Trunk struct {
	Name        string         `koanf:"name"`
	Addresses   []netip.Prefix `koanf:"addresses"`
	Registers   string         `koanf:"registers"`
	RegisterKey Secret         `koanf:"register_key"`
	CallerIn    string         `koanf:"caller_in"`
	DialledIn   string         `koanf:"dialled_in"`
	TrustCaller bool           `koanf:"trust_caller"`
	Proxy       string         `koanf:"proxy"`
	User        string         `koanf:"user"`
	Password    Secret         `koanf:"password"`
	Register    bool           `koanf:"register"`
	Ping        time.Duration  `koanf:"ping"`
	ShowIn      []string       `koanf:"show_in"`
	FromDomain  string         `koanf:"from_domain"`
	DialForm    string         `koanf:"dial_form"`
	Codecs      []string       `koanf:"codecs"`
	External    string         `koanf:"external"`
	Channels    int            `koanf:"channels"`
	Rate        float64        `koanf:"rate"`
	Order       int            `koanf:"order"`
}

// Model is the trunk as the domain has it. It fails when a secret cannot be read.
func (t Trunk) Model() (models.Trunk, error) {
	key, err := t.RegisterKey.Reveal()
	if err != nil {
		return models.Trunk{}, err
	}
	password, err := t.Password.Reveal()
	if err != nil {
		return models.Trunk{}, err
	}
	m := models.Trunk{
		Name: t.Name, Addresses: t.Addresses, Registers: t.Registers, RegisterKey: key,
		CallerIn: models.HeaderField(t.CallerIn), DialledIn: models.HeaderField(t.DialledIn), TrustCaller: t.TrustCaller,
		Proxy: t.Proxy, User: t.User, Password: password, Register: t.Register, Ping: t.Ping, FromDomain: t.FromDomain,
		DialForm: models.NumberForm(t.DialForm), Codecs: t.Codecs, External: t.External, Channels: t.Channels, Rate: t.Rate, Order: t.Order,
	}
	for _, f := range t.ShowIn {
		m.ShowIn = append(m.ShowIn, models.HeaderField(f))
	}
	return m, nil
}

// TrunkModels are all trunks as the domain has them. Load has checked that they can be made.
func (c Config) TrunkModels() ([]models.Trunk, error) {
	trunks := make([]models.Trunk, 0, len(c.Trunks))
	for _, t := range c.Trunks {
		m, err := t.Model()
		if err != nil {
			return nil, err
		}
		trunks = append(trunks, m)
	}
	return trunks, nil
}
