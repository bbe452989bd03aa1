package ways_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/identity/providertest"
	"strongroom/internal/surface/webui"
	"strongroom/internal/surface/webui/webuitest"
)

// ear hears everything that is logged.
type ear struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.b.Write(p)
}

func (e *ear) heard() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.b.String()
}

// directory is a house with a way to OpenLDAP.
type directory struct {
	*webuitest.House
	at, path string // of the way's settings, and of where people sign in
	log      *ear
}

func withDirectory(t *testing.T, change func(url.Values)) *directory {
	t.Helper()
	d, _ := directoryOf(t, false, change)
	return d
}

func directoryOf(t *testing.T, jobs bool, change func(url.Values)) (*directory, *providertest.OpenLDAP) {
	t.Helper()
	l := providertest.StartOpenLDAP(t, false, "")
	d := &directory{log: &ear{}}
	d.House = webuitest.Open(t, webuitest.Options{Jobs: jobs, Change: func(s *webui.Server) {
		s.Log = slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.Gate.Log = s.Log
	}})
	f := url.Values{}
	for _, x := range d.Server.Ways.Kind("ldap").Fields {
		f.Set(x.Name, x.Default)
	}
	for k, v := range map[string]string{"servers": l.Plain + "\n" + l.TLS, "ca": l.Authority.PEM, "bind_dn": providertest.ServiceDN, "bind_password": providertest.ServicePassword,
		"people_base": "ou=people," + providertest.DirectoryBase, "group_base": "ou=groups," + providertest.DirectoryBase,
		"kind": "ldap", "name": "Company directory", "active": "1", "base": d.URL, "role": "Read-only"} {
		f.Set(k, v)
	}
	if change != nil {
		change(f)
	}
	d.at = d.As(access.Administrator).Post("/settings/sign-in", f).Want(http.StatusSeeOther).To()
	d.path = "/ways/" + coretest.Name + strings.TrimPrefix(d.at, "/settings/sign-in")
	return d, l
}

// sign signs in with a name and password of the directory.
func (d *directory) sign(c *webuitest.Client, name, password string) *webuitest.Page {
	return c.Post(d.path, url.Values{"name": {name}, "password": {password}, "to": {"/organizations"}})
}

// TestDirectory: who has a password in the company's directory signs in with it, as
// the user that an administrator or the way made of her, and nobody else does.
func TestDirectory(t *testing.T) {
	d := withDirectory(t, nil)
	admin := d.As(access.Administrator)
	if page := admin.Post(d.at+"/test", nil).Want(http.StatusOK); strings.Count(page.Text("main"), "answers over TLS") != 2 {
		t.Errorf("the test says %q", page.Text("main"))
	}
	c := d.Client()
	if got := c.Get("/sign-in?company=demo").Attr(".ways a", "href"); got != d.path {
		t.Errorf("the button leads to %s", got)
	}
	c.Get(d.path).Want(http.StatusOK)
	wrong := d.sign(c, "alice", "wrong").Want(http.StatusUnauthorized).Text(".errors")
	for name, password := range map[string]string{"nobody": "alice-pass", "*": "alice-pass", "alice)(uid=*": "alice-pass", "dave": "dave-pass", "bob": ""} {
		if got := d.sign(c, name, password).Want(http.StatusUnauthorized).Text(".errors"); got != wrong {
			t.Errorf("%s is told %q, and others %q", name, got, wrong)
		}
	}
	if page := d.sign(c, "alice", "alice-pass").Want(http.StatusForbidden); !strings.Contains(page.Text(".errors"), "nobody here is connected") {
		t.Errorf("a stranger is told %q", page.Text(".errors"))
	}
	form := admin.Get(d.at).Form("#strangers")
	form.Set("key", admin.Get(d.at).Attr("#strangers option[value]:last-child", "value"))
	form.Set("email", webuitest.Email(access.Editor))
	admin.Post(d.at+"/connect", form).Want(http.StatusSeeOther)
	if to := d.sign(c, "ALICE@example.com", "alice-pass").Want(http.StatusSeeOther).To(); to != "/organizations" {
		t.Errorf("led to %s", to)
	}
	if got := c.Get("/account").Text("main"); !strings.Contains(got, webuitest.Email(access.Editor)) {
		t.Errorf("she is %s", got)
	}
	f := admin.Get(d.at).Form("#form")
	f.Set("create", "1")
	f.Set("map_groups", "everyone = Technicians")
	f.Set("map_roles", providertest.GroupDN("staff")+" = Creator")
	f.Del("bind_password")
	admin.Post(d.at, f).Want(http.StatusSeeOther)
	d.sign(d.Client(), "bob", "bob-pass").Want(http.StatusSeeOther)
	var role string
	var member int
	d.View(d.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select p.role, (select count(*) from access_member m where m.user_id = p.user_id) from access_principal p join k_user u on u.id = p.user_id where u.email = ?`, "bob@example.com").Scan(&role, &member)
	})
	if role != "Creator" || member != 1 {
		t.Errorf("bob is %s in %d groups", role, member)
	}
	if page := d.sign(d.Client(), "nomail", "nomail-pass").Want(http.StatusForbidden); !strings.Contains(page.Text(".errors"), "e-mail address") {
		t.Errorf("without an address: %q", page.Text(".errors"))
	}
	d.sign(d.Client(), "twin1", "twin1-pass").Want(http.StatusSeeOther)
	d.sign(d.Client(), "twin2", "twin2-pass").Want(http.StatusForbidden) // the address of another user
}

// TestSecondFactorAfterTheDirectory: the password of a directory is one factor; who
// has a second one here has half a session until she gives it.
func TestSecondFactorAfterTheDirectory(t *testing.T) {
	d := withDirectory(t, func(f url.Values) { f.Set("create", "1") })
	c := d.Client()
	d.sign(c, "alice", "alice-pass").Want(http.StatusSeeOther)
	page := c.Get("/me/security/app").Want(http.StatusOK)
	seed := strings.ReplaceAll(page.Text("dl.cred output"), " ", "")
	form := page.Form("form.genform")
	now, _, err := secret.Code(seed, d.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	form.Set("code", now)
	form.Set("name", "Telephone")
	codes := c.Post("/me/security/app", form).Want(http.StatusOK).Texts(".codes li")
	if len(codes) == 0 {
		t.Fatal("no recovery codes")
	}
	again := d.Client()
	if to := d.sign(again, "alice", "alice-pass").Want(http.StatusSeeOther).To(); !strings.HasPrefix(to, "/sign-in/second") {
		t.Fatalf("led to %s", to)
	}
	if to := again.Get("/account").Want(http.StatusSeeOther).To(); !strings.HasPrefix(to, "/sign-in") {
		t.Errorf("half a session opens the account: %s", to)
	}
	again.Post("/sign-in/second", url.Values{"code": {"000000"}}).Want(http.StatusUnprocessableEntity)
	again.Post("/sign-in/second", url.Values{"code": {codes[0]}, "to": {"/organizations"}}).Want(http.StatusSeeOther)
	again.Get("/account").Want(http.StatusOK)
	n := 0
	d.View(d.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from sign_in_session s join identity_session i on i.id = s.session_id where i.level = 2`).Scan(&n)
	})
	if n == 0 {
		t.Error("the session does not stand on the directory any more")
	}
}

// TestPasswordsPassThrough: a password that people have in the directory is in no
// log, no row of any table, no file and no answer, be it right or wrong; nor is that
// of the account that looks people up.
func TestPasswordsPassThrough(t *testing.T) {
	d := withDirectory(t, func(f url.Values) { f.Set("create", "1") })
	const wrong = "a-wrong-word-that-is-found-nowhere"
	var answers strings.Builder
	for _, x := range [][2]string{{"alice", "alice-pass"}, {"alice", wrong}, {"nobody", wrong}, {"dave", "dave-pass"}, {"nomail", "nomail-pass"}, {"*)(uid=*", "*)(uid=*-pass"}} {
		answers.WriteString(d.sign(d.Client(), x[0], x[1]).Body)
	}
	answers.WriteString(d.As(access.Administrator).Get(d.at).Body)
	places := map[string]string{"the log": d.log.heard(), "an answer": answers.String()}
	everything(t, d.House, places)
	if len(places) < 50 || !strings.Contains(places["table k_user"], "alice@example.com") || !strings.Contains(places["the log"], "sign-in") {
		t.Fatalf("only %d places are looked at", len(places))
	}
	for where, text := range places {
		for _, word := range []string{wrong, "alice-pass", "dave-pass", "nomail-pass", "uid=*-pass", providertest.ServicePassword} {
			if strings.Contains(text, word) {
				t.Errorf("%s holds %q", where, word)
			}
		}
	}
}

// everything adds each table's rows and each file of a house.
func everything(t *testing.T, h *webuitest.House, places map[string]string) {
	t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		q := `select name from sqlite_master where type = 'table'`
		if os.Getenv("STRONGROOM_TEST_DB") == "postgres" {
			q = `select table_name from information_schema.tables where table_schema = current_schema()`
		}
		rows, err := tx.Query(q)
		if err != nil {
			return err
		}
		var tables []string
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return err
			}
			tables = append(tables, s)
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for _, table := range tables {
			if places["table "+table], err = dump(tx, table); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		return nil
	})
	root := h.House.House.Dir
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		places["file "+path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func dump(tx *gate.Tx, table string) (string, error) {
	q := `select * from "` + table + `"`
	if table == "search_doc" && os.Getenv("STRONGROOM_TEST_DB") == "postgres" {
		q = `select t::text from search_doc t` // its vector has no other form
	}
	rows, err := tx.Query(q)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns := rows.Columns()
	var out strings.Builder
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		for _, v := range values {
			fmt.Fprintf(&out, "%s\n", v)
		}
	}
	return out.String(), rows.Err()
}

// TestDirectoryPages looks at the pages as people do.
func TestDirectoryPages(t *testing.T) {
	d := withDirectory(t, nil)
	b := browser.Open(t, d.URL)
	b.Everywhere("ways-password", d.path)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("way-ldap", d.at)
}
