package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/dnsrecords"
	"strongroom/internal/feature/tracker/mailauth"
	"strongroom/internal/feature/tracker/rdap"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/feature/tracker/tlscert"
	"strongroom/internal/feature/tracker/trackertest"
)

// kinds are what trackers need of the kinds of the product.
func kinds() []record.Feature {
	text := func(name string) record.Field {
		return record.Field{Name: name, Type: record.Text, Class: record.Internal, Filter: true}
	}
	name := record.Field{Name: "name", Type: record.Text, Class: record.Internal, Search: true, Filter: true, Sort: true}
	day := func(name string) record.Field {
		return record.Field{Name: name, Type: record.Date, Class: record.Internal, Expires: strings.HasSuffix(name, "expires_on") || name == "valid_until"}
	}
	fixed := text("name_servers")
	fixed.ReadOnly = true
	return []record.Feature{{Name: "test", Kinds: append(coretest.Kinds(),
		&record.Kind{Name: "domain", Plural: "domains", Label: "Domain", Labels: "Domains", Fields: []record.Field{name, text("registrar_name"), day("expires_on"), fixed, text("dkim_selectors")}},
		&record.Kind{Name: "ssl_certificate", Plural: "ssl_certificates", Label: "SSL certificate", Labels: "SSL certificates", NameOf: func(v record.Values) string { return v.Text("host") },
			Fields: []record.Field{name, text("host"), text("issued_to"), text("issued_by"), day("valid_from"), day("valid_until")}})}, tracker.Feature()}
}

type house struct {
	*coretest.House
	*tracker.Checker
	t     *testing.T
	ended chan string
}

type watch struct {
	slog.Handler
	ended chan string
}

func (w watch) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "job ended" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "state" {
				w.ended <- a.Value.String()
			}
			return true
		})
	}
	return w.Handler.Handle(ctx, r)
}

func open(t *testing.T, list ...seen.Tracker) *house {
	h := &house{House: coretest.Open(t, coretest.Options{Features: kinds(), Schema: job.Schema}), t: t, ended: make(chan string, 100)}
	h.Checker = &tracker.Checker{Gate: h.House.Gate, Records: h.House.Records.Inside(), Trackers: list, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	h.Jobs = &job.Runner{House: h.House.House, Gate: h.House.Gate, Now: h.Clock.Now, Poll: 2 * time.Millisecond, Log: slog.New(watch{slog.NewTextHandler(t.Output(), nil), h.ended}),
		Handlers: map[string]job.Handler{tracker.JobKind: h.Handler()},
		Resolve: func(ctx context.Context, tenant string, user id.ID) (*access.Caller, error) {
			return access.System(tenant, "job"), nil
		}}
	return h
}

// run runs jobs until the test ends.
func (h *house) run() {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Jobs.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
}

func (h *house) sync() {
	h.t.Helper()
	if err := h.Sync(h.t.Context(), coretest.Name); err != nil {
		h.t.Fatal(err)
	}
}

// wait waits until nothing is due any more and no job is at work: a job asks about
// what is due first and puts its own things in order then.
func (h *house) wait() {
	h.t.Helper()
	for {
		var n int
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select (select count(*) from tracker_state s join record r on r.id = s.record_id where s.next_at <= ? and r.archived = 0 and r.trashed_at is null
				and s.record_id not in (select record_id from tracker_paused)) + (select count(*) from job where state = ? or (state = ? and at <= ?))`, tx.Now, job.Running, job.Waiting, tx.Now).Scan(&n)
		})
		if n == 0 {
			return
		}
		select {
		case s := <-h.ended:
			if s != job.Done {
				h.t.Fatalf("the job ended as %s", s)
			}
		case <-time.After(20 * time.Second):
			h.t.Fatal("no job ended")
		}
	}
}

// round lets time pass and waits for what is due then.
func (h *house) round(d time.Duration) {
	h.t.Helper()
	h.Clock.Advance(d)
	h.sync()
	h.wait()
}

func (h *house) get(rid id.ID) (r *record.Record) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		r, err = h.House.Records.Get(tx, "", rid)
		return err
	})
	return r
}

func (h *house) states(c *access.Caller, rid id.ID) (out []*tracker.State) {
	h.t.Helper()
	r := h.get(rid)
	h.View(c, func(tx *gate.Tx) (err error) {
		out, err = h.Of(tx, r)
		return err
	})
	return out
}

func (h *house) versions(rid id.ID, name string) (out []tracker.Version) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		out, err = h.Versions(tx, rid, name)
		return err
	})
	return out
}

func (h *house) actions(rid id.ID) (out []string) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Object: rid})
		for _, e := range list {
			out = append(out, e.Action+" by "+e.Detail.Actor+" via "+e.Via)
		}
		return err
	})
	return out
}

// answers is a tracker whose report the test says.
type answers struct {
	mu    sync.Mutex
	facts map[string]string // host: what is found
	err   error
	asked []string
}

func (a *answers) set(host, fact string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts[host], a.err = fact, err
}

func (a *answers) tracker() seen.Tracker {
	return seen.Tracker{Name: "rdap", Title: "Registration", Kinds: []string{"domain"}, Every: 24 * time.Hour, Fetch: func(_ context.Context, t seen.Target) (*seen.Report, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.asked = append(a.asked, t.Host)
		if a.err != nil {
			return nil, a.err
		}
		r := &seen.Report{Summary: "ok"}
		r.Add("Expires on", a.facts[t.Host])
		r.Set("expires_on", a.facts[t.Host])
		r.Set("name_servers", "ns1.example.net")
		if a.facts[t.Host] == "" {
			r.Say(seen.Bad, "It is gone.", "Look.")
		}
		return r, nil
	}}
}

func TestSchedule(t *testing.T) {
	a := &answers{facts: map[string]string{"one.example": "2027-01-01"}}
	h := open(t, a.tracker())
	org := h.Org("Acme")
	one := h.Make("domain", org, record.Values{"name": "one.example"})
	h.Make("configuration", org, record.Values{"name": "server"})
	archived := h.Make("domain", org, record.Values{"name": "old.example", "archived": true})
	h.run()
	h.round(0)
	s := h.states(h.Admin(), one)[0]
	if s.Version != 1 || s.Checked == 0 || s.Summary != "ok" || s.Level != seen.Good || s.Next < s.Checked+(21*time.Hour).Milliseconds() || s.Next > s.Checked+(27*time.Hour).Milliseconds() {
		t.Errorf("after the first check: %+v", s)
	}
	if s := h.states(h.Admin(), archived)[0]; s.Checked != 0 {
		t.Errorf("an archived domain was asked about: %+v", s)
	}
	r := h.get(one)
	if r.Values.Text("expires_on") != "2027-01-01" || r.Values.Text("name_servers") != "ns1.example.net" || r.Version != 2 {
		t.Errorf("the record is %v, version %d", r.Values, r.Version)
	}
	if got := h.actions(one)[0]; got != "edit by Tracker: Registration via tracker" {
		t.Errorf("the log says %q", got)
	}
	before := len(h.actions(one))
	h.round(28 * time.Hour) // the same again
	if v := h.versions(one, "rdap"); len(v) != 1 || len(h.actions(one)) != before {
		t.Errorf("%d versions and %v of what did not change", len(v), h.actions(one))
	}
	a.set("one.example", "2028-01-01", nil)
	h.round(28 * time.Hour)
	v := h.versions(one, "rdap")
	if len(v) != 2 || v[0].Facts != "Expires on: 2028-01-01" || v[1].Facts != "Expires on: 2027-01-01" {
		t.Errorf("versions %+v", v)
	}
	if got := strings.Join(h.actions(one)[:2], "; "); got != "edit by Tracker: Registration via tracker; tracker.changed by Tracker: Registration via tracker" {
		t.Errorf("the log says %q", got)
	}
	if h.get(one).Values.Text("expires_on") != "2028-01-01" {
		t.Error("the record was not brought to it")
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := job.List(tx, tracker.JobKind, 100)
		if len(list) > 2 {
			t.Errorf("%d jobs are kept: %+v", len(list), list)
		}
		return err
	})
}

func TestFailures(t *testing.T) {
	a := &answers{facts: map[string]string{"one.example": "2027-01-01"}}
	h := open(t, a.tracker())
	one := h.Make("domain", h.Org("Acme"), record.Values{"name": "one.example"})
	bad := h.Make("domain", h.Org("B"), record.Values{"name": "no host"})
	h.run()
	h.round(0)
	a.set("one.example", "", fault.New(fault.Unavailable, "The registry does not answer.").WithHint("Wait."))
	h.round(28 * time.Hour)
	s := h.states(h.Admin(), one)[0]
	if s.Failures != 1 || s.Error != "The registry does not answer." || s.Hint != "Wait." || s.Version != 1 || s.Summary != "ok" || s.Next > s.Checked+(67*time.Minute).Milliseconds() {
		t.Errorf("after a failure: %+v", s)
	}
	if s := h.states(h.Admin(), bad)[0]; s.Failures == 0 || !strings.Contains(s.Error, "no name of a host") {
		t.Errorf("what is no host: %+v", s)
	}
	a.set("one.example", "", errors.New("secret detail"))
	h.round(2 * time.Hour)
	if s := h.states(h.Admin(), one)[0]; s.Failures != 2 || strings.Contains(s.Error, "secret") {
		t.Errorf("after two failures: %+v", s)
	}
	throttled := fault.New(fault.Throttled, "Too often.")
	throttled.After = 48 * time.Hour
	a.set("one.example", "", throttled)
	h.round(3 * time.Hour)
	if s := h.states(h.Admin(), one)[0]; s.Next < s.Checked+(43*time.Hour).Milliseconds() {
		t.Errorf("a registry that says when: %+v", s)
	}
	a.set("one.example", "2027-01-01", nil)
	h.round(55 * time.Hour)
	if s := h.states(h.Admin(), one)[0]; s.Failures != 0 || s.Error != "" || s.Version != 1 {
		t.Errorf("after it went well again: %+v", s)
	}
}

func TestPinned(t *testing.T) {
	a := &answers{facts: map[string]string{"one.example": "2027-01-01"}}
	h := open(t, a.tracker())
	one := h.Make("domain", h.Org("Acme"), record.Values{"name": "one.example", "expires_on": "2030-12-31"})
	h.run()
	h.round(0)
	field := func() tracker.Field {
		var out tracker.Field
		r := h.get(one)
		h.View(h.Admin(), func(tx *gate.Tx) error {
			list, err := h.Fields(tx, r)
			for _, f := range list {
				if f.Name == "expires_on" {
					out = f
				}
			}
			return err
		})
		return out
	}
	have := func() string { return h.get(one).Values.Text("expires_on") }
	edit := func(value any) {
		h.Change(func(tx *gate.Tx) error {
			_, err := h.House.Records.Update(tx, "domain", one, 0, record.Values{"expires_on": value})
			return err
		})
	}
	if f := field(); have() != "2030-12-31" || !f.Pinned || f.Found != "2027-01-01" {
		t.Errorf("what was entered by hand: %s, %+v", have(), f)
	}
	if err := h.Take(t.Context(), h.Admin(), "domain", one, "expires_on"); err != nil {
		t.Fatal(err)
	}
	if f := field(); have() != "2027-01-01" || f.Pinned {
		t.Errorf("taken over: %s, %+v", have(), f)
	}
	a.set("one.example", "2028-01-01", nil)
	h.round(28 * time.Hour)
	if have() != "2028-01-01" {
		t.Errorf("it does not follow: %s", have())
	}
	edit("2029-09-09")
	a.set("one.example", "2028-02-02", nil)
	h.round(28 * time.Hour)
	if f := field(); have() != "2029-09-09" || !f.Pinned || f.Found != "2028-02-02" {
		t.Errorf("entered by hand again: %s, %+v", have(), f)
	}
	edit("")
	h.round(28 * time.Hour)
	if f := field(); have() != "2028-02-02" || f.Pinned {
		t.Errorf("emptied: %s, %+v", have(), f)
	}
	if err := h.Take(t.Context(), h.Admin(), "domain", one, "name"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a field of which nothing is known: %v", err)
	}
}

func TestWho(t *testing.T) {
	a := &answers{facts: map[string]string{}}
	h := open(t, a.tracker())
	acme, bolt := h.Org("Acme"), h.Org("Bolt")
	one := h.Make("domain", acme, record.Values{"name": "one.example"})
	two := h.Make("domain", bolt, record.Values{"name": "two.example"})
	h.run()
	h.round(0)
	editor, reader := h.User(access.Editor, acme), h.User(access.ReadOnly, acme)
	for c, want := range map[*access.Caller]int{editor: 1, reader: 1, h.Admin(): 2} {
		h.View(c, func(tx *gate.Tx) error {
			list, total, err := h.List(tx, tracker.Query{Problems: true, Limit: 10})
			if len(list) != want || total != int64(want) || list[0].Findings[0].Text != "It is gone." || list[0].OrgName != "Acme" {
				t.Errorf("%s sees %d of %d", c.Name, len(list), total)
			}
			return err
		})
	}
	err := h.House.Gate.View(t.Context(), editor, func(tx *gate.Tx) error {
		_, err := h.Of(tx, &record.Record{ID: two, Kind: h.House.Records.Kinds.Kind("domain")})
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("the states of a hidden record: %v", err)
	}
	for _, do := range []func(*access.Caller, id.ID) error{
		func(c *access.Caller, rid id.ID) error { return h.Ask(t.Context(), c, "domain", rid) },
		func(c *access.Caller, rid id.ID) error { return h.Pause(t.Context(), c, "domain", rid, true) },
		func(c *access.Caller, rid id.ID) error { return h.Take(t.Context(), c, "domain", rid, "name_servers") },
	} {
		if err := do(editor, two); !fault.Is(err, fault.NotFound) {
			t.Errorf("on a hidden record: %v", err)
		}
		if err := do(reader, one); !fault.Is(err, fault.Denied) {
			t.Errorf("who may only read: %v", err)
		}
	}
}

func TestAskPauseAndOff(t *testing.T) {
	a := &answers{facts: map[string]string{"one.example": "2027-01-01"}}
	h := open(t, a.tracker())
	one := h.Make("domain", h.Org("Acme"), record.Values{"name": "one.example"})
	if err := h.Ask(t.Context(), h.Admin(), "domain", one); err != nil {
		t.Fatal(err)
	}
	if s := h.states(h.Admin(), one)[0]; s.Version != 1 {
		t.Errorf("%+v", s)
	}
	if err := h.Ask(t.Context(), h.Admin(), "domain", one); !fault.Is(err, fault.Throttled) {
		t.Errorf("asked twice: %v", err)
	}
	if err := h.Pause(t.Context(), h.Admin(), "domain", one, true); err != nil {
		t.Fatal(err)
	}
	two := h.Make("domain", h.Org("B"), record.Values{"name": "two.example"})
	h.Clock.Advance(48 * time.Hour) // before anything runs, or the second is due twice
	h.sync()
	h.run()
	h.wait()
	if got := strings.Join(a.asked, " "); got != "one.example two.example" {
		t.Errorf("asked about %s", got)
	}
	if err := h.Pause(t.Context(), h.Admin(), "domain", one, false); err != nil {
		t.Fatal(err)
	}
	h.wait()
	if got := strings.Join(a.asked, " "); got != "one.example two.example one.example" {
		t.Errorf("asked about %s", got)
	}
	h.Off = true
	h.Clock.Advance(time.Minute)
	if err := h.Ask(t.Context(), h.Admin(), "domain", two); !fault.Is(err, fault.Unavailable) {
		t.Errorf("asked with the operator's no: %v", err)
	}
}

// TestPurge: what was found goes with the record.
func TestPurge(t *testing.T) {
	a := &answers{facts: map[string]string{"one.example": "2027-01-01"}}
	h := open(t, a.tracker())
	one := h.Make("domain", h.Org("Acme"), record.Values{"name": "one.example"})
	if err := h.Ask(t.Context(), h.Admin(), "domain", one); err != nil {
		t.Fatal(err)
	}
	h.Change(func(tx *gate.Tx) error { return h.House.Records.Trash(tx, "domain", one) })
	h.Change(func(tx *gate.Tx) error { return h.House.Records.Purge(tx, "domain", one) })
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for _, table := range []string{"tracker_state", "tracker_version", "tracker_field"} {
			var n int
			if err := tx.QueryRow(`select count(*) from ` + table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d rows of %s are left, %v", n, table, err)
			}
		}
		return nil
	})
}

// TestImportIsSpread: of many new records some are asked about at once.
func TestImportIsSpread(t *testing.T) {
	a := &answers{facts: map[string]string{}}
	h := open(t, a.tracker())
	org := h.Org("Acme")
	h.Change(func(tx *gate.Tx) error {
		for i := range 620 {
			if _, err := h.House.Records.Create(tx, "domain", record.Values{"organization_id": org, "name": fmt.Sprintf("d%d.example", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	h.sync()
	var now, all, last int64
	h.View(h.Admin(), func(tx *gate.Tx) error {
		if err := tx.QueryRow(`select count(*), max(next_at) from tracker_state`).Scan(&all, &last); err != nil {
			return err
		}
		return tx.QueryRow(`select count(*) from tracker_state where next_at <= ?`, tx.Now).Scan(&now)
	})
	if all != 620 || now != 21 || time.Duration(last-h.Clock.Now().UnixMilli())*time.Millisecond != 599*2*time.Second {
		t.Errorf("%d of %d are asked about at once, the last one at %s", now, all, time.UnixMilli(last).UTC())
	}
}

func TestVersionsAreBounded(t *testing.T) {
	a := &answers{facts: map[string]string{}}
	h := open(t, a.tracker())
	one := h.Make("domain", h.Org("Acme"), record.Values{"name": "one.example"})
	for i := range 105 {
		a.set("one.example", time.Date(2027, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), nil)
		h.Clock.Advance(time.Minute)
		if err := h.Ask(t.Context(), h.Admin(), "domain", one); err != nil {
			t.Fatal(err)
		}
	}
	if v := h.versions(one, "rdap"); len(v) != 100 || v[0].Number != 105 || v[99].Number != 6 {
		t.Errorf("%d versions", len(v))
	}
}

// TestAll: all trackers, against a registry, a name server and a host of the test.
func TestAll(t *testing.T) {
	g, ca := trackertest.NewRegistry(t), trackertest.NewAuthority(t)
	z := trackertest.Names(t, "shop.example MX 10 mail.shop.example", "shop.example NS ns1.example.net", "shop.example TXT v=spf1 +all")
	g.Set("shop.example", trackertest.Domain("shop.example", "Example Registrar", "2027-08-13", "ns1.example.net"))
	host := ca.Serve(trackertest.Cert{Names: []string{"other.example"}})
	h := open(t, (&rdap.Source{Client: g.Client, Bootstrap: g.Bootstrap}).Tracker(), (&dnsrecords.Source{Resolver: z.Resolver()}).Tracker(), (&mailauth.Source{Resolver: z.Resolver()}).Tracker(),
		(&tlscert.Source{Dialer: trackertest.Dialer(), Roots: ca.Roots}).Tracker())
	org := h.Org("Shop")
	domain := h.Make("domain", org, record.Values{"name": "shop.example"})
	cert := h.Make("ssl_certificate", org, record.Values{"host": "127.0.0.1:" + host.Port})
	h.run()
	h.round(0)
	var got []string
	for _, rid := range []id.ID{domain, cert} {
		for _, s := range h.states(h.Admin(), rid) {
			got = append(got, fmt.Sprint(s.Tracker, " ", s.Level, " ", s.Summary, s.Error != ""))
		}
	}
	want := "rdap 0 Registered with Example Registrarfalse|dns 2 2 recordsfalse|mail 3 SPF for all, DKIM not looked at, DMARC missingfalse|tls 0 true|tls 3 The certificate is not for 127.0.0.1.false"
	if strings.Join(got, "|") != strings.ReplaceAll(want, "2 2 records", "2 3 records") {
		t.Errorf("got %s", strings.Join(got, "|"))
	}
	r := h.get(cert)
	if r.Values.Text("issued_by") != "Example Trust, Test Issuing CA" || r.Values.Text("valid_until") == "" {
		t.Errorf("the certificate's record: %v", r.Values)
	}
	if d := h.get(domain); d.Values.Text("registrar_name") != "Example Registrar" || d.Values.Text("expires_on") != "2027-08-13" {
		t.Errorf("the domain's record: %v", d.Values)
	}
}

// TestCertificate: of what a domain's host presents, a record can be made, once.
func TestCertificate(t *testing.T) {
	var until sync.Map
	until.Store("v", "2026-06-01")
	tls := seen.Tracker{Name: "tls", Title: "TLS certificate", Kinds: []string{"domain", "ssl_certificate"}, Every: time.Hour, Fetch: func(context.Context, seen.Target) (*seen.Report, error) {
		v, _ := until.Load("v")
		r := &seen.Report{Summary: "ok"}
		r.Add("Valid until", v.(string))
		r.Set("valid_until", v.(string))
		r.Set("issued_by", "Example Trust")
		return r, nil
	}}
	h := open(t, tls)
	org := h.Org("Acme")
	domain := h.Make("domain", org, record.Values{"name": "one.example"})
	if _, err := h.Certificate(t.Context(), h.Admin(), domain); !fault.Is(err, fault.NotFound) {
		t.Errorf("before anything was seen: %v", err)
	}
	if err := h.Ask(t.Context(), h.Admin(), "domain", domain); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Certificate(t.Context(), h.User(access.ReadOnly), domain); !fault.Is(err, fault.Denied) {
		t.Errorf("who may not create: %v", err)
	}
	r, err := h.Certificate(t.Context(), h.User(access.Editor), domain)
	if err != nil || r.Name != "one.example" || r.Org != org || r.Values.Text("valid_until") != "2026-06-01" {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := h.Certificate(t.Context(), h.Admin(), domain); !fault.Is(err, fault.Conflict) {
		t.Errorf("twice: %v", err)
	}
	until.Store("v", "2026-09-01")
	if err := h.Ask(t.Context(), h.Admin(), "ssl_certificate", r.ID); err != nil {
		t.Fatal(err)
	}
	if got := h.get(r.ID).Values.Text("valid_until"); got != "2026-09-01" {
		t.Errorf("it does not follow: %s", got)
	}
}
