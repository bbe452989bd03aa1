package tickets_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/macro"
)

// TestTags: tags are put on by hand, in bulk and by macros, brought into one form, suggested as far as
// the reader sees tickets that have them, and found by queues.
func TestTags(t *testing.T) {
	h := openWorkplace(t, "One", "Two", "Secret one")
	one, two, hidden := h.tickets[0], h.tickets[1], h.tickets[2]
	h.Change(func(tx *gate.Tx) error {
		if _, err := h.Records.Update(tx, incident.Kind, hidden, 0, record.Values{"tags": "Merger, printer"}); err != nil {
			return err
		}
		return h.Records.SetAccess(tx, incident.Kind, hidden, true, nil, nil)
	})
	editor, reader := h.As(access.Editor), h.As(access.ReadOnly)
	h.See(h.UserID(access.ReadOnly), h.org)
	form := "/tickets/" + one.String() + "/tags"
	has := func(want string) {
		t.Helper()
		if got := h.Load(incident.Kind, one).Values.Text("tags"); got != want {
			t.Errorf("it has the tags %q, want %q", got, want)
		}
	}

	for range 2 {
		editor.Post(form, url.Values{"add": {"  VIP , branch   office,, vip"}}).Want(http.StatusSeeOther)
		has("branch office, vip")
	}
	reader.Post(form, url.Values{"add": {"mine"}}).Want(http.StatusForbidden)
	editor.Post("/tickets/"+hidden.String()+"/tags", url.Values{"add": {"mine"}}).Want(http.StatusNotFound)
	editor.Post(form, url.Values{"add": {strings.Repeat("x", 41)}}).Want(http.StatusUnprocessableEntity)
	has("branch office, vip")
	p := editor.Get("/incidents/" + two.String()).Want(http.StatusOK)
	if got := strings.Join(p.Attrs("#known-tags option", "value"), "|"); got != "branch office|vip" {
		t.Errorf("it suggests %q", got)
	}
	if got := reader.Get("/incidents/" + one.String()).Want(http.StatusOK); strings.Join(got.Texts(".tagbox .chip"), "|") != "branch office|vip" || got.Has(".tagbox form") {
		t.Errorf("a reader sees %q", got.Texts(".tagbox"))
	}

	m := h.Make(macro.Kind, 0, record.Values{"name": "Mark", "add_tags": "Marked"})
	editor.Post("/tickets/"+one.String()+"/macro", url.Values{"macro": {m.String()}}).Want(http.StatusSeeOther)
	has("branch office, marked, vip")
	bulk := editor.Post("/incidents/bulk", url.Values{"id": {one.String(), two.String()}, "do": {"work"}, "back": {"/incidents"}}).Want(http.StatusOK).Form("#form")
	bulk.Set("add_tags", "Both")
	bulk.Set("remove_tags", "vip")
	editor.Post("/incidents/bulk", bulk).Want(http.StatusSeeOther)
	has("both, branch office, marked")

	queue := editor.Get(editor.Get("/incidents/"+one.String()).Want(http.StatusOK).Attr(".tagbox .chip a", "href")).Want(http.StatusOK)
	if got := strings.Join(queue.Texts(".qlist > a b"), "|"); !strings.Contains(got, "One") || !strings.Contains(got, "Two") || !strings.Contains(queue.Text(".qlist summary"), "Tagged both 2") {
		t.Errorf("the queue of a tag shows %q, %q", got, queue.Text(".qlist summary"))
	}
	if p := editor.Get("/desk?queue=" + url.QueryEscape("tag:branch")).Want(http.StatusOK); p.Has(".qlist > a") {
		t.Error("a part of a tag is one")
	}
	if p := editor.Get("/desk?queue=" + url.QueryEscape("tag:printer")).Want(http.StatusOK); p.Has(".qlist > a") || strings.Contains(p.Text(".qlist summary"), "1") {
		t.Error("a hidden ticket is counted")
	}
	own := editor.Get("/desk/queues/new").Want(http.StatusOK).Form("#form")
	own.Set("name", "Marked ones")
	own.Set("owner", "")
	own.Set("tag", "MARKED")
	saved := editor.Get(editor.Post("/desk/queues", own).Want(http.StatusSeeOther).To()).Want(http.StatusOK)
	if got := strings.Join(saved.Texts(".qlist > a b"), "|"); got != "One" {
		t.Errorf("the saved queue shows %q", got)
	}
	editor.Post(form, url.Values{"remove": {"both"}}).Want(http.StatusSeeOther)
	has("branch office, marked")
}
