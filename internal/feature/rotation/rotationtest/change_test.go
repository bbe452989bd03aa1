package rotationtest_test

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
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
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/connector"
	"strongroom/internal/feature/rotation/connector/ssh"
	"strongroom/internal/feature/rotation/rotationtest"
)

// wait is how long something may take that goes on by itself.
const wait = time.Minute

const first = "Kelp-Anchor-9"

type house struct {
	*coretest.House
	t       *testing.T
	org     id.ID
	rec, by id.ID // the password of the account deploy, and that of root
	machine *rotationtest.Machine
	changes *change.Changes
	manager *access.Caller
	dies    func(when string) bool // whether the process dies in the middle of a change
}

func open(t *testing.T) *house {
	h := &house{House: coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: coretest.Kinds()}, notification.Feature(), change.Feature()}, Schema: job.Schema}), t: t}
	h.org = h.Org("Harbour")
	h.machine = rotationtest.Open(t, map[string]string{"deploy": first, "root": "Root-Anchor-9"})
	h.rec = h.Make("password", h.org, record.Values{"name": "Deploy", "username": "deploy", "password": first})
	h.by = h.Make("password", h.org, record.Values{"name": "Root", "username": "root", "password": "Root-Anchor-9"})
	h.manager = h.User(access.Manager)
	with := ssh.Connector(func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	})
	real := with.Change
	h.dies = func(string) bool { return false }
	with.Change = func(ctx context.Context, c connector.Change) error {
		if h.dies("before") {
			panic("the process dies before the system was told")
		}
		err := real(ctx, c)
		if h.dies("after") {
			panic("the process dies after the system was told")
		}
		return err
	}
	r := &job.Runner{House: h.House.House, Gate: h.Gate, Now: h.Clock.Now, Poll: 2 * time.Millisecond, Log: slog.New(slog.DiscardHandler), Resolve: func(ctx context.Context, name string, user id.ID) (c *access.Caller, err error) {
		err = h.Gate.View(ctx, access.System(name, "job"), func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), user); return err })
		if err == nil {
			c.Tenant, c.Via, c.AuthLevel = name, "job", 1
		}
		return c, err
	}}
	h.changes = &change.Changes{Gate: h.Gate, Records: h.Records, Secrets: &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client, Restored: h.Records.SecretRestored}, Jobs: r, Connectors: []connector.Connector{with}}
	r.Handlers = map[string]job.Handler{change.JobKind: h.changes.Handler()}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *house) place(by id.ID) {
	h.t.Helper()
	if err := h.put(h.manager, h.rec, change.Place{Target: connector.Target{System: "ssh", Address: h.machine.Address, Account: "deploy", Pin: h.machine.Pin}, By: by}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) put(c *access.Caller, rec id.ID, p change.Place) error {
	return h.Gate.Change(h.t.Context(), c, access.View, gate.Thing{Kind: "password", ID: rec}, func(tx *gate.Tx) error { return h.changes.Put(tx, rec, p) })
}

// start starts a change and waits until it is in a state; further attempts of its job
// are waited for.
func (h *house) start(dry bool, state string) *change.Change {
	h.t.Helper()
	cid, err := h.changes.Start(h.t.Context(), h.manager, h.rec, dry, "CHG-7")
	if err != nil {
		h.t.Fatal(err)
	}
	return h.await(cid, state)
}

func (h *house) await(cid id.ID, state string) (one *change.Change) {
	h.t.Helper()
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); {
		var work *job.Status
		h.View(h.Admin(), func(tx *gate.Tx) (err error) {
			if one, err = change.One(tx, h.rec, cid); err != nil {
				return err
			}
			work, err = job.Get(tx, one.Job)
			return err
		})
		if one.State == state {
			return one
		}
		if !one.Open() {
			break
		}
		if work.State == job.Waiting {
			h.Clock.Advance(time.Minute)
		}
	}
	h.t.Fatalf("the change is %q and not %q: %s", one.State, state, one.Said)
	return nil
}

func (h *house) reveal(field string, version uint32) string {
	h.t.Helper()
	text, err := h.changes.Secrets.Reveal(h.t.Context(), h.manager, secret.Ref{Kind: "password", Object: h.rec, Field: field, Version: version}, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// actions gives the actions of the entries about the password, but those of reveals.
func (h *house) actions() (out []string) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Tenant.Audit.List(tx.SQL(), audit.Filter{Object: h.rec, Limit: 200})
		for _, e := range list {
			if !strings.HasPrefix(e.Action, "reveal") {
				out = append(out, e.Action)
			}
		}
		return err
	})
	return out
}

func TestAPasswordIsChanged(t *testing.T) {
	for name, self := range map[string]bool{"by itself": true, "by another": false} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			by := h.by
			if self {
				by = 0
			}
			h.place(by)
			if one := h.start(true, change.Fine); h.machine.Password("deploy") != first || h.reveal("password", 0) != first || one.Ended == 0 {
				t.Fatalf("a dry run left %q", h.machine.Password("deploy"))
			}
			h.start(false, change.Done)
			now := h.machine.Password("deploy")
			if now == first || h.reveal("password", 0) != now || h.reveal("password", 1) != first {
				t.Errorf("the machine has %q, the vault %q and before %q", now, h.reveal("password", 0), h.reveal("password", 1))
			}
			h.View(h.Admin(), func(tx *gate.Tx) error {
				have, err := secret.Current(tx, h.rec)
				if have["password_next"].Has || have["password"].Number != 2 || have["password"].Author != h.manager.User {
					t.Errorf("the vault has %+v", have)
				}
				return err
			})
			got := h.actions()
			slices.Reverse(got)
			for _, want := range []string{change.Placed, change.Asked, change.Checked, change.Begun, change.Settled} {
				if !slices.Contains(got, want) {
					t.Errorf("the log has %v and lacks %s", got, want)
				}
			}
		})
	}
}

func TestWhateverGoesWrongNoPasswordIsLost(t *testing.T) {
	for name, x := range map[string]struct {
		fall  rotationtest.Fall
		dies  string
		state string
	}{
		"refused": {fall: rotationtest.Refuse, state: change.Unchanged}, "lost before": {fall: rotationtest.Before, state: change.Unchanged},
		"lost after": {fall: rotationtest.After, state: change.Done}, "a lie": {fall: rotationtest.Lie, state: change.Unchanged},
		"away": {fall: rotationtest.Away, state: change.Unknown}, "strange": {fall: rotationtest.Strange, state: change.Unknown},
		"the process dies before": {dies: "before", state: change.Unchanged}, "the process dies after": {dies: "after", state: change.Done},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.place(0)
			admin := h.User(access.Administrator)
			h.machine.Falls(x.fall)
			died := false
			h.dies = func(when string) bool {
				if when != x.dies || died {
					return false
				}
				died = true
				return true
			}
			one := h.start(false, x.state)
			now := h.machine.Password("deploy")
			kept := []string{h.reveal("password", 0), h.reveal("password", 1)}
			if one.State == change.Unknown {
				kept = append(kept, h.reveal("password_next", 1))
			}
			if x.fall != rotationtest.Strange && (!slices.Contains(kept, now) || one.State != change.Unknown && kept[0] != now) {
				t.Fatalf("the machine has %q, the vault %q", now, kept)
			}
			if (x.dies != "") != died {
				t.Error("the process did not die")
			}
			if one.State != change.Unknown {
				return
			}
			h.View(admin, func(tx *gate.Tx) error {
				list, err := notification.List(tx, notification.Query{})
				if len(list.Lines) != 1 || list.Lines[0].Topic.Name != "rotation" {
					t.Errorf("the administrator is told %+v", list.Lines)
				}
				return err
			})
			if _, err := h.changes.Start(t.Context(), h.manager, h.rec, false, ""); !fault.Is(err, fault.Conflict) {
				t.Errorf("another change while one is open: %v", err)
			}
			h.settle(one, x.fall == rotationtest.Away)
		})
	}
}

// settle lets people end what was left to them.
func (h *house) settle(one *change.Change, took bool) {
	t := h.t
	t.Helper()
	if !took {
		if err := h.changes.Settle(t.Context(), h.manager, h.rec, one.ID, false, ""); err != nil {
			t.Fatal(err)
		}
		if h.reveal("password", 0) != first {
			t.Error("the earlier value is not the password")
		}
		return
	}
	text, err := h.changes.Show(t.Context(), h.manager, h.rec, one.ID, "")
	if err != nil || text != h.machine.Password("deploy") {
		t.Errorf("shown is %q, %v", text, err)
	}
	h.machine.Falls(rotationtest.Nothing)
	for { // the job may just be at it by itself
		err := h.changes.Look(t.Context(), h.manager, h.rec, one.ID)
		if err == nil || fault.Is(err, fault.Conflict) {
			break
		}
		t.Fatal(err)
	}
	h.await(one.ID, change.Done)
	if h.reveal("password", 0) != h.machine.Password("deploy") {
		t.Error("the new value is not the password")
	}
	if _, err := h.changes.Show(t.Context(), h.manager, h.rec, one.ID, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("once settled it is shown again: %v", err)
	}
}

func TestWhoMay(t *testing.T) {
	h := open(t)
	p := change.Place{Target: connector.Target{System: "ssh", Address: h.machine.Address, Account: "deploy", Pin: h.machine.Pin}}
	other := h.Org("Other")
	foreign := h.Make("password", other, record.Values{"name": "Foreign", "username": "root", "password": "x"})
	own := h.User(access.Manager, h.org)
	for name, x := range map[string]struct {
		who  *access.Caller
		p    change.Place
		want fault.Kind
	}{
		"an editor":              {h.User(access.Editor), p, fault.Denied},
		"a stranger":             {h.User(access.Manager, other), p, fault.NotFound},
		"a hidden login":         {own, change.Place{Target: p.Target, By: foreign}, fault.Invalid},
		"a login without a name": {own, change.Place{Target: p.Target, By: h.Make("password", h.org, record.Values{"name": "No name", "password": "x"})}, fault.Invalid},
		"no sort":                {own, change.Place{Target: connector.Target{Address: "x"}}, fault.Invalid},
		"no address":             {own, change.Place{Target: connector.Target{System: "ssh", Address: "a b", Account: "deploy", Pin: h.machine.Pin}}, fault.Invalid},
		"no key":                 {own, change.Place{Target: connector.Target{System: "ssh", Address: "a", Account: "deploy"}}, fault.Invalid},
	} {
		if err := h.put(x.who, h.rec, x.p); !fault.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.changes.Start(t.Context(), own, h.rec, true, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("without a target: %v", err)
	}
	h.place(0)
	for name, x := range map[string]struct {
		who  *access.Caller
		want fault.Kind
	}{"who may only read": {h.User(access.ReadOnly), fault.Denied}, "who sees no passwords": {h.User(access.Lite), fault.Denied}, "a stranger": {h.User(access.Manager, other), fault.NotFound}} {
		if _, err := h.changes.Start(t.Context(), x.who, h.rec, true, ""); !fault.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h.machine.Password("deploy") != first {
		t.Error("the password was changed")
	}
	h.Change(func(tx *gate.Tx) error {
		if err := h.changes.Remove(tx, h.rec); !fault.Is(err, fault.Denied) { // the system itself decides nothing
			t.Errorf("removed by nobody: %v", err)
		}
		return h.Records.Trash(tx, "password", h.rec)
	})
	h.Change(func(tx *gate.Tx) error { return h.Records.Purge(tx, "password", h.rec) })
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := change.PlaceOf(tx, h.rec)
		if p != nil {
			t.Error("a purged password is still changed somewhere")
		}
		return err
	})
}

// A change whose job ended without settling it is found by the schedule.
func TestWhatWasLeftOpenIsFound(t *testing.T) {
	h := open(t)
	h.place(0)
	h.dies = func(when string) bool { return when == "after" }
	cid, err := h.changes.Start(t.Context(), h.manager, h.rec, false, "")
	if err != nil {
		t.Fatal(err)
	}
	h.Change(func(tx *gate.Tx) error { // its job is gone, as a restored backup or an operator leaves it
		_, err := tx.Exec(`update rotation_change set job_id = 0 where id = ?`, int64(cid))
		return err
	})
	for deadline := time.Now().Add(wait); ; {
		if err := h.changes.Run(t.Context(), coretest.Name); err != nil {
			t.Fatal(err)
		}
		var one *change.Change
		h.View(h.Admin(), func(tx *gate.Tx) (err error) { one, err = change.One(tx, h.rec, cid); return err })
		if one.State == change.Unknown || one.State == change.Unchanged && one.Said != "" || one.State == change.Done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the change is %s", one.State)
		}
	}
}
