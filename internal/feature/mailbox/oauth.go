package mailbox

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"strongroom/internal/base/bearer"
	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
)

// The ways in which a mailbox is opened.
const (
	ByPassword = ""
	Microsoft  = "microsoft" // by OAuth2, as Microsoft has it
	Google     = "google"
	ByOAuth    = "oauth" // of any other provider, by its addresses
)

// The places of what OAuth2 needs.
const (
	oauthSecret  = "oauth_secret"
	oauthRefresh = "oauth_refresh"
)

const (
	tripLife  = 10 * time.Minute // of a journey to the provider
	mostTrips = 1000
	ahead     = 2 * time.Minute // before its end a token is renewed
)

// Preset is what is known of a provider; what a mailbox's settings leave empty.
type Preset struct {
	Name, Label             string
	Authorize, Token, Scope string
	Server, SMTP            string // of mail
	more                    map[string]string
}

// Presets lists the providers that are known.
func Presets() []Preset {
	const login = "https://login.microsoftonline.com/common/oauth2/v2.0/"
	const outlook = "https://outlook.office.com/"
	return []Preset{
		{Name: Microsoft, Label: "Microsoft 365", Authorize: login + "authorize", Token: login + "token", Server: "outlook.office365.com:993", SMTP: "smtp.office365.com:587",
			Scope: "offline_access " + outlook + "IMAP.AccessAsUser.All " + outlook + "POP.AccessAsUser.All " + outlook + "SMTP.Send"},
		{Name: Google, Label: "Google", Authorize: "https://accounts.google.com/o/oauth2/v2/auth", Token: "https://oauth2.googleapis.com/token", Server: "imap.gmail.com:993", SMTP: "smtp.gmail.com:587", // #nosec G101 -- addresses
			Scope: "https://mail.google.com/", more: map[string]string{"access_type": "offline", "prompt": "consent"}},
		{Name: ByOAuth, Label: "Another provider"},
	}
}

// preset is that of a mailbox.
func (b *Box) preset() Preset {
	for _, p := range Presets() {
		if p.Name == b.Auth {
			return p
		}
	}
	return Preset{}
}

// checkAuth completes what was entered of how the mailbox is opened. plain lets addresses be
// http, as tests have them on loopback.
func (b *Box) checkAuth(bad map[string]string, plain bool) {
	for _, s := range []*string{&b.Client, &b.Authorize, &b.Token, &b.Scope} {
		if *s = strings.TrimSpace(*s); len(*s) > 1000 {
			*s = (*s)[:1000]
		}
	}
	p := b.preset()
	if b.Auth == ByPassword {
		return
	}
	if p.Name == "" {
		bad["auth"] = "Choose one from the list."
		return
	}
	if b.Client == "" {
		bad["oauth_client"] = "This is needed: what the provider calls the application that you registered there."
	}
	if b.Server == "" {
		b.Server = p.Server
	}
	if b.Send == BySMTP && b.SMTPServer == "" {
		b.SMTPServer = p.SMTP
	}
	for name, s := range map[string]string{"oauth_authorize": cmp.Or(b.Authorize, p.Authorize), "oauth_token": cmp.Or(b.Token, p.Token)} {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(plain && u.Scheme == "http") {
			bad[name] = "This is an address of the provider that begins with https://."
		}
	}
	if cmp.Or(b.Scope, p.Scope) == "" {
		bad["oauth_scope"] = "This is needed: what the provider calls the right to open the mailbox, and to do so later (often offline_access)."
	}
}

// Connected tells whether the mailbox needs no permission, or was given one.
func (b *Box) Connected() bool { return b.Auth == ByPassword || b.Granted != 0 }

// ReturnPath is the page to which a provider sends browsers back.
const ReturnPath = "/settings/mailboxes/connected"

// trip is somebody's journey to a provider.
type trip struct {
	tenant   string
	user, by id.ID // who began it, and for which mailbox
	session  string
	base     string
	verifier string
	until    time.Time
}

// held is what is known of a mailbox's permission while the process lives.
type held struct {
	mu      sync.Mutex // one renewal at a time: some providers end all tokens when an old one is used twice
	version int64
	access  string
	until   time.Time
	refresh string
}

// provider is that of a mailbox; its secret is opened, which is recorded.
func (d *Desk) provider(ctx context.Context, tenant string, b *Box, base string) (*bearer.Provider, error) {
	p := b.preset()
	word := ""
	if b.hasSecret {
		var err error
		if word, err = d.open(ctx, tenant, b, oauthSecret); err != nil {
			return nil, err
		}
	}
	return &bearer.Provider{HTTP: d.Dialer.Client(dialer.Limits{Redirects: -1, Plain: d.Plain, TLS: d.TLS}), Authorize: cmp.Or(b.Authorize, p.Authorize), Token: cmp.Or(b.Token, p.Token), Scope: cmp.Or(b.Scope, p.Scope),
		Client: b.Client, Secret: word, Return: strings.TrimRight(base, "/") + ReturnPath, More: p.more}, nil
}

// Connect begins a journey to the provider of a mailbox: it gives the address to which the
// caller's browser goes, and that of the provider's return. base is how browsers reach this
// server. Invalid for a mailbox that is opened by a password.
func (d *Desk) Connect(ctx context.Context, c *access.Caller, box id.ID, base string) (to string, err error) {
	var b *Box
	err = d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
		if b, err = get(tx, box); err != nil {
			return err
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mailbox.ask", thing, box, b.Name
		return nil
	})
	if err != nil {
		return "", err
	}
	if b.Auth == ByPassword {
		return "", fault.New(fault.Invalid, "This mailbox is opened by a password.").WithHint("Choose a provider in its settings, and save.")
	}
	p, err := d.provider(ctx, c.Tenant, b, base)
	if err != nil {
		return "", err
	}
	to, state, verifier, err := p.Begin()
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The address of the provider is wrong.")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if d.trips == nil {
		d.trips = map[string]trip{}
	}
	for s, t := range d.trips {
		if now.After(t.until) {
			delete(d.trips, s)
		}
	}
	if len(d.trips) >= mostTrips {
		return "", fault.New(fault.Throttled, "Too many mailboxes are being connected at the same time.").WithHint("Try again in some minutes.")
	}
	d.trips[state] = trip{tenant: c.Tenant, user: c.User, session: c.Session, by: box, base: base, verifier: verifier, until: now.Add(tripLife)}
	return to, nil
}

// Back is what a provider sent with the browser; Issuers are the names that it gives itself.
type Back struct {
	State, Code, Error string
	Issuers            []string
}

// Return ends a journey: it gives the mailbox, which is connected when err is nil. Only who
// began it ends it, in the session in which she did, once. Invalid for what is no end of a
// journey of hers, and for what the provider refuses.
func (d *Desk) Return(ctx context.Context, c *access.Caller, back Back) (id.ID, error) {
	d.mu.Lock()
	t, ok := d.trips[back.State]
	mine := ok && t.tenant == c.Tenant && t.user == c.User && t.session == c.Session
	if mine {
		delete(d.trips, back.State)
	}
	d.mu.Unlock()
	if !mine || time.Now().After(t.until) {
		return 0, fault.New(fault.Invalid, "This belongs to no connection that you began lately.").WithHint("Open the mailbox and press Connect again.")
	}
	var b *Box
	err := d.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { b, err = GetBox(tx, t.by); return err })
	if err != nil {
		return 0, err
	}
	if !(&bearer.Provider{Authorize: cmp.Or(b.Authorize, b.preset().Authorize)}).Sent(back.Issuers) {
		return t.by, fault.New(fault.Invalid, "This answer is of another provider than the one that was asked.").
			WithHint("Connect again. If it stays so, look at the address for consent in the settings: somebody may have led you elsewhere.")
	}
	if back.Error != "" || back.Code == "" {
		text := "The provider gave no permission."
		if back.Error == "access_denied" {
			text = "The permission was refused at the provider."
		}
		return t.by, fault.New(fault.Invalid, "%s", text).WithHint("Connect again, and agree there; some providers want an administrator of theirs to agree.")
	}
	p, err := d.provider(ctx, c.Tenant, b, t.base)
	if err != nil {
		return t.by, err
	}
	g, err := p.Exchange(ctx, back.Code, t.verifier)
	if err != nil {
		return t.by, err
	}
	if g.Refresh == "" {
		return t.by, fault.New(fault.Invalid, "The provider gave a permission that ends in a moment.").WithHint("Add what it calls lasting access to the scope, which often is offline_access, and connect again.")
	}
	err = d.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		now, err := get(tx, t.by)
		if err != nil {
			return err
		}
		if now.Version != b.Version {
			return fault.New(fault.Conflict, "Somebody has changed this mailbox in the meantime.").WithHint("Connect it again.")
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "mailbox.connect", thing, b.ID, b.Name
		if _, err := secret.Put(tx, secret.Place{Kind: thing, Object: b.ID, Field: oauthRefresh}, g.Refresh, secret.Note{}); err != nil {
			return err
		}
		_, err = tx.Exec(`update mailbox set granted_at = ?, error = '', hint = '', version = version + 1 where id = ?`, tx.Now, int64(b.ID))
		return err
	})
	if err != nil {
		return t.by, err
	}
	h := d.holding(c.Tenant, t.by)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keep(b.Version+1, g)
	return t.by, nil
}

// holding gives what is held of a mailbox.
func (d *Desk) holding(tenant string, box id.ID) *held {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tokens == nil {
		d.tokens = map[place]*held{}
	}
	at := place{tenant: tenant, box: box}
	if d.tokens[at] == nil {
		d.tokens[at] = &held{}
	}
	return d.tokens[at]
}

func (h *held) keep(version int64, g *bearer.Grant) {
	h.version, h.access, h.until = version, g.Access, time.Now().Add(g.Life-ahead)
	if g.Refresh != "" {
		h.refresh = g.Refresh
	}
}

// token gives an access token of a mailbox, a new one before the last one ends.
// Unavailable, with what is to be done, when there is none.
func (d *Desk) token(ctx context.Context, tenant string, b *Box) (string, error) {
	if b.Granted == 0 {
		return "", fault.New(fault.Unavailable, "The mailbox is not connected yet: its provider has given no permission.").WithHint("An administrator opens it under Settings, Mailboxes, and presses Connect.")
	}
	h := d.holding(tenant, b.ID)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.version != b.Version {
		h.version, h.access, h.refresh = b.Version, "", ""
	}
	if h.access != "" && time.Now().Before(h.until) {
		return h.access, nil
	}
	if h.refresh == "" {
		text, err := d.open(ctx, tenant, b, oauthRefresh)
		if err != nil {
			return "", err
		}
		h.refresh = text
	}
	p, err := d.provider(ctx, tenant, b, "")
	if err != nil {
		return "", err
	}
	g, err := p.Renew(ctx, h.refresh)
	if err != nil {
		h.access = ""
		said := fault.Say(err)
		return "", fault.Wrap(err, fault.Unavailable, "%s", said.Text).WithHint("%s", said.Hint)
	}
	if g.Refresh != "" && g.Refresh != h.refresh { // the one before may be worth nothing any more
		err := d.Gate.Change(context.WithoutCancel(ctx), access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			e := tx.Entry()
			e.Action, e.Kind, e.Object, e.Detail.Name = "mailbox.renew", thing, b.ID, b.Name
			_, err := secret.Put(tx, secret.Place{Kind: thing, Object: b.ID, Field: oauthRefresh}, g.Refresh, secret.Note{})
			return err
		})
		if err != nil {
			return "", err
		}
		d.forget(tenant, b.ID, oauthRefresh)
	}
	h.keep(b.Version, g)
	return h.access, nil
}

// forget drops a secret that was opened and is another one now.
func (d *Desk) forget(tenant string, box id.ID, field string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for at := range d.opened {
		if at.tenant == tenant && at.box == box && at.field == field {
			delete(d.opened, at)
		}
	}
}

// word is what a mailbox is opened with: a password or an access token.
type word struct{ password, token string }

func (d *Desk) word(ctx context.Context, tenant string, b *Box) (w word, err error) {
	if b.Auth == ByPassword {
		w.password, err = d.open(ctx, tenant, b, password)
		return w, err
	}
	w.token, err = d.token(ctx, tenant, b)
	return w, err
}
