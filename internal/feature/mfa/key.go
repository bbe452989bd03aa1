package mfa

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Site is where a browser is. A key that was set up at one site is never asked
// for, and never answers, at another.
type Site struct {
	Host   string // name without port: the relying party's id of Web Authentication, section 5.4.2
	Origin string // scheme, name and port, as the browser has them
}

// SiteOf gives the site of a request's host and port. Invalid for an address
// without a name: browsers make no keys for it.
func SiteOf(host string, tls bool) (Site, error) {
	s := Site{Host: strings.ToLower(host), Origin: "http://" + strings.ToLower(host)}
	if tls {
		s.Origin = "https://" + s.Host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		s.Host = strings.ToLower(name)
	}
	if _, err := netip.ParseAddr(strings.Trim(s.Host, "[]")); err == nil || protocol.ValidateRPID(s.Host) != nil {
		return s, fault.New(fault.Invalid, "Passkeys need a server with a name, and this one was opened by its address.").WithHint("Open it by its name.")
	}
	return s, nil
}

// Use is what a key is asked for.
type Use string

// The uses. An answer for one is none for another.
const (
	Enrol  Use = "enrol"   // a new key is set up
	Second Use = "second"  // a key is the second factor
	Alone  Use = "sign-in" // a key is the only factor: it verifies its owner itself
)

// askLife is how long a question may be answered.
const askLife = 10 * time.Minute

// Question is what a browser gets to ask its keys, and gives back with the answer.
type Question struct {
	Options any    `json:"options"` // of navigator.credentials, section 5.1.8 and 5.1.9
	State   string `json:"state"`   // sealed: challenge, site and whom it is for
}

// party is this server as keys know it at a site.
func party(tx *gate.Tx, s Site) (*webauthn.WebAuthn, error) {
	title := "Strongroom"
	if tx != nil {
		title += " " + tx.Tenant.Title()
	}
	return webauthn.New(&webauthn.Config{RPID: s.Host, RPDisplayName: title, RPOrigins: []string{s.Origin}, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred}})
}

// AskNew asks for a new key of the caller, other than those that she has here.
func AskNew(tx *gate.Tx, s Site) (*Question, error) {
	o, err := ownerOf(tx, tx.Caller.User, s)
	if err != nil {
		return nil, err
	}
	w, err := party(tx, s)
	if err != nil {
		return nil, err
	}
	o.name, o.title = tx.Caller.Email, tx.Caller.Name
	options, session, err := w.BeginRegistration(o, webauthn.WithExclusions(webauthn.Credentials(o.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()))
	if err != nil {
		return nil, err
	}
	return question(tx, Enrol, tx.Caller.User, options.Response, session)
}

// AskSecond asks for one of a user's keys as her second factor. Conflict when she
// has none at this site.
func AskSecond(tx *gate.Tx, user id.ID, s Site) (*Question, error) {
	o, err := ownerOf(tx, user, s)
	if err != nil {
		return nil, err
	}
	if len(o.keys) == 0 {
		return nil, fault.New(fault.Conflict, "You have no passkey or security key for this address.").WithHint("Use another second factor, or a recovery code.")
	}
	w, err := party(tx, s)
	if err != nil {
		return nil, err
	}
	options, session, err := w.BeginLogin(o)
	if err != nil {
		return nil, err
	}
	return question(tx, Second, user, options.Response, session)
}

// AskAlone asks for any passkey that says itself whose it is. Where there is no such
// tenant the question looks the same and no answer to it counts.
func AskAlone(ctx context.Context, g *gate.Gate, tenant string, s Site) (q *Question, err error) {
	w, err := party(nil, s)
	if err != nil {
		return nil, err
	}
	options, session, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, err
	}
	err = g.View(ctx, access.System(tenant, "sign-in"), func(tx *gate.Tx) error {
		q, err = question(tx, Alone, 0, options.Response, session)
		return err
	})
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		plain, err := json.Marshal(session)
		if err != nil {
			return nil, err
		}
		box := make([]byte, len(plain)+envelope.BoxOverhead)
		rand.Read(box)
		until := time.Now()
		if g.Now != nil {
			until = g.Now()
		}
		return &Question{Options: options.Response, State: strconv.FormatInt(until.Add(askLife).UnixMilli(), 10) + "." + base64.RawURLEncoding.EncodeToString(box)}, nil
	}
	return q, err
}

// question seals what the answer is checked against: nothing is kept here for who
// only asks.
func question(tx *gate.Tx, u Use, user id.ID, options any, session *webauthn.SessionData) (*Question, error) {
	plain, err := json.Marshal(session)
	if err != nil {
		return nil, err
	}
	k, err := key(tx, "question")
	if err != nil {
		return nil, err
	}
	until := strconv.FormatInt(tx.Now+askLife.Milliseconds(), 10)
	box, err := envelope.SealBox(k, asked(tx, u, user, until), plain)
	if err != nil {
		return nil, err
	}
	return &Question{Options: options, State: until + "." + base64.RawURLEncoding.EncodeToString(box)}, nil
}

// asked is what a question is bound to.
func asked(tx *gate.Tx, u Use, user id.ID, until string) []byte {
	return envelope.Bind(tx.Tenant.ID, string(u), user.String(), until)
}

// mostAnswer is how many bytes the answer of a browser has at most.
const mostAnswer = 64 << 10

// Answer is what a browser gave to a question, which was used up by it.
type Answer struct {
	use     Use
	user    id.ID
	site    Site
	session webauthn.SessionData
	raw     []byte
}

// Take uses a question up, in a transaction of its own, so that it is gone whatever
// becomes of the answer. Invalid when it is over, was answered before, or was for
// another use, person or site.
func Take(ctx context.Context, g *gate.Gate, c *access.Caller, u Use, s Site, state, answer string) (*Answer, error) {
	over := fault.New(fault.Invalid, "This took too long, or was answered before.").WithHint("Try again.")
	text, rest, _ := strings.Cut(state, ".")
	until, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(until, 10) != text || len(state) > mostAnswer || len(answer) > mostAnswer {
		return nil, over
	}
	box, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return nil, over
	}
	a := &Answer{use: u, user: c.User, site: s, raw: []byte(answer)}
	err = g.Change(ctx, c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		k, err := key(tx, "question")
		if err != nil {
			return err
		}
		plain, err := envelope.OpenBox(k, asked(tx, u, c.User, text), box)
		if err != nil || until <= tx.Now || json.Unmarshal(plain, &a.session) != nil || a.session.RelyingPartyID != s.Host {
			return over
		}
		return spend(tx, a.session.Challenge, until, over)
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// spend notes that a question was answered. Of two answers at once, one counts.
func spend(tx *gate.Tx, challenge string, until int64, over error) error {
	mark, err := digest(tx, "challenge", challenge)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from mfa_spent where until <= ?`, tx.Now); err != nil {
		return err
	}
	n, err := tx.Exec(`insert into mfa_spent (challenge, until) values (?, ?) on conflict do nothing`, mark, until)
	if err == nil && n != 1 {
		err = over
	}
	return err
}
