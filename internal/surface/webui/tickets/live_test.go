package tickets_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/live"
	"strongroom/internal/surface/webui/webuitest"
)

// event is one that came.
type event struct{ id, name, data string }

// listener is an open page without a screen.
type listener struct {
	t      *testing.T
	status int
	events chan event
	close  func()
}

func listen(t *testing.T, c *webuitest.Client, path, last string) *listener {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.House.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	h := &http.Client{Jar: c.HTTP.Jar, Transport: &http.Transport{}}
	resp, err := h.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{t: t, status: resp.StatusCode, events: make(chan event, 100), close: func() { stop(); h.CloseIdleConnections() }}
	t.Cleanup(l.close)
	go func() {
		defer close(l.events)
		defer resp.Body.Close()
		s := bufio.NewScanner(resp.Body)
		s.Buffer(nil, 4<<20)
		var e event
		for s.Scan() {
			switch name, rest, _ := strings.Cut(s.Text(), ":"); {
			case name == "" && e.name != "":
				l.events <- e
				e = event{}
			case name == "id":
				e.id = strings.TrimSpace(rest)
			case name == "event":
				e.name = strings.TrimSpace(rest)
			case name == "data":
				e.data += rest + "\n"
			}
		}
	}()
	return l
}

// wait reads until an event holds all the words.
func (l *listener) wait(words ...string) event {
	l.t.Helper()
	end := time.After(webuitest.Wait)
	var seen []string
next:
	for {
		select {
		case e, open := <-l.events:
			if !open {
				l.t.Fatalf("the stream ended before %q came; there were %q", words, seen)
			}
			seen = append(seen, e.name+": "+e.data[:min(len(e.data), 160)])
			for _, w := range words {
				if !strings.Contains(e.name+" "+e.data, w) {
					continue next
				}
			}
			return e
		case <-end:
			l.t.Fatalf("%q did not come; there were %q", words, seen)
		}
	}
}

// over waits for the end, and gives what came until then.
func (l *listener) over() string {
	l.t.Helper()
	var b strings.Builder
	end := time.After(webuitest.Wait)
	for {
		select {
		case e, open := <-l.events:
			if !open {
				return b.String()
			}
			b.WriteString(e.name + " " + e.data)
		case <-end:
			l.t.Fatal("the stream goes on")
		}
	}
}

// TestLive: open pages are told what changed, as far as their readers may see it at that
// moment, and of who else is there.
func TestLive(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	customer := h.Make("contact", org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	ticket := h.Make(incident.Kind, org, record.Values{"name": "Mailbox is not delivered", "contact_id": customer})
	at, form := "/incidents/"+ticket.String(), "/tickets/"+ticket.String()
	editor, manager, reader := h.As(access.Editor), h.As(access.Manager), h.As(access.ReadOnly)
	src := "/desk/live?queue=all&ticket=" + ticket.String()
	say := func(c *webuitest.Client, text string) {
		t.Helper()
		c.Post(form+"/say", url.Values{"journal_type": {"Note"}, "notes_body": {"<p>" + text + "</p>"}}).Want(http.StatusSeeOther)
	}
	idle := func() int { // connections that are kept are no streams
		for range 200 {
			if h.Server.Live.Listeners() == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		return h.Server.Live.Listeners()
	}

	t.Run("who may listen", func(t *testing.T) {
		editor.Get(src).Want(http.StatusUnprocessableEntity) // it asks for no events
		if l := listen(t, reader, src, ""); l.status != http.StatusNotFound {
			t.Errorf("who does not see the ticket is answered %d", l.status)
		}
		if l := listen(t, editor, "/desk/live?queue=theirs&ticket=x", ""); l.status != http.StatusNotFound {
			t.Errorf("no ticket is answered %d", l.status)
		}
		if l := listen(t, h.Client(), src, ""); l.status == http.StatusOK {
			t.Error("a stranger listens")
		}
	})
	t.Run("what changed", func(t *testing.T) {
		p := manager.Get(at + "?queue=all").Want(http.StatusOK)
		if p.Attr("sr-live", "data-src") != src || p.Attr("sr-live", "data-at") == "" {
			t.Fatalf("the page listens to %q from %q", p.Attr("sr-live", "data-src"), p.Attr("sr-live", "data-at"))
		}
		l := listen(t, manager, src, p.Attr("sr-live", "data-at"))
		other := listen(t, reader, "/desk/live?queue=all", "")
		say(editor, "Told the carrier")
		e := l.wait("block", `id="msgs"`, "Told the carrier")
		editor.Post(form+"/take", nil).Want(http.StatusSeeOther)
		l.wait("block", `id="msgs"`, "Edith Moreau")
		h.Make(incident.Kind, org, record.Values{"name": "Another one", "contact_id": customer})
		l.wait("block", `id="queue"`, "Another one")
		back := listen(t, manager, src, e.id) // what it missed comes at once
		back.wait("block", `id="queue"`, "Another one")
		back.close()
		other.close()
		if got := other.over(); strings.Contains(got, "Another") || strings.Contains(got, "Mailbox") {
			t.Errorf("who sees no organization was told %q", got)
		}
	})
	t.Run("who is there", func(t *testing.T) {
		l := listen(t, manager, src, "")
		l.wait("block", `id="msgs"`)
		e := listen(t, editor, src, "")
		l.wait("block", `id="presence"`, "Edith Moreau is looking at it.")
		editor.Post(form+"/writing", url.Values{"on": {"1"}}).Want(http.StatusSeeOther)
		l.wait(`id="presence"`, "Edith Moreau is writing on this ticket.")
		if got := manager.Get(at).Want(http.StatusOK).Text("#presence"); got != "Edith Moreau is writing on this ticket." {
			t.Errorf("without script the page says %q", got)
		}
		if got := editor.Get(at).Want(http.StatusOK).Text("#presence"); !strings.Contains(got, "Max Okafor is looking at it.") || strings.Contains(got, "Edith") {
			t.Errorf("she is told of %q", got)
		}
		reader.Post(form+"/writing", url.Values{"on": {"1"}}).Want(http.StatusNotFound)
		say(editor, "Done writing")
		l.wait(`id="presence"`, "Edith Moreau is looking at it.")
		e.close()
		e.over()
		for {
			if x := l.wait("block", `id="presence"`); !strings.Contains(x.data, "Edith") {
				break
			}
		}
	})
	t.Run("meanwhile", func(t *testing.T) {
		v := manager.Get(at).Want(http.StatusOK).Form("#say")
		v.Set("journal_type", "Note")
		v.Set("notes_body", "<p>Written slowly</p>")
		say(editor, "Written fast")
		p := manager.Post(form+"/say", v).Want(http.StatusConflict)
		if !strings.Contains(p.Text("#say .errors"), "Edith Moreau wrote on this ticket while you were writing.") || !strings.Contains(p.Text("#say textarea"), "Written slowly") || !strings.Contains(p.Text("#msgs"), "Written fast") {
			t.Errorf("the page says %q", p.Text("#thread"))
		}
		manager.Post(form+"/say", p.Form("#say")).Want(http.StatusSeeOther)
	})
	t.Run("a second click", func(t *testing.T) {
		v := manager.Get(at).Want(http.StatusOK).Form("#say")
		v.Set("journal_type", "Note")
		v.Set("notes_body", "<p>Clicked <i onclick=x()>twice</i></p>")
		first := manager.Post(form+"/say", v).Want(http.StatusSeeOther).Header.Get("Location")
		if again := manager.Post(form+"/say", v).Want(http.StatusSeeOther).Header.Get("Location"); again != first {
			t.Errorf("it leads to %s, and the first to %s", again, first)
		}
		if said := manager.Get(at).Want(http.StatusOK).Text("#msgs"); strings.Count(said, "Clicked twice") != 1 {
			t.Errorf("the ticket has %q", said)
		}
		say(editor, "Meanwhile") // and it is found though somebody wrote behind it
		manager.Post(form+"/say", v).Want(http.StatusSeeOther)
		manager.Post(form+"/say", manager.Get(at).Want(http.StatusOK).Form("#say")).Want(http.StatusUnprocessableEntity) // nothing is no second one
	})
	t.Run("access that ends", func(t *testing.T) {
		l := listen(t, manager, src, "")
		l.wait("block", `id="msgs"`)
		h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, incident.Kind, ticket, true, nil, nil) })
		l.wait("gone")
		say2 := h.As(access.Administrator)
		say2.Post(form+"/say", url.Values{"journal_type": {"Note"}, "notes_body": {"<p>Only for her</p>"}}).Want(http.StatusSeeOther)
		h.Make(incident.Kind, org, record.Values{"name": "Seen by all", "contact_id": customer})
		if e := l.wait(`id="queue"`, "Seen by all"); strings.Contains(e.data, "Mailbox") {
			t.Error("the queue shows the ticket still")
		}
		l.close()
		if got := l.over(); strings.Contains(got, "Only for her") {
			t.Errorf("she was told %q", got)
		}
	})
	t.Run("a session that ends", func(t *testing.T) {
		c := h.As(access.Creator)
		l := listen(t, c, "/desk/live?queue=all", "")
		l.wait("block")
		c.Post("/sign-out", nil)
		if got := l.over(); !strings.Contains(got, "end ") {
			t.Errorf("it was told %q", got)
		}
	})
	t.Run("bounds", func(t *testing.T) {
		if n := idle(); n != 0 {
			t.Fatalf("%d listen still", n)
		}
		before := runtime.NumGoroutine()
		h.Server.Live.PerPerson = 2
		a, b := listen(t, editor, "/desk/live?queue=all", ""), listen(t, editor, "/desk/live?queue=mine", "")
		if l := listen(t, editor, "/desk/live?queue=all", ""); l.status != http.StatusTooManyRequests {
			t.Errorf("a third page is answered %d", l.status)
		}
		h.Server.Live.PerPerson = 0
		a.close()
		b.close()
		a.over()
		b.over()
		if n := idle(); n != 0 {
			t.Errorf("%d listen still", n)
		}
		for n := 0; runtime.NumGoroutine() > before+6; n++ { // keep-alive connections of the test server take some
			if n > 300 {
				buf := make([]byte, 1<<16)
				t.Fatalf("%d goroutines, %d before: %s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	t.Run("it is no use of the session", func(t *testing.T) {
		c := h.As(access.Creator)
		for range 4 {
			h.Clock.Advance(20 * time.Minute)
			l := listen(t, c, "/desk/live?queue=all", "")
			if l.status != http.StatusOK {
				return
			}
			l.wait("block")
			l.close()
			l.over()
		}
		h.Clock.Advance(24 * time.Hour)
		if l := listen(t, c, "/desk/live?queue=all", ""); l.status == http.StatusOK {
			t.Error("a page that is left open keeps its session for ever")
		}
	})
	t.Run("in a browser", func(t *testing.T) {
		ticket := h.Make(incident.Kind, org, record.Values{"name": "Printer jams", "contact_id": customer})
		at, form := "/incidents/"+ticket.String(), "/tickets/"+ticket.String()
		manager := h.As(access.Manager)
		b := browser.Open(t, h.URL)
		b.Visit("/sign-in")
		b.Type("#f-email", webuitest.Email(access.Editor))
		b.Type("#f-password", webuitest.Password)
		b.Click(".entrance button.primary")
		b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
		b.Visit(at + "?queue=all")
		b.Wait(`document.querySelector("sr-live").dataset.state == "open" && document.querySelector("#say .ProseMirror")`)
		b.Press("n")
		b.Wait(`document.activeElement.matches("#say .ProseMirror")`)
		b.Press("My own words")
		l := listen(t, manager, "/desk/live?queue=all&ticket="+ticket.String(), "")
		l.wait("Edith Moreau is writing on this ticket.")
		manager.Post(form+"/writing", url.Values{"on": {"1"}})
		b.Wait(`document.querySelector("#presence").textContent.includes("Max Okafor is writing")`)
		b.Shot("live-presence")
		manager.Post(form+"/say", url.Values{"journal_type": {"Note"}, "notes_body": {"<p>From the other side</p>"}}).Want(http.StatusSeeOther)
		b.Wait(`[...document.querySelectorAll(".msg.note.fresh")].some((m) => m.textContent.includes("From the other side")) && !document.querySelector("[data-met]").hidden`)
		b.Wait(`document.querySelector("#say textarea").value.includes("My own words")`)
		b.Axe("live")
		b.Shot("live-met")
		b.Click("[data-met] button")
		b.Wait(`document.querySelector("[data-met]").hidden`)
		b.Click("#say button.primary")
		b.Wait(`[...document.querySelectorAll(".msg.note[data-own]")].some((m) => m.textContent.includes("My own words"))`)
	})
	h.Server.Live.Close()
	if _, err := h.Server.Live.Listen(t.Context(), h.Admin(), live.Look{}); err == nil {
		t.Error("somebody listens to what is closed")
	}
}
