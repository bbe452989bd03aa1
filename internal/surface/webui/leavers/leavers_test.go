package leavers_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/leaver"
	"strongroom/internal/surface/webui/webuitest"
)

// TestLeaver: the page says what will be done, then it is done, each part once however
// often it stops; nothing of hers opens anything afterwards.
func TestLeaver(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	admin := h.As(access.Administrator)
	user := h.NewUser("dora@demo.example", "Dora Lint", access.Editor)
	to := h.UserID(access.Manager)
	org := h.Org("Cascade Dental")
	h.See(user, org)
	closed := h.Make("document", org, record.Values{"name": "Payroll", "owner_id": user})
	var lists []id.ID
	for _, name := range []string{"Switch swap", "New starter"} {
		lists = append(lists, h.Make("checklist", org, record.Values{"name": name, "assignee_id": user}))
	}
	secret := h.Make("password", org, record.Values{"name": "Router", "password": "kelp-lantern-9"})
	h.Change(func(tx *gate.Tx) error {
		return h.Records.SetAccess(tx, "document", closed, true, []id.ID{user, to}, nil)
	})
	team := h.Make("team", 0, record.Values{"name": "Night desk", "member_ids": []id.ID{user, to}})
	h.Change(func(tx *gate.Tx) error {
		_, err := tx.Exec(`insert into share (id, mark, record_id, user_id, version, at, ends_at, views, used, tries, rounds, state, salt, key_proof, proof, sealed) values (9001, ?, ?, ?, 1, ?, ?, 1, 0, 0, 1, 'open', ?, ?, ?, ?)`,
			[]byte("mark"), int64(secret), int64(user), tx.Now, tx.Now+3600_000, []byte("salt"), []byte("proof"), []byte("proof"), []byte("sealed"))
		if err == nil {
			_, err = tx.Exec(`insert into password_checkout (id, record_id, user_id, reason, at, ends_at, ended_at) values (9002, ?, ?, 'work', ?, ?, 0)`, int64(secret), int64(user), tx.Now, tx.Now+3600_000)
		}
		return err
	})
	_, key, err := h.Server.APIKeys.Create(t.Context(), h.Admin(), apikey.New{Name: "Script", Owner: user})
	if err != nil {
		t.Fatal(err)
	}
	dora := h.SignIn("dora@demo.example")
	dora.Post("/passwords/"+secret.String()+"/reveal", url.Values{}).Want(http.StatusOK)
	dora.Post("/personal_passwords", url.Values{"name": {"Pelican"}, "password": {"x-own-1"}}).Want(http.StatusSeeOther)
	at := "/users/" + user.String() + "/leave"
	order := url.Values{"to": {to.String()}, "reason": {"left the company"}}

	t.Run("the page says what will be done, and does nothing", func(t *testing.T) {
		text := admin.Get(at).Want(http.StatusOK).Text("main")
		for _, want := range []string{"1 session ends at once", "1 API key of hers is revoked", "out of 1 group", "1 record is closed", "3 records and tasks", "1 personal password", "1 password that she has seen", "She is taken off 1 team", "2 shares and check-outs of hers are ended"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not on the page: %s", want, text)
			}
		}
		dora.Get("/account").Want(http.StatusOK)
		h.As(access.Manager).Get(at).Want(http.StatusForbidden)
		h.As(access.Manager).Post(at, order).Want(http.StatusForbidden)
	})
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("leave", at)
	t.Run("what is not understood ends nothing", func(t *testing.T) {
		for name, value := range map[string]string{"reason": " ", "to": user.String()} {
			f := url.Values{"to": order["to"], "reason": order["reason"]}
			f.Set(name, value)
			admin.Post(at, f).Want(http.StatusUnprocessableEntity)
		}
		admin.Post(at, url.Values{"reason": {"x"}, "to": {"999999999"}}).Want(http.StatusUnprocessableEntity)
		own := "/users/" + h.UserID(access.Administrator).String() + "/leave"
		if text := admin.Get(own).Text("main"); !strings.Contains(text, "Another administrator does this for you") {
			t.Errorf("about herself the page says %s", text)
		}
		admin.Post(own, order).Want(http.StatusConflict)
		dora.Get("/account").Want(http.StatusOK)
	})
	admin.Post(at, order).Want(http.StatusSeeOther)
	t.Run("her access is over at once", func(t *testing.T) {
		dora.Get("/account").Want(http.StatusSeeOther)
		if p := h.Client().Post("/sign-in", url.Values{"tenant": {"demo"}, "email": {"dora@demo.example"}, "password": {webuitest.Password}}); p.Status == http.StatusSeeOther {
			t.Error("she signs in")
		}
		if _, _, err := h.Server.APIKeys.Resolve(t.Context(), key, h.Admin().Addr); err == nil {
			t.Error("her key opens something")
		}
	})
	t.Run("the rest is done once, however often it stops", func(t *testing.T) {
		var c *access.Caller
		var g *leaver.Leaving
		h.View(h.Admin(), func(tx *gate.Tx) (err error) {
			if c, err = access.Load(tx.SQL(), h.UserID(access.Administrator)); err != nil {
				return err
			}
			g, err = leaver.Last(tx, user)
			return err
		})
		c.Tenant, c.Name, c.Via, c.AuthLevel = h.Admin().Tenant, "Ada", "job", 1
		again := admin.Post(at, order) // begun twice: the same one goes on
		again.Want(http.StatusSeeOther)
		stop := errors.New("the machine went down")
		for n := 0; ; n++ {
			left := n % 2 // one part goes through, the next one does not
			err := h.Server.Leavers.Work(context.Background(), c, g.ID, func(int, string) error {
				if left--; left < 0 {
					return stop
				}
				return nil
			})
			if err == nil {
				break
			}
			if !errors.Is(err, stop) || n > 1000 {
				t.Fatal(err)
			}
		}
		if err := h.Server.Leavers.Work(t.Context(), c, g.ID, func(int, string) error { return stop }); err != nil {
			t.Errorf("what is over does more: %v", err)
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			g, err := leaver.Last(tx, user)
			want := map[string]int{leaver.Keys: 1, leaver.Groups: 1, leaver.Grants: 1, leaver.Handed: 3, leaver.Personal: 1, leaver.Seen: 1, leaver.Links: 2, leaver.Teams: 1}
			for k, n := range want {
				if g.Counts[k] != n {
					t.Errorf("%s: %d, want %d", k, g.Counts[k], n)
				}
			}
			if g.Ended == 0 || len(g.Counts) != len(want) {
				t.Errorf("it has come to %+v", g)
			}
			users, _, err2 := access.Grants(tx.SQL(), closed)
			groups, err3 := access.GroupsOf(tx.SQL(), user)
			if len(users) != 1 || users[0] != to || len(groups) != 0 {
				t.Errorf("the record is open to %v, and she is in %v", users, groups)
			}
			return errors.Join(err, err2, err3)
		})
		if got := h.Load("team", team).Values.IDs("member_ids"); len(got) != 1 || got[0] != to {
			t.Errorf("the team is of %v", got)
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			var open int
			err := tx.QueryRow(`select (select count(*) from share where state = 'open' or length(sealed) > 0) + (select count(*) from password_checkout where ended_at = 0 and ends_at > ?)`, tx.Now).Scan(&open)
			if open != 0 {
				t.Errorf("%d shares or check-outs are open", open)
			}
			return err
		})
		for _, rec := range lists {
			if got := h.Load("checklist", rec).Values.ID("assignee_id"); got != to {
				t.Errorf("a checklist is assigned to %s", got)
			}
		}
		if got := h.Load("document", closed).Values.ID("owner_id"); got != to {
			t.Errorf("the document is owned by %s", got)
		}
	})
	t.Run("it is told, recorded and put forward", func(t *testing.T) {
		text := admin.Get(at).Want(http.StatusOK).Text("main")
		for _, want := range []string{"What was done", "Records handed over", "1 personal password waits", "1 password is still as she knows it"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not on the page: %s", want, text)
			}
		}
		if text := admin.Get("/settings/handovers").Text("main"); !strings.Contains(text, "From Dora Lint") || strings.Contains(text, "Pelican") {
			t.Errorf("the handovers say %s", text)
		}
		if text := admin.Get("/risk?why=left").Text("main"); !strings.Contains(text, "Router") {
			t.Errorf("the passwords at risk are %s", text)
		}
		log := admin.Get("/audit?object=" + user.String()).Text("main")
		for _, want := range []string{"ended the access of somebody who leaves", "API keys are revoked", "did all for somebody who left", "asked for a handover"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %q: %s", want, log)
			}
		}
		if n := strings.Count(log, "API keys are revoked"); n != 1 {
			t.Errorf("the keys were revoked %d times", n)
		}
	})
}
