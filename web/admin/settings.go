package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"

	"maskline/models"
)

// merge puts what a request names of an app's settings over those that the app has.
func merge(raw json.RawMessage, into *models.AppSettings) error {
	err := decode(bytes.NewReader(raw), into)
	if e, ok := errors.AsType[*models.Error](err); ok && e.Param != "" {
		e.Param = "settings." + e.Param
	}
	return err
}

// fits checks that an app has no setting that its mode does nothing with: who sets one expects that it works.
func fits(a models.App) error {
	switch {
	case a.Mode != models.ModeAXE && a.Settings.Extension != models.ExtensionSettings{}:
		return models.Fail(models.Invalid, "settings.extension", "extensions are keyed in mode axe alone; this app's mode is %s", a.Mode)
	case a.Mode != models.ModeX && a.Settings.AskURL != "":
		return models.Fail(models.Invalid, "settings.ask_url", "only an app of mode x is asked about its calls; this app's mode is %s", a.Mode)
	case a.Mode != models.ModeVoice && !reflect.ValueOf(a.Settings.Voice).IsZero():
		return models.Fail(models.Invalid, "settings.voice", "only an app of mode voice places calls; this app's mode is %s", a.Mode)
	case a.Settings.PushNumberStatus && a.Settings.NumberStatusURL == "" && a.StatusURL == "":
		return models.Fail(models.Invalid, "settings.push_number_status", "states of numbers are pushed to number_status_url, or else to status_url; the app has neither")
	}
	return nil
}
