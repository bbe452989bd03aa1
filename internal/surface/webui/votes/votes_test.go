package votes_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/change"
	"strongroom/internal/surface/webui/webuitest"
)

// council is a house in which a change waits for an administrator's and a manager's vote.
type council struct {
	*webuitest.House
	change id.ID
	at     string // the page of the approval
}

func openCouncil(t *testing.T) *council {
	t.Helper()
	c := &council{House: webuitest.Open(t, webuitest.Options{})}
	c.Make(ballot.PlanKind, 0, record.Values{"name": "Changes", "of_kind": "change", "phases": []map[string]any{
		{"name": "Management", "who": ballot.Person, "named": webuitest.Email(access.Manager), "rule": "All", "hours": 48},
		{"name": "Administration", "who": ballot.Admins, "rule": "Any"},
	}})
	org := c.Org("Harbour Dental")
	var editor *access.Caller
	c.Change(func(tx *gate.Tx) (err error) {
		editor, err = access.Load(tx.SQL(), c.UserID(access.Editor))
		return err
	})
	editor.Tenant = c.Tenant().Name
	c.change = c.Make("change", org, record.Values{"name": "New firmware", "description": "<p>It loses support.</p>", "change_type": "Significant", "plan": "<p>Install it</p>", "backout": "<p>Switch back</p>"})
	for _, state := range []string{change.Requested, change.PendingApproval} {
		if err := c.Gate.Change(t.Context(), editor, access.Edit, gate.Thing{ID: c.change}, func(tx *gate.Tx) error {
			_, err := c.Records.Update(tx, "change", c.change, 0, record.Values{"status": state})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	c.at = c.As(access.Manager).Get("/votes").Want(http.StatusOK).Attr(`main a[href^="/votes/"]`, "href")
	return c
}

// TestVoting: who decides finds what waits, votes, and takes the vote back; nobody else
// does, and nothing that only looks changes anything.
func TestVoting(t *testing.T) {
	c := openCouncil(t)
	manager, editor, admin := c.As(access.Manager), c.As(access.Editor), c.As(access.Administrator)
	events := func() (n int) {
		c.Change(func(tx *gate.Tx) error { return tx.QueryRow(`select count(*) from ballot_event`).Scan(&n) })
		return n
	}
	before := events()
	t.Run("A1 a scanner that follows every link changes nothing", func(t *testing.T) {
		for _, path := range []string{c.at, c.at + "/cast", c.at + "/back", c.at + "/cast?yes=1&words=x", "/votes/away?to=" + c.UserID(access.Editor).String(), "/votes"} {
			for _, who := range []*webuitest.Client{manager, admin, c.Client()} {
				if p := who.Get(path); p.Status >= 500 || p.Status == http.StatusOK && strings.Contains(path, "cast") {
					t.Errorf("%s answers %d", path, p.Status)
				}
			}
		}
		if n := events(); n != before {
			t.Errorf("%d events, and %d before", n, before)
		}
	})
	t.Run("A8 a vote of who does not decide", func(t *testing.T) {
		yes := url.Values{"yes": {"1"}}
		editor.Get(c.at).Want(http.StatusOK) // she asked, and sees how it stands
		editor.Post(c.at+"/cast", yes).Want(http.StatusForbidden)
		admin.Post(c.at+"/cast", yes).Want(http.StatusForbidden) // a later phase
		c.As(access.ReadOnly).Post(c.at+"/cast", yes).Want(http.StatusNotFound)
		c.As(access.ReadOnly).Get(c.at).Want(http.StatusNotFound)
		c.Client().Post(c.at+"/cast", yes).Want(http.StatusSeeOther) // to sign in
		if n := events(); n != before {
			t.Errorf("%d events, and %d before", n, before)
		}
	})
	form := manager.Get(c.at).Want(http.StatusOK)
	if !form.Has(`form[action$="/cast"]`) || !strings.Contains(form.Text("main"), "Management, 1 of 2") || editor.Get(c.at).Has(`form[action$="/cast"]`) {
		t.Errorf("the page: %s", form.Text("main"))
	}
	if p := manager.Post(c.at+"/cast", url.Values{"yes": {"0"}}).Want(http.StatusUnprocessableEntity); !p.Has("#e-words") {
		t.Error("a no without a sentence is taken")
	}
	manager.Post(c.at+"/cast", url.Values{"yes": {"1"}, "words": {"Go ahead"}}).Want(http.StatusSeeOther)
	if p := c.As(access.Administrator).Get("/changes/" + c.change.String()).Want(http.StatusOK).Text(".rail"); !strings.Contains(p, "Approval") || !strings.Contains(p, "0 of 1 say yes") || !strings.Contains(p, "Passed") {
		t.Errorf("beside the change: %s", p)
	}
	if manager.Get("/votes").Has(`main a[href^="/votes/"]`) || !admin.Get("/votes").Has(`main a[href^="/votes/"]`) {
		t.Error("it waits for the wrong one")
	}
	t.Run("the pages in every theme and width", func(t *testing.T) {
		b := browser.Open(t, c.URL)
		b.Visit("/sign-in")
		b.Type("#f-email", webuitest.Email(access.Administrator))
		b.Type("#f-password", webuitest.Password)
		b.Click(".entrance button.primary")
		b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
		b.Everywhere("votes", "/votes")
		b.Everywhere("vote", c.at)
	})
	admin.Post(c.at+"/cast", url.Values{"yes": {"1"}}).Want(http.StatusSeeOther)
	admin.Post(c.at+"/cast", url.Values{"yes": {"1"}}).Want(http.StatusConflict)
	if p := admin.Get(c.at).Want(http.StatusOK).Text("main"); !strings.Contains(p, "Approved") || !strings.Contains(p, "Go ahead") {
		t.Errorf("afterwards: %s", p)
	}
	away := url.Values{"to": {c.UserID(access.Editor).String()}, "from": {"2026-03-01"}, "until": {"2026-02-01"}}
	if p := manager.Post("/votes/away", away).Want(http.StatusUnprocessableEntity); !p.Has("#e-until") {
		t.Error("an absence that ends before it begins is taken")
	}
	away.Set("until", "2026-03-20")
	manager.Post("/votes/away", away).Want(http.StatusSeeOther)
	if p := manager.Get("/votes").Want(http.StatusOK); p.Attr(`#away option[selected]`, "value") != c.UserID(access.Editor).String() || p.Attr(`#away input[name="until"]`, "value") != "2026-03-20" {
		t.Errorf("who stands for her: %s", p.Text("#away"))
	}
	manager.Post("/votes/away", url.Values{"to": {"none"}}).Want(http.StatusSeeOther)
}
