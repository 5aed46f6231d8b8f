package delivery

import (
	"bytes"
	"strings"

	"maskline/models"
)

// DefaultRecordDomain is recordDomain when the configuration names none. Customers only hand it back when they ask for a recording.
const DefaultRecordDomain = "maskline"

// keyCDR is a CDR's Delivery.Key: one a session.
const keyCDR = "cdr"

// feeRecord is one CDR of a fee push, in the order of a production sample (spec/privatenumber.md §4.4). The order of failTime, userData,
// notifyMode, extendNum, areaCode and callRelDirection, which the sample lacks, is that of the field table.
type feeRecord struct {
	Direction        int    `json:"direction"`
	SpID             string `json:"spId"`
	AppKey           string `json:"appKey"`
	ICID             string `json:"icid"`
	BindNum          string `json:"bindNum"`
	SessionID        string `json:"sessionId"`
	SubscriptionID   string `json:"subscriptionId,omitempty"`
	CallerNum        string `json:"callerNum"`
	CalleeNum        string `json:"calleeNum"`
	FwdDisplayNum    string `json:"fwdDisplayNum,omitempty"`
	FwdDstNum        string `json:"fwdDstNum,omitempty"`
	CallInTime       string `json:"callInTime,omitempty"`
	FwdStartTime     string `json:"fwdStartTime,omitempty"`
	FwdAlertingTime  string `json:"fwdAlertingTime,omitempty"`
	FwdAnswerTime    string `json:"fwdAnswerTime,omitempty"`
	CallEndTime      string `json:"callEndTime,omitempty"`
	FwdUnaswRsn      int    `json:"fwdUnaswRsn"`
	FailTime         string `json:"failTime,omitempty"`
	ULFailReason     int    `json:"ulFailReason"`
	SIPStatusCode    int    `json:"sipStatusCode"`
	CallOutUnaswRsn  int    `json:"callOutUnaswRsn"` // always 0 in samples
	RecordFlag       int    `json:"recordFlag"`
	RecordStartTime  string `json:"recordStartTime,omitempty"`
	RecordDomain     string `json:"recordDomain,omitempty"`
	RecordBucketName string `json:"recordBucketName,omitempty"`
	RecordObjectName string `json:"recordObjectName,omitempty"`
	TTSPlayTimes     int    `json:"ttsPlayTimes"`
	TTSTransDuration int    `json:"ttsTransDuration"`
	MptyID           string `json:"mptyId,omitempty"` // equals subscriptionId in samples
	ServiceType      string `json:"serviceType"`
	HostName         string `json:"hostName"`
	UserData         string `json:"userData,omitempty"`
	NotifyMode       string `json:"notifyMode,omitempty"` // X alone
	ExtendNum        string `json:"extendNum,omitempty"`  // AXE, when somebody called A
	AreaCode         string `json:"areaCode,omitempty"`
	CallRelDirection int    `json:"callRelDirection,omitempty"`
	VoiceCheckType   int    `json:"voiceCheckType"` // 0: no quality inspection
}

// serviceTypes are the wire's names of the modes. 004 is AXB and 003 AX in samples (spec/privatenumber.md §4.4). The others are not known: 006 is
// seen without its mode (spec/voicecall.md), 005 and 007 are what the order of the products leaves. Fee.ServiceTypes says otherwise.
var serviceTypes = map[models.Mode]string{
	models.ModeAX: "003", models.ModeAXB: "004", models.ModeX: "005", models.ModeAXE: "006", models.ModeAXYB: "007",
	models.ModeClick: "002", models.ModeNotify: "001", models.ModeVerify: "001", // spec/voicecall.md §6.2
}

// Fee is how CDRs are written where the original's spelling is not certain (spec/privatenumber.md §4.4, tags [?]), and what the
// operator chooses. The zero value is the default.
type Fee struct {
	RecordDomain string                 // recordDomain; "" is DefaultRecordDomain
	ServiceTypes map[models.Mode]string // serviceType by mode, before the built-in ones
	Optional     bool                   // the optional fields areaCode and callRelDirection, in masked calls
	// DurationField is the name under which the talk time in seconds is written in masked calls, such as callDuration; "" leaves it out.
	DurationField string
	// RecordURL gives recordFileDownloadUrl of a recording's file in the CDRs of placed calls; "" and nil leave it out. It must not wait.
	RecordURL func(file string) string
}

// CDR makes the push of one CDR with the default spelling; see Fee.CDR.
func CDR(app models.App, spID string, s models.Session, c models.CDR) (models.Delivery, bool) {
	return Fee{}.CDR(app, spID, s, c)
}

// CDR makes the push of one CDR to the fee URL of the call's request, else of the app; false when neither has one. The body is Record's.
// CreatedAt is c.CompletedAt.
func (f Fee) CDR(app models.App, spID string, s models.Session, c models.CDR) (models.Delivery, bool) {
	target := app.FeeURL
	if p := s.Plan.Place; p != nil && p.FeeURL != "" {
		target = p.FeeURL
	}
	if target == "" {
		return models.Delivery{}, false
	}
	return models.Delivery{
		AppID: app.ID, SessionID: c.SessionID, Kind: models.DeliverCDR, Key: keyCDR, URL: target,
		Body: f.Record(app, spID, c), State: models.DeliveryWaiting, CreatedAt: c.CompletedAt,
	}, true
}

// Record is a CDR as one element of a feeLst, into which the Courier puts it. It shows real numbers: it goes to the tenant whose numbers they
// are, and nowhere else. A push that was held for its recording gets a new one when the recording is there, or will not be.
func (f Fee) Record(app models.App, spID string, c models.CDR) []byte {
	if c.Mode.Placed() {
		return document(f.placed(app, spID, c))
	}
	return f.document(f.record(app, spID, c), c.TalkSeconds())
}

func (f Fee) record(app models.App, spID string, c models.CDR) feeRecord {
	r := feeRecord{
		Direction: c.Direction, SpID: spID, AppKey: app.Key, ICID: c.ICID, BindNum: c.X, SessionID: c.SessionID, SubscriptionID: c.BindingID,
		CallerNum: c.Caller.Reveal(), CalleeNum: c.X, FwdDisplayNum: c.Display, FwdDstNum: c.Callee.Reveal(),
		CallInTime: stamp(c.CallInAt), FwdStartTime: stamp(c.StartAt), FwdAlertingTime: stamp(c.AlertingAt),
		FwdAnswerTime: stamp(c.AnswerAt), CallEndTime: stamp(c.EndAt), FwdUnaswRsn: c.Q850, FailTime: stamp(c.FailAt),
		ULFailReason: int(c.Fail), SIPStatusCode: c.SIPStatus, MptyID: c.BindingID, ServiceType: f.serviceType(c.Mode),
		HostName: c.Host, UserData: c.UserData,
	}
	switch c.Mode {
	case models.ModeX: // no binding, so none is named
		r.NotifyMode, r.SubscriptionID, r.MptyID = modeBlock, "", ""
	case models.ModeAXE:
		if models.ValidExtension(c.Extension) == nil { // else something was keyed that is no extension: collectInfo told it
			r.ExtendNum = c.Extension
		}
	}
	if recorded(c) {
		r.RecordFlag, r.RecordStartTime, r.RecordObjectName = 1, stamp(c.RecordAt), c.RecordFile
		r.RecordDomain, r.RecordBucketName = f.recordDomain(), bucket(app)
	}
	if f.Optional {
		r.AreaCode, r.CallRelDirection = c.Area, c.HungUpBy
	}
	return r
}

// document writes the record. The talk time's field has a configurable name, so it is put in last and by hand.
func (f Fee) document(r feeRecord, talk int64) []byte {
	body := document(r)
	if f.DurationField == "" {
		return body
	}
	field := document(map[string]int64{f.DurationField: talk})
	return append(append(body[:len(body)-1], ','), field[1:]...)
}

// recorded is recordFlag: that there is a file to ask for.
func recorded(c models.CDR) bool { return c.Record && c.RecordFile != "" }

// bucket is recordBucketName as samples have it.
func bucket(app models.App) string { return "sp-" + strings.ToLower(app.Key) }

func (f Fee) recordDomain() string {
	if f.RecordDomain == "" {
		return DefaultRecordDomain
	}
	return f.RecordDomain
}

func (f Fee) serviceType(m models.Mode) string {
	if s, ok := f.ServiceTypes[m]; ok {
		return s
	}
	return serviceTypes[m]
}

// feeBody is the body of a fee push: the records of up to models.BatchMax deliveries (spec/privatenumber.md §4.4).
func feeBody(members []models.Delivery) []byte {
	var b bytes.Buffer
	b.WriteString(`{"eventType":"fee","feeLst":[`)
	for i, d := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(d.Body)
	}
	b.WriteString("]}")
	return b.Bytes()
}
