package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
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
	c := h.As(access.Editor)
	if p := c.Get("/passwords").Want(http.StatusOK); !p.Has(`[value="move"]`) {
		t.Error("the list does not offer to move")
	}
	if p := c.Post("/passwords/bulk", url.Values{"do": {"move"}, "id": ids}).Want(http.StatusOK); !strings.Contains(p.Text("main"), "folder, what they are embedded in") {
		t.Errorf("the form says %s", p.Text("main"))
	}
	c.Post("/passwords/bulk", url.Values{"do": {"move.apply"}, "ids": {strings.Join(ids, ".")}}).Want(http.StatusUnprocessableEntity)
	moved := url.Values{"do": {"move.apply"}, "ids": {ids[0] + "." + ids[1]}, "to": {to.String()}}
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
	share := url.Values{"do": {"access.apply"}, "ids": {strings.Join(ids, ".")}, "how": {"close"}, "groups": {group.String()}}
	c.Post("/passwords/bulk", share).Want(http.StatusSeeOther)
	for _, s := range ids {
		rid, _ := id.Parse(s)
		if !h.Load("password", rid).Restricted {
			t.Errorf("%s is open to all", s)
		}
	}
}
