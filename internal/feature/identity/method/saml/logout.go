package saml

import (
	"context"
	"encoding/json"
	"time"

	"github.com/beevik/etree"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

const logoutPath = "/logout"

// The statuses of a logout.
const (
	requester = "urn:oasis:names:tc:SAML:2.0:status:Requester"
	unknown   = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal"
)

// mostSessions is how many sessions one message ends.
const mostSessions = 50

// kept is what is kept of a session, to end it at the provider: core 3.7.1 wants the
// name in the very form in which it was given.
type kept struct {
	Provider string `json:"provider"`
	Value    string `json:"value"`
	Format   string `json:"format,omitempty"`
	Of       string `json:"of,omitempty"`     // NameQualifier
	OfHere   string `json:"ofHere,omitempty"` // SPNameQualifier
	Index    string `json:"index,omitempty"`
}

// keep gives what is kept of a session, where the settings want it to be ended with
// that of here and the provider can.
func (w *Way) keep(p *provider, name *etree.Element, index string) []byte {
	if !w.setup.Bool("logout") || p.signOut.none() || name == nil || len(w.own) == 0 {
		return nil
	}
	raw, err := json.Marshal(kept{Provider: p.entity, Value: text(name), Format: attr(name, "Format"), Of: attr(name, "NameQualifier"), OfHere: attr(name, "SPNameQualifier"), Index: index})
	if err != nil {
		return nil
	}
	return raw
}

// Leave gives where the browser goes to end the provider's session, core 3.7.1.
func (w *Way) Leave(ctx context.Context, session []byte) (method.Away, error) {
	var k kept
	p, err := w.known(ctx)
	if err != nil {
		return method.Away{}, err
	}
	if err := json.Unmarshal(session, &k); err != nil || k.Value == "" || k.Provider != p.entity || p.signOut.none() {
		return method.Away{}, fault.Wrap(err, fault.Unavailable, "The provider cannot be asked to end its session.").WithHint("Sign out there.")
	}
	return w.send(ctx, p.signOut, "SAMLRequest", "", func(to string) *etree.Element {
		now := w.setup.Now()
		e := message("LogoutRequest", newID(), to, w.entity(), now)
		e.CreateAttr("NotOnOrAfter", now.UTC().Add(5*time.Minute).Format(time.RFC3339))
		name := e.CreateElement("saml:NameID")
		for _, a := range []struct{ name, value string }{{"NameQualifier", k.Of}, {"SPNameQualifier", k.OfHere}, {"Format", k.Format}} {
			if a.value != "" {
				name.CreateAttr(a.name, a.value)
			}
		}
		name.SetText(k.Value)
		if k.Index != "" {
			e.CreateElement("samlp:SessionIndex").SetText(k.Index)
		}
		return e
	})
}

// Told takes a LogoutRequest or a LogoutResponse, which the provider must have signed.
func (w *Way) Told(ctx context.Context, m method.Message) (method.Told, error) {
	p, err := w.known(ctx)
	if err != nil {
		return method.Told{}, err
	}
	r, err := w.receive(p, m)
	if err != nil {
		return method.Told{}, err
	}
	want := "LogoutRequest"
	if r.answer {
		want = "LogoutResponse"
	}
	if !is(r.root, nsProtocol, want) || attr(r.root, "ID") == "" {
		return method.Told{}, refused(nil, "it is no "+want+".")
	}
	if one(r.root, nsAssertion, "Issuer") == nil {
		return method.Told{}, refused(nil, "it does not say of whom it is.")
	}
	if err := w.outer(p, r.root, w.setup.Home+logoutPath); err != nil {
		return method.Told{}, err
	}
	if r.answer {
		code := one(one(r.root, nsProtocol, "Status"), nsProtocol, "StatusCode")
		return method.Told{Partly: code == nil || attr(code, "Value") != success || one(code, nsProtocol, "StatusCode") != nil}, nil
	}
	return w.wish(ctx, p, r)
}

// wish reads a LogoutRequest.
func (w *Way) wish(ctx context.Context, p *provider, r *received) (method.Told, error) {
	now := w.setup.Now()
	until, ok, err := instant(r.root, "NotOnOrAfter")
	if err != nil || ok && !now.Add(-skew).Before(until) {
		return method.Told{}, refused(err, "it is over; the clocks may differ.")
	}
	e := one(r.root, nsAssertion, "NameID")
	if hidden := one(r.root, nsAssertion, "EncryptedID"); hidden != nil && e == nil {
		if e, err = w.uncover(ctx, hidden, "NameID", true); err != nil {
			return method.Told{}, err
		}
	}
	name, err := readNameID(p, w.entity(), e)
	if err != nil {
		return method.Told{}, err
	}
	t := method.Told{Request: attr(r.root, "ID"), Relay: r.relay, Ended: &method.Ended{Once: "logout " + attr(r.root, "ID"), Until: now.Add(2 * fresh).UnixMilli()}}
	indexes := some(r.root, nsProtocol, "SessionIndex")
	if len(indexes) > mostSessions {
		return method.Told{}, refused(nil, "it names too many sessions.")
	}
	for _, i := range indexes {
		if s := text(i); s != "" {
			t.Ended.Sessions = append(t.Ended.Sessions, sessionOf(name, s))
		}
	}
	if w.setup.Text("subject") == "" {
		t.Ended.Subject = name.key
	}
	return t, nil
}

// Answer gives where the browser goes back to with a LogoutResponse, core 3.7.2.
func (w *Way) Answer(ctx context.Context, t method.Told, done bool) (method.Away, error) {
	p, err := w.known(ctx)
	if err != nil {
		return method.Away{}, err
	}
	if p.signOut.none() {
		return method.Away{}, fault.New(fault.Unavailable, "The provider takes no answers.")
	}
	return w.send(ctx, p.signOut, "SAMLResponse", t.Relay, func(to string) *etree.Element {
		e := message("LogoutResponse", newID(), to, w.entity(), w.setup.Now())
		e.CreateAttr("InResponseTo", t.Request)
		code := e.CreateElement("samlp:Status").CreateElement("samlp:StatusCode")
		code.CreateAttr("Value", success)
		if !done {
			code.CreateAttr("Value", requester)
			code.CreateElement("samlp:StatusCode").CreateAttr("Value", unknown)
		}
		return e
	})
}
