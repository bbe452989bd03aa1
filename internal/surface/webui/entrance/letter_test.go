package entrance_test

import (
	"io"
	"net"
	"net/http"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"strongroom/internal/base/dialer"
	"strongroom/internal/base/fault"
	"strongroom/internal/base/mail"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

// sink is a relay that hands on what it takes.
type sink struct{ got chan string }

func (s *sink) NewSession(*smtp.Conn) (smtp.Session, error) { return handed{s}, nil }

type handed struct{ *sink }

func (handed) Mail(string, *smtp.MailOptions) error { return nil }
func (handed) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (handed) Reset()                               {}
func (handed) Logout() error                        { return nil }
func (h handed) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	h.got <- string(b)
	return err
}

// posted is a house that sends mail.
type posted struct {
	*webuitest.House
	*sink
	t *testing.T
}

func open(t *testing.T) *posted {
	t.Helper()
	h := &posted{sink: &sink{make(chan string, 100)}, t: t}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(h.sink)
	s.Domain = "localhost"
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	h.House = webuitest.Open(t, webuitest.Options{Jobs: true, Change: func(s *webui.Server) {
		post := s.Letters.Post.(*outbox.Outbox)
		post.Link, post.Relay = "https://strongroom.example.com/", &mail.Relay{Dialer: &dialer.Dialer{Trusted: []string{l.Addr().String()}}, Addr: l.Addr().String(), TLS: mail.Plain, From: netmail.Address{Address: "strongroom@example.com"}}
	}})
	return h
}

// mail waits for the next mail and gives what it says.
func (h *posted) mail(to string) string {
	h.t.Helper()
	select {
	case m := <-h.got:
		if !strings.Contains(m, to) {
			h.t.Fatalf("the mail for %s is %s", to, m)
		}
		h.quiet()
		return strings.ReplaceAll(m, "=\r\n", "")
	case <-time.After(webuitest.Wait):
		h.t.Fatalf("no mail came for %s", to)
	}
	return ""
}

// none sees that no mail waits or comes.
func (h *posted) none(why string) {
	h.t.Helper()
	h.quiet()
	select {
	case m := <-h.got:
		h.t.Errorf("%s, a mail came: %s", why, m)
	default:
	}
}

// quiet waits until nothing is being sent: the clock of the house may go on then.
func (h *posted) quiet() {
	h.t.Helper()
	end := time.After(webuitest.Wait)
	for {
		var left int
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select (select count(*) from job where kind = ? and state <> 'done') + (select count(*) from mail where state in ('waiting', 'sending'))`, identity.LetterJob).Scan(&left)
		})
		if left == 0 {
			break
		}
		select {
		case <-end:
			h.t.Fatalf("there are still %d jobs or mails", left)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

var coded = regexp.MustCompile(`(?m)^demo\.srl_[A-Za-z0-9_-]{43}`)

func (h *posted) code(to string) string {
	h.t.Helper()
	m := h.mail(to)
	code := coded.FindString(m)
	if code == "" || !strings.Contains(m, "https://strongroom.example.com"+identity.LetterPage+"#"+code) {
		h.t.Fatalf("no code stands in %s", m)
	}
	return code
}

func (h *posted) forgot(email string) *webuitest.Page {
	h.t.Helper()
	return h.Client().Post(identity.ForgottenPage, url.Values{"tenant": {coretest.Name}, "email": {email}})
}

// ask asks below the pages, from an address.
func (h *posted) ask(email, from string) error {
	return h.Server.Letters.Ask(h.t.Context(), identity.Attempt{Tenant: coretest.Name, Email: email, Addr: netip.MustParseAddr(from)})
}

const fresh = "lanterns over the old harbour"

func (h *posted) set(code, password string) *webuitest.Page {
	h.t.Helper()
	return h.Client().Post(identity.LetterPage, url.Values{"code": {code}, "password": {password}})
}

func (h *posted) opens(email, password string, status int) *webuitest.Page {
	h.t.Helper()
	return h.Client().Post("/sign-in", url.Values{"tenant": {coretest.Name}, "email": {email}, "password": {password}}).Want(status)
}

// TestForgottenPassword: who forgot her password chooses a new one by a mail, once, for an
// hour, while she has the address; nobody is told who has an account.
func TestForgottenPassword(t *testing.T) {
	h := open(t)
	email := webuitest.Email(access.Editor)
	user := h.UserID(access.Editor)
	t.Run("a new password by a mail", func(t *testing.T) {
		signedIn := h.As(access.Editor)
		if !h.Client().Get("/sign-in").Want(http.StatusOK).Has(`a[href="` + identity.ForgottenPage + `"]`) {
			t.Error("the sign-in page does not lead there")
		}
		h.Client().Post(identity.ForgottenPage, url.Values{"tenant": {coretest.Name}, "email": {" "}}).Want(http.StatusUnprocessableEntity)
		if to := h.forgot(email).Want(http.StatusSeeOther).To(); to != identity.LetterPage {
			t.Errorf("led to %s", to)
		}
		code := h.code(email)
		if again := h.set(code, "short").Want(http.StatusUnprocessableEntity); again.Form("form.entrance").Get("code") != code || !again.Has("#e-password") {
			t.Errorf("after a password that cannot be the page is %s", again.Text("main"))
		}
		h.set(code+"x", fresh).Want(http.StatusUnprocessableEntity)
		signedIn.Get("/account").Want(http.StatusOK)
		h.set(code, fresh).Want(http.StatusSeeOther)
		signedIn.Get("/account").Want(http.StatusSeeOther)
		h.opens(email, webuitest.Password, http.StatusUnauthorized)
		h.opens(email, fresh, http.StatusSeeOther)
		if used := h.set(code, fresh+" again").Want(http.StatusUnprocessableEntity); !strings.Contains(used.Text("main"), "works once") {
			t.Errorf("the second time the page says %s", used.Text("main"))
		}
		c := h.Client()
		c.Post("/sign-in", url.Values{"tenant": {coretest.Name}, "email": {email}, "password": {fresh}}).Want(http.StatusSeeOther)
		if !strings.Contains(c.Get("/notifications").Text("main"), "Your password was set anew") {
			t.Error("she is not told")
		}
		if !strings.Contains(h.As(access.Administrator).Get("/audit").Text("main"), "set a password") {
			t.Error("it is not in the log")
		}
	})
	t.Run("nobody is told who has an account", func(t *testing.T) {
		known, unknown := h.forgot(email).Want(http.StatusSeeOther), h.forgot("nobody@demo.example").Want(http.StatusSeeOther)
		if known.To() != unknown.To() || known.Header.Get("Set-Cookie") != unknown.Header.Get("Set-Cookie") || known.Body != unknown.Body {
			t.Errorf("%v and %v", known.Header, unknown.Header)
		}
		h.code(email)
		h.none("nobody has the address")
		if a := h.Client().Post(identity.ForgottenPage, url.Values{"tenant": {"no-such-company"}, "email": {email}}); a.Status != http.StatusSeeOther || a.Body != known.Body {
			t.Errorf("for a company that is not there: %d", a.Status)
		}
	})
	t.Run("it cannot fill somebody's mailbox", func(t *testing.T) {
		h.Clock.Advance(3 * time.Hour)
		for n, from := range []string{"192.0.2.9", "198.51.100.9", "203.0.113.9", "192.0.2.99", "198.51.100.99", "203.0.113.99"} {
			if err := h.ask(email, from); err != nil {
				t.Fatalf("the %dth: %v", n, err)
			}
		}
		for range 3 {
			h.code(email)
		}
		h.none("three are enough for an hour")
		for _, who := range []string{email, "nobody@demo.example"} {
			var err error
			for range 12 {
				if err = h.ask(who, "100.64.1.1"); err != nil {
					break
				}
			}
			if !fault.Is(err, fault.Throttled) {
				t.Errorf("from one network %s is asked for for ever: %v", who, err)
			}
		}
		h.none("three are enough for an hour")
	})
	// Each of these happens between the mail and its use.
	for name, between := range map[string]func(){
		"an hour passes": func() { h.Clock.Advance(identity.ForgottenLife) },
		"her address is another one": func() {
			h.update(user, record.Values{"email": "other@demo.example"})
		},
		"she may not sign in any more": func() {
			h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.User, user, true) })
		},
		"an administrator gives out a one-time password": func() {
			if _, err := h.Directory.Reset(t.Context(), h.Admin(), user); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h.Clock.Advance(3 * time.Hour)
			if err := h.ask(email, "192.0.2.1"); err != nil {
				t.Fatal(err)
			}
			code := h.code(email)
			between()
			if err := h.Server.Letters.Set(t.Context(), identity.Attempt{}, code, "a password of somebody else"); !fault.Is(err, fault.Invalid) {
				t.Errorf("the code still works: %v", err)
			}
			if name == "she may not sign in any more" {
				h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.User, user, false) })
			}
			h.update(user, record.Values{"email": email})
		})
	}
	t.Run("two at the same time", func(t *testing.T) {
		h.Clock.Advance(3 * time.Hour)
		if err := h.ask(email, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		code := h.code(email)
		errs := make([]error, 4)
		var all sync.WaitGroup
		for n := range errs {
			all.Go(func() {
				errs[n] = h.Server.Letters.Set(t.Context(), identity.Attempt{}, code, fresh+strings.Repeat("!", n))
			})
		}
		all.Wait()
		won := 0
		for n, err := range errs {
			if err == nil {
				won++
				h.opens(email, fresh+strings.Repeat("!", n), http.StatusSeeOther)
			}
		}
		if won != 1 {
			t.Errorf("%d of 4 set a password: %v", won, errs)
		}
	})
	t.Run("the second factor is asked for all the same", func(t *testing.T) {
		h.Clock.Advance(3 * time.Hour)
		c := access.System(coretest.Name, "console")
		c.User, c.Email, c.Confirmed = user, email, h.Clock.Now().UnixMilli()
		err := h.Gate.Change(t.Context(), c, access.SignIn, gate.Thing{Kind: identity.User, ID: user}, func(tx *gate.Tx) error {
			o, err := mfa.NewApp(tx)
			if err != nil {
				return err
			}
			code, _, err := secret.Code(o.Key, h.Clock.Now())
			if err != nil {
				return err
			}
			_, err = mfa.AddApp(tx, o.Sealed, code, "")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.ask(email, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		h.set(h.code(email), fresh+" once more").Want(http.StatusSeeOther)
		if to := h.opens(email, fresh+" once more", http.StatusSeeOther).To(); !strings.HasPrefix(to, "/sign-in/second") {
			t.Errorf("led to %s", to)
		}
	})
	t.Run("who has no password here gets none", func(t *testing.T) {
		sso := h.NewUser("sso@demo.example", "Sso Only", access.Editor)
		h.Change(func(tx *gate.Tx) error {
			_, err := tx.Exec(`delete from local_credential where user_id = ?`, int64(sso))
			return err
		})
		h.forgot("sso@demo.example").Want(http.StatusSeeOther)
		if m := h.mail("sso@demo.example"); coded.MatchString(m) || !strings.Contains(m, "as you usually do") {
			t.Errorf("the mail says %s", m)
		}
	})
	t.Run("switched off", func(t *testing.T) {
		h.Clock.Advance(3 * time.Hour)
		if err := h.ask(email, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		sent, admin := h.code(email), h.As(access.Administrator)
		if _, err := h.Server.Letters.Invite(t.Context(), h.Admin(), identity.Person{Email: "guest@demo.example", Name: "Gus Guest", Role: access.ReadOnly}); err != nil {
			t.Fatal(err)
		}
		invited := h.code("guest@demo.example")
		save := func(form url.Values, status int) *webuitest.Page {
			return admin.Post("/settings/sign-in/forgotten", form).Want(status)
		}
		form := admin.Get("/settings/sign-in").Want(http.StatusOK).Form("#forgotten")
		if form["resets"][len(form["resets"])-1] != "1" {
			t.Errorf("it is not on from the beginning: %v", form)
		}
		form.Set("resets", "0")
		form.Set("whom", strings.Repeat("x", 201))
		if again := save(form, http.StatusUnprocessableEntity).Form("#forgotten"); again.Get("whom") != form.Get("whom") || again.Get("resets") != "0" || len(again["resets"]) != 1 {
			t.Errorf("what was entered is lost: %v", again)
		}
		form.Set("whom", "Call the <service> desk, extension 100.")
		h.As(access.Manager).Post("/settings/sign-in/forgotten", form).Want(http.StatusForbidden)
		save(form, http.StatusSeeOther)
		for _, who := range []string{email, "nobody@demo.example"} {
			p := h.forgot(who).Want(http.StatusConflict)
			if text := p.Text("main"); strings.Contains(text, "mail comes") || p.Has("#e-email") || strings.Count(text, form.Get("whom")) != 1 {
				t.Errorf("for %s the page says %s", who, text)
			}
		}
		c := h.As(access.ReadOnly)
		c.Post("/sign-out", nil)
		if p := c.Get(identity.ForgottenPage).Want(http.StatusOK); !strings.Contains(p.Text("main"), form.Get("whom")) || p.Has("#e-email") {
			t.Errorf("to a browser that knows the company the page says %s", p.Text("main"))
		}
		h.none("it is switched off")
		h.set(sent, fresh).Want(http.StatusUnprocessableEntity)
		h.set(invited, fresh).Want(http.StatusSeeOther)
		if !strings.Contains(admin.Get("/audit").Text("main"), "settled how forgotten passwords are set anew") {
			t.Error("it is not in the log")
		}
		form.Set("resets", "1")
		save(form, http.StatusSeeOther)
		h.forgot(email).Want(http.StatusSeeOther)
		h.code(email)
	})
	t.Run("other tokens are no codes", func(t *testing.T) {
		for _, code := range []string{"", "demo.srl_", "demo.srl_" + strings.Repeat("A", 43), "other.srl_" + strings.Repeat("A", 43), "demo.srs_" + strings.Repeat("A", 43)} {
			h.set(code, fresh).Want(http.StatusUnprocessableEntity)
		}
	})
}

func (h *posted) update(user id.ID, v record.Values) {
	h.t.Helper()
	h.Change(func(tx *gate.Tx) error { _, err := h.Records.Update(tx, identity.User, user, 0, v); return err })
}

// TestInvitation: who is invited by mail chooses her own password, and nobody else knows
// it; an invitation ends the ones before it.
func TestInvitation(t *testing.T) {
	h := open(t)
	admin := h.As(access.Administrator)
	form := admin.Get("/users/new").Want(http.StatusOK).Form("form.genform")
	if form.Get("mail") == "" {
		t.Errorf("by mail is not what is offered first: %v", form)
	}
	form.Set("email", "ines@demo.example")
	form.Set("name", "Ines Invited")
	to := admin.Post("/users", form).Want(http.StatusSeeOther).To()
	first := h.code("ines@demo.example")
	again := url.Values{}
	if page := admin.Get(to).Want(http.StatusOK); !strings.Contains(page.Text("main"), "Invited by mail, good until") {
		t.Errorf("her page does not say that she is invited: %s", page.Text("main"))
	}
	h.As(access.Manager).Post(to+"/invite", again).Want(http.StatusForbidden)
	admin.Post("/users", form).Want(http.StatusUnprocessableEntity) // there is somebody with the address
	admin.Post(to+"/invite", again).Want(http.StatusSeeOther)
	second := h.code("ines@demo.example")
	h.set(first, fresh).Want(http.StatusUnprocessableEntity)
	h.forgot("ines@demo.example").Want(http.StatusSeeOther) // she looks for the mail in vain
	third := h.code("ines@demo.example")
	h.set(second, fresh).Want(http.StatusSeeOther)
	h.set(third, fresh).Want(http.StatusUnprocessableEntity)
	if to := h.opens("ines@demo.example", fresh, http.StatusSeeOther).To(); to != "/" {
		t.Errorf("led to %s", to)
	}
	admin.Post(to+"/invite", again).Want(http.StatusConflict)

	h.Clock.Advance(time.Minute)
	user, err := h.Server.Letters.Invite(t.Context(), h.Admin(), identity.Person{Email: "late@demo.example", Name: "Lea Late", Role: access.Editor})
	if err != nil {
		t.Fatal(err)
	}
	late := h.code("late@demo.example")
	h.Clock.Advance(identity.InvitationLife)
	h.set(late, fresh).Want(http.StatusUnprocessableEntity)
	h.As(access.Administrator).Post("/users/"+user.String()+"/invite", again).Want(http.StatusSeeOther)
	last := h.code("late@demo.example")
	names := h.set(last, "Demo demo, late@demo.example").Want(http.StatusUnprocessableEntity)
	if !strings.Contains(names.Text(".errors"), "nothing but names") {
		t.Errorf("a password of names alone: %s", names.Text(".errors"))
	}
	errs := make([]error, 4) // she and who read her mail, at the same moment
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() {
			errs[n] = h.Server.Letters.Set(t.Context(), identity.Attempt{}, last, fresh+strings.Repeat("!", n))
		})
	}
	all.Wait()
	if won := len(slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err != nil })); won != 1 {
		t.Errorf("%d of 4 took one invitation: %v", won, errs)
	}
}

// TestNoMail: where no mail is sent, that is said, and passwords are handed over.
func TestNoMail(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	if h.Client().Get("/sign-in").Want(http.StatusOK).Has(`a[href="` + identity.ForgottenPage + `"]`) {
		t.Error("the sign-in page leads to what cannot be")
	}
	if text := h.Client().Get(identity.ForgottenPage).Want(http.StatusOK).Text("main"); !strings.Contains(text, "one-time password") {
		t.Errorf("the page says %s", text)
	}
	h.Client().Post(identity.ForgottenPage, url.Values{"tenant": {coretest.Name}, "email": {"a@b.example"}}).Want(http.StatusConflict)
	if h.As(access.Administrator).Get("/users/new").Want(http.StatusOK).Has("#f-mail") {
		t.Error("an invitation by mail is offered")
	}
	t.Run("with mail, as much is done for who is not known", func(t *testing.T) {
		h.Server.Letters.Post.(*outbox.Outbox).Relay = &mail.Relay{}
		ask := func(email string) int64 {
			return h.Statements(func() {
				if err := h.Server.Letters.Ask(t.Context(), identity.Attempt{Tenant: coretest.Name, Email: email, Addr: netip.MustParseAddr("192.0.2.1")}); err != nil {
					t.Error(err)
				}
			})
		}
		ask("first@demo.example") // what is warmed is warm
		if known, unknown := ask(webuitest.Email(access.Editor)), ask("nobody@demo.example"); known != unknown {
			t.Errorf("%d statements for who is known, %d for who is not", known, unknown)
		}
	})
}
