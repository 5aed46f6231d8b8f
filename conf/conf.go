// Package conf is the daemon's configuration: one typed Config, read strictly from a YAML file, the environment and the command
// line, and validated with sentences that name the key and what to do. It also carries the files that ship with the program: the
// sample configuration and the default prompts. It starts no goroutine and keeps no state.
package conf

import (
	"net/netip"
	"time"

	"maskline/models"
)

// Config is everything an operator may set. Its keys, with a sentence each, stand in maskline.yaml.
type Config struct {
	Database  Database      `koanf:"database"`
	Keys      []Key         `koanf:"keys"`
	Listen    Listen        `koanf:"listen"`
	TLS       TLS           `koanf:"tls"`
	Admin     Admin         `koanf:"admin"`
	API       API           `koanf:"api"`
	Intake    Intake        `koanf:"intake"`
	Numbering Numbering     `koanf:"numbering"`
	Switches  []Switch      `koanf:"switches"`
	Trunks    []Trunk       `koanf:"trunks"`
	Media     Media         `koanf:"media"`
	S3        S3            `koanf:"s3"`
	Speech    Speech        `koanf:"speech"`
	Delivery  Delivery      `koanf:"delivery"`
	Binding   Binding       `koanf:"binding"`
	Call      Call          `koanf:"call"`
	Billing   Billing       `koanf:"billing"`
	Operators Operators     `koanf:"operators"`
	Orders    Orders        `koanf:"orders"`
	Mail      Mail          `koanf:"mail"`
	Retention Retention     `koanf:"retention"`
	Schedule  Schedule      `koanf:"schedule"`
	Cluster   Cluster       `koanf:"cluster"`
	Log       Log           `koanf:"log"`
	Drain     time.Duration `koanf:"drain"`
}

// Database says where the truth is kept.
type Database struct {
	Driver      string `koanf:"driver"`      // sqlite or mysql
	DSN         Secret `koanf:"dsn"`         // a file name for sqlite
	Connections int    `koanf:"connections"` // 0 is the store's default
	Migrate     bool   `koanf:"migrate"`     // bring the schema up to date when the daemon starts
}

// Key is one sealing key: 32 bytes, in Base64 or hex. The first of the list seals; the others open what they sealed.
type Key struct {
	ID  string `koanf:"id"`
	Key Secret `koanf:"key"`
}

// Listen is the addresses served. An empty one is not served.
type Listen struct {
	API    string `koanf:"api"`     // tenant API, HTTP
	APITLS string `koanf:"api_tls"` // tenant API, HTTPS
	Admin  string `koanf:"admin"`   // admin API, health and metrics
	Intake string `koanf:"intake"`  // CDR posts of the switches
	Debug  string `koanf:"debug"`   // profiles of the daemon, on loopback
	Sounds string `koanf:"sounds"`  // prompts and speech for switches that fetch them
	Peers  string `koanf:"peers"`   // other daemons of the same database
}

// TLS is the certificate of the HTTPS listeners.
type TLS struct {
	CertFile   string   `koanf:"cert_file"`
	KeyFile    string   `koanf:"key_file"`
	SelfSigned bool     `koanf:"self_signed"` // make a certificate when the files are missing
	Hosts      []string `koanf:"hosts"`       // names and addresses of the self-signed one
	Dir        string   `koanf:"dir"`         // where the self-signed one is kept
	Admin      bool     `koanf:"admin"`       // serve the admin API over HTTPS too
}

// Admin is who may use the admin API.
type Admin struct {
	Tokens []Token `koanf:"tokens"`
}

// Token is one operator's key to the admin API. Name stands in the log beside what he did.
type Token struct {
	Name  string `koanf:"name"`
	Token Secret `koanf:"token"`
}

// API is the tenant API's settings.
type API struct {
	ClockWindow    time.Duration   `koanf:"clock_window"`
	ClockOffsets   []time.Duration `koanf:"clock_offsets"`
	ReplayWindow   time.Duration   `koanf:"replay_window"`
	Lenient        bool            `koanf:"lenient"`
	Rate           float64         `koanf:"rate"` // requests a second and app
	Burst          int             `koanf:"burst"`
	AtOnce         int             `koanf:"at_once"` // requests under way, of all apps
	FlowCode       string          `koanf:"flow_code"`
	VoiceFlowCode  string          `koanf:"voice_flow_code"`
	BlockAfter     int             `koanf:"block_after"`
	BlockWindow    time.Duration   `koanf:"block_window"`
	BlockFor       time.Duration   `koanf:"block_for"`
	KeepAlive      bool            `koanf:"keep_alive"`
	BodyLimit      int64           `koanf:"body_limit"` // bytes
	Timeout        time.Duration   `koanf:"timeout"`
	TrustedProxies []netip.Prefix  `koanf:"trusted_proxies"`
	International  bool            `koanf:"international"`
}

// Intake is the listener to which switches post the end of each leg.
type Intake struct {
	User     string `koanf:"user"`
	Password Secret `koanf:"password"`
	Spool    string `koanf:"spool"`
}

// Numbering is how numbers are written where the platform runs.
type Numbering struct {
	Country       string `koanf:"country"`
	International string `koanf:"international"`
	National      string `koanf:"national"`
}

// Model is the numbering as the domain has it.
func (n Numbering) Model() models.Numbering {
	return models.Numbering{Country: n.Country, International: n.International, National: n.National}
}

// Switch is one FreeSWITCH.
type Switch struct {
	Name      string `koanf:"name"`
	Addr      string `koanf:"addr"` // of its event socket
	Password  Secret `koanf:"password"`
	Host      string `koanf:"host"`      // the part of session ids after "@"; "" is Name
	Commands  int    `koanf:"commands"`  // command connections; 0 is 2
	Spool     string `koanf:"spool"`     // where it keeps the records it could not post; "" is none that we can read
	Simulated bool   `koanf:"simulated"` // run a simulated switch inside the daemon at addr
}

// HostName is the part of the switch's session ids after "@".
func (s Switch) HostName() string {
	if s.Host == "" {
		return s.Name
	}
	return s.Host
}

// Media is prompts and recordings.
type Media struct {
	Prompts       string        `koanf:"prompts"`
	Language      string        `koanf:"language"`
	Tenants       string        `koanf:"tenants"`
	Uploads       string        `koanf:"uploads"`    // prompts as they were uploaded, those under review among them
	SoundsURL     string        `koanf:"sounds_url"` // where switches reach listen.sounds; "" has them read the directories
	Recordings    string        `koanf:"recordings"`
	RecordStore   string        `koanf:"record_store"` // RecordLocal or RecordS3
	RecordWait    time.Duration `koanf:"record_wait"`
	Drain         []string      `koanf:"drain"` // directories of switches of this machine
	RetentionDays int           `koanf:"retention_days"`
	LinkLifetime  time.Duration `koanf:"link_lifetime"`
	LinkBase      string        `koanf:"link_base"`
	RecordDomain  string        `koanf:"record_domain"`
}

// Where recordings are kept.
const (
	RecordLocal = "local" // in media.recordings
	RecordS3    = "s3"
)

// S3 is a store of objects for recordings, for RecordS3.
type S3 struct {
	Endpoint  string `koanf:"endpoint"` // https://host[:port]
	Region    string `koanf:"region"`
	Bucket    string `koanf:"bucket"`
	Prefix    string `koanf:"prefix"`
	Key       string `koanf:"key"`
	Secret    Secret `koanf:"secret"`
	PathStyle bool   `koanf:"path_style"`
	Through   bool   `koanf:"through"` // links lead to the daemon, which reads from the store
}

// Speech is how text of templates becomes sound.
type Speech struct {
	Engine     string        `koanf:"engine"`  // one of the Speech… below
	Command    []string      `koanf:"command"` // SpeechCommand: a program and its arguments
	URL        string        `koanf:"url"`     // SpeechHTTP
	Token      Secret        `koanf:"token"`   // SpeechHTTP: bearer token; "" is none
	Voice      string        `koanf:"voice"`
	Dir        string        `koanf:"dir"`
	MaxBytes   int64         `koanf:"max_bytes"`
	Concurrent int           `koanf:"concurrent"`
	Timeout    time.Duration `koanf:"timeout"`
	ValueBytes int           `koanf:"value_bytes"`
	CountBytes bool          `koanf:"count_bytes"`
}

// Limits are those of the values that templates are filled with.
func (s Speech) Limits() models.ValueLimits {
	return models.ValueLimits{Bytes: s.ValueBytes, CountBytes: s.CountBytes}
}

// The engines.
const (
	SpeechNone    = "" // calls that need speech end with 8005
	SpeechCommand = "command"
	SpeechHTTP    = "http"
)

// Delivery is the pushes to customers' URLs.
type Delivery struct {
	Calendar []time.Duration `koanf:"calendar"`
	// VoiceCalendar is Calendar for the CDRs of placed calls. Their events are never tried again.
	VoiceCalendar []time.Duration `koanf:"voice_calendar"`
	// VoiceUTC puts UTC into the signatures of pushes to apps of mode voice, in place of Beijing's time.
	VoiceUTC   bool           `koanf:"voice_utc"`
	Timeout    time.Duration  `koanf:"timeout"`
	BatchWait  time.Duration  `koanf:"batch_wait"`
	Concurrent int            `koanf:"concurrent"`
	PerURL     int            `koanf:"per_url"`
	Allow      []netip.Prefix `koanf:"allow"`
	Insecure   []string       `koanf:"insecure_hosts"`
	DeadFiles  string         `koanf:"dead_files"`
	Optional   bool           `koanf:"optional_fields"`
	Duration   string         `koanf:"duration_field"`
	// ServiceTypes is serviceType of CDRs by mode, where another than the courier's is wanted.
	ServiceTypes map[string]string `koanf:"service_types"`
}

// Binding is how numbers are chosen.
type Binding struct {
	CoolOff time.Duration `koanf:"cool_off"`
}

// Call is what holds for every call.
type Call struct {
	AnswerIn time.Duration     `koanf:"answer_in"`
	MaxTalk  time.Duration     `koanf:"max_talk"` // 0 is no bound
	Refusals map[string]string `koanf:"refusals"` // stateCode → prompt
	Ringback string            `koanf:"ringback"` // "" is the Chinese ring tone
	AtOnce   int               `koanf:"at_once"`
	// PerSecond is how many calls may come in a second, Burst how many of them at once. 0 is any number, and PerSecond.
	PerSecond int `koanf:"per_second"`
	Burst     int `koanf:"burst"`
	// AskTimeout is how long a tenant of mode x may take to say what to do with a call.
	AskTimeout time.Duration `koanf:"ask_timeout"`
	// AllowRealCaller lets bindings that ask for it show the real caller to the callee.
	AllowRealCaller bool `koanf:"allow_real_caller"`
	// Destinations are where calls may go, Limits how many: toll fraud costs what the carrier charges. Tenants may have their own.
	Destinations Destinations `koanf:"destinations"`
	Limits       Limits       `koanf:"limits"`
}

// Log is how the daemon logs.
type Log struct {
	Level  string `koanf:"level"`  // debug, info, warn, error
	Format string `koanf:"format"` // text or json
}
