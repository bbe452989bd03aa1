package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/surface/webui/webuitest"
)

// TestPasswordsAtRisk follows a weak password that somebody has seen who leaves.
func TestPasswordsAtRisk(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental Group")
	h.Make("password", org, record.Values{"name": "Door code", "password": "Summer2024"})
	h.Make("password", org, record.Values{"name": "Switch", "password": "Vq7#mZ!kP2x9Lw"})
	h.Make("password", org, record.Values{"name": "Router", "password": "Vq7#mZ!kP2x9Lw"})
	fine := h.Make("password", org, record.Values{"name": "Firewall", "password": "tY5&wB8*nQ1^sD"})
	var editor *access.Caller
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		editor, err = access.Load(tx.SQL(), h.UserID(access.Editor))
		return err
	})
	editor.Tenant, editor.Name, editor.Via, editor.Session, editor.AuthLevel = coretest.Name, "Edith Moreau", "session", "s-1", 1
	if _, err := h.Server.Secrets.Reveal(t.Context(), editor, secret.Ref{Kind: "password", Object: fine, Field: "password"}, ""); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(time.Minute)

	admin := h.As(access.Administrator)
	page := admin.Get("/risk").Want(http.StatusOK)
	for _, want := range []string{"Door code", "Guessed in fewer than a million tries", "Switch", "Router", "The same as 1 other"} {
		if !strings.Contains(page.Text("main"), want) {
			t.Errorf("the page does not say %q: %s", want, page.Text("main"))
		}
	}
	if text := admin.Get("/risk?why=weak").Want(http.StatusOK).Text("tbody"); !strings.Contains(text, "Door code") || strings.Contains(text, "Switch") {
		t.Errorf("the weak ones are %s", text)
	}
	if text := page.Text("tbody"); strings.Contains(text, "Firewall") {
		t.Errorf("a good password is on the list: %s", text)
	}
	if text := admin.Get("/passwords/" + fine.String()).Want(http.StatusOK).Text(".rail"); !strings.Contains(text, "Seen since it was changed") || !strings.Contains(text, "Edith Moreau") {
		t.Errorf("the password's page says %s", text)
	}
	csv := admin.Get("/risk/export?why=reused").Want(http.StatusOK).Body
	if lines := strings.Count(csv, "\n"); lines != 3 || !strings.Contains(csv, "Router,Harbour Dental Group,reused,The same as 1 other") {
		t.Errorf("the export is %s", csv)
	}

	known := admin.Get("/users/" + editor.User.String() + "/seen").Want(http.StatusOK)
	if text := known.Text("main"); !strings.Contains(text, "Firewall") || !strings.Contains(text, "Revealed it once") || strings.Contains(text, "Door code") {
		t.Errorf("she knows %s", text)
	}
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "user", editor.User, 0, record.Values{"archived": true})
		return err
	})
	if text := admin.Get("/risk").Want(http.StatusOK).Text("tbody tr"); !strings.Contains(text, "Firewall") || !strings.Contains(text, "Known to Edith Moreau, who left") {
		t.Errorf("after she left the first line is %s", text)
	}
	if text := admin.Get("/users/" + editor.User.String() + "/seen").Want(http.StatusOK).Text(".page, main"); !strings.Contains(text, "has left") {
		t.Errorf("her page says %s", text)
	}
	if csv := admin.Get("/users/" + editor.User.String() + "/seen/export").Want(http.StatusOK).Body; !strings.Contains(csv, "Firewall,Harbour Dental Group,1,no,") {
		t.Errorf("her export is %s", csv)
	}

	reader := h.As(access.ReadOnly)
	if text := reader.Get("/risk").Want(http.StatusOK).Text("main"); strings.Contains(text, "Door code") {
		t.Errorf("who sees none is told %s", text)
	}
	reader.Get("/users/" + editor.User.String() + "/seen").Want(http.StatusForbidden)
	reader.Post("/risk/check", url.Values{}).Want(http.StatusForbidden)
	h.As(access.Lite).Get("/risk").Want(http.StatusForbidden)

	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	b.Everywhere("risk", "/risk")
	b.Everywhere("risk-seen", "/users/"+editor.User.String()+"/seen")
	b.Everywhere("risk-rail", "/passwords/"+fine.String())
}

// TestCheckOfPasswords has passwords checked that were there before.
func TestCheckOfPasswords(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	seal := h.Records.Sealed
	h.Records.Sealed = nil
	h.Make("password", h.Org("Harbour Dental Group"), record.Values{"name": "Door code", "password": "Summer2024"})
	h.Records.Sealed = seal
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	b.Visit("/risk")
	if text := b.Text("main"); !strings.Contains(text, "Of 1 password it is not known how safe the value is.") {
		t.Errorf("the page says %s", text)
	}
	b.FullShot("risk-unchecked")
	b.Click(`form[action="/risk/check"] button`)
	b.Wait(`document.documentElement.dataset.ready && document.body.innerText.includes("The check runs")`)
	for tries := 0; ; tries++ {
		b.Visit("/risk")
		if strings.Contains(b.Text("main"), "Guessed in fewer than a million tries") {
			break
		}
		if tries > 200 {
			t.Fatalf("the check does not end: %s", b.Text("main"))
		}
	}
}
