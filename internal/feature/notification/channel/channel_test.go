package channel_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/hooksign"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/notification/channel"
)

// house is a house with one person who is told of things, and a server of hers.
type house struct {
	*coretest.House
	t              *testing.T
	author, reader *access.Caller
	doc            id.ID
	out            *notification.Deliverer
	sender         *channel.Sender
	url            string

	mu     sync.Mutex
	status int // that the server answers
	got    []*http.Request
	bodies []string
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, status: http.StatusOK, House: coretest.Open(t, coretest.Options{Features: []record.Feature{{Name: "test", Kinds: coretest.Kinds()}, notification.Feature(), channel.Feature()}})}
	org := h.Org("Northbeam")
	h.author, h.reader = h.User(access.Editor), h.User(access.Editor)
	h.doc = h.Make("document", org, record.Values{"name": "Runbook"})
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got, h.bodies = append(h.got, r), append(h.bodies, string(b))
		w.WriteHeader(h.status)
	}))
	t.Cleanup(s.Close)
	h.url = s.URL
	resolve := func(_ context.Context, _ string, u id.ID) (*access.Caller, error) {
		for _, c := range []*access.Caller{h.author, h.reader} {
			if c.User == u {
				return c, nil
			}
		}
		return nil, gate.Missing()
	}
	h.sender = &channel.Sender{Gate: h.Gate, Secrets: &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client}, HTTP: s.Client(), Resolve: resolve, Link: "https://strongroom.example.com", Now: h.Clock.Now, Log: slog.New(slog.DiscardHandler)}
	h.out = &notification.Deliverer{Gate: h.Gate, Channels: h.sender.Channels(), Log: slog.New(slog.DiscardHandler), Resolve: resolve}
	h.may("ntfy", "webhook")
	return h
}

// may says which channels people may use.
func (h *house) may(names ...string) {
	h.t.Helper()
	if err := h.Gate.Change(h.t.Context(), h.Admin(), access.View, gate.Thing{}, func(tx *gate.Tx) error { return channel.Allow(tx, names...) }); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) set(name, address, text string) error {
	return h.Gate.Change(h.t.Context(), h.reader, access.View, gate.Thing{}, func(tx *gate.Tx) error { return channel.Set(tx, name, address, text) })
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// tell mentions the reader, and gives the notice's fate by each channel from then on.
func (h *house) tell(key string) {
	h.t.Helper()
	h.must(h.Gate.Change(h.t.Context(), h.author, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := notification.Send(tx, notification.Notice{Topic: "mention", To: []id.ID{h.reader.User}, Record: h.doc, Text: []notification.Part{notification.Words("mentioned you on"), notification.Of(h.doc)}, Key: key})
		return err
	}))
}

// run hands over and sends what is due, and gives how many requests came.
func (h *house) run() int {
	h.t.Helper()
	h.mu.Lock()
	h.got, h.bodies = nil, nil
	h.mu.Unlock()
	h.must(h.out.Run(h.t.Context(), coretest.Name))
	h.must(h.sender.Run(h.t.Context(), coretest.Name))
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

func (h *house) answers(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// fate is what became of the newest notice by a channel.
func (h *house) fate(name string) (f notification.Fate) {
	h.t.Helper()
	h.View(h.reader, func(tx *gate.Tx) error {
		p, fates, err := notification.Told(tx, notification.Query{})
		if err != nil || len(p.Lines) == 0 {
			return err
		}
		for _, x := range fates[p.Lines[0].ID] {
			if x.Channel == name {
				f = x
			}
		}
		return nil
	})
	return f
}

func (h *house) own(name string) (o *channel.Own) {
	h.t.Helper()
	h.View(h.reader, func(tx *gate.Tx) (err error) { o, err = channel.Get(tx, name); return err })
	return o
}

// audited counts the entries of an action.
func (h *house) audited(action string) (n int) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from audit_entry where action = ?`, action).Scan(&n)
	})
	return n
}

// TestNtfy: what is told arrives as JSON at the root of the server, with the token and a link.
func TestNtfy(t *testing.T) {
	h := open(t)
	h.must(h.set("ntfy", h.url+"/push/secret-topic", "tk_1"))
	h.tell("1")
	if f := h.fate("ntfy"); f.State != notification.Waits {
		t.Errorf("before it left: %+v", f)
	}
	if n := h.run(); n != 1 {
		t.Fatalf("%d requests", n)
	}
	var said struct{ Topic, Title, Message, Click string }
	if err := json.Unmarshal([]byte(h.bodies[0]), &said); err != nil || said.Topic != "secret-topic" || said.Message != "editor user mentioned you on Runbook" || !strings.HasPrefix(said.Click, "https://strongroom.example.com/notifications/") {
		t.Errorf("%s, %v", h.bodies[0], err)
	}
	if r := h.got[0]; r.URL.Path != "/push/" || r.Header.Get("Authorization") != "Bearer tk_1" {
		t.Errorf("%s with %q", r.URL, r.Header.Get("Authorization"))
	}
	if f := h.fate("ntfy"); f.State != notification.Arrived {
		t.Errorf("after it arrived: %+v", f)
	}
	if n := h.run(); n != 0 {
		t.Errorf("%d requests the second time", n)
	}
	if h.audited("channel.set") != 1 || h.audited("secret.granted")+h.audited(secret.Granted) == 0 {
		t.Error("neither that a channel was set up nor that its secret was opened is in the log")
	}
	// A token is not told to another server, and goes with the channel.
	if err := h.set("ntfy", "https://elsewhere.example.com/secret-topic", ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("the token goes along to another host: %v", err)
	}
	h.must(h.set("ntfy", h.url+"/push/another-topic", ""))
	h.tell("2")
	if n := h.run(); n != 1 || h.got[0].Header.Get("Authorization") != "Bearer tk_1" {
		t.Errorf("%d requests; the token is not kept", n)
	}
	h.must(h.Gate.Change(t.Context(), h.reader, access.View, gate.Thing{}, func(tx *gate.Tx) error { return channel.Remove(tx, "ntfy") }))
	h.tell("3")
	if n := h.run(); n != 0 || h.own("ntfy") != nil {
		t.Errorf("%d requests after it was removed", n)
	}
	h.View(h.reader, func(tx *gate.Tx) error {
		have, err := secret.Current(tx, h.reader.User)
		if have["channel_ntfy"].Has {
			t.Error("the token outlives the channel")
		}
		return err
	})
}

// TestProgram: JSON, signed by the secret, with the same id when it comes again.
func TestProgram(t *testing.T) {
	h := open(t)
	f, _ := channel.FormatOf("webhook")
	text := f.Fresh()
	h.must(h.set("webhook", h.url+"/in?x=1", text))
	h.answers(http.StatusServiceUnavailable)
	h.tell("1")
	if n := h.run(); n != 1 {
		t.Fatalf("%d requests", n)
	}
	first := h.got[0].Header.Get("Webhook-Id")
	if f := h.fate("webhook"); f.State != notification.Given || !strings.Contains(h.own("webhook").Said, "503") {
		t.Errorf("after it failed once: %+v, %+v", f, h.own("webhook"))
	}
	h.answers(http.StatusNoContent)
	if n := h.run(); n != 0 {
		t.Errorf("it is tried again at once: %d", n)
	}
	h.Clock.Advance(2 * time.Minute)
	if n := h.run(); n != 1 || h.got[0].Header.Get("Webhook-Id") != first {
		t.Fatalf("%d requests later, or another id", n)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	h.must(err)
	r := h.got[0]
	if want := hooksign.HMAC(key, first, r.Header.Get("Webhook-Timestamp"), h.bodies[0]); r.Header.Get("Webhook-Signature") != want {
		t.Errorf("signed %q, want %q", r.Header.Get("Webhook-Signature"), want)
	}
	var said struct {
		Type string
		Data struct{ Notices []channel.Line }
	}
	if err := json.Unmarshal([]byte(h.bodies[0]), &said); err != nil || said.Type != "notification" || len(said.Data.Notices) != 1 || said.Data.Notices[0].Topic != "mention" || !strings.Contains(said.Data.Notices[0].Text, "Runbook") {
		t.Errorf("%s, %v", h.bodies[0], err)
	}
	if o := h.own("webhook"); o.Said != "" || o.Failing != 0 || h.fate("webhook").State != notification.Arrived {
		t.Errorf("after it arrived: %+v", o)
	}
}

// TestRefused: what cannot be a channel, with a sentence at the field.
func TestRefused(t *testing.T) {
	h := open(t)
	fresh := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24))
	for _, c := range []struct{ name, address, secret, field string }{
		{"ntfy", "", "", "address"}, {"ntfy", "http://ntfy.example.com/t", "", "address"}, {"ntfy", "https://ntfy.example.com/", "", "address"}, {"ntfy", "https://ntfy.example.com", "", "address"},
		{"ntfy", "https://a:b@ntfy.example.com/t", "", "address"}, {"ntfy", "https://ntfy.example.com/" + strings.Repeat("x", 1000), "", "address"}, {"ntfy", "https://ntfy.example.com/t", strings.Repeat("x", 501), "secret"},
		{"webhook", "https://x.example.com", "", "secret"}, {"webhook", "https://x.example.com", "short", "secret"}, {"webhook", "ftp://x.example.com", fresh, "address"},
	} {
		err := h.set(c.name, c.address, c.secret)
		if say := fault.Say(err); err == nil || say.Fields[c.field] == "" {
			t.Errorf("%s %q %q: %v, want a sentence at %s", c.name, c.address, c.secret, err, c.field)
		}
	}
	if err := h.set("pigeon", "https://x.example.com", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("an unknown channel: %v", err)
	}
	h.may("webhook")
	if err := h.set("ntfy", "https://ntfy.example.com/t", ""); !fault.Is(err, fault.Denied) {
		t.Errorf("a channel that is not allowed: %v", err)
	}
	if err := h.Gate.Change(t.Context(), h.reader, access.View, gate.Thing{}, func(tx *gate.Tx) error { return channel.Allow(tx, "ntfy") }); !fault.Is(err, fault.Denied) {
		t.Errorf("an editor allows a channel: %v", err)
	}
	if h.audited("channel.set") != 0 {
		t.Error("a refused channel is in the log as set up")
	}
}

// TestSilent: what was read, is hidden or belongs to a channel that is not allowed any more does
// not leave, at the second try either.
func TestSilent(t *testing.T) {
	for name, before := range map[string]func(h *house){
		"it was read": func(h *house) {
			h.must(h.Gate.Change(h.t.Context(), h.reader, access.View, gate.Thing{}, func(tx *gate.Tx) error {
				_, err := notification.MarkAll(tx, "", tx.Now)
				return err
			}))
		},
		"it is hidden": func(h *house) {
			h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, "document", h.doc, true, nil, nil) })
		},
		"the channel is not allowed": func(h *house) { h.may("webhook") },
		"its owner may not sign in": func(h *house) {
			h.sender.Resolve = func(context.Context, string, id.ID) (*access.Caller, error) { return nil, gate.Missing() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.must(h.set("ntfy", h.url+"/topic", ""))
			h.answers(http.StatusBadGateway)
			h.tell("1")
			if n := h.run(); n != 1 {
				t.Fatalf("%d requests at first", n)
			}
			before(h)
			h.answers(http.StatusOK)
			h.Clock.Advance(2 * time.Minute)
			if n := h.run(); n != 0 {
				t.Errorf("it leaves all the same: %s", h.bodies[0])
			}
			var waits int
			h.View(h.Admin(), func(tx *gate.Tx) error { return tx.QueryRow(`select count(*) from channel_out`).Scan(&waits) })
			if waits != 0 {
				t.Error("it still waits")
			}
			h.may("ntfy")
			h.tell("2")
			if name == "the channel is not allowed" && h.run() != 1 {
				t.Error("a channel that is allowed again is silent")
			}
		})
	}
}

// TestTurnedOff: a refusal ends a message, an answer that it is gone ends the channel, and so do
// three days without one that is well; its owner is told.
func TestTurnedOff(t *testing.T) {
	h := open(t)
	h.must(h.set("ntfy", h.url+"/topic", ""))
	h.answers(http.StatusForbidden)
	h.tell("1")
	h.run()
	if f := h.fate("ntfy"); f.State != notification.Failed || !strings.Contains(f.Said, "403") || h.own("ntfy").Off != 0 {
		t.Errorf("refused: %+v", f)
	}
	h.Clock.Advance(73 * time.Hour)
	h.tell("2")
	h.run()
	if h.own("ntfy").Off == 0 {
		t.Fatal("it failed for three days and is on")
	}
	h.View(h.reader, func(tx *gate.Tx) error {
		p, err := notification.List(tx, notification.Query{Topic: "channel"})
		if err == nil && (len(p.Lines) != 1 || !strings.Contains(p.Lines[0].Plain(), "By ntfy") || p.Lines[0].Href != "/notifications/channels/ntfy") {
			t.Errorf("she is told %+v", p.Lines)
		}
		return err
	})
	h.tell("3")
	if n := h.run(); n != 0 {
		t.Errorf("%d requests to a channel that is off", n)
	}
	h.must(h.set("ntfy", h.url+"/topic", "")) // and on again
	h.answers(http.StatusGone)
	h.tell("4")
	if h.run() != 1 || h.own("ntfy").Off == 0 {
		t.Error("it is gone, and on")
	}
}

// TestTried: a test tells what came back, and does not lead inside.
func TestTried(t *testing.T) {
	h := open(t)
	if _, err := h.sender.Test(t.Context(), h.reader, "ntfy"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a test of what is not set up: %v", err)
	}
	h.must(h.set("ntfy", h.url+"/topic", ""))
	if said, err := h.sender.Test(t.Context(), h.reader, "ntfy"); err != nil || !strings.Contains(said, "200 OK") {
		t.Errorf("%q, %v", said, err)
	}
	if _, err := h.sender.Test(t.Context(), h.reader, "ntfy"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second test at once: %v", err)
	}
	h.Clock.Advance(time.Minute)
	h.answers(http.StatusUnauthorized)
	if _, err := h.sender.Test(t.Context(), h.reader, "ntfy"); err == nil || !strings.Contains(fault.Say(err).Text, "401") {
		t.Errorf("refused: %v", err)
	}
	h.Clock.Advance(time.Minute)
	h.sender.HTTP = (&dialer.Dialer{}).Client(dialer.Limits{Time: 5 * time.Second, Redirects: -1})
	if _, err := h.sender.Test(t.Context(), h.reader, "ntfy"); err == nil || !strings.Contains(fault.Say(err).Text, "not to the public Internet") {
		t.Errorf("an address inside: %v", err)
	}
	if h.audited("channel.test") != 3 {
		t.Errorf("%d tests are in the log", h.audited("channel.test"))
	}
}

// TestForgotten: what a person set up goes with the person.
func TestForgotten(t *testing.T) {
	h := open(t)
	h.must(h.set("ntfy", h.url+"/topic", "tk"))
	h.answers(http.StatusBadGateway)
	h.tell("1")
	h.run()
	h.Change(func(tx *gate.Tx) error {
		r, err := h.Records.Get(tx, "user", h.reader.User)
		if err != nil {
			return err
		}
		for _, f := range []record.Feature{notification.Feature(), channel.Feature()} {
			if err := f.Purge(tx, r); err != nil {
				return err
			}
		}
		for _, table := range []string{"channel_own", "channel_out", "notification_channel", "notification_fate", "notification"} {
			var n int
			if err := tx.QueryRow(`select count(*) from ` + table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s keeps %d rows, %v", table, n, err)
			}
		}
		return nil
	})
}
