package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// TestMovingMany moves passwords to another organization, and opens them to a group, all at
// once; what one may not change stays where it is.
func TestMovingMany(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	from, to := h.Org("Harbour"), h.Org("Northbeam")
	folder := h.Make("password_folder", from, record.Values{"name": "Core"})
	var ids []string
	for _, name := range []string{"One", "Two", "Three"} {
		ids = append(ids, h.Make("password", from, record.Values{"name": name, "password": "kelp-" + name, "password_folder_id": folder}).String())
	}
	entries := func(cond string, args ...any) (n int) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from audit_entry where `+cond, args...).Scan(&n)
		})
		return n
	}
	c := h.As(access.Editor)
	if p := c.Get("/passwords").Want(http.StatusOK); !p.Has(`[value="move"]`) {
		t.Error("the list does not offer to move")
	}
	if p := c.Post("/passwords/bulk", url.Values{"do": {"move"}, "id": ids}).Want(http.StatusOK); !strings.Contains(p.Text("main"), "folder, what they are embedded in") {
		t.Errorf("the form says %s", p.Text("main"))
	}
	c.Post("/passwords/bulk", url.Values{"do": {"move.apply"}, "ids": {strings.Join(ids, ".")}}).Want(http.StatusUnprocessableEntity)
	c.Post("/passwords/bulk", url.Values{"do": {"move.look"}, "ids": {strings.Join(ids, ".")}}).Want(http.StatusUnprocessableEntity)
	there := h.Make("password", to, record.Values{"name": "There already"})
	size := entries("1 = 1")
	p := c.Post("/passwords/bulk", url.Values{"do": {"move.look"}, "ids": {strings.Join(ids[:2], ".") + "." + there.String()}, "to": {to.String()}}).Want(http.StatusOK)
	if s := p.Text("main"); !strings.Contains(s, "Go to Northbeam: 2 passwords") || !strings.Contains(s, "Stay as they are: 1 password") || !strings.Contains(s, "It is there already.") || !strings.Contains(s, "Nothing has been done yet.") {
		t.Errorf("what would happen is %s", s)
	}
	if n := entries("1 = 1"); n != size {
		t.Errorf("a look at what would happen wrote %d entries", n-size)
	}
	moved := p.Form("main form")
	if got := moved.Get("do"); got != "move.apply" || moved.Get("to") != to.String() {
		t.Fatalf("the button does %q with %v", got, moved)
	}
	moved.Set("ids", ids[0]+"."+ids[1])
	h.As(access.ReadOnly).Post("/passwords/bulk", moved).Want(http.StatusUnprocessableEntity)
	c.Post("/passwords/bulk", moved).Want(http.StatusSeeOther)
	for i, want := range []id.ID{to, to, from} {
		rid, _ := id.Parse(ids[i])
		r := h.Load("password", rid)
		if r.Org != want || (r.Values.ID("password_folder_id") == 0) != (want == to) {
			t.Errorf("%s is of %s, in folder %s", r.Name, r.Org, r.Values.ID("password_folder_id"))
		}
	}
	var got struct{ Secret string }
	if c.PostJSON("/passwords/"+ids[0]+"/reveal", url.Values{}, &got); got.Secret != "kelp-One" {
		t.Errorf("once moved it is %q", got.Secret)
	}
	c.Post("/passwords/bulk", moved).Want(http.StatusUnprocessableEntity) // they are there already
	group := h.Make("group", 0, record.Values{"name": "Night shift"})
	share := url.Values{"do": {"access.look"}, "ids": {strings.Join(ids, ".")}, "how": {"close"}, "groups": {group.String()}}
	p = c.Post("/passwords/bulk", share).Want(http.StatusOK)
	if s := p.Text("main"); !strings.Contains(s, "Close to all but Night shift: 3 passwords") {
		t.Errorf("what would happen is %s", s)
	}
	if share = p.Form("main form"); share.Get("how") != "close" || share.Get("groups") != group.String() || share.Get("do") != "access.apply" {
		t.Fatalf("the button sends %v", share)
	}
	c.Post("/passwords/bulk", share).Want(http.StatusSeeOther)
	for _, s := range ids {
		rid, _ := id.Parse(s)
		if !h.Load("password", rid).Restricted {
			t.Errorf("%s is open to all", s)
		}
		if n := entries("action = 'restrict' and object = ?", int64(rid)); n != 1 {
			t.Errorf("%s has %d entries of it", s, n)
		}
	}
}
