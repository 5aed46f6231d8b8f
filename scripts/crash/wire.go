package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"
)

// exchange sends a request and decodes a JSON answer.
func exchange(ctx context.Context, method, url string, body io.Reader, header http.Header, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	maps.Copy(req.Header, header)
	res, err := local.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	switch {
	case err != nil:
		return err
	case res.StatusCode/100 != 2:
		return fmt.Errorf("%s %s: %d %.300s", method, url, res.StatusCode, b)
	case into != nil:
		return json.Unmarshal(b, into)
	}
	return nil
}

// account is an app of the tenant's.
type account struct {
	Key    string `json:"app_key"`
	Secret string `json:"app_secret"`
}

// signed is a tenant's two headers (spec/privatenumber.md §1.1).
func (a account) signed() http.Header {
	nonce, created := rand.Text(), time.Now().UTC().Format("2006-01-02T15:04:05Z")
	m := hmac.New(sha256.New, []byte(a.Secret))
	m.Write([]byte(nonce + created))
	digest := base64.StdEncoding.EncodeToString(m.Sum(nil))
	return http.Header{
		"Content-Type":  {"application/json;charset=UTF-8"},
		"Authorization": {`AKSK realm="SDP",profile="UsernameToken",type="Appkey"`},
		"X-Aksk":        {fmt.Sprintf(`UsernameToken Username="%s",PasswordDigest="%s",Nonce="%s",Created="%s"`, a.Key, digest, nonce, created)},
	}
}

// order asks something of the platform as a tenant does; it gives the session of a call that was asked for.
func (a account) order(ctx context.Context, api, path string, body map[string]any) (session string, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	var answer struct {
		Code    string `json:"resultcode"`
		Desc    string `json:"resultdesc"`
		Session string `json:"sessionId"`
	}
	if err := exchange(ctx, http.MethodPost, "http://"+api+path, bytes.NewReader(b), a.signed(), &answer); err != nil {
		return "", err
	}
	if answer.Code != "0" {
		return "", fmt.Errorf("%s: %s %s", path, answer.Code, answer.Desc)
	}
	return answer.Session, nil
}
