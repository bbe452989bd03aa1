package ways_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	upstream "github.com/go-ldap/ldap/v3"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/identity/providertest"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/surface/webui/webuitest"
)

// report waits for the newest import, and gives what came of it.
func (d *directory) report(t *testing.T, n int) way.ImportRun {
	t.Helper()
	wid, _ := id.Parse(strings.TrimPrefix(d.at, "/settings/sign-in/"))
	for end := time.Now().Add(webuitest.Wait); ; time.Sleep(10 * time.Millisecond) {
		var runs []way.ImportRun
		d.View(d.Admin(), func(tx *gate.Tx) (err error) { runs, err = d.Server.Ways.ImportRuns(tx, wid); return err })
		if len(runs) == n && (runs[0].Report != nil || runs[0].State == "failed") {
			return runs[0]
		}
		if time.Now().After(end) {
			t.Fatalf("no import ended: %+v", runs)
		}
	}
}

func texts(r way.ImportRun, sort string) (out []string) {
	for _, c := range r.Report.Changes {
		if c.Sort == sort {
			out = append(out, strings.TrimSuffix(strings.SplitN(c.Who, ", ", 2)[0]+": "+c.Text, ": "))
		}
	}
	slices.Sort(out)
	return out
}

// users lists who can sign in, with what the directory gave them.
func (d *directory) users(t *testing.T) (out []string) {
	t.Helper()
	d.View(d.Admin(), func(tx *gate.Tx) error {
		rows, err := tx.Query(`select u.email, p.role, r.archived, (select count(*) from access_member m where m.user_id = u.id) from k_user u join record r on r.id = u.id
			join access_principal p on p.user_id = u.id where u.email like '%@example.com' and r.trashed_at is null order by u.email`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var email, role string
			var archived bool
			var groups int
			if err := rows.Scan(&email, &role, &archived, &groups); err != nil {
				return err
			}
			s := strings.TrimSuffix(email, "@example.com") + " " + role + " " + string(rune('0'+groups))
			if archived {
				s += " archived"
			}
			out = append(out, s)
		}
		return rows.Err()
	})
	return out
}

// TestImport: everybody of a directory is brought in, what a dry run says is what
// happens, an import that changes nothing writes nothing, who is missing is archived
// and comes back, and nobody is deleted or taken over.
func TestImport(t *testing.T) {
	d, l := importing(t)
	admin := d.As(access.Administrator)
	d.NewUser("eve@example.com", "Eve Here", access.Editor) // was here before: the address is hers
	at := d.at + "/import"
	for _, role := range []access.Role{access.Manager, access.Editor, access.ReadOnly} {
		d.As(role).Get(at).Want(http.StatusForbidden)
		d.As(role).Post(at+"/run", nil).Want(http.StatusForbidden)
	}
	admin.Post(at, url.Values{"hours": {"4"}, "create": {"1"}, "groups": {"1"}, "most": {"0"}}).Want(http.StatusUnprocessableEntity)
	admin.Post(at, url.Values{"hours": {"4"}, "create": {"1"}, "groups": {"1"}, "most": {"20"}}).Want(http.StatusSeeOther)
	admin.Post(at+"/try", nil).Want(http.StatusSeeOther)
	dry := d.report(t, 1)
	if got := d.users(t); len(got) != 1 {
		t.Errorf("a dry run leaves %q", got)
	}
	admin.Post(at+"/run", nil).Want(http.StatusSeeOther)
	first := d.report(t, 2)
	want := []string{"alice Creator 4", "bob Read-only 3", "dave Read-only 0", "eve Editor 0", "twin Read-only 0", "zoe Read-only 0"}
	if got := d.users(t); !slices.Equal(got, want) {
		t.Errorf("there are %q\nwant %q", got, want)
	}
	if made := texts(first, way.Made); len(made) != 5 || !slices.Equal(made, texts(dry, way.Made)) {
		t.Errorf("made %q, and the dry run said %q", made, texts(dry, way.Made))
	}
	left := texts(first, way.Skipped) // an address that is taken, twice, and none
	if said := texts(dry, way.Skipped); !slices.Equal(left, said) {
		t.Errorf("left alone %q, and the dry run said %q", left, said)
	}
	if len(left) != 3 || strings.Contains(strings.Join(left, " "), " you") || !strings.Contains(left[0], "already a user") {
		t.Errorf("left alone: %q", left)
	}
	d.sign(d.Client(), "alice", "alice-pass").Want(http.StatusSeeOther)
	before := d.entries(t)
	admin.Post(at+"/run", nil).Want(http.StatusSeeOther)
	if again := d.report(t, 3); again.Report.Same != 5 || len(texts(again, way.Changed)) != 0 || len(texts(again, way.Made)) != 0 {
		t.Errorf("again: %+v", again.Report)
	}
	if n := d.entries(t) - before; n != 2 { // asked for, and done
		t.Errorf("an import that changes nothing writes %d entries", n)
	}
	d.change(t, l)
	session := d.Client()
	d.sign(session, "bob", "bob-pass").Want(http.StatusSeeOther)
	root := l.Root()
	entry, err := root.Search(upstream.NewSearchRequest(providertest.PersonDN("bob"), upstream.ScopeBaseObject, upstream.NeverDerefAliases, 1, 0, false, "(objectClass=*)", []string{"entryUUID"}, nil))
	if err != nil || len(entry.Entries) != 1 {
		t.Fatal(err)
	}
	if err := root.ModifyDN(upstream.NewModifyDNRequest(providertest.PersonDN("bob"), "uid=bob", true, "ou=policies,"+providertest.DirectoryBase)); err != nil {
		t.Fatal(err)
	}
	admin.Post(at+"/run", nil).Want(http.StatusSeeOther)
	third := d.report(t, 4)
	if got := texts(third, way.Off); !slices.Equal(got, []string{"Bob O'Neil"}) {
		t.Errorf("archived %q", got)
	}
	if got := texts(third, way.Changed); len(got) != 1 || !strings.Contains(got[0], "Alice Winter") || !strings.Contains(got[0], "leaves Technicians") || !strings.Contains(got[0], "role: Read-only") {
		t.Errorf("changed %q", got)
	}
	session.Get("/account").Want(http.StatusSeeOther)
	if err := root.ModifyDN(upstream.NewModifyDNRequest("uid=bob,ou=policies,"+providertest.DirectoryBase, "uid=bob", true, "ou=people,"+providertest.DirectoryBase)); err != nil {
		t.Fatal(err)
	}
	admin.Post(at+"/run", nil).Want(http.StatusSeeOther)
	if got := texts(d.report(t, 5), way.Back); len(got) != 1 || !strings.HasPrefix(got[0], "Bob") {
		t.Errorf("back %q", got)
	}
	d.sign(d.Client(), "bob", "bob-pass").Want(http.StatusSeeOther)
	for _, x := range []struct {
		later time.Duration
		runs  int
	}{{4*time.Hour - time.Minute, 5}, {time.Minute, 6}, {0, 6}, {4 * time.Hour, 7}} { // by itself, every four hours
		d.Clock.Advance(x.later)
		if err := d.Server.Ways.RunImports(t.Context(), coretest.Name); err != nil {
			t.Fatal(err)
		}
		d.report(t, x.runs)
	}
	b := browser.Open(t, d.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("way-import", at)
}

// TestMissing: a directory that suddenly lists few or nobody archives nobody.
func TestMissing(t *testing.T) {
	d, l := importing(t)
	admin, at := d.As(access.Administrator), d.at+"/import"
	admin.Post(at, url.Values{"hours": {"0"}, "create": {"1"}, "most": {"10"}}).Want(http.StatusSeeOther)
	admin.Post(at+"/run", nil).Want(http.StatusSeeOther)
	d.report(t, 1)
	was := d.users(t)
	root := l.Root()
	for i, uid := range []string{"bob", "dave", "zoë", "twin1", "twin2", "*)(uid=*", "nomail", "alice"} {
		if err := root.ModifyDN(upstream.NewModifyDNRequest(providertest.PersonDN(uid), "uid="+upstream.EscapeDN(uid), true, "ou=policies,"+providertest.DirectoryBase)); err != nil {
			t.Fatal(err)
		}
		if i == 6 {
			admin.Post(at+"/run", nil).Want(http.StatusSeeOther)
			if r := d.report(t, 2); r.Report == nil || r.Report.Stopped == "" || len(texts(r, way.Off)) > 0 {
				t.Errorf("with one left: %+v", r)
			}
		}
	}
	admin.Post(at+"/run", nil).Want(http.StatusSeeOther)
	if r := d.report(t, 3); r.State == "done" {
		t.Errorf("with nobody left: %+v", r)
	}
	if got := d.users(t); !slices.Equal(got, was) {
		t.Errorf("there are %q, and were %q", got, was)
	}
}

// importing is a house that does its jobs, with a way to OpenLDAP.
func importing(t *testing.T) (*directory, *providertest.OpenLDAP) {
	t.Helper()
	return directoryOf(t, true, func(f url.Values) {
		f.Set("map_roles", "technicians = Creator")
		f.Set("map_groups", "technicians = Technicians")
	})
}

// entries counts what the audit log holds.
func (d *directory) entries(t *testing.T) (n int) {
	t.Helper()
	d.View(d.Admin(), func(tx *gate.Tx) error { return tx.QueryRow(`select count(*) from audit_entry`).Scan(&n) })
	return n
}

// change gives alice another name and takes her out of a group.
func (d *directory) change(t *testing.T, l *providertest.OpenLDAP) {
	t.Helper()
	root := l.Root()
	m := upstream.NewModifyRequest(providertest.PersonDN("alice"), nil)
	m.Replace("sn", []string{"Winter"})
	if err := root.Modify(m); err != nil {
		t.Fatal(err)
	}
	m = upstream.NewModifyRequest(providertest.GroupDN("technicians"), nil)
	m.Delete("member", []string{providertest.PersonDN("alice")})
	if err := root.Modify(m); err != nil {
		t.Fatal(err)
	}
}
