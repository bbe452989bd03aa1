package featurestest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/deed"
	"strongroom/internal/feature/webhook"
)

// came is a message as it came.
type came struct {
	id, stamp, signature, body string
}

// receiver is a system that is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []came
	status int
	answer string
	hook   func()
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, came{q.Header.Get("Webhook-Id"), q.Header.Get("Webhook-Timestamp"), q.Header.Get("Webhook-Signature"), string(body)})
	if r.status == http.StatusFound {
		w.Header().Set("Location", "https://127.0.0.1:1/")
	}
	if r.hook != nil {
		r.hook()
		return
	}
	w.WriteHeader(r.status)
	io.WriteString(w, strings.ReplaceAll(r.answer, "SIGNATURE", q.Header.Get("Webhook-Signature")))
}

func (r *receiver) take() (out []came) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, r.got = r.got, nil
	return out
}

func (r *receiver) says(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// heard is a bench whose records are told of.
type heard struct {
	*ruled
	hooks *webhook.Hooks
	to    *receiver
}

func openTold(t *testing.T) *heard {
	t.Helper()
	h := &heard{ruled: &ruled{}, hooks: &webhook.Hooks{}, to: &receiver{status: http.StatusNoContent}}
	h.to.Server = httptest.NewTLSServer(h.to)
	t.Cleanup(h.to.Close)
	h.rules = &automation.Rules{Do: (&deed.Deeds{Call: h.hooks.Call}).Do}
	hh := &house{coretest.Open(t, coretest.Options{Features: h.hooks.Over(h.rules.Over(append(features(), automation.Feature(), webhook.Feature())))}), t}
	h.rules.Gate, h.rules.Records = hh.Gate, hh.Records
	roots := x509.NewCertPool()
	roots.AddCert(h.to.Certificate())
	client := (&dialer.Dialer{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}).Client(dialer.Limits{Time: 5 * time.Second, Redirects: -1, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
	h.hooks.Gate, h.hooks.Records, h.hooks.HTTP, h.hooks.Now = hh.Gate, hh.Records, client, hh.Clock.Now
	h.hooks.Secrets = &secret.Revealer{Gate: hh.Gate, Keys: hh.Keys.Client}
	hh.Change(hh.Records.Seed)
	h.bench = &bench{house: hh}
	h.org = hh.Org("Harbour Dental")
	h.customer = hh.Make("contact", h.org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	h.agent, h.manager = hh.User(access.Editor), hh.User(access.Administrator)
	h.team = hh.one("team", "Infrastructure")
	return h
}

// hook makes an address that is on, as somebody, and gives its secret.
func (h *heard) hook(c *access.Caller, v record.Values) (hook id.ID, shown string) {
	h.t.Helper()
	w := record.Values{"name": fmt.Sprintf("Hook %d", h.count("record", "kind = 'webhook'")), "url": h.to.URL, "active": true, "of_kind": "incident"}
	for k, x := range v {
		w[k] = x
	}
	err := h.Gate.Change(h.t.Context(), c, access.Create, gate.Thing{Kind: webhook.Kind}, func(tx *gate.Tx) error {
		r, err := h.Records.Create(tx, webhook.Kind, w)
		if err != nil {
			return err
		}
		hook = r.ID
		shown, err = h.hooks.Rotate(tx, r.ID)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return hook, shown
}

func (h *heard) send() {
	h.t.Helper()
	if err := h.hooks.Drain(h.t.Context(), coretest.Name); err != nil {
		h.t.Fatal(err)
	}
}

func (h *heard) log(hook, message id.ID) (out []*webhook.Line) {
	h.View(h.Admin(), func(tx *gate.Tx) (err error) { out, err = webhook.Log(tx, hook, message, 100); return err })
	return out
}

// signedBy tells whether one of a message's signatures is by a secret as it was shown.
func signedBy(m came, shown string) bool {
	text := []byte(m.id + "." + m.stamp + "." + m.body)
	for s := range strings.FieldsSeq(m.signature) {
		how, sum, _ := strings.Cut(s, ",")
		raw, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return false
		}
		key, err := base64.StdEncoding.DecodeString(shown[6:][strings.IndexByte(shown[6:], '_')+1:])
		if strings.HasPrefix(shown, "whpk_") {
			key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(shown, "whpk_"))
		}
		if err != nil {
			return false
		}
		switch how {
		case "v1a":
			if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, text, raw) {
				return true
			}
		case "v1":
			mac := hmac.New(sha256.New, key)
			mac.Write(text)
			if hmac.Equal(mac.Sum(nil), raw) {
				return true
			}
		}
	}
	return false
}

// body is what a message says.
func body(t *testing.T, m came) (typ string, fields map[string]any, changed []string) {
	t.Helper()
	var b struct {
		Type string
		Data struct {
			Fields  map[string]any
			Changed []string
		}
	}
	if err := json.Unmarshal([]byte(m.body), &b); err != nil {
		t.Fatal(err)
	}
	return b.Type, b.Data.Fields, b.Data.Changed
}

// TestWebhooks: other systems are told what happens, signed, in order, as often as it takes,
// and nothing that who saved the address may not see.
func TestWebhooks(t *testing.T) {
	h := openTold(t)
	hook, shown := h.hook(h.manager, record.Values{"conditions": termRows([][3]string{{"name", "contains", "switch"}})})
	var first came

	t.Run("what happens is told, signed and in order", func(t *testing.T) {
		r := h.mustMake("incident", record.Values{"name": "The switch is dead", "description": "<p>Rosa says so</p>"})
		h.mustMake("incident", record.Values{"name": "No mail"})
		if err := h.as(h.agent, r.ID, record.Values{"urgency": "High"}); err != nil {
			t.Fatal(err)
		}
		h.send()
		got := h.to.take()
		if len(got) != 2 {
			t.Fatalf("%d messages came: %+v", len(got), got)
		}
		first = got[0]
		typ, fields, _ := body(t, got[0])
		if typ != "incident.created" || fields["name"] != "The switch is dead" || fields["description"] != nil || fields["owner_id"] != nil || !signedBy(got[0], shown) {
			t.Errorf("%s %v %s", typ, fields, got[0].signature)
		}
		typ, _, changed := body(t, got[1])
		if typ != "incident.changed" || !slices.Contains(changed, "urgency") || !slices.Contains(changed, "priority") || slices.Contains(changed, "name") || !signedBy(got[1], shown) {
			t.Errorf("%s %v", typ, changed)
		}
		bad := got[1]
		bad.body = strings.Replace(bad.body, "High", "Low", 1)
		if signedBy(bad, shown) {
			t.Error("the signature holds for another text")
		}
		h.send()
		if more := h.to.take(); len(more) != 0 {
			t.Errorf("it is told again: %+v", more)
		}
	})
	t.Run("an answer is kept without secrets, and a message can be sent once more", func(t *testing.T) {
		h.to.answer = `{"token":"abcdef123456","echo":"SIGNATURE","ok":"` + strings.Repeat("x", 5000) + `"}`
		h.to.says(http.StatusOK)
		line := h.log(hook, 0)[1]
		err := h.Gate.Change(t.Context(), h.manager, access.View, gate.Thing{}, func(tx *gate.Tx) error { return h.hooks.Replay(tx, hook, line.ID) })
		if err != nil {
			t.Fatal(err)
		}
		h.send()
		got := h.to.take()
		if len(got) != 1 || got[0].id != first.id || got[0].body != first.body {
			t.Fatalf("once more: %+v, want %+v", got, first)
		}
		full := h.log(hook, line.ID)[0]
		last := full.Tries[len(full.Tries)-1]
		if last.Status != 200 || strings.Contains(last.Answer, "abcdef") || strings.Contains(last.Answer, got[0].signature) || len(last.Answer) > 2100 || !strings.Contains(last.Answer, `"ok":"xxx`) {
			t.Errorf("it answered %d %s", last.Status, last.Answer)
		}
		h.to.answer = ""
	})
	t.Run("what fails is tried again with the same id, and keeps what follows waiting", func(t *testing.T) {
		h.to.says(http.StatusBadGateway)
		for i := range 3 {
			h.mustMake("incident", record.Values{"name": fmt.Sprintf("switch %d", i)})
		}
		h.send()
		h.send()
		if got := h.to.take(); len(got) != 1 {
			t.Fatalf("%d were tried while the first fails", len(got))
		}
		h.to.says(http.StatusOK)
		h.send()
		if got := h.to.take(); len(got) != 0 {
			t.Errorf("it is tried again at once: %+v", got)
		}
		h.Clock.Advance(time.Minute)
		h.send()
		got := h.to.take()
		if len(got) != 3 {
			t.Fatalf("%d came", len(got))
		}
		for i, m := range got {
			if _, fields, _ := body(t, m); fields["name"] != fmt.Sprintf("switch %d", i) {
				t.Errorf("message %d is of %v", i, fields["name"])
			}
		}
	})
	t.Run("a server that stops in the middle sends it again, with the same id", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		h.to.mu.Lock()
		h.to.hook = stop
		h.to.mu.Unlock()
		h.mustMake("incident", record.Values{"name": "switch"})
		if err := h.hooks.Drain(ctx, coretest.Name); err == nil {
			t.Error("it went on")
		}
		before := h.to.take()
		h.to.mu.Lock()
		h.to.hook = nil
		h.to.mu.Unlock()
		h.send()
		if got := h.to.take(); len(got) != 0 {
			t.Errorf("it is sent while somebody else may be at it: %+v", got)
		}
		h.Clock.Advance(3 * time.Minute)
		h.send()
		if got := h.to.take(); len(before) != 1 || len(got) != 1 || got[0].id != before[0].id || got[0].body != before[0].body {
			t.Errorf("%+v, then %+v", before, got)
		}
	})
	t.Run("two secrets hold for a day", func(t *testing.T) {
		var next string
		err := h.Gate.Change(t.Context(), h.manager, access.View, gate.Thing{}, func(tx *gate.Tx) (err error) { next, err = h.hooks.Rotate(tx, hook); return err })
		if err != nil {
			t.Fatal(err)
		}
		both := func() (bool, bool) {
			h.mustMake("incident", record.Values{"name": "switch"})
			h.send()
			got := h.to.take()
			return signedBy(got[0], shown), signedBy(got[0], next)
		}
		if old, now := both(); !old || !now {
			t.Errorf("signed by the old one %v, by the new one %v", old, now)
		}
		h.Clock.Advance(25 * time.Hour)
		if old, now := both(); old || !now {
			t.Errorf("after a day signed by the old one %v, by the new one %v", old, now)
		}
		if n := h.count("audit_entry", "action = 'webhook.secret' and object = ?", int64(hook)); n != 2 {
			t.Errorf("%d entries about the secret", n)
		}
	})
	t.Run("a secret is kept open for minutes", func(t *testing.T) {
		opened := func() int {
			h.mustMake("incident", record.Values{"name": "switch"})
			h.send()
			h.to.take()
			return h.count("audit_entry", "action = ? and object = ?", string(secret.Granted), int64(hook))
		}
		first := opened()
		h.Clock.Advance(9 * time.Minute)
		if n := opened(); n != first {
			t.Errorf("after nine minutes it was opened %d times, and before %d", n, first)
		}
		h.Clock.Advance(2 * time.Minute)
		if n := opened(); n != first+1 {
			t.Errorf("after eleven minutes it was opened %d times, and before %d", n, first)
		}
	})
	t.Run("what the owner may not see is not told", func(t *testing.T) {
		elsewhere := h.Org("Elsewhere")
		narrow := h.User(access.Administrator)
		second, _ := h.hook(narrow, record.Values{"personal": true})
		h.Change(func(tx *gate.Tx) error { // she is an editor of another organization now
			group, err := tx.NewID()
			if err != nil {
				return err
			}
			if err := access.SetPrincipal(tx.SQL(), narrow.User, access.Editor, true); err != nil {
				return err
			}
			rows, err := tx.IDs(`select group_id from access_member where user_id = ?`, int64(narrow.User))
			if err != nil {
				return err
			}
			for _, g := range rows {
				if err := access.SetMembers(tx.SQL(), g, nil); err != nil {
					return err
				}
			}
			if err := access.SetMembers(tx.SQL(), group, []id.ID{narrow.User}); err != nil {
				return err
			}
			return access.SetGroupOrgs(tx.SQL(), group, false, []id.ID{h.org})
		})
		h.mustMake("incident", record.Values{"name": "switch there", "organization_id": elsewhere, "contact_id": h.Make("contact", elsewhere, record.Values{"first_name": "X"})})
		h.send()
		if got := h.log(second, 0); len(got) != 0 {
			t.Errorf("it is told %+v", got)
		}
		h.mustMake("incident", record.Values{"name": "switch here"})
		if got := h.log(second, 0); len(got) != 1 {
			t.Errorf("of what she sees it is told %+v", got)
		}
		h.send()
		h.to.take()
		h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, webhook.Kind, second) })
	})
	t.Run("Ed25519, what is personal, and rules", func(t *testing.T) {
		third, public := h.hook(h.manager, record.Values{"signs": webhook.Ed25519, "personal": true, "on_created": false, "on_changed": false})
		if !strings.HasPrefix(public, "whpk_") {
			t.Fatalf("it shows %s", public[:6])
		}
		rule := h.mustRule(h.manager, automation.Created, [][3]string{{"name", "is", "Tell"}}, [3]string{automation.Calls, "", fmt.Sprintf("Hook %d", h.count("record", "kind = 'webhook'")-1)})
		h.mustMake("incident", record.Values{"name": "Tell", "description": "<p>Hello</p>"})
		h.drain()
		h.drain()
		h.send()
		got := h.to.take()
		if len(got) != 1 || !signedBy(got[0], public) {
			t.Fatalf("%+v", got)
		}
		if typ, fields, _ := body(t, got[0]); typ != "incident.asked" || !strings.Contains(fmt.Sprint(fields["description"]), "Hello") {
			t.Errorf("%s %v", typ, fields)
		}
		h.off(rule)
		h.mustUpdate(webhook.Kind, third, record.Values{"active": false})
	})
	t.Run("who answers each message by a change of what it tells comes to an end", func(t *testing.T) {
		loop, _ := h.hook(h.manager, record.Values{"conditions": termRows([][3]string{{"name", "contains", "round and round"}})})
		r := h.mustMake("incident", record.Values{"name": "It goes round and round"})
		answers := 0
		h.to.hook = func() { // called while it is locked
			answers++
			if err := h.as(h.agent, r.ID, record.Values{"name": fmt.Sprintf("It goes round and round %d", answers)}); err != nil {
				t.Error(err)
			}
		}
		for range 5 {
			h.send()
		}
		got := len(h.to.take())
		h.to.mu.Lock()
		h.to.hook = nil
		h.to.mu.Unlock()
		var s *webhook.Standing
		h.View(h.Admin(), func(tx *gate.Tx) (err error) { s, err = webhook.StandingOf(tx, loop); return err })
		if got != 100 || answers != 100 || s.Lost != 1 || s.Waiting != 0 {
			t.Errorf("%d messages, %d answers, and it stands so: %+v", got, answers, s)
		}
		h.mustUpdate(webhook.Kind, loop, record.Values{"active": false})
	})
	t.Run("it ends", func(t *testing.T) {
		h.to.says(http.StatusFound) // which is not followed
		h.mustMake("incident", record.Values{"name": "switch"})
		for range 40 {
			h.Clock.Advance(4 * time.Hour)
			h.send()
		}
		if got := h.to.take(); len(got) < 5 || len(got) > 12 {
			t.Errorf("%d tries", len(got))
		}
		h.mustMake("incident", record.Values{"name": "switch"})
		for range 40 {
			h.Clock.Advance(4 * time.Hour)
			h.send()
		}
		tried := len(h.to.take())
		var s *webhook.Standing
		h.View(h.Admin(), func(tx *gate.Tx) (err error) { s, err = webhook.StandingOf(tx, hook); return err })
		if s.Off == 0 || !strings.Contains(s.Said, "three days") || tried > 12 {
			t.Errorf("after %d more tries it stands so: %+v", tried, s)
		}
		if n := h.count("notification", "topic = 'webhook' and user_id = ?", int64(h.manager.User)); n != 1 {
			t.Errorf("%d were told", n)
		}
		h.to.says(http.StatusOK)
		h.Clock.Advance(time.Hour)
		h.send()
		if got := h.to.take(); len(got) != 0 {
			t.Error("an address that is off is called")
		}
	})
	t.Run("inside is not called", func(t *testing.T) {
		h.hooks.HTTP = (&dialer.Dialer{}).Client(dialer.Limits{Time: 5 * time.Second, Redirects: -1})
		fourth, _ := h.hook(h.manager, nil)
		err := h.Gate.Change(t.Context(), h.manager, access.View, gate.Thing{}, func(tx *gate.Tx) error { return h.hooks.Test(tx, fourth) })
		if err != nil {
			t.Fatal(err)
		}
		h.send()
		if got := h.to.take(); len(got) != 0 {
			t.Error("it was called")
		}
		full := h.log(fourth, h.log(fourth, 0)[0].ID)
		if len(full[0].Tries) != 1 || !strings.Contains(full[0].Tries[0].Said, "not to the public Internet") {
			t.Errorf("%+v", full[0].Tries)
		}
		for _, bad := range []string{"http://example.com", "https://u:p@example.com", "ftp://x", "https://example.com/#x"} {
			_, err := h.update(webhook.Kind, fourth, record.Values{"url": bad})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", bad, err)
			}
		}
	})
}
