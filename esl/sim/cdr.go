package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"maskline/esl/wire"
)

// CDR is how the switch hands on the record of each leg, as mod_json_cdr set up by conf/freeswitch does. The zero value makes none.
type CDR struct {
	URL      string        // posted to with ?uuid=LEG; "" for no post
	User     string        // basic authentication, if not empty
	Password string        //nolint:gosec // a field, no secret
	Timeout  time.Duration // of a post; 2 s if zero
	Spool    string        // directory for UUID.cdr.json of the legs whose post failed; "" for none
}

func (o CDR) on() bool { return o.URL != "" || o.Spool != "" }

// cdr makes the JSON of switch_ivr_generate_json_cdr; s.mu is held. Values of variables are URL-encoded there, as mod_json_cdr's default
// encode-values makes them.
func (c *channel) cdr() []byte {
	if !c.sw.opt.CDR.on() {
		return nil
	}
	vars := make(map[string]string, len(c.vars.names))
	for n, v := range c.vars.values {
		vars[n] = string(wire.AppendEscaped(nil, v))
	}
	profile := c.profileJSON()
	if c.other != nil {
		word := map[bool]string{true: "originatee", false: "originator"}[c.inbound]
		profile[word] = map[string]any{word + "_caller_profiles": []any{c.other.profileJSON()}}
	}
	apps := make([]map[string]string, 0, len(c.appLog))
	for _, a := range c.appLog {
		apps = append(apps, map[string]string{"app_name": a.name, "app_data": a.arg, "app_stamp": strconv.FormatInt(a.at.UnixMicro(), 10)})
	}
	us := func(t time.Time) string { return strconv.FormatInt(micros(t), 10) }
	body, err := json.Marshal(map[string]any{
		"core-uuid": c.sw.core, "switchname": c.sw.opt.Hostname,
		"channel_data": map[string]string{"state": c.state, "direction": c.direction(), "state_number": "11"},
		"callStats":    map[string]any{},
		"variables":    vars,
		"app_log":      map[string]any{"applications": apps},
		"callflow": []any{map[string]any{
			"dialplan": "XML", "profile_index": "1", "caller_profile": profile,
			"times": map[string]string{
				"created_time": us(c.created), "profile_created_time": us(c.created), "progress_time": us(c.progress),
				"progress_media_time": us(c.progressMedia), "answered_time": us(c.answeredAt), "bridged_time": us(c.bridgedAt),
				"last_hold_time": "0", "hold_accum_time": "0", "hangup_time": us(c.ended), "resurrect_time": "0", "transfer_time": "0",
			},
		}},
	})
	if err != nil {
		c.sw.opt.Log.Warn("record not written", "error", err)
	}
	return body
}

func (c *channel) profileJSON() map[string]any {
	return map[string]any{
		"username": c.ani, "dialplan": "XML", "caller_id_name": c.cidName, "ani": c.ani, "aniii": "", "caller_id_number": c.cidNumber,
		"network_addr": c.address, "rdnis": "", "destination_number": c.dest, "uuid": c.uuid, "source": "mod_sofia", "context": "maskline",
		"chan_name": c.name,
	}
}

// deliverCDR posts a record once, or spools it; s.mu is not held.
func (s *Switch) deliverCDR(leg string, body []byte) {
	o := s.opt.CDR
	if body == nil {
		return
	}
	err := fmt.Errorf("post of a record: nobody listens")
	if o.URL != "" && (s.Faults.CDR == nil || !s.Faults.CDR(leg)) {
		err = s.postCDR(o, leg, body)
	}
	if err == nil {
		return
	}
	if o.Spool == "" {
		s.opt.Log.Warn("record lost", "error", err)
		return
	}
	if err := os.WriteFile(filepath.Join(o.Spool, leg+".cdr.json"), append(body, '\n'), 0o600); err != nil {
		s.opt.Log.Warn("record not spooled", "error", err)
	}
}

func (s *Switch) postCDR(o CDR, leg string, body []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), orElse(o.Timeout, 2*time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL+"?uuid="+leg, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // plain JSON all the same: disable-100-continue drops the right type
	req.Header.Set("User-Agent", "freeswitch-json/1.0")
	if o.User != "" {
		req.SetBasicAuth(o.User, o.Password)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("record refused: %s", resp.Status)
	}
	return nil
}
