package models

// AppSettings are the settings that only some modes, or only some tenants, need. The zero value has the defaults.
type AppSettings struct {
	Extension ExtensionSettings `json:"extension,omitzero"`
	// AskURL is asked about each call of mode x in place of StatusURL (spec/privatenumber.md §4: an alternative URL for callin alone).
	AskURL string `json:"ask_url,omitempty"`
	// NumberStatusURL is told when a number's state changes; "" is StatusURL. PushNumberStatus switches that on (spec §4.5).
	NumberStatusURL  string `json:"number_status_url,omitempty"`
	PushNumberStatus bool   `json:"push_number_status,omitempty"`
	Risk             Risk   `json:"risk,omitzero"`
	// RequireRegistered ends calls of bindings whose A is no registered party of the tenant (8058); to bind is allowed (spec/privatenumber.md §7).
	RequireRegistered bool `json:"require_registered,omitempty"`
	// Voice is for ModeVoice.
	Voice VoiceSettings `json:"voice,omitzero"`
}

// ExtensionSettings say how mode AXE asks for the extension (spec/privatenumber.md §3).
type ExtensionSettings struct {
	Digits    int `json:"digits,omitempty"`     // of an extension, 1 to 4; 0 is 4
	PerNumber int `json:"per_number,omitempty"` // extensions one X carries, at most what Digits allow; 0 is 200
	Repeats   int `json:"repeats,omitempty"`    // how often a wrong or missing input is asked for again, 0 to 9
	Gap       int `json:"gap,omitempty"`        // seconds without a key that end the input, 1 to 30; 0 is 5
	// AnswerFirst answers the caller before he is asked: many carriers pass no digits before the answer, and bill from it.
	AnswerFirst bool `json:"answer_first,omitempty"`
	// What A hears or reaches when he dials X and nobody called him before. At most one is set.
	CallbackNum  string `json:"callback_num,omitempty"`
	CallbackTone string `json:"callback_tone,omitempty"`
}

// Length is Digits with its default.
func (e ExtensionSettings) Length() int {
	if e.Digits == 0 {
		return 4
	}
	return e.Digits
}

// Most is PerNumber with its default and the bound of Length: extensions are 1 to 9, 99, 999 or 9999.
func (e ExtensionSettings) Most() int {
	bound := 1
	for range e.Length() {
		bound *= 10
	}
	if e.PerNumber == 0 {
		return min(200, bound-1)
	}
	return min(e.PerNumber, bound-1)
}

// GapSeconds is Gap with its default.
func (e ExtensionSettings) GapSeconds() int {
	if e.Gap == 0 {
		return 5
	}
	return e.Gap
}

// Validate checks the settings' ranges.
func (s AppSettings) Validate() error {
	e := s.Extension
	switch {
	case e.Digits < 0 || e.Digits > 4:
		return Fail(Invalid, "extension.digits", "an extension has 1 to 4 digits")
	case e.PerNumber < 0 || e.PerNumber > 9999:
		return Fail(Invalid, "extension.per_number", "a number carries 1 to 9999 extensions")
	case e.Repeats < 0 || e.Repeats > 9:
		return Fail(Invalid, "extension.repeats", "an input is asked for again 0 to 9 times")
	case e.Gap < 0 || e.Gap > 30:
		return Fail(Invalid, "extension.gap", "the pause that ends an input is 1 to 30 seconds")
	case e.CallbackNum != "" && e.CallbackTone != "":
		return Fail(Invalid, "extension.callback_tone", "callback_num and callback_tone exclude each other")
	}
	if err := ValidPromptName("extension.callback_tone", e.CallbackTone); err != nil {
		return err
	}
	if e.CallbackNum != "" && !isGlobal(e.CallbackNum) {
		return Fail(Invalid, "extension.callback_num", "callback_num is in the form +<country><number>")
	}
	if err := ValidURL("ask_url", s.AskURL); err != nil {
		return err
	}
	if err := ValidURL("number_status_url", s.NumberStatusURL); err != nil {
		return err
	}
	if err := s.Voice.Validate(); err != nil {
		return err
	}
	return s.Risk.Validate()
}
