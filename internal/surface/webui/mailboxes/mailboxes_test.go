package mailboxes_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMailboxes(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Administrator)
	if p := c.Get("/settings/mailboxes").Want(http.StatusOK); !strings.Contains(p.Text("main"), "None yet") {
		t.Errorf("%s", p.Text("main"))
	}
	form := url.Values{"address": {"desk@northbeam.example"}, "server": {"127.0.0.1:1"}, "tls": {"tls"}, "password": {"kelp-Orbit"}, "active": {"1"}}
	wrong := url.Values{"address": {"nobody"}, "server": {""}, "strangers": {"1"}, "tls": {"none"}}
	p := c.Post("/settings/mailboxes", wrong).Want(http.StatusUnprocessableEntity)
	for _, f := range []string{"address", "server", "tls", "organization_id"} {
		if !p.Has("#f-" + f + "-error, [name=" + f + "][aria-invalid=true]") {
			t.Errorf("nothing is said of %s", f)
		}
	}
	if p.Attr("[name=address]", "value") != "nobody" {
		t.Error("what was entered is lost")
	}
	at := c.Post("/settings/mailboxes", form).Want(http.StatusSeeOther).To()
	if p = c.Get(at).Want(http.StatusOK); strings.Contains(p.Text("html"), "kelp") || p.Attr("[name=password]", "value") != "" || p.Attr("[name=user]", "value") != "desk@northbeam.example" {
		t.Error("its password is shown, or its user is not")
	}
	if p = c.Post(at+"/test", nil).Want(http.StatusOK); !strings.Contains(p.Text("main"), "cannot be reached") {
		t.Errorf("the test says %s", p.Text("main"))
	}
	form.Del("password")
	form.Set("version", "7")
	c.Post(at, form).Want(http.StatusConflict)
	form.Set("version", "1")
	c.Post(at, form).Want(http.StatusSeeOther)

	box, _ := id.Parse(strings.TrimPrefix(at, "/settings/mailboxes/"))
	raw := "From: Mallory <mallory@evil.example>\r\nSubject: <b>Free</b>\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script><img src=https://track.example/p.gif><p>Click <a href=https://evil.example/>here</a></p>"
	if err := h.Server.Mailboxes.Receive(t.Context(), coretest.Name, box, "1:1", []byte(raw)); err != nil {
		t.Fatal(err)
	}
	if err := h.Server.Mailboxes.FileAll(t.Context(), coretest.Name); err != nil {
		t.Fatal(err)
	}
	var held []mailbox.Came
	h.View(h.Admin(), func(tx *gate.Tx) (err error) { held, err = mailbox.List(tx, mailbox.Held); return err })
	if len(held) != 1 {
		t.Fatalf("%+v", held)
	}
	one := "/settings/mailboxes/held/" + held[0].ID.String()
	if p = c.Get("/settings/mailboxes"); !strings.Contains(p.Text("main"), "nobody knows its sender") || !strings.Contains(p.Text("main"), "<b>Free</b>") {
		t.Errorf("%s", p.Text("main"))
	}
	if p = c.Get(one).Want(http.StatusOK); !strings.Contains(p.Text("main"), "Click here") || p.Has("main script") || p.Has("main a[href*=evil]") || p.Has("main img[src*=track]") {
		t.Errorf("%s", p.Text("main"))
	}
	if p = c.Post(one+"/release", nil).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text("main"), "no organization for strangers") {
		t.Errorf("%s", p.Text("main"))
	}
	for range 2 { // a second click changes nothing
		c.Post(one+"/drop", nil).Want(http.StatusSeeOther)
	}
	if p = c.Get(one); !strings.Contains(p.Text("main"), "not kept any more") {
		t.Errorf("%s", p.Text("main"))
	}
	t.Run("templates", func(t *testing.T) {
		const mail = "/settings/mailboxes/templates/mail"
		if p := c.Get("/settings/mailboxes/templates").Want(http.StatusOK); !strings.Contains(p.Text("main"), "Deutsch") || !strings.Contains(p.Text("main"), "Supplied") {
			t.Errorf("%s", p.Text("main"))
		}
		words := url.Values{"language": {"de"}, "what": {"reply"}, "subject": {"Zu {{number}}"}, "body": {"{{text}}\n\n{{nmae}}"}}
		p := c.Post(mail, words).Want(http.StatusUnprocessableEntity)
		if !strings.Contains(p.Text("main"), "Line 3: there is no placeholder {{nmae}}") || !strings.Contains(p.Text("textarea"), "{{nmae}}") {
			t.Errorf("%s", p.Text("main"))
		}
		words.Set("body", "{{text}}\n\nGruß, {{agent}}")
		for range 2 {
			c.Post(mail, words).Want(http.StatusSeeOther)
		}
		if p := c.Get(mail + "?language=de&what=reply"); !strings.Contains(p.Text("textarea"), "Gruß") {
			t.Errorf("%s", p.Text("main"))
		}
		org := h.Org("Harbour Dental").String()
		if p := c.Get(mail + "?language=de&what=reply&organization_id=" + org).Want(http.StatusOK); !strings.Contains(p.Text("textarea"), "Gruß") {
			t.Errorf("an organization has %s", p.Text("textarea"))
		}
		c.Post("/settings/mailboxes/templates/language", url.Values{"organization_id": {org}, "save": {"1"}, "language": {"xx"}}).Want(http.StatusUnprocessableEntity)
		c.Post("/settings/mailboxes/templates/language", url.Values{"organization_id": {org}, "save": {"1"}, "language": {"de"}}).Want(http.StatusSeeOther)
		words.Set("reset", "1")
		c.Post(mail, words).Want(http.StatusSeeOther)
		if p := c.Get(mail + "?language=de&what=reply"); strings.Contains(p.Text("textarea"), "Gruß") {
			t.Error("it did not go back")
		}
		for _, path := range []string{"/settings/mailboxes/templates", mail} {
			h.As(access.Manager).Get(path).Want(http.StatusForbidden)
		}
		c.Get(mail + "?language=xx").Want(http.StatusNotFound)
	})
	for _, path := range []string{"/settings/mailboxes", at, one} {
		h.As(access.Manager).Get(path).Want(http.StatusForbidden)
	}
	c.Post(at+"/delete", nil).Want(http.StatusSeeOther)
	c.Get(at).Want(http.StatusNotFound)
}
