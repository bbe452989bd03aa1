// Package webuitest gives tests of the web pages a whole house behind a real
// HTTP server: users of every role, sessions that began with a password, and a
// client that keeps its cookies as a browser does.
//
// Always true: nothing is stood in for but the clock, which stands still until
// the test moves it; each house has its own folders and is gone when the test
// ends.
package webuitest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"strongroom/internal/feature"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/breaker"
	"strongroom/internal/feature/breakglass"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/device"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/erasure"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/exporter/standing"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/method/jwt"
	"strongroom/internal/feature/identity/method/ldap"
	"strongroom/internal/feature/identity/method/local"
	"strongroom/internal/feature/identity/method/oidc"
	"strongroom/internal/feature/identity/method/openid"
	"strongroom/internal/feature/identity/method/saml"
	"strongroom/internal/feature/identity/provision"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/layout/glue"
	"strongroom/internal/feature/importer/layout/passwords"
	"strongroom/internal/feature/importer/layout/sheet"
	"strongroom/internal/feature/importer/undo"
	"strongroom/internal/feature/ipaccess"
	"strongroom/internal/feature/keyring"
	"strongroom/internal/feature/leaver"
	"strongroom/internal/feature/live"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/feature/notification/channel"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/personal"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/review"
	"strongroom/internal/feature/risk"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/connector"
	"strongroom/internal/feature/rotation/connector/ssh"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/sample"
	"strongroom/internal/feature/sensitive"
	"strongroom/internal/feature/share"
	"strongroom/internal/feature/support"
	"strongroom/internal/surface/webui"
)

// Password is what every user of a house signs in with.
const Password = "correct horse battery staple 9"

// Options say what is in the house.
type Options struct {
	Sample int  // sample records; 0 for none
	Empty  bool // no user yet: the page of the first run
	Jobs   bool // jobs are done
	Change func(*webui.Server)
}

// House is a house that answers at URL. Its clock is that of coretest, 2 March
// 2026, 09:00.
type House struct {
	*coretest.House
	Server    *webui.Server
	URL       string
	Directory *identity.Directory
	FirstRun  *identity.FirstRun

	t     testing.TB
	users map[access.Role]id.ID
}

// Email is the address of the user with that role: editor@demo.example.
func Email(r access.Role) string {
	return strings.ReplaceAll(strings.ToLower(string(r)), "-", "") + "@demo.example"
}

// Open opens a house with the lists of a new tenant and one user of each role.
// All but Lite and Read-only see every organization.
func Open(t testing.TB, o Options) *House {
	t.Helper()
	h := &House{House: coretest.Open(t, coretest.Options{Features: feature.All(), Log: slog.New(slog.DiscardHandler)}), t: t,
		users: map[access.Role]id.ID{}}
	h.Gate.Guard = mfa.Guard
	h.Gate.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	passwords := &local.Method{Gate: h.Gate, Hasher: local.Hasher{Cost: local.Cost{Memory: 64, Time: 1, Threads: 1}}}
	h.Directory = &identity.Directory{Gate: h.Gate, Records: h.Records, Passwords: passwords}
	h.Server = &webui.Server{
		House: h.House.House, Gate: h.Gate, Records: h.Records, Secrets: &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client, Restored: h.Records.SecretRestored, Policies: []secret.Policy{mfa.Revealing, approval.Policy, checkout.Policy, new(breaker.Breaker).Policy}, Throttled: breaker.Throttled(h.Gate)},
		Sessions:  &identity.Sessions{Gate: h.Gate, Methods: []method.Password{passwords}, Passwords: passwords, Second: mfa.Has, Entered: entered, Changed: device.TellPassword, Places: &ipaccess.Places{}},
		Directory: h.Directory, APIKeys: &apikey.Keys{Gate: h.Gate, Owning: breakglass.Owning},
		Attachments: &attachment.Store{Gate: h.Gate}, Relations: &relation.Relations{Records: h.Records, Sources: []relation.Source{{Kind: "password", Field: "resource_id", Reason: "Embedded password", Back: "Belongs to"}}},
		TenantOf: tenantOf, Log: h.Gate.Log, Now: h.Clock.Now,
	}
	h.Server.Ways = &way.Ways{Gate: h.Gate, Records: h.Records, Secrets: h.Server.Secrets, Now: h.Clock.Now,
		Kinds: []method.Kind{oidc.Kind(), saml.Kind(), jwt.Kind(), ldap.Kind(), openid.Kind()}, Dialer: &dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	h.Server.Provision, h.Server.SCIM = &provision.Provision{Gate: h.Gate, Records: h.Records, Ways: h.Server.Ways}, "/scim/v2"
	h.Server.Sessions.Opening, h.Server.Sessions.Completed = append(h.Server.Sessions.Opening, breakglass.Except(h.Server.Ways.Opening), breakglass.Opening), way.Completed
	h.Server.Mailboxes = &mailbox.Desk{Gate: h.Gate, Records: h.Records, Files: h.Server.Attachments, Relations: h.Server.Relations, Secrets: h.Server.Secrets, Dialer: h.Server.Ways.Dialer}
	h.Server.Channels = &channel.Sender{Gate: h.Gate, Secrets: h.Server.Secrets, Resolve: h.resolve, HTTP: h.Server.Ways.Dialer.Client(dialer.Limits{Redirects: -1}), Now: h.Clock.Now, Log: h.Gate.Log}
	h.Server.Live = &live.Hub{Gate: h.Gate, Log: h.Gate.Log}
	h.jobs(o.Jobs)
	h.Gate.Committed = h.Server.Live.After(h.Gate.Committed)
	if o.Empty { // the tenant that every house of the kit has must not be there
		if err := h.House.House.Erase(t.Context(), coretest.Name); err != nil {
			t.Fatal(err)
		}
		h.FirstRun = identity.NewFirstRun()
		h.Server.FirstRun = h.FirstRun
		h.Server.Begin = h.begin
	} else {
		h.Change(h.Records.Seed)
		h.people()
	}
	if o.Sample > 0 {
		h.fill(o.Sample)
	}
	if o.Change != nil {
		o.Change(h.Server)
	}
	handler, err := h.Server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	t.Cleanup(func() { // what goes on is ended first
		if h.Server.Live != nil {
			h.Server.Live.Close()
		}
	})
	h.URL = s.URL
	return h
}

// tenantOf is NAME.localhost.
func tenantOf(r *http.Request) string {
	host, _, _ := strings.Cut(r.Host, ":")
	name, ok := strings.CutSuffix(host, ".localhost")
	if !ok {
		return ""
	}
	return name
}

// begin makes the first tenant: here the house's own, which has its lists.
func (h *House) begin(ctx context.Context, name, title string, admin identity.Person) error {
	if name != coretest.Name {
		if _, err := h.House.House.Create(ctx, name, title); err != nil {
			return err
		}
		if err := h.Gate.Change(ctx, access.System(name, "console"), access.Administer, gate.Thing{}, h.Records.Seed); err != nil {
			return err
		}
	}
	_, err := h.Directory.CreateAdministrator(ctx, name, admin)
	return err
}

// jobs gives the server an importer and runbooks, and with work set does its jobs.
func (h *House) jobs(work bool) {
	h.t.Helper()
	r := &job.Runner{House: h.House.House, Gate: h.Gate, Log: h.Gate.Log, Now: h.Clock.Now, Resolve: h.resolve, Poll: 20 * time.Millisecond}
	books := &runbook.Runbooks{Gate: h.Gate, Records: h.Records, Relations: h.Server.Relations, Jobs: r, Body: document.Body,
		Pictures: func(c *access.Caller) func(context.Context, string) ([]byte, error) {
			return document.Pictures(h.Server.Attachments, c)
		}}
	m := &importer.Importer{Gate: h.Gate, Records: h.Records.Inside(), Files: h.Server.Attachments, Relations: h.Server.Relations, Jobs: r, Layouts: append([]importer.Layout{glue.Layout{}, sheet.Layout{}}, passwords.Layouts()...), Now: h.Clock.Now}
	back := &undo.Undo{Gate: h.Gate, Records: h.Records.Inside(), Secrets: h.Server.Secrets, Relations: h.Server.Relations, Jobs: r, Now: h.Clock.Now}
	everything := &exporter.Exporter{Gate: h.Gate, Records: h.Records, Files: h.Server.Attachments, Secrets: h.Server.Secrets, Jobs: r, Now: h.Clock.Now, Cost: exporter.Cost{Memory: 64, Passes: 1}}
	h.Server.Outgoing, h.Server.Unexport = everything, everything.Remove
	again := &standing.Standing{Gate: h.Gate, Export: everything.Everything, Jobs: r, Now: h.Clock.Now}
	r.Handlers = map[string]job.Handler{importer.JobKind: m.Handler(), undo.JobKind: back.Handler(), standing.JobKind: again.Handler(), exporter.JobKind: everything.Handler(), runbook.JobKind: books.Handler()}
	h.Server.Standing, h.Server.Runbooks = again, books
	h.Server.Importer, h.Server.Undo = m, back
	h.Server.Bulk = &bulk.Bulk{Gate: h.Gate, Records: h.Records, Jobs: r}
	r.Handlers[bulk.JobKind] = h.Server.Bulk.Handler()
	h.Server.Risks = &risk.Risks{Gate: h.Gate, Records: h.Records, Secrets: h.Server.Secrets, Jobs: r, Log: h.Gate.Log}
	h.Records.Sealed = h.Server.Risks.Sealed
	r.Handlers[risk.JobKind] = h.Server.Risks.Handler()
	h.Server.Reviews = &review.Reviews{Gate: h.Gate, Records: h.Records, Resolve: h.resolve}
	h.Server.Leavers = &leaver.Leavers{Gate: h.Gate, Records: h.Records, Risks: h.Server.Risks, Jobs: r, Handover: personal.AskIn, Shares: share.EndOf, Checkouts: checkout.EndOf}
	r.Handlers[leaver.JobKind] = h.Server.Leavers.Handler()
	h.Server.Support = &support.Door{Gate: h.Gate}
	h.Server.Ways.Jobs = r
	r.Handlers[way.ImportKind] = h.Server.Ways.ImportHandler()
	h.Server.Sensitive = &sensitive.Fields{Gate: h.Gate, Records: h.Records, Jobs: r, Policies: h.Server.Secrets.Policies}
	h.Server.Persons = &erasure.Persons{Gate: h.Gate, Records: h.Records, Jobs: r}
	r.Handlers[erasure.JobKind] = h.Server.Persons.Handler()
	r.Handlers[sensitive.JobKind] = h.Server.Sensitive.Handler()
	post := &outbox.Outbox{Gate: h.Gate, Jobs: r}
	h.Server.Letters = &identity.Letters{Directory: h.Directory, Sessions: h.Server.Sessions, Jobs: r, Post: post}
	r.Handlers[identity.LetterJob], r.Handlers[outbox.JobKind] = h.Server.Letters.Handler(), post.Handler()
	h.Server.Changes = &change.Changes{Gate: h.Gate, Records: h.Records, Secrets: h.Server.Secrets, Jobs: r, Connectors: []connector.Connector{ssh.Connector((&dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}).DialContext)}}
	r.Handlers[change.JobKind] = h.Server.Changes.Handler()
	h.Server.Keyring = &keyring.Keyring{Gate: h.Gate, Keys: h.Keys.Client, Jobs: r}
	r.Handlers[keyring.JobKind] = h.Server.Keyring.Handler()
	if !work {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
}

// resolve gives a user as she is now, for a job of hers.
func (h *House) resolve(ctx context.Context, name string, user id.ID) (c *access.Caller, err error) {
	err = h.Gate.View(ctx, access.System(name, "job"), func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), user); return err })
	if err == nil {
		c.Tenant, c.Via, c.AuthLevel = name, "job", 1
	}
	return c, err
}

func (h *House) people() {
	h.t.Helper()
	for i, r := range access.Roles() {
		name := []string{"Ada Winter", "Max Okafor", "Edith Moreau", "Chris Holm", "Lia Doyle", "Rob Ibarra"}[i]
		h.users[r] = h.NewUser(Email(r), name, r)
	}
	all := h.Make("group", 0, record.Values{"name": "Technicians"})
	err := h.Directory.SetMembers(h.t.Context(), h.Admin(), all, []id.ID{h.users[access.Manager], h.users[access.Editor], h.users[access.Creator]})
	if err == nil {
		err = h.Directory.SetOrganizations(h.t.Context(), h.Admin(), all, true, nil)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// NewUser makes a user who signs in with Password.
func (h *House) NewUser(email, name string, r access.Role) id.ID {
	h.t.Helper()
	u, err := h.Directory.CreateUser(h.t.Context(), h.Admin(), identity.Person{Email: email, Name: name, Role: r, Password: Password})
	if err != nil {
		h.t.Fatal(err)
	}
	return u.User
}

// UserID gives the user of a role.
func (h *House) UserID(r access.Role) id.ID { return h.users[r] }

// See lets a user see these organizations, through a group of her own.
func (h *House) See(user id.ID, orgs ...id.ID) {
	h.t.Helper()
	g := h.Make("group", 0, record.Values{"name": fmt.Sprintf("Clients of %s", user)})
	err := h.Directory.SetMembers(h.t.Context(), h.Admin(), g, []id.ID{user})
	if err == nil {
		err = h.Directory.SetOrganizations(h.t.Context(), h.Admin(), g, false, orgs)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *House) fill(n int) {
	h.t.Helper()
	c := h.Admin()
	if u := h.users[access.Administrator]; u != 0 {
		c.User = u
	}
	f := &sample.Filler{Gate: h.Gate, Records: h.Records, Files: h.Server.Attachments}
	if err := f.Fill(h.t.Context(), c, n, h.Clock.Now(), nil); err != nil {
		h.t.Fatal(err)
	}
}

// One gives the id of the first record of a kind with that name.
func (h *House) One(kind, name string) id.ID {
	h.t.Helper()
	var n int64
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select r.id from record r where r.kind = ? and r.name_fold = ? order by r.id`, kind, record.Fold(name)).Scan(&n)
	})
	return id.ID(n)
}

// Any gives the first record of a kind by id, to have one; 0 when there is none.
func (h *House) Any(kind string) id.ID {
	h.t.Helper()
	var n int64
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select coalesce(min(r.id), 0) from record r where r.kind = ? and r.trashed_at is null`, kind).Scan(&n)
	})
	return id.ID(n)
}

// Load gives a record as Admin sees it.
func (h *House) Load(kind string, rid id.ID) *record.Record {
	h.t.Helper()
	var r *record.Record
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		r, err = h.Records.GetTrashed(tx, kind, rid)
		return err
	})
	return r
}

// Statements tells how many statements the tenant's database ran while f did.
func (h *House) Statements(f func()) int64 {
	h.t.Helper()
	t, err := h.House.House.Open(h.t.Context(), coretest.Name)
	if err != nil {
		h.t.Fatal(err)
	}
	defer t.Release()
	before := t.DB.Statements()
	f()
	return t.DB.Statements() - before
}

// Wait is how long a client waits for an answer; the machine may be busy.
const Wait = time.Minute

// entered tells people of a sign-in on a device that they did not use before.
func entered(tx *gate.Tx, e identity.Entry) error {
	if err := breakglass.Entered(tx, e); err != nil {
		return err
	}
	if e.Known || e.First {
		return nil
	}
	return device.Tell(tx, e.User, e.Session, e.Addr, e.Agent)
}
