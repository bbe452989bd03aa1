// Package killed_test kills servers in the middle of the work of processes.
package killed_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/process"
	"strongroom/internal/feature/process/course"
	"strongroom/internal/feature/webhook"
)

func TestMain(m *testing.M) { apptest.Main(m) }

const tenant = "acme"

// far is another system: it answers at /done at once, and elsewhere only when it is let.
type far struct {
	*httptest.Server
	mu   sync.Mutex
	held []string // ids of messages at /held, as they came
	done []string
	let  chan struct{}
	once sync.Once
}

// answer answers what is held, now and later.
func (f *far) answer() { f.once.Do(func() { close(f.let) }) }

func listen(t *testing.T) *far {
	f := &far{let: make(chan struct{})}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		f.mu.Lock()
		list := &f.done
		if q.URL.Path == "/held" {
			list = &f.held
		}
		*list = append(*list, q.Header.Get("Webhook-Id"))
		f.mu.Unlock()
		if q.URL.Path == "/held" {
			<-f.let
		}
	}))
	t.Cleanup(f.Close)
	t.Cleanup(f.answer)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots)
	return f
}

// came are the ids that came, and how many of them are different.
func (f *far) came(list *[]string) (ids []string, different int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids = slices.Clone(*list)
	return ids, len(slices.Compact(slices.Sorted(slices.Values(ids))))
}

// desk is a tenant with processes, in a place whose servers are killed.
type desk struct {
	*apptest.Place
	t     *testing.T
	key   string
	admin *access.Caller
	chief *access.Caller // who decides
	ids   map[string]id.ID
}

// change does something as the administrator, signed in.
func (d *desk) change(a *app.App, action access.Action, thing gate.Thing, fn func(tx *gate.Tx) error) error {
	return a.Gate.Change(d.t.Context(), d.admin, action, thing, fn)
}

func (d *desk) make(a *app.App, kind, name string, v record.Values) error {
	if kind != "contact" {
		v["name"] = name
	}
	return d.change(a, access.Create, gate.Thing{Kind: kind}, func(tx *gate.Tx) error {
		r, err := a.Records.Create(tx, kind, v)
		if err != nil {
			return fmt.Errorf("%s %s: %w", kind, name, err)
		}
		d.ids[name] = r.ID
		if kind == webhook.Kind {
			_, err = a.Hooks.Rotate(tx, r.ID)
		}
		return err
	})
}

type st = map[string]any

func note(name string) st { return st{"step": name, "do": automation.Notes, "value": "note " + name} }

// many is how many notes one of the processes writes, one after the other.
const many = 12

// prepare makes two webhooks and the processes that begin with each ticket.
func (d *desk) prepare(a *app.App, f *far) error {
	err := a.Gate.View(d.t.Context(), access.System(tenant, "console"), func(tx *gate.Tx) error {
		found, err := tx.IDs(`select id from record where kind = 'user' order by id limit 1`)
		if err != nil {
			return err
		}
		if d.admin, err = access.Load(tx.SQL(), found[0]); err == nil {
			d.admin.Tenant, d.admin.Name, d.admin.Via, d.admin.Session, d.admin.AuthLevel = tenant, "Administrator", "session", "s-1", 1
		}
		return err
	})
	if err != nil {
		return err
	}
	hook := func(name, path string) error {
		return d.make(a, webhook.Kind, name, record.Values{"url": f.URL + path, "active": true, "of_kind": "incident", "on_created": false, "on_changed": false, "on_deleted": false})
	}
	runs := func(name, of string, steps ...st) error {
		return d.make(a, process.Kind, name, record.Values{"of_kind": of, "active": true, "begins": process.AtOnce, "steps": steps})
	}
	var rounds []st
	for i := range many {
		rounds = append(rounds, note(fmt.Sprintf("round %d", i)))
	}
	call := func(name, hook string) st { return st{"step": name, "do": automation.Calls, "value": hook} }
	return errors.Join(hook("Held", "/held"), hook("Done", "/done"),
		d.make(a, "organization", "Crash and Sons", record.Values{}),
		d.make(a, "contact", "Rosa", record.Values{"organization_id": d.ids["Crash and Sons"], "first_name": "Rosa", "last_name": "Lind"}),
		runs("Tells", "incident", call("tell", "Held"), note("told")),
		runs("Beside", "incident", st{"step": "rest", "do": course.Pause, "hours": 1.0, "together": "x"},
			st{"step": "state", "do": course.Until, "if_field": "urgency", "if_op": "is", "if_value": "High", "hours": 50.0, "together": "x"}, note("beside")),
		runs("Many", "incident", append(rounds, call("end", "Done"))...),
		d.second(a), d.make(a, ballot.PlanKind, "Orders", record.Values{"of_kind": "service_request", "phases": []st{{"name": "Management", "who": ballot.Admins, "rule": string(ballot.Any)}}}),
		d.make(a, "offering", "Laptop", record.Values{"organization_id": d.ids["Crash and Sons"], "approval": true}),
		runs("Approves", "service_request", note("before"), st{"step": "board", "do": course.Approval, "hours": 100.0}, note("after")))
}

// second makes a second administrator, as nobody decides about what she asks for herself.
func (d *desk) second(a *app.App) error {
	if err := d.make(a, "user", "Chief", record.Values{"email": "chief@northbeam.example"}); err != nil {
		return err
	}
	return a.Gate.Change(d.t.Context(), access.System(tenant, "console"), access.Administer, gate.Thing{}, func(tx *gate.Tx) (err error) {
		if err = access.SetPrincipal(tx.SQL(), d.ids["Chief"], access.Administrator, true); err == nil {
			d.chief, err = access.Load(tx.SQL(), d.ids["Chief"])
		}
		if err == nil {
			d.chief.Tenant, d.chief.Name, d.chief.Via, d.chief.Session, d.chief.AuthLevel = tenant, "Chief", "session", "s-2", 1
		}
		return err
	})
}

// open opens a ticket at a server.
func (d *desk) open(s *apptest.Process, typ string, v map[string]any) id.ID {
	d.t.Helper()
	a, err := s.API(d.key, http.MethodPost, "/"+typ, map[string]any{"data": map[string]any{"type": typ, "attributes": v}})
	if err != nil || a.Status != http.StatusCreated {
		d.t.Fatalf("a ticket: %v %s", err, a.Body)
	}
	var made struct{ Data struct{ ID string } }
	if err := json.Unmarshal(a.Body, &made); err != nil {
		d.t.Fatal(err)
	}
	n, _ := id.Parse(made.Data.ID)
	return n
}

// wrote tallies the notes on a ticket.
func (d *desk) wrote(a *app.App, ticket id.ID) map[string]int {
	d.t.Helper()
	out := map[string]int{}
	err := a.Gate.View(d.t.Context(), d.admin, func(tx *gate.Tx) error {
		p, err := a.Records.List(tx, entry.Kind, record.Query{Limit: 1000, NoTotal: true})
		for _, r := range p.Records {
			if text := strings.TrimSuffix(strings.TrimPrefix(r.Values.Text("notes_body"), "<p>note "), "</p>"); r.Parent == ticket {
				out[text]++
			}
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// TestKillWithinProcess kills the real server while a webhook is sent, waits and an approval
// are open, and in the midst of many steps. Started anew, it goes on by itself; each step is
// done once, and the message whose answer was lost goes out once more with the id that it had.
func TestKillWithinProcess(t *testing.T) {
	f := listen(t)
	d := &desk{Place: apptest.NewPlace(t, apptest.Program(t)), t: t, ids: map[string]id.ID{}}
	var who struct {
		APIKey string `json:"api_key"`
	}
	d.Do(&who, "tenant", "create", tenant, "-json")
	d.key = who.APIKey
	d.Within(0, func(a *app.App) error { return d.prepare(a, f) })
	serve := func() *apptest.Process { return d.Serve("-outgoing-allow", "127.0.0.0/8") }

	s := serve()
	org, rosa := d.ids["Crash and Sons"].String(), d.ids["Rosa"].String()
	order := d.open(s, "service_requests", map[string]any{"name": "A laptop", "organization_id": org, "contact_id": rosa, "offering_id": d.ids["Laptop"].String()})
	tickets := []id.ID{d.open(s, "incidents", map[string]any{"name": "No mail", "organization_id": org, "contact_id": rosa})}
	apptest.Eventually(t, "the message is on its way", func() bool { _, n := f.came(&f.held); return n == 1 })
	s.Kill()
	for i := range 2 { // in the midst of whatever it does
		s = serve()
		tickets = append(tickets, d.open(s, "incidents", map[string]any{"name": fmt.Sprintf("No network %d", i), "organization_id": org, "contact_id": rosa}))
		s.Kill()
	}
	s = serve()
	apptest.Eventually(t, "what was stopped goes on by itself", func() bool { _, n := f.came(&f.done); return n == len(tickets) })
	f.answer()
	s.Kill()

	d.Within(2*time.Hour, func(a *app.App) error {
		run := func() error {
			return errors.Join(a.Processes.Run(t.Context(), tenant), a.Hooks.Drain(t.Context(), tenant))
		}
		if err := run(); err != nil {
			return err
		}
		for _, n := range tickets {
			if got := d.wrote(a, n); got["told"] != 1 || got["beside"] != 0 || len(got) != many+1 {
				t.Errorf("before the urgency is high: %v", got)
			}
			err := errors.Join(d.change(a, access.Edit, gate.Thing{Kind: "incident", ID: n}, func(tx *gate.Tx) error {
				_, err := a.Records.Update(tx, "incident", n, 0, record.Values{"urgency": "High"})
				return err
			}), a.Processes.Wake(t.Context(), tenant, n))
			if err != nil {
				return err
			}
		}
		if got := d.wrote(a, order); got["before"] != 1 || got["after"] != 0 {
			t.Errorf("before it is approved: %v", got)
		}
		err := a.Gate.Change(t.Context(), d.chief, access.Comment, gate.Thing{Kind: "service_request", ID: order}, func(tx *gate.Tx) error {
			r, err := a.Records.Get(tx, "service_request", order)
			if err != nil {
				return err
			}
			b, err := ballot.Of(tx, order)
			if err == nil {
				_, err = ballot.Cast(tx, r, b.ID, true, "Because.")
			}
			return err
		})
		if err := errors.Join(err, a.Processes.Wake(t.Context(), tenant, order), run()); err != nil {
			return err
		}
		if got := d.wrote(a, order); got["before"] != 1 || got["after"] != 1 {
			t.Errorf("after it is approved: %v", got)
		}
		for _, n := range tickets {
			got := d.wrote(a, n)
			if got["told"] != 1 || got["beside"] != 1 || len(got) != many+2 {
				t.Errorf("at the end: %v", got)
			}
			for text, times := range got {
				if times != 1 {
					t.Errorf("%q was written %d times", text, times)
				}
			}
		}
		return a.Gate.View(t.Context(), d.admin, func(tx *gate.Tx) error { return d.told(tx, f, len(tickets)) })
	})
	if _, errs, code := d.Run("audit", "verify", "-tenant", tenant); code != 0 {
		t.Errorf("the audit log does not verify: %s", errs)
	}
}

// told looks at what was sent: a message for each ticket, and the one whose answer was lost
// twice, which its log says.
func (d *desk) told(tx *gate.Tx, f *far, tickets int) error {
	ids, different := f.came(&f.held)
	log, err := webhook.Log(tx, d.ids["Held"], 0, 10)
	if err != nil {
		return err
	}
	if len(log) != tickets || different != tickets || len(ids) <= tickets {
		d.t.Errorf("%d messages for %d tickets; %q came", len(log), tickets, ids)
		return nil
	}
	first := log[len(log)-1].ID
	one, err := webhook.Log(tx, d.ids["Held"], first, 1)
	if err != nil {
		return err
	}
	tries := one[0].Tries
	if ids[0] != webhook.MessageID(first) || ids[1] != ids[0] || len(tries) < 2 || tries[0].Said != webhook.Unknown || tries[len(tries)-1].Status != http.StatusOK {
		d.t.Errorf("of the message whose answer was lost %q came, and its log says %+v", ids, tries)
	}
	return nil
}
