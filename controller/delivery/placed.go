package delivery

import "maskline/models"

// This file writes what is told of placed calls (spec/voicecall.md §6). The other files write masked calls (spec/privatenumber.md §4).

// placedPush is the body of an event of a placed call. The order of the fields is that of the official examples; what they lack stands where
// the field table has it (spec/voicecall.md §6.1).
type placedPush struct {
	EventType  models.EventType `json:"eventType"`
	StatusInfo placedInfo       `json:"statusInfo"`
}

type placedInfo struct {
	SessionID string  `json:"sessionId"`
	Timestamp string  `json:"timestamp"`
	Caller    string  `json:"caller"`
	Called    string  `json:"called"`
	DigitInfo *string `json:"digitInfo,omitempty"`
	PartyType string  `json:"partyType,omitempty"`
	StateCode *int    `json:"stateCode,omitempty"` // 0 is a value, so a pointer says absent
	StateDesc string  `json:"stateDesc,omitempty"`
	UserData  string  `json:"userData,omitempty"`
}

// partyTypes are partyType by CallEvent.By.
var partyTypes = map[int]string{0: "platform", 1: "caller", 2: "callee"}

// placedEvent writes an event of a placed call. Every one has caller and called, since customers' programs read them without asking; where the
// event names nobody it is leg 1, the only one there is while digits are collected. The code stands as it is: VoiceCall has one list.
func placedEvent(s models.Session, e models.CallEvent) []byte {
	info := placedInfo{SessionID: s.ID, Timestamp: stamp(e.At), Caller: e.Caller.Reveal(), Called: e.Called.Reveal(), UserData: s.UserData}
	if e.Called.IsZero() {
		info.Caller, info.Called = s.Dialled, s.Caller.Reveal()
	}
	switch e.Type {
	case models.EventCollect:
		info.DigitInfo = &e.Digits
	case models.EventDisconnect:
		info.StateCode, info.StateDesc = new(int(e.State)), e.State.Text()
		if p := s.Plan.Place; p != nil && p.PartyType && s.Mode == models.ModeClick {
			info.PartyType = partyTypes[e.By]
		}
	}
	return document(placedPush{e.Type, info})
}

// placedRecord is the CDR of a placed call (spec/voicecall.md §6.2), in the order of the field table. What stands in click-to-dial alone is
// left out elsewhere because it is empty there.
type placedRecord struct {
	Direction             int    `json:"direction"` // 0 in all samples
	SpID                  string `json:"spId"`
	AppKey                string `json:"appKey"`
	ICID                  string `json:"icid"`
	BindNum               string `json:"bindNum"`
	SessionID             string `json:"sessionId"`
	CallerNum             string `json:"callerNum"`
	CalleeNum             string `json:"calleeNum"`
	FwdDisplayNum         string `json:"fwdDisplayNum,omitempty"`
	FwdDstNum             string `json:"fwdDstNum,omitempty"`
	FwdStartTime          string `json:"fwdStartTime,omitempty"`
	FwdAlertingTime       string `json:"fwdAlertingTime,omitempty"`
	FwdAnswerTime         string `json:"fwdAnswerTime,omitempty"`
	CallEndTime           string `json:"callEndTime,omitempty"`
	FwdUnaswRsn           int    `json:"fwdUnaswRsn"`
	FailTime              string `json:"failTime,omitempty"`
	ULFailReason          int    `json:"ulFailReason"`
	SIPStatusCode         int    `json:"sipStatusCode"`
	CallOutStartTime      string `json:"callOutStartTime,omitempty"`
	CallOutAlertingTime   string `json:"callOutAlertingTime,omitempty"`
	CallOutAnswerTime     string `json:"callOutAnswerTime,omitempty"`
	CallOutUnaswRsn       int    `json:"callOutUnaswRsn"`
	RecordFlag            int    `json:"recordFlag"`
	RecordStartTime       string `json:"recordStartTime,omitempty"`
	RecordDomain          string `json:"recordDomain,omitempty"`
	RecordBucketName      string `json:"recordBucketName,omitempty"`
	RecordObjectName      string `json:"recordObjectName,omitempty"`
	RecordFileDownloadURL string `json:"recordFileDownloadUrl,omitempty"`
	TTSPlayTimes          int    `json:"ttsPlayTimes"`
	TTSTransDuration      int    `json:"ttsTransDuration"` // seconds
	ServiceType           string `json:"serviceType"`
	HostName              string `json:"hostName"`
	UserData              string `json:"userData,omitempty"`
}

// recordURLMax is how long recordFileDownloadUrl may be (spec/voicecall.md §6.2). A longer one is left out: the API gives it, too.
const recordURLMax = 1024

func (f Fee) placed(app models.App, spID string, c models.CDR) placedRecord {
	r := placedRecord{
		SpID: spID, AppKey: app.Key, ICID: c.ICID, BindNum: c.X, SessionID: c.SessionID, CallerNum: c.X, CalleeNum: c.Caller.Reveal(),
		CallEndTime: stamp(c.EndAt), FailTime: stamp(c.FailAt), ULFailReason: int(c.Fail), SIPStatusCode: c.SIPStatus,
		CallOutStartTime: stamp(c.OutAt), CallOutAlertingTime: stamp(c.OutAlertingAt), CallOutAnswerTime: stamp(c.OutAnswerAt), CallOutUnaswRsn: c.OutQ850,
		TTSPlayTimes: c.SpeechPlays, TTSTransDuration: c.SpeechSeconds, ServiceType: f.serviceType(c.Mode), HostName: c.Host, UserData: c.UserData,
	}
	if c.Mode != models.ModeClick {
		return r
	}
	r.FwdDisplayNum, r.FwdDstNum, r.FwdUnaswRsn = c.Display, c.Callee.Reveal(), c.Q850
	r.FwdStartTime, r.FwdAlertingTime, r.FwdAnswerTime = stamp(c.StartAt), stamp(c.AlertingAt), stamp(c.AnswerAt)
	if recorded(c) {
		r.RecordFlag, r.RecordStartTime, r.RecordObjectName = 1, stamp(c.RecordAt), c.RecordFile
		r.RecordDomain, r.RecordBucketName = f.recordDomain(), bucket(app)
		if f.RecordURL != nil {
			r.RecordFileDownloadURL = f.RecordURL(c.RecordFile)
		}
		if len(r.RecordFileDownloadURL) > recordURLMax {
			r.RecordFileDownloadURL = ""
		}
	}
	return r
}
