package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// TestAccessUntil gives somebody a record until a time: the pages say until when,
// and past it she has it no more.
func TestAccessUntil(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	doc := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Floor plan"})
	at, page := "/access/"+doc.String(), "/documents/"+doc.String()
	admin, lite := h.As(access.Administrator), h.As(access.Lite)
	friend := h.UserID(access.Lite).String()
	until := h.Clock.Now().UTC().Add(2 * time.Hour).Truncate(time.Minute)
	send := func(v url.Values) *webuitest.Page {
		v["restricted"], v["users"], v["groups"] = []string{"1"}, []string{"", friend}, []string{""}
		return admin.Post(at, v)
	}
	lite.Get(page).Want(http.StatusNotFound)
	send(url.Values{"until": {"soon"}}).Want(http.StatusUnprocessableEntity)
	send(url.Values{"until": {until.Format("2006-01-02T15:04")}}).Want(http.StatusSeeOther)
	lite.Get(page).Want(http.StatusOK)
	form := admin.Get(at).Want(http.StatusOK)
	own := `input[name="until.` + friend + `"]`
	if got := form.Attr(own, "value"); got != until.Format("2006-01-02T15:04") {
		t.Errorf("her field says %q", got)
	}
	for _, p := range []string{at, page} {
		if text := admin.Get(p).Want(http.StatusOK).Body; !strings.Contains(text, "until "+until.Format("2 Jan 2006 15:04")+" UTC") {
			t.Errorf("%s does not say until when", p)
		}
	}
	h.Clock.Advance(2*time.Hour + time.Minute)
	admin, lite = h.As(access.Administrator), h.As(access.Lite)
	lite.Get(page).Want(http.StatusNotFound)
	if text := admin.Get(at).Want(http.StatusOK).Body; !strings.Contains(text, "Only administrators may see this.") || !strings.Contains(text, "ended "+until.Format("2 Jan 2006 15:04")) {
		t.Error("the page does not say that it is over")
	}
	send(url.Values{"until." + friend: {""}}).Want(http.StatusSeeOther)
	lite.Get(page).Want(http.StatusOK)
}
