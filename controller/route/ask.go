package route

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"maskline/models"
)

// ask: the tenant is asked about every call and says what happens (spec/privatenumber.md §4.3).
func ask(_ Rules, s models.Sight) (models.Plan, string) {
	url := s.App.Settings.AskURL
	if url == "" {
		url = s.App.StatusURL
	}
	return models.Plan{Direction: fromA, Ask: &models.Ask{URL: url}}, "the tenant is asked"
}

// AnswerMax is the longest answer that is read, bytes.
const AnswerMax = 64 << 10

// Answered makes the plan of a call in mode X from the tenant's answer, with its userData. What cannot be carried out is a plan that
// refuses with 8014, and an error that says what was wrong with it. exists says whether the tenant has a tone file of a name; owned, whether a
// number is one of the platform's own: a call to it would come back to us.
func (r Rules) Answered(answer []byte, s models.Sight, exists func(name string) bool, owned func(number string) bool) (models.Plan, string, error) {
	a, err := readAnswer(answer)
	if err == nil {
		err = a.check(r, s, owned)
	}
	if err != nil {
		return r.Unanswered(s), a.UserData, err
	}
	for _, tone := range []string{a.WaitVoice, a.RecordHintTone, a.LastMinVoice, a.CloseHintTone} {
		if tone != "" && !exists(tone) {
			return turned(refuse(models.PromptGone, temporary, models.PromptAbnormal, s.App), fromA), a.UserData, fmt.Errorf("tone file %s does not exist", tone)
		}
	}
	if a.operation == "close" {
		return models.Plan{Direction: fromA, Refuse: &models.Refuse{State: models.Hungup, Q850: rejected, Prompt: a.CloseHintTone}}, a.UserData, nil
	}
	c := &models.Connect{To: a.CalleeNum, Show: s.Dialled, AnswerIn: r.answerIn(), PreVoice: a.WaitVoice}
	if bool(a.RecordFlag) && s.App.Record {
		c.Record, c.RecordTone = true, a.RecordHintTone
		if c.RecordTone == "" {
			c.RecordTone = Prompt(s.App, models.PromptRecordHint)
		}
	}
	r.limit(c, int(a.MaxDuration), a.LastMinVoice)
	if s.Number != nil {
		c.Trunk = s.Number.Trunk
	}
	plan, barred := r.bar(s, models.Plan{Direction: fromA, Connect: c})
	return plan, a.UserData, barred
}

// Unanswered is the plan of a call whose tenant did not answer, or not so that it could be carried out.
func (r Rules) Unanswered(s models.Sight) models.Plan {
	p := turned(refuse(models.NoBinding, rejected, models.PromptAbnormal, s.App), fromA)
	r.reprompt(s, p.Refuse)
	return p
}

// reply is the tenant's answer, connect's and close's members in one.
type reply struct {
	operation        string
	DisplayCalleeNum string
	CalleeNum        string
	MaxDuration      loose
	WaitVoice        string
	RecordFlag       yes
	RecordHintTone   string
	LastMinVoice     string
	CloseHintTone    string
	UserData         string
}

// readAnswer takes connectInfo and closeInfo as an object or as an array of one: the documents say the one, the official demo sends the other.
func readAnswer(answer []byte) (a reply, err error) {
	if len(answer) > AnswerMax {
		return a, fmt.Errorf("answer has more than %d bytes", AnswerMax)
	}
	var doc struct {
		Operation   string          `json:"operation"`
		ConnectInfo json.RawMessage `json:"connectInfo"`
		CloseInfo   json.RawMessage `json:"closeInfo"`
	}
	if err := json.Unmarshal(answer, &doc); err != nil {
		return a, fmt.Errorf("answer is no JSON object")
	}
	info := doc.ConnectInfo
	switch doc.Operation {
	case "close":
		info = doc.CloseInfo
	case "connect":
	default:
		return a, fmt.Errorf("operation is neither connect nor close")
	}
	if trimmed := bytes.TrimSpace(info); len(trimmed) > 0 && trimmed[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(info, &list); err != nil || len(list) > 1 {
			return a, fmt.Errorf("%sInfo holds more than one entry", doc.Operation)
		}
		info = nil
		if len(list) == 1 {
			info = list[0]
		}
	}
	if len(info) > 0 && string(info) != "null" {
		if err := json.Unmarshal(info, &a); err != nil {
			return a, fmt.Errorf("%sInfo has a member of a wrong type", doc.Operation)
		}
	}
	a.operation = doc.Operation
	return a, nil
}

// check judges the members and brings the callee into global form.
func (a *reply) check(r Rules, s models.Sight, owned func(string) bool) error {
	settings := models.BindingSettings{UserData: a.UserData, MaxDuration: int(a.MaxDuration), RecordHintTone: a.RecordHintTone, LastMinVoice: a.LastMinVoice,
		PreVoiceA: a.WaitVoice, PreVoiceB: a.CloseHintTone}
	if err := settings.Validate(); err != nil {
		return err
	}
	if a.operation == "close" {
		return nil
	}
	callee, err := r.Numbering.Party(a.CalleeNum)
	switch {
	case err != nil:
		return fmt.Errorf("calleeNum is missing or no telephone number")
	case callee == s.Caller:
		return fmt.Errorf("calleeNum is the caller himself")
	case owned(callee.Reveal()):
		return fmt.Errorf("calleeNum is a private number of the platform")
	}
	a.CalleeNum = callee.Reveal()
	if a.DisplayCalleeNum != "" {
		if shown, err := r.Numbering.Global(a.DisplayCalleeNum); err != nil || shown != s.Dialled {
			return fmt.Errorf("displayCalleeNum is not the number that was dialled")
		}
	}
	return nil
}

// loose is an integer that clients also send as a string or with a fraction of 0.
type loose int

func (l *loose) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "" || text == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != float64(int(f)) {
		return fmt.Errorf("%s is no integer", b)
	}
	*l = loose(f)
	return nil
}

// yes is a boolean that clients also send as a string.
type yes bool

func (y *yes) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true", "1":
		*y = true
	case "false", "0", "", "null":
		*y = false
	default:
		return fmt.Errorf("%s is neither true nor false", b)
	}
	return nil
}
