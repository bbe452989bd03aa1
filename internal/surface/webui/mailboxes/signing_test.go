package mailboxes_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/surface/webui/webuitest"
)

// TestSigning: keys of a domain are made, published, looked for, used, and changed for others
// without a gap; what a mailbox sends bears the signatures of those that are used, and of no
// other domain's.
func TestSigning(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Administrator)
	zone := map[string][]string{}
	desk := h.Server.Mailboxes
	desk.Texts = func(_ context.Context, name string) ([]string, error) { return zone[name], nil }
	sink := &taken{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(sink)
	s.Domain = "localhost"
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	desk.Relay = &mail.Relay{Dialer: desk.Dialer, Addr: l.Addr().String(), TLS: mail.Plain}

	const page = "/settings/mailboxes/signing"
	if p := c.Get(page).Want(http.StatusOK); !strings.Contains(p.Text("main"), "None yet") || p.Has("select[name=domain]") {
		t.Errorf("without a mailbox: %s", p.Text("main"))
	}
	at := c.Post("/settings/mailboxes", url.Values{"address": {"desk@northbeam.example"}, "server": {"127.0.0.1:1"}, "tls": {"tls"}, "password": {"kelp-Orbit"}, "send": {mailbox.ByRelay}}).Want(http.StatusSeeOther).To()
	c.Post("/settings/mailboxes", url.Values{"address": {"desk@harbour.example"}, "server": {"127.0.0.1:1"}, "tls": {"tls"}, "password": {"kelp-Orbit"}}).Want(http.StatusSeeOther)
	box, _ := id.Parse(strings.TrimPrefix(at, "/settings/mailboxes/"))
	admin := h.Admin()
	admin.Email = "ada@northbeam.example"
	selectors := func() (out []string) {
		t.Helper()
		sink.text = ""
		if _, err := desk.Try(t.Context(), admin, box); err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(sink.text, "DKIM-Signature:") {
			_, rest, ok := strings.Cut(strings.ReplaceAll(part, "\r\n", ""), " s=")
			if name, _, _ := strings.Cut(rest, ";"); ok {
				out = append(out, name)
			}
		}
		return out
	}
	c.Post(page, url.Values{"domain": {"elsewhere.example"}}).Want(http.StatusUnprocessableEntity)
	h.As(access.Manager).Get(page).Want(http.StatusForbidden)
	h.As(access.Manager).Post(page, url.Values{"domain": {"northbeam.example"}}).Want(http.StatusForbidden)
	made := func(domain string) string {
		t.Helper()
		c.Post(page, url.Values{"domain": {domain}}).Want(http.StatusSeeOther)
		list := c.Get(page).Attrs(`form[action$="/use"]`, "action")
		return strings.TrimSuffix(list[len(list)-1], "/use")
	}
	other := made("harbour.example")
	c.Post(other+"/delete", nil).Want(http.StatusSeeOther)
	c.Post(other+"/use", nil).Want(http.StatusNotFound)
	first := made("northbeam.example")
	c.Post(page, url.Values{"domain": {"northbeam.example"}}).Want(http.StatusConflict)
	if got := selectors(); len(got) != 0 {
		t.Errorf("keys that are not used sign: %v", got)
	}
	if p := c.Post(first+"/use", nil).Want(http.StatusOK); !strings.Contains(p.Text("main"), "There is no TXT record at") {
		t.Errorf("before they are published: %s", p.Text("main"))
	}
	publish := func() {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			all, err := mailbox.Pairs(tx)
			for _, p := range all {
				for _, r := range p.Records {
					zone[r.Name] = []string{"v=spf1 -all", r.Text}
				}
			}
			return err
		})
	}
	publish()
	var one string
	for name := range zone {
		one = name
	}
	good := zone[one]
	zone[one] = []string{good[1][:len(good[1])-9]}
	if p := c.Post(first+"/check", nil).Want(http.StatusOK); !strings.Contains(p.Text("main"), "something else than the record") {
		t.Errorf("with a text that was cut: %s", p.Text("main"))
	}
	zone[one] = good
	if p := c.Post(first+"/check", nil).Want(http.StatusOK); strings.Count(p.Text("main"), "is published.") != 2 {
		t.Errorf("once they are: %s", p.Text("main"))
	}
	c.Post(first+"/use", nil).Want(http.StatusSeeOther)
	was := selectors()
	if len(was) != 2 || !strings.Contains(sink.text, "d=northbeam.example") {
		t.Fatalf("%v in %s", was, sink.text)
	}
	second := made("northbeam.example")
	if got := selectors(); len(got) != 2 || got[0] != was[0] {
		t.Errorf("while the next keys wait: %v, and before %v", got, was)
	}
	publish()
	c.Post(second+"/use", nil).Want(http.StatusSeeOther)
	if got := selectors(); len(got) != 2 || got[0] == was[0] || got[1] == was[1] {
		t.Errorf("after the change: %v, and before %v", got, was)
	}
	if said := c.Get(page).Text("main"); !strings.Contains(said, "Signed before") {
		t.Errorf("the page says %s", said)
	}
	c.Post(second+"/delete", nil).Want(http.StatusSeeOther)
	if got := selectors(); len(got) != 0 {
		t.Errorf("keys that were removed sign: %v", got)
	}
	log := c.Get("/audit").Text("main")
	if strings.Contains(log, "PRIVATE") || !strings.Contains(log, "northbeam.example") {
		t.Errorf("the log says %s", log)
	}
}

// taken keeps the last mail that it takes.
type taken struct{ text string }

func (s *taken) NewSession(*smtp.Conn) (smtp.Session, error) { return taking{s}, nil }

type taking struct{ *taken }

func (taking) Mail(string, *smtp.MailOptions) error { return nil }
func (taking) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (taking) Reset()                               {}
func (taking) Logout() error                        { return nil }
func (s taking) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.text = string(b)
	return err
}
