package day_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"
	"github.com/emersion/go-smtp"
	"golang.org/x/net/html"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
	"strongroom/internal/base/mailfetch/dovecottest"
	"strongroom/internal/base/mailparse"
	"strongroom/internal/core/access"
)

// office is a house with a mail server to read from, one to send by, and a clock that
// only the story moves.
type office struct {
	*apptest.House
	*apptest.Tenant
	imap *dovecottest.Server
	smtp *postOffice
	now  atomic.Int64
	t    *testing.T
}

// opened is the hour at which the day begins: a Monday.
var opened = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, imap: dovecottest.Start(t), smtp: servePost(t)}
	o.now.Store(opened.UnixMilli())
	o.House = apptest.Open(t, apptest.Options{Bare: true, One: true, Now: o.clock, Config: func(c *app.Config) {
		c.Outgoing = app.Outgoing{Mode: "on", Allow: "127.0.0.0/8"}
		c.Mail = app.Mail{Relay: o.smtp.addr, TLS: "none", From: "Strongroom <strongroom@northbeam.example>", Link: "https://desk.northbeam.example"}
	}})
	o.App.Mailboxes.TLS = &tls.Config{RootCAs: o.imap.Roots, MinVersion: tls.VersionTLS12}
	o.Tenant = o.Tenants[0]
	return o
}

func (o *office) clock() time.Time { return time.UnixMilli(o.now.Load()).UTC() }

// passes lets time go by, and has the house look at once what is due.
func (o *office) passes(d time.Duration) {
	o.App.Jobs.Touch(o.Name)
	o.now.Add(d.Milliseconds())
	o.App.Jobs.Touch(o.Name)
}

// until lets a round of what happens by itself go by, and waits until something has. A minute
// more goes by with each second that it takes, so that what was late for a round comes with the
// next.
func (o *office) until(what string, done func() bool) {
	o.t.Helper()
	if done() {
		return
	}
	o.passes(round)
	last := time.Now()
	apptest.Eventually(o.t, what, func() bool {
		if time.Since(last) >= time.Second {
			o.passes(time.Minute)
			last = time.Now()
		}
		return done()
	})
}

// round is a little more than what happens by itself takes to come round.
const round = 6 * time.Minute

// at says how late it is.
func (o *office) at() string { return o.clock().Format("15:04") }

// make makes a record by the API, as the administrator's program does, and gives its id.
func (o *office) make(typ string, attributes map[string]any) string {
	o.t.Helper()
	a := o.API(o.People[access.Administrator].Key, http.MethodPost, "/"+typ, map[string]any{"data": map[string]any{"type": typ, "attributes": attributes}})
	if a.Status != http.StatusCreated {
		o.t.Fatalf("making one of %s: %d %s", typ, a.Status, a.Body)
	}
	var made struct{ Data struct{ ID string } }
	if err := json.Unmarshal(a.Body, &made); err != nil {
		o.t.Fatal(err)
	}
	return made.Data.ID
}

// id finds a record of all by its name.
func (o *office) id(typ, name string) string {
	o.t.Helper()
	a := o.API(o.People[access.Administrator].Key, http.MethodGet, "/"+typ+"?filter[name]="+url.QueryEscape(name), nil)
	var found struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(a.Body, &found); err != nil || len(found.Data) != 1 {
		o.t.Fatalf("%s of the %s: %d %.300s", name, typ, a.Status, a.Body)
	}
	return found.Data[0].ID
}

// writes has somebody outside write to the desk.
func (o *office) writes(from, subject, text string, header ...string) {
	o.t.Helper()
	head := append([]string{"From: " + from, "To: desk@northbeam.example", "Subject: " + subject, "Date: " + o.clock().Format(time.RFC1123Z)}, header...)
	o.imap.Deliver("desk", strings.ReplaceAll(strings.Join(head, "\n")+"\n\n"+text+"\n", "\n", "\r\n"))
}

// gets waits for a mail to somebody with these words, and gives it.
func (o *office) gets(to, words string) *mailparse.Mail {
	o.t.Helper()
	var found *mailparse.Mail
	o.until("mail to "+to+" with "+words, func() bool {
		for _, raw := range o.smtp.to(to) {
			m, err := mailparse.Parse(raw)
			if err != nil {
				o.t.Fatal(err)
			}
			if strings.Contains(m.Subject+"\n"+m.Text, words) {
				found = m
			}
		}
		return found != nil
	})
	return found
}

// person is somebody at a browser.
type person struct {
	o    *office
	who  *apptest.Person
	http *http.Client
}

func (o *office) as(p *apptest.Person) *person { return &person{o: o, who: p} }

// asks sends a request; who was away for long signs in again first.
func (p *person) asks(method, path string, body any) *page {
	p.o.t.Helper()
	for range 2 {
		if p.http == nil {
			c, err := p.o.SignIn(p.o.Name, p.who.Email, p.who.Password)
			if err != nil {
				p.o.t.Fatal(err)
			}
			p.http = c
		}
		a, err := p.o.Do(p.http, method, path, body, nil)
		if err != nil {
			p.o.t.Fatal(err)
		}
		if a.Status == http.StatusSeeOther && strings.HasPrefix(a.Header.Get("Location"), "/sign-in") {
			p.http = nil
			continue
		}
		return read(p.o.t, path, a)
	}
	p.o.t.Fatalf("%s cannot sign in", p.who.Email)
	return nil
}

// looks asks for a page.
func (p *person) looks(path string) *page {
	p.o.t.Helper()
	got := p.asks(http.MethodGet, path, nil)
	if got.status != http.StatusOK {
		p.o.t.Fatalf("%s, %s sees %s: %d %.600s", p.o.at(), p.who.Role, path, got.status, got.text("main"))
	}
	return got
}

// sends sends a form that is taken, and gives where that leads.
func (p *person) sends(path string, form url.Values) string {
	p.o.t.Helper()
	got := p.asks(http.MethodPost, path, form)
	if got.status != http.StatusSeeOther {
		p.o.t.Fatalf("%s, %s sends %s %v: %d %.600s", p.o.at(), p.who.Role, path, form, got.status, got.text("main"))
	}
	to, _, _ := strings.Cut(got.to, "#")
	return to
}

// refused sends a form that is refused, and gives what is said.
func (p *person) refused(path string, form url.Values) string {
	p.o.t.Helper()
	got := p.asks(http.MethodPost, path, form)
	if got.status < 400 || got.status >= 500 {
		p.o.t.Fatalf("%s, %s sends %s %v: %d, and is not refused", p.o.at(), p.who.Role, path, form, got.status)
	}
	return got.text("main")
}

// edits changes some fields of a record by its form, as who leaves the others as they are.
func (p *person) edits(at string, change url.Values) {
	p.o.t.Helper()
	form := p.looks(at + "/edit").form("form.genform")
	for name, v := range change {
		form[name] = v
	}
	p.sends(at, form)
}

// page is a page that came.
type page struct {
	t      *testing.T
	path   string
	status int
	to     string
	body   string
	doc    *html.Node
}

func read(t *testing.T, path string, a *apptest.Answer) *page {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	return &page{t: t, path: path, status: a.Status, to: a.Header.Get("Location"), body: string(a.Body), doc: doc}
}

func (p *page) all(selector string) []*html.Node {
	p.t.Helper()
	s, err := cascadia.ParseGroup(selector)
	if err != nil {
		p.t.Fatal(err)
	}
	return cascadia.QueryAll(p.doc, s)
}

// text is what stands in all that a selector finds.
func (p *page) text(selector string) string {
	p.t.Helper()
	var b strings.Builder
	for _, n := range p.all(selector) {
		for c := range n.Descendants() {
			if c.Type == html.TextNode {
				b.WriteString(c.Data + " ")
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// says fails the test when a part of the page does not say each of these.
func (p *page) says(selector string, words ...string) {
	p.t.Helper()
	got := p.text(selector)
	for _, w := range words {
		if !strings.Contains(got, w) {
			p.t.Errorf("%s: %s does not say %q:\n%.3000s", p.path, selector, w, got)
		}
	}
}

// omits fails the test when a part of the page says one of these.
func (p *page) omits(selector string, words ...string) {
	p.t.Helper()
	for _, w := range words {
		if got := p.text(selector); strings.Contains(got, w) {
			p.t.Errorf("%s: %s says %q:\n%.3000s", p.path, selector, w, got)
		}
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// link is where the link that says something leads.
func (p *page) link(words string) string {
	p.t.Helper()
	for _, n := range p.all("a[href]") {
		var b strings.Builder
		for c := range n.Descendants() {
			if c.Type == html.TextNode {
				b.WriteString(c.Data)
			}
		}
		if strings.Contains(b.String(), words) {
			to, _ := attr(n, "href")
			to, _, _ = strings.Cut(to, "?")
			return to
		}
	}
	p.t.Fatalf("%s: no link says %q:\n%.2000s", p.path, words, p.text("main"))
	return ""
}

// form is what a form would send as it stands.
func (p *page) form(selector string) url.Values {
	p.t.Helper()
	forms := p.all(selector)
	if len(forms) == 0 {
		p.t.Fatalf("%s has no form %s", p.path, selector)
	}
	out := url.Values{}
	for _, n := range cascadia.QueryAll(forms[0], cascadia.MustCompile("input[name], textarea[name], select[name]")) {
		name, _ := attr(n, "name")
		value, _ := attr(n, "value")
		typ, _ := attr(n, "type")
		_, checked := attr(n, "checked")
		switch {
		case n.Data == "textarea":
			var b strings.Builder
			for c := range n.Descendants() {
				b.WriteString(c.Data)
			}
			out.Add(name, strings.TrimPrefix(b.String(), "\n"))
		case n.Data == "select":
			for _, opt := range cascadia.QueryAll(n, cascadia.MustCompile("option[selected]")) {
				v, _ := attr(opt, "value")
				out.Add(name, v)
			}
		case typ == "file" || typ == "submit" || (typ == "checkbox" || typ == "radio") && !checked:
		default:
			out.Add(name, value)
		}
	}
	return out
}

// postOffice is a mail server that keeps what it takes.
type postOffice struct {
	addr string
	mu   sync.Mutex
	got  []parcel
}

type parcel struct {
	to  string
	raw []byte
}

func servePost(t *testing.T) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{addr: l.Addr().String()}
	s := smtp.NewServer(p)
	s.Domain = "localhost"
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return p
}

// to gives what came for somebody.
func (p *postOffice) to(who string) (out [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.got {
		if x.to == who {
			out = append(out, x.raw)
		}
	}
	return out
}

func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{p: p}, nil }

type letter struct {
	p  *postOffice
	to []string
}

func (l *letter) Mail(string, *smtp.MailOptions) error { return nil }
func (l *letter) Reset()                               { l.to = nil }
func (l *letter) Logout() error                        { return nil }
func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.to = append(l.to, to)
	return nil
}

func (l *letter) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	for _, to := range l.to {
		l.p.got = append(l.p.got, parcel{to, raw})
	}
	return err
}

// moment is a time as forms take it.
func moment(hour int) string { return fmt.Sprintf("2026-03-02T%02d:00", hour) }
