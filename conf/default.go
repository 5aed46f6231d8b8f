package conf

import (
	"time"

	"maskline/models"
)

// Default is the configuration that holds where nothing is set. maskline.yaml says the same, and a test compares them.
func Default() Config {
	return Config{
		Database: Database{Driver: "sqlite", DSN: NewSecret("var/maskline.db"), Migrate: true},
		Listen:   Listen{API: "127.0.0.1:8080", Admin: "127.0.0.1:8081", Intake: "127.0.0.1:8090"},
		TLS:      TLS{Hosts: []string{"localhost", "127.0.0.1"}, Dir: "var/tls"},
		API: API{
			ClockWindow: 15 * time.Minute, ClockOffsets: []time.Duration{0, 8 * time.Hour}, ReplayWindow: 15 * time.Minute,
			Rate: 1000, Burst: 10_000, AtOnce: 512, FlowCode: "1010023", VoiceFlowCode: "1010010",
			BlockAfter: 20, BlockWindow: 5 * time.Minute, BlockFor: 30 * time.Minute,
			BodyLimit: 64 << 10, Timeout: 10 * time.Second,
		},
		Intake:    Intake{User: "switch", Spool: "var/spool"},
		Numbering: Numbering{Country: "86", International: "00", National: "0"},
		Media: Media{
			Prompts: "var/prompts", Language: "zh", Tenants: "var/tenants", Uploads: "var/uploads", Recordings: "var/recordings",
			RecordStore: RecordLocal, RecordWait: time.Minute, RetentionDays: 7, LinkLifetime: 72 * time.Hour,
		},
		S3: S3{Region: "us-east-1", PathStyle: true},
		Speech: Speech{
			Engine: SpeechCommand, Command: []string{"espeak-ng", "--stdin", "-b", "1", "-v", "{voice}", "-s", "{speed}", "-w", "{out}"},
			Voice: "cmn", Dir: "var/speech", MaxBytes: 1 << 30, Concurrent: 2, Timeout: 10 * time.Second, ValueBytes: 32,
		},
		Delivery: Delivery{
			Calendar:      []time.Duration{time.Minute, 4 * time.Minute, 9 * time.Minute, 106 * time.Minute, 203 * time.Minute, 300 * time.Minute},
			VoiceCalendar: []time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 5 * time.Hour, 6 * time.Hour},
			Timeout:       5 * time.Second, BatchWait: time.Second, Concurrent: 256, PerURL: 8, DeadFiles: "var/dead", ServiceTypes: map[string]string{},
		},
		Binding:   Binding{CoolOff: 24 * time.Hour},
		Call:      Call{AnswerIn: 90 * time.Second, Refusals: map[string]string{}, AtOnce: 10_000, AskTimeout: 4 * time.Second, Destinations: Destinations{Deny: neverCheap()}},
		Billing:   Billing{Warn: []models.Amount{100 * models.Unit, 20 * models.Unit}, WhenUnreadable: BillingRefuse},
		Cluster:   Cluster{Lease: 6 * time.Second},
		Operators: Operators{SessionLife: 12 * time.Hour, LockAfter: 10, LockFor: 15 * time.Minute},
		Orders:    Orders{Documents: "var/documents", CoolDown: 90 * 24 * time.Hour},
		Mail:      Mail{TLS: MailStartTLS},
		Retention: Retention{CDRs: 400, Events: 90, Deliveries: 30},
		Schedule:  defaultSchedule(),
		Log:       Log{Level: "info", Format: "text"},
		Drain:     30 * time.Second,
	}
}
