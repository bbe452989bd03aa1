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
	"strongroom/internal/feature/journal/entry"
)

// TestMerging: what a merge will do is said before, from the ticket and from the list; it is done
// once; and nobody learns of what she does not see.
func TestMerging(t *testing.T) {
	h := openWorkplace(t, "Printer jams", "Printer eats paper", "Paper is eaten", "Printer is on fire", "Hidden printer")
	one, two, three, four, five := h.tickets[0], h.tickets[1], h.tickets[2], h.tickets[3], h.tickets[4]
	h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, incident.Kind, five, true, nil, nil) })
	note := h.Make(entry.Kind, 0, record.Values{"incident_id": one, "notes_body": "<p>It smokes</p>"})
	h.Make(entry.Kind, 0, record.Values{"incident_id": two, "notes_body": "<p>And the scanner is broken</p>"})
	editor, reader := h.As(access.Editor), h.As(access.ReadOnly)
	h.See(h.UserID(access.ReadOnly), h.org)
	at := "/tickets/" + one.String()

	t.Run("from the ticket", func(t *testing.T) {
		p := editor.Get("/incidents/" + one.String()).Want(http.StatusOK)
		if !p.Has(`a[data-key="m"][href="` + at + `/merge"]`) {
			t.Error("it offers no merging")
		}
		form := editor.Get(at + "/merge").Want(http.StatusOK)
		if got := form.Text("#f-into"); !strings.Contains(got, "INC-1002 Printer eats paper, Rosa Lind") || strings.Contains(got, "INC-1001") || strings.Contains(got, "Hidden") {
			t.Errorf("it offers %q", got)
		}
		reader.Get(at + "/merge").Want(http.StatusForbidden)
		reader.Post(at+"/merge", url.Values{"into": {two.String()}, "sure": {"1"}}).Want(http.StatusForbidden)
		hidden, none := editor.Post(at+"/merge", url.Values{"number": {"INC-1005"}}).Want(http.StatusUnprocessableEntity), editor.Post(at+"/merge", url.Values{"number": {"INC-9999"}}).Want(http.StatusUnprocessableEntity)
		if a, b := hidden.Text(".errors"), none.Text(".errors"); a != b || !strings.Contains(a, "that you can see") {
			t.Errorf("%q and %q", a, b)
		}
		if got := editor.Post(at+"/merge", url.Values{"into": {five.String()}, "sure": {"1"}}).Want(http.StatusUnprocessableEntity).Text("main"); strings.Contains(got, "Hidden") || strings.Contains(got, "1005") {
			t.Errorf("it says %q", got)
		}
		p = editor.Post(at+"/merge", url.Values{"number": {"inc-1002"}}).Want(http.StatusSeeOther)
		plan := editor.Get(p.To()).Want(http.StatusOK)
		for _, want := range []string{"Merge into INC-1002", "INC-1001 Printer jams", "It is closed, and leads to INC-1002", "What was written on it stays there1 entry and 0 files.", "cannot be undone"} {
			if !strings.Contains(plan.Text("main"), want) {
				t.Errorf("%q is not said: %s", want, plan.Text("main"))
			}
		}
		if r := h.Load(incident.Kind, one); r.Values["merged_into_id"] != nil {
			t.Fatal("looking merged it")
		}
		for range 2 {
			if to := editor.Post(at+"/merge", plan.Form("#form")).Want(http.StatusSeeOther).To(); to != "/incidents/"+two.String() {
				t.Errorf("it leads to %s", to)
			}
		}
		got := editor.Get("/incidents/" + two.String()).Want(http.StatusOK)
		if text := got.Text("#msgs"); !strings.Contains(text, "merged INC-1001 Printer jams into this") || !strings.Contains(text, "on INC-1001") || !strings.Contains(text, "It smokes") || strings.Count(text, "merged INC-1001") != 1 {
			t.Errorf("its timeline says %q", text)
		}
		if !strings.Contains(got.Text("#hand"), "Merged into this") {
			t.Error("what was merged is not beside it")
		}
		gone := editor.Get("/incidents/" + one.String()).Want(http.StatusOK)
		if !strings.Contains(gone.Text(".notice"), "This went into INC-1002 Printer eats paper") || gone.Has(`a[data-key="m"]`) || !strings.Contains(gone.Text("#tickethead"), "Closed") {
			t.Errorf("the one that is gone says %q", gone.Text("#thread"))
		}
	})
	t.Run("who does not see the one that went sees nothing of it", func(t *testing.T) {
		h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, incident.Kind, one, true, nil, nil) })
		p := editor.Get("/incidents/" + two.String()).Want(http.StatusOK)
		if strings.Contains(p.Body, "It smokes") || strings.Contains(p.Body, "INC-1001") || strings.Contains(p.Body, "Printer jams") {
			t.Error("it is told")
		}
		h.Change(func(tx *gate.Tx) error { return h.Records.SetAccess(tx, incident.Kind, one, false, nil, nil) })
	})
	t.Run("from the list", func(t *testing.T) {
		ids := []string{two.String(), three.String(), four.String()}
		if !strings.Contains(editor.Get("/incidents").Want(http.StatusOK).Text("main"), "Merge them") || strings.Contains(reader.Get("/incidents").Body, "Merge them") || strings.Contains(editor.Get("/tasks").Body, "Merge them") {
			t.Error("the button is missing, or is shown where there is nothing to merge")
		}
		form := editor.Post("/incidents/bulk", url.Values{"id": ids, "do": {"merge"}, "back": {"/incidents"}}).Want(http.StatusOK).Form("#form")
		editor.Post("/incidents/bulk", url.Values{"id": ids[:1], "do": {"merge"}, "back": {"/incidents"}}).Want(http.StatusUnprocessableEntity)
		form.Set("into", five.String())
		editor.Post("/incidents/bulk", form).Want(http.StatusUnprocessableEntity)
		form.Set("into", four.String())
		plan := editor.Post("/incidents/bulk", form).Want(http.StatusOK)
		if got := plan.Text("main"); !strings.Contains(got, "Merge 2 incidents") || !strings.Contains(got, "INC-1002") || !strings.Contains(got, "INC-1003") {
			t.Errorf("it says %q", got)
		}
		for range 2 {
			if to := editor.Post("/incidents/bulk", plan.Form("#form")).Want(http.StatusSeeOther).To(); to != "/incidents/"+four.String() {
				t.Errorf("it leads to %s", to)
			}
		}
		text := editor.Get("/incidents/" + four.String()).Want(http.StatusOK).Text("#msgs")
		for _, want := range []string{"It smokes", "on INC-1001", "scanner is broken", "merged INC-1002", "merged INC-1003"} { // by way of the second, too
			if !strings.Contains(text, want) {
				t.Errorf("%q is not there: %s", want, text)
			}
		}
		back := editor.Get("/tickets/" + four.String() + "/merge?into=" + one.String()).Want(http.StatusOK)
		if !strings.Contains(back.Text("main"), "Nothing can be merged like this") && !strings.Contains(back.Text("main"), "not merged into itself") {
			t.Errorf("a circle: %s", back.Text("main"))
		}
	})
	t.Run("split", func(t *testing.T) {
		said := h.Make(entry.Kind, 0, record.Values{"incident_id": four, "notes_body": "<p>My screen is dark</p>"})
		from := "/tickets/" + four.String() + "/split"
		p := editor.Get("/incidents/" + four.String()).Want(http.StatusOK)
		if !p.Has(`#msgs a[href="` + from + "?entry=" + said.String() + `"]`) {
			t.Fatal("the entry is not offered to be split off")
		}
		editor.Get(from + "?entry=" + note.String()).Want(http.StatusNotFound) // of another ticket
		reader.Post(from, url.Values{"entry": {said.String()}, "name": {"Mine"}}).Want(http.StatusForbidden)
		form := editor.Get(from + "?entry=" + said.String()).Want(http.StatusOK).Form("#form")
		form.Set("name", "")
		editor.Post(from, form).Want(http.StatusUnprocessableEntity)
		form.Set("name", "Dark screen")
		first := editor.Post(from, form).Want(http.StatusSeeOther).To()
		if again := editor.Post(from, form).Want(http.StatusSeeOther).To(); again != first {
			t.Errorf("a second click made %s beside %s", again, first)
		}
		made := editor.Get(first).Want(http.StatusOK)
		if !strings.Contains(made.Text("#msgs"), "My screen is dark") || !strings.Contains(made.Text("#hand"), "Printer is on fire") {
			t.Errorf("it says %q", made.Text("main"))
		}
		if text := editor.Get("/incidents/" + four.String()).Want(http.StatusOK).Text("#msgs"); !strings.Contains(text, "became INC-1006") {
			t.Errorf("its ticket says %q", text)
		}
	})
}
