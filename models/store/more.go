package store

import (
	"database/sql"

	"maskline/models"
)

// modeSettings are a binding's settings that only some modes have. They lie in one column: nothing is looked up by them.
type modeSettings struct {
	ShowCaller     bool   `json:"show_caller,omitempty"`
	Off            bool   `json:"off,omitempty"`
	DirectionGiven bool   `json:"direction_given,omitempty"`
	CallbackNum    string `json:"callback_num,omitempty"`
	CallbackTone   string `json:"callback_tone,omitempty"`
	TimeUnit       int    `json:"time_unit,omitempty"`
	BindTime       int    `json:"bind_time,omitempty"`
	CallbackTime   int    `json:"callback_time,omitempty"`
	YBLifetime     int    `json:"yb_lifetime,omitempty"`
	BoundUnit      int    `json:"bound_unit,omitempty"`
	BoundTime      int    `json:"bound_time,omitempty"`
}

// moreOf is the column's value: "" for a binding that has none of them, as AXB's.
func moreOf(b *models.Binding) string {
	m := modeSettings{b.ShowCaller, b.Off, b.DirectionGiven, b.CallbackNum, b.CallbackTone, b.TimeUnit, b.BindTime, b.CallbackTime, b.YBLifetime,
		b.BoundUnit, b.BoundTime}
	if m == (modeSettings{}) {
		return ""
	}
	return asDocument(m)
}

func more(b *models.Binding) sql.Scanner {
	return scanner(func(src any) error {
		var m modeSettings
		err := document(&m).Scan(src)
		b.ShowCaller, b.Off, b.DirectionGiven, b.CallbackNum, b.CallbackTone = m.ShowCaller, m.Off, m.DirectionGiven, m.CallbackNum, m.CallbackTone
		b.TimeUnit, b.BindTime, b.CallbackTime, b.YBLifetime, b.BoundUnit, b.BoundTime = m.TimeUnit, m.BindTime, m.CallbackTime, m.YBLifetime, m.BoundUnit, m.BoundTime
		return err
	})
}
