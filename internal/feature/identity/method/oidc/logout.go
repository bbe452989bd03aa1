package oidc

import (
	"context"
	"encoding/json"
	"net/url"

	upstream "github.com/coreos/go-oidc/v3/oidc"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// event is what makes a token one of OpenID Connect Back-Channel Logout 1.0.
const event = "http://schemas.openid.net/event/backchannel-logout"

// Ended takes a logout token, section 2.6 of Back-Channel Logout.
func (w *Way) Ended(ctx context.Context, form url.Values) (method.Ended, error) {
	if !w.strangers.Allow() {
		return method.Ended{}, fault.New(fault.Throttled, "Too many logout tokens come at once.")
	}
	p, err := w.discover(ctx)
	if err != nil {
		return method.Ended{}, err
	}
	v := p.Verifier(&upstream.Config{ClientID: w.setup.Text("client_id"), SupportedSigningAlgs: algorithms(), Now: w.setup.Now, SkipExpiryCheck: true})
	t, err := v.Verify(w.context(ctx), form.Get("logout_token"))
	if err != nil {
		return method.Ended{}, refused(err, "the logout token is not valid.")
	}
	var c struct {
		JTI    string                     `json:"jti"`
		SID    string                     `json:"sid"`
		Nonce  *string                    `json:"nonce"`
		AZP    string                     `json:"azp"`
		Events map[string]json.RawMessage `json:"events"`
	}
	if err := t.Claims(&c); err != nil {
		return method.Ended{}, refused(err, "the logout token cannot be read.")
	}
	now := w.setup.Now()
	body, isLogout := c.Events[event]
	switch {
	case !isLogout || len(body) == 0 || body[0] != '{' || c.Nonce != nil:
		return method.Ended{}, refused(nil, "this is no logout token.")
	case len(t.Audience) != 1 && c.AZP == "", c.AZP != "" && c.AZP != w.setup.Text("client_id"):
		return method.Ended{}, refused(nil, "the logout token is for another client.")
	case c.JTI == "" || t.Subject == "" && c.SID == "":
		return method.Ended{}, refused(nil, "the logout token names no session.")
	case t.IssuedAt.After(now.Add(skew)) || t.IssuedAt.Before(now.Add(-fresh)) || !t.Expiry.IsZero() && t.Expiry.Unix() > 0 && now.After(t.Expiry.Add(skew)):
		return method.Ended{}, refused(nil, "the logout token is not of this moment.")
	}
	e := method.Ended{Subject: t.Subject, Once: "jti " + c.JTI, Until: now.Add(2 * fresh).UnixMilli()}
	if c.SID != "" {
		e.Sessions = []string{c.SID}
	}
	return e, nil
}
