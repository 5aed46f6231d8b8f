package voice

import "maskline/models"

// Asked is what every request may say (spec/voicecall.md §2 to §4). Numbers are in global form, URLs are decoded, "" and nil are absent.
type Asked struct {
	Display   string // displayNbr
	StatusURL string // statusUrl, before the app's own
	FeeURL    string // feeUrl
	UserData  string
	IdlePort  bool // returnIdlePort: Accepted.IdlePort is wanted
}

// ClickRequest asks for two people to be called and joined.
type ClickRequest struct {
	Asked
	Caller        models.Party // callerNbr: called first
	DisplayCallee string       // displayCalleeNbr: what Callee sees
	Callee        models.Party
	MaxDuration   int // minutes from the callee's answer, 0 to 1440; 0 is unlimited
	// What the next two say counts only with MaxDuration.
	LastMinVoice string      // "" is the platform's
	LastMinToUE  models.Side // SideA for toa, SideB for tob, "" for both
	PlayPreVoice bool
	PreVoice     string       // with PlayPreVoice; "" is the platform's
	WaitVoice    string       // "" is our ring-back
	CalleeMedia  models.Media // "" is MediaAll
	RecordFlag   bool
	RecordTone   string // recordHintTone, with RecordFlag; "" is the platform's
	PartyType    bool   // partyTypeRequiredInDisconnect
}

// NotifyRequest asks for one to be called who hears something.
type NotifyRequest struct {
	Asked
	Callee models.Party
	Play   []PlayItem // playInfoList, 1 to 5
}

// PlayItem is one thing that is played: a prompt by its file name, or a template with its values.
type PlayItem struct {
	NotifyVoice   string
	TemplateID    string
	TemplateParas []string
	CollectInd    int    // digits to collect after it at most, 0 to 32
	Replay        bool   // replayAfterCollection, with CollectInd
	ReplayOn      string // collectContentTriggerReplaying, with Replay; "" is whatever is keyed
}

// VerifyRequest asks for one to be called who hears a code.
type VerifyRequest struct {
	Asked
	Callee   models.Party
	Language int // languageType: 1 Chinese, 2 English
	PreTone  string
	Code     string // verifyCode: 2 to 8 digits
	PosTone  string
	Times    *int // 0 to 9; 0 is as often as the app's settings allow; nil is 3
}

// Accepted is the answer to a request. Nobody has been rung yet.
type Accepted struct {
	SessionID string
	IdlePort  int // ports of the app that neither a call nor a waiting one needs now; 0 unless asked for
}
