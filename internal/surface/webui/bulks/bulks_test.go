package bulks_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/feature/incident"
	"strongroom/internal/surface/webui/webuitest"
)

// floor is a house with more tickets than are worked on while somebody waits.
type floor struct {
	*webuitest.House
	t       *testing.T
	org     id.ID
	team    id.ID
	tickets []id.ID
}

// The tickets of a floor. The first bare ones have no category, and become Active no more.
const all, bare = 60, 4

func open(t *testing.T) *floor {
	h := &floor{House: webuitest.Open(t, webuitest.Options{}), t: t}
	h.org, h.team = h.Org("Harbour Dental"), h.One("team", "Service desk")
	category, customer := h.One("category", "Hardware"), h.Make("contact", h.org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	h.Change(func(tx *gate.Tx) error {
		for i := range all {
			v := record.Values{"organization_id": h.org, "name": fmt.Sprintf("Printer %02d", i), "team_id": h.team, "contact_id": customer}
			if i != 11 { // of whom none was
				v["owner_id"] = h.UserID(access.Manager)
			}
			if i >= bare {
				v["category_id"] = category
			}
			r, err := h.Records.Create(tx, incident.Kind, v)
			if err != nil {
				return err
			}
			h.tickets = append(h.tickets, r.ID)
		}
		return nil
	})
	return h
}

// work does jobs until something is so.
func (h *floor) work(ctx context.Context, until func() bool) {
	h.t.Helper()
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- h.Server.Bulk.Jobs.Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil && !until() {
		<-tick.C
	}
	stop()
	if err := <-done; err != nil {
		h.t.Error(err)
	}
}

// over does jobs until a work is over.
func (h *floor) over(c *webuitest.Client, at string) *webuitest.Page {
	h.t.Helper()
	h.work(h.t.Context(), func() bool {
		return strings.Contains(c.Do(http.MethodGet, at, nil, http.Header{"Accept": {"application/json"}}).Body, `"state":"done"`)
	})
	return c.Get(at).Want(http.StatusOK)
}

func (h *floor) count(q string, args ...any) (n int) {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error { return tx.QueryRow(q, args...).Scan(&n) })
	return n
}

// begin asks for something to be done to all that a saved search shows, and gives the
// page of the work.
func (h *floor) begin(c *webuitest.Client, between func(), said url.Values) string {
	h.t.Helper()
	form := c.Post("/incidents/bulk", url.Values{"q": {"Printer"}, "all": {"1"}, "do": {"work"}, "back": {"/incidents?q=Printer"}}).Want(http.StatusOK).Form("#form")
	if between != nil {
		between()
	}
	for k, v := range said {
		form[k] = v
	}
	p := c.Post("/incidents/bulk", form).Want(http.StatusSeeOther)
	if again := c.Post("/incidents/bulk", form).Want(http.StatusSeeOther); again.To() != p.To() || !strings.HasPrefix(p.To(), "/bulk/") {
		h.t.Fatalf("a second click leads to %s, the first to %s", again.To(), p.To())
	}
	return p.To()
}

// TestMany: what is done to more tickets than a request can is a job; it is done to those
// that were meant, each by itself, and is taken back as far as it can be.
func TestMany(t *testing.T) {
	h := open(t)
	hidden := h.tickets[all-1]
	editor, manager, reader, admin := h.As(access.Editor), h.As(access.Manager), h.As(access.ReadOnly), h.As(access.Administrator)
	me := h.UserID(access.Editor)
	var late id.ID
	at := h.begin(editor, func() {
		late = h.Make(incident.Kind, h.org, record.Values{"name": "Printer that came later", "contact_id": h.Load(incident.Kind, h.tickets[0]).Values["contact_id"]})
		h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, incident.Kind, hidden, true, nil, nil) })
	}, url.Values{"to_owner": {"me"}, "to_state": {"Active"}, "add_tags": {"printers"}, "say": {"<p>We are at it</p>"}, "say_type": {"Note"}})
	if p := editor.Get(at).Want(http.StatusOK); !p.Has("sr-progress") || !strings.Contains(p.Text("main"), "Edith Moreau") {
		t.Errorf("before it begins the page says %q", p.Text("main"))
	}
	p := h.over(editor, at)

	t.Run("report", func(t *testing.T) {
		got := p.Text("main")
		for _, want := range []string{"Done to55 incidents", "Refused5 incidents", "Printer 00", "Printer 03", "A ticket that is not there any more"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in the report: %s", want, got)
			}
		}
		if strings.Contains(got, "Printer 04") || strings.Contains(p.Body, "Printer 59") || !strings.Contains(strings.ToLower(got), "category") {
			t.Errorf("the report names what is not refused, or hidden, or no reason: %s", got)
		}
		for i, x := range h.tickets {
			r := h.Load(incident.Kind, x)
			if done := i >= bare && x != hidden; (r.Values.ID("owner_id") == me) != done || x != hidden && (r.Values.Text("status") == "Active") != done || (r.Values.Text("tags") == "printers") != done {
				t.Errorf("%s has the owner %v, is %s and tagged %q", r.Name, r.Values["owner_id"], r.Values.Text("status"), r.Values.Text("tags"))
			}
		}
		if h.Load(incident.Kind, late).Values.ID("owner_id") != 0 {
			t.Error("it was done to a ticket that was not in the list when it was asked")
		}
		if n := h.count(`select count(*) from k_journal where notes_body like ?`, "%We are at it%"); n != all-bare-1 {
			t.Errorf("%d entries were written", n)
		}
		if list := editor.Get("/bulk").Want(http.StatusOK); list.Count("tbody tr") != 1 || !strings.Contains(list.Text("tbody"), "60 incidents") {
			t.Errorf("her works are %q", list.Text("main"))
		}
		told(t, editor, at, "Work on 60 tickets is over: 55 done, 5 refused.")
		told(t, admin, at, "")
		if log := admin.Get("/audit?action=" + bulk.Asked).Want(http.StatusOK).Text("tbody"); !strings.Contains(log, "had many tickets worked on") {
			t.Errorf("the log does not say it: %s", log)
		}
	})
	t.Run("others", func(t *testing.T) {
		for _, c := range []*webuitest.Client{manager, reader} {
			c.Get(at).Want(http.StatusNotFound)
			for _, what := range []string{"/stop", "/again", "/undo"} {
				c.Post(at+what, nil).Want(http.StatusNotFound)
			}
		}
		if p := admin.Get(at).Want(http.StatusOK); p.Has(`form[action$="/undo"]`) {
			t.Error("an administrator is offered to take it back by another's rights")
		}
		admin.Post(at+"/undo", nil).Want(http.StatusForbidden)
		form := manager.Post("/incidents/bulk", url.Values{"q": {"Printer"}, "all": {"1"}, "do": {"work"}}).Want(http.StatusOK).Form("#form")
		manager.Post("/incidents/bulk", form).Want(http.StatusUnprocessableEntity) // nothing was chosen
		form.Set("to_owner", "me")
		reader.Post("/incidents/bulk", form).Want(http.StatusForbidden)
	})
	t.Run("taken back", func(t *testing.T) {
		h.Change(func(tx *gate.Tx) error {
			_, err := h.Records.Update(tx, incident.Kind, h.tickets[10], 0, record.Values{"owner_id": h.UserID(access.Administrator)})
			return err
		})
		for range 2 { // a second click is no second job
			editor.Post(at+"/undo", nil).Want(http.StatusSeeOther)
		}
		p := h.over(editor, at)
		if got := p.Text("main"); !strings.Contains(got, "Taken back53 incidents") || !strings.Contains(got, "Changed since: Owner.") || !strings.Contains(got, "Filled in by its rules: Owner.") || p.Has(`form[action$="/undo"]`) {
			t.Errorf("the page says %q", got)
		}
		told(t, editor, at, "Work on 60 tickets was taken back: 53 as before, 2 left as they are.", "Work on 60 tickets is over: 55 done, 5 refused.")
		for i, x := range h.tickets {
			r := h.Load(incident.Kind, x)
			owner := h.UserID(access.Manager)
			switch i {
			case 10:
				owner = h.UserID(access.Administrator)
			case 11:
				owner = me // who had it taken back: an active ticket is somebody's
			}
			if r.Values.ID("owner_id") != owner || r.Values.Text("tags") != "" {
				t.Errorf("%s has the owner %v and the tags %q", r.Name, r.Values["owner_id"], r.Values.Text("tags"))
			}
		}
		if h.Load(incident.Kind, h.tickets[11]).Values.Text("status") != "Active" {
			t.Error("a move was taken back, which no lifecycle declares")
		}
		editor.Post(at+"/undo", nil).Want(http.StatusConflict)
	})
	t.Run("stopped and cut short", func(t *testing.T) { h.cut(editor) })
}

// cut ends a work in its middle, as a process does that is killed, and by hand.
func (h *floor) cut(c *webuitest.Client) {
	at := h.begin(c, nil, url.Values{"say": {"<p>Once</p>"}, "say_type": {"Note"}})
	work := strings.TrimPrefix(at, "/bulk/")
	left := func() int {
		return h.count(`select count(*) from bulk_item where work_id = ? and state = 'waiting'`, must(work))
	}
	ctx, kill := context.WithCancel(h.t.Context())
	var saved atomic.Int64
	was := h.Gate.Committed
	h.Gate.Committed = func(tenant string) {
		was(tenant)
		if saved.Add(1) == 20 {
			kill()
		}
	}
	h.work(ctx, func() bool { return false })
	h.Gate.Committed = was
	if n := left(); n == 0 || n == all {
		h.t.Fatalf("%d are left when it is cut short", n)
	}
	h.Change(func(tx *gate.Tx) error { // what a process leaves that had no time for anything
		_, err := tx.Exec(`update job set state = 'running', node = 'gone', lease = 1 where kind = ? and state = 'waiting'`, bulk.JobKind)
		return err
	})
	c.Post(at+"/stop", nil).Want(http.StatusSeeOther)
	p := h.over(c, at)
	if got := p.Text("main"); !strings.Contains(got, "Not begun") || !strings.Contains(got, "Stopped") || left() == 0 {
		h.t.Fatalf("once stopped the page says %q", got)
	}
	told(h.t, c, at, "") // who stopped it knows
	for range 2 {
		c.Post(at+"/again", nil).Want(http.StatusSeeOther)
	}
	h.over(c, at)
	told(h.t, c, at, "Work on 60 tickets is over: 60 done.")
	if n, of := h.count(`select count(*) from k_journal where notes_body like ?`, "%Once%"), h.count(`select count(distinct incident_id) from k_journal where notes_body like ?`, "%Once%"); left() != 0 || n != all-1+1 || of != n { // one is hidden, one came later
		h.t.Errorf("%d entries were written on %d tickets, %d are left", n, of, left())
	}
}

// told checks what somebody was told of a work, the newest first; "" for nothing.
func told(t *testing.T, c *webuitest.Client, at string, want ...string) {
	t.Helper()
	page := c.Get("/notifications?topic=" + bulk.Topic).Want(http.StatusOK)
	got, said := page.Text("main"), 0
	for _, w := range want {
		if w == "" {
			continue
		}
		if strings.Count(got, w) != 1 {
			t.Errorf("%q is not told once: %s", w, got)
		}
		said++
	}
	leads := 0
	for _, l := range page.Attrs("#notices .t a", "href") {
		if c.Get(l).To() == at {
			leads++
		}
	}
	if leads != said {
		t.Errorf("%d notices lead to %s, want %d", leads, at, said)
	}
}

func must(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }
