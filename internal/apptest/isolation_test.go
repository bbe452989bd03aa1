package apptest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
)

// TestIsolation asks for everything, at every address that is mounted, as
// everybody, with the ids of what the asker may not see: nothing of it comes
// back, nothing of it changes, and no answer tells it from what does not exist.
//
// Addresses come from the mounted routes and samples from the declared kinds, so
// that a new one is covered when it exists. What a parameter stands for is
// found in the address; see filler.
func TestIsolation(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	x := &isolation{t: t, h: h, own: h.Tenants[0], other: h.Tenants[1], seen: map[id.ID]bool{}}
	for _, s := range x.own.Things {
		if s.Where == apptest.Seen || s.Where == apptest.Shared {
			x.seen[s.ID] = true
		}
	}
	x.secrets, x.sets = secretsOf(h.App.Records.Kinds), h.App.Ivanti.Sets()
	t.Run("API", func(t *testing.T) { x.with(t).walk(x.programs(), h.App.API.Routes(), "/api/v1") })
	t.Run("web", func(t *testing.T) { x.with(t).walk(x.browsers(), h.App.Web.Routes(), "") })
	t.Run("portal", func(t *testing.T) { x.with(t).portal() })
	t.Run("vault", func(t *testing.T) { x.with(t).walk(x.programs(), h.App.Vault.Routes(), "") })
	t.Run("Ivanti", func(t *testing.T) { x.with(t).walk(x.programs(), h.App.Ivanti.Routes(), "/api") })
	t.Run("provisioning", func(t *testing.T) { x.with(t).provisioning() })
	t.Run("keys", func(t *testing.T) { x.with(t).keys() })
}

// missing is an id that nothing has.
const missing = id.ID(900000000007)

type isolation struct {
	t          *testing.T
	h          *apptest.House
	own, other *apptest.Tenant
	secrets    *regexp.Regexp
	sets       map[string]string          // kinds by what Ivanti's clients call them in addresses
	seen       map[id.ID]bool             // of the own tenant, by everybody
	none       map[string]*apptest.Answer // what a route answers about what does not exist
}

func (x isolation) with(t *testing.T) *isolation { x.t = t; return &x }

// asker is somebody who asks.
type asker struct {
	name   string
	role   access.Role
	client *http.Client
	header http.Header
	blind  bool          // may not see secret values
	still  bool          // may change nothing
	alone  bool          // sees what is the manager's alone
	page   bool          // gets pages, which name the address asked for
	portal bool          // a customer, who takes part in nothing that there is
	sees   access.Rights // the kinds that she sees, when she does not see all
}

// roles are those that ask. What a role may do is decided before a statement is made, so
// with PostgreSQL three of them ask: one who sees everything, one who does not, and one
// who changes nothing.
func roles() []access.Role {
	if sqlite() {
		return access.Roles()
	}
	return []access.Role{access.Administrator, access.Editor, access.ReadOnly}
}

func (x *isolation) programs() (out []*asker) {
	c := x.h.Programs()
	for _, role := range roles() {
		p := x.own.People[role]
		out = append(out, &asker{name: string(role) + "'s key", role: role, client: c, header: http.Header{"X-Api-Key": {p.Key}}, still: role == access.ReadOnly, alone: role == access.Manager})
	}
	for _, role := range []access.Role{access.Administrator, access.Editor} {
		p := x.own.People[role]
		out = append(out, &asker{name: string(role) + "'s key without passwords", role: role, client: c, header: http.Header{"X-Api-Key": {p.NoSecret}}, blind: true})
		if !sqlite() {
			break
		}
		out = append(out, &asker{name: string(role) + "'s read-only key", role: role, client: c, header: http.Header{"X-Api-Key": {p.ReadOnly}}, still: true})
	}
	for _, p := range x.own.Narrow {
		out = append(out, narrow(p, &asker{name: p.Email + "'s key", client: c, header: http.Header{"X-Api-Key": {p.Key}}}))
	}
	return out
}

// narrow fills in what a custom role leaves of somebody's rights.
func narrow(p *apptest.Person, a *asker) *asker {
	a.role = p.Role
	if a.blind = !p.Custom.Has("password", access.Reveal); !p.Custom.Has("password", access.View) {
		a.sees = p.Custom
	}
	return a
}

func (x *isolation) browsers() (out []*asker) {
	for _, role := range roles() {
		out = append(out, &asker{name: string(role) + "'s browser", role: role, client: x.own.People[role].Browser(), still: role == access.ReadOnly, alone: role == access.Manager, page: true})
	}
	if !sqlite() {
		return out // custom roles ask for pages on SQLite, and through the API on both: the condition is the same statement
	}
	for _, p := range x.own.Narrow {
		out = append(out, narrow(p, &asker{name: p.Email + "'s browser", client: p.Browser(), page: true}))
	}
	return out
}

// portal asks as a customer: every page but hers is not there, whatever it is asked for, and
// hers tell nothing of any sample, since she takes part in none.
func (x *isolation) portal() {
	c := &asker{name: "a customer", role: access.SelfService, client: x.own.Customer.Browser(), page: true, portal: true}
	var tried int
	for _, route := range x.h.App.Web.Routes() {
		f := x.filler(route)
		path := strings.TrimPrefix(route[strings.Index(route, " ")+1:], "/")
		if f == nil || leaveOut[route] != "" || slices.Contains(public, route) || path == "{$}" {
			continue
		}
		if strings.HasPrefix(path, "portal") {
			y := *x
			y.seen = map[id.ID]bool{}
			tried += y.route([]*asker{c}, f, "")
			continue
		}
		if strings.HasPrefix(path, "me/security") || strings.HasPrefix(path, "account/password") || strings.HasPrefix(path, "sign-") {
			continue // hers alone, as everybody's
		}
		for _, target := range one(f.targets(x.own, apptest.Seen)) {
			tried++
			if a := x.ask(c, f, "", target); a.Status != http.StatusNotFound || x.leak(c, a) != "" {
				x.t.Errorf("%s answers %d to a customer: %.200s", f.path(target), a.Status, a.Body)
			}
		}
	}
	x.t.Logf("%d requests", tried)
}

// hidden tells whether somebody may not see samples of a tenant in a place.
func (x *isolation) hidden(a *asker, tenant *apptest.Tenant, w apptest.Where) bool {
	if a.portal {
		return true
	}
	return tenant != x.own || w == apptest.Alone && !a.alone || a.role != access.Administrator && (w == apptest.Closed || w == apptest.Locked)
}

// leak gives what an answer holds that the asker may not see, or "".
func (x *isolation) leak(a *asker, answer *apptest.Answer) string {
	b := bytes.ToLower(answer.Body)
	for k, v := range answer.Header {
		b = append(b, strings.ToLower("\n"+k+": "+strings.Join(v, " "))...)
	}
	words := []string{"qz" + x.other.Name, x.other.Name + ".example", "the " + x.other.Name + " company", "organization of " + x.other.Name}
	for _, w := range []apptest.Where{apptest.Closed, apptest.Locked, apptest.Alone, apptest.Seen} {
		if w == apptest.Seen && !a.portal {
			continue
		}
		if x.hidden(a, x.own, w) {
			words = append(words, apptest.Word(x.own.Name, w))
		}
	}
	for _, k := range identity.Listed(x.h.App.Records.Kinds) {
		if a.sees != nil && !a.sees.Has(k.Name, access.View) && k.Scope == record.OfOrganization {
			words = append(words, apptest.Word(x.own.Name, apptest.Seen)+"x"+strings.ReplaceAll(k.Name, "_", "")+"x")
		}
	}
	for _, w := range words {
		if i := bytes.Index(b, []byte(w)); i >= 0 {
			return string(b[max(0, i-200):min(len(b), i+100)])
		}
	}
	if s := x.secrets.Find(b); a.blind && s != nil {
		return string(s)
	}
	return ""
}

// secretsOf matches the secret values of samples.
func secretsOf(g *record.Registry) *regexp.Regexp {
	var names []string
	for _, k := range g.Kinds() {
		names = append(names, k.Secrets()...)
	}
	return regexp.MustCompile(`qz[a-z]+x[a-z]+x[0-9]+-(` + strings.Join(names, "|") + `)`)
}

// leaveOut are routes that end or change what the askers themselves need, and
// that take no id of anything but their own.
var leaveOut = map[string]string{ //nolint:gochecknoglobals // a table
	"POST /exports":                      "starts a job, whose entries make the log grow while answers are compared; tested in surface/itglue",
	"POST /sign-out":                     "ends the asker's session",
	"POST /sign-in":                      "takes no session; tested by scripts",
	"POST /account/sessions/end":         "ends the asker's sessions",
	"POST /me/security/app":              "names nothing, and is slowed by wrong codes; tested in webui/security",
	"POST /me/security/confirm":          "likewise",
	"POST /me/security/passkey":          "names nothing, and takes one answer to a question; tested in webui/security",
	"POST /me/security/passkey/question": "names nothing, and never gives the same twice",
	"POST /me/security/confirm/passkey":  "takes one answer to a question; tested in webui/security",
	"POST /me/security/confirm/question": "names nothing, and never gives the same twice",
	"POST /sign-in/passkey":              "takes no session; tested in webui/security",
	"POST /sign-in/passkey/question":     "likewise",
	"POST /sign-in/second/passkey":       "likewise",
	"POST /sign-in/second/question":      "likewise",
	"POST /account/password":             "changes the asker's password",
	"POST /webhooks/{id}/secret":         "makes a secret each time; tested in webui/hooks",
	"POST /on-call/feed":                 "names nothing, and makes an address each time; tested in webui/duties",
	"POST /settings/pairs/rotate":        "names nothing, and starts a job that the next one waits for; tested in webui/pairs",
	"POST /settings/provisioning/keys":   "names nothing, and makes a key each time; tested in webui/provisioning",
	"GET /jwt/token":                     "takes an access token and no key",
	"POST /login":                        "takes no key; tested beside it",
	"POST /rest/authentication/login":    "takes no key; tested beside it",
	"GET /openapi.json":                  "the same for everybody, with or without a key",
}

// public are the routes of pages for who is not signed in.
var public = []string{"GET /sign-in", "GET /sign-in/forgotten", "POST /sign-in/forgotten", "GET /sign-in/new-password", "POST /sign-in/new-password", "GET /first-run", "POST /first-run", "POST /theme", "POST /as/end", "GET /support", "POST /support", "GET /static/", "GET /s/{share}", "POST /s/{share}/open", "GET /survey/{name}", "POST /survey/{name}",
	"GET /on-call/{tenant}/{share}",
	"GET /sign-in/brand/{tenant}/logo", "GET /sign-in/brand/{tenant}/style.css",
	"GET /ways/{tenant}/{way}", "POST /ways/{tenant}/{way}", "GET /ways/{tenant}/{way}/return", "POST /ways/{tenant}/{way}/ended",
	"POST /ways/{tenant}/{way}/return", "GET /ways/{tenant}/{way}/metadata", "GET /ways/{tenant}/{way}/leave", "GET /ways/{tenant}/{way}/logout", "POST /ways/{tenant}/{way}/logout"} //nolint:gochecknoglobals // a table

// reads is 1 for a route that reads the whole log, which grows with each request: those are
// asked first.
func reads(route string) int {
	for _, word := range []string{"audit", "activity", "/logs", "export"} {
		if strings.Contains(route, word) {
			return 1
		}
	}
	return 0
}

func (x *isolation) walk(askers []*asker, routes []string, prefix string) {
	var tried int
	routes = slices.Clone(routes)
	slices.SortStableFunc(routes, func(a, b string) int { return reads(b) - reads(a) })
	for _, route := range routes {
		if leaveOut[route] != "" || strings.HasPrefix(route, "GET /static/") {
			continue
		}
		f := x.filler(route)
		if f == nil {
			continue // it said what is wrong
		}
		tried += x.route(askers, f, prefix)
	}
	if tried < 10*len(routes) {
		x.t.Errorf("only %d requests to %d routes", tried, len(routes))
	}
	x.t.Logf("%d requests to %d routes", tried, len(routes))
}

// route tries one route with everything that somebody may not see, and with
// what she may.
func (x *isolation) route(askers []*asker, f *filler, prefix string) (tried int) {
	x.rest()
	before := x.state()
	x.none = map[string]*apptest.Answer{}
	type place struct {
		tenant *apptest.Tenant
		where  apptest.Where
	}
	for _, p := range []place{{x.own, apptest.Closed}, {x.own, apptest.Locked}, {x.own, apptest.Alone}, {x.other, apptest.Seen}} {
		first := true
		for i, a := range askers {
			if !x.hidden(a, p.tenant, p.where) || p.tenant != x.own && a.page && !a.portal && a.role != access.Administrator {
				continue // the other tenant's database is not opened for anybody: one browser is enough
			}
			targets := f.targets(p.tenant, p.where)
			if f.ofAnything() && !first {
				targets = some(targets, i)
			}
			first = false
			for _, target := range targets {
				tried++
				x.compare(a, f, prefix, target)
			}
		}
	}
	if now := x.state(); now != before {
		x.t.Errorf("%s changed something with ids that the asker may not see: %s, and before %s", f.route, now, before)
		before = now
	}
	tried += x.unseen(askers, f, prefix)
	if now := x.state(); now != before {
		x.t.Errorf("%s changed something of a kind that the asker does not see: %s, and before %s", f.route, now, before)
		before = now
	}
	for _, a := range askers {
		for _, target := range f.targets(x.own, apptest.Seen) {
			if a.portal {
				break // what others see is hidden from her, and was asked for above
			}
			if f.method != http.MethodGet && !a.still || f.method == http.MethodGet && f.writes() {
				continue // whoever may change things changes them
			}
			tried++
			got := x.ask(a, f, prefix, target)
			if s := x.leak(a, got); s != "" {
				x.t.Errorf("%s: %s %s shows what is hidden: %s", a.name, f.method, f.path(target), s)
			}
			if a.still && !a.page && f.method != http.MethodGet && f.ofRecords() && got.Status < 300 {
				x.t.Errorf("%s: %s %s answers %d", a.name, f.method, f.path(target), got.Status)
			}
		}
	}
	if now := x.state(); now != before {
		x.t.Errorf("%s lets somebody change something who may change nothing: %s, and before %s", f.route, now, before)
	}
	return tried
}

// unseen tries the route with records of kinds that a custom role does not see, in an
// organization that she sees.
func (x *isolation) unseen(askers []*asker, f *filler, prefix string) (tried int) {
	if f.thing == "" || f.thing == "other" {
		return 0
	}
	for _, a := range askers {
		if a.sees == nil {
			continue
		}
		y := *x
		y.seen = map[id.ID]bool{}
		for _, s := range x.own.Things {
			k := x.h.App.Records.Kinds.Kind(s.Kind)
			for k != nil && k.Scope == record.OfParent { // parts are allowed what the record is
				k = x.h.App.Records.Kinds.Kind(k.Field(k.Parent).Ref)
			}
			y.seen[s.ID] = x.seen[s.ID] && (k == nil || k.Scope == record.OfTenant || k.Scope == record.Organization || a.sees.Has(k.Name, access.View))
		}
		for _, target := range f.targets(x.own, apptest.Seen) {
			if y.seen[target.id] {
				continue
			}
			tried++
			y.compare(a, f, prefix, target)
		}
	}
	return tried
}

// compare asks for something hidden and for the same that does not exist.
func (x *isolation) compare(a *asker, f *filler, prefix string, hidden target) {
	got := x.ask(a, f, prefix, hidden)
	if s := x.leak(a, got); s != "" {
		x.t.Errorf("%s: %s %s shows what is hidden: %s", a.name, f.method, f.path(hidden), s)
	}
	none := x.gone(hidden)
	body := func(got *apptest.Answer, about target) []byte {
		if a.page {
			return plain(got.Body, about)
		}
		return addressless(got.Body, about)
	}
	key := fmt.Sprint(a.name, f.route, f.path(none), none)
	want := x.none[key]
	if want == nil {
		want = x.ask(a, f, prefix, none)
		x.none[key] = want
	}
	ids := func(b []byte) string { // without the ids of both, one of which may happen to be some other number on the page
		s := string(b)
		for _, i := range []id.ID{hidden.id, hidden.parent, hidden.org, none.id, none.parent, none.org} {
			if i != 0 {
				s = without(s, i.String())
			}
		}
		return s
	}
	same := func() bool { // equal as they are, or but for the ids
		return got.Status == want.Status && (bytes.Equal(got.Body, want.Body) || ids(body(got, hidden)) == ids(body(want, none)))
	}
	for range 3 { // the log, for one, may have grown in between
		if same() {
			return
		}
		got, want = x.ask(a, f, prefix, hidden), x.ask(a, f, prefix, none)
	}
	if again := x.ask(a, f, prefix, none); got.Status == again.Status && !bytes.Equal(body(want, none), body(again, none)) {
		return // it never answers the same, such as a generator of passwords
	}
	x.t.Errorf("%s: %s %s is told from what does not exist: %d %s\n%d %s", a.name, f.method, f.path(hidden), got.Status, diff(got.Body, want.Body), want.Status, diff(want.Body, got.Body))
}

// addressless takes the ids out of the addresses of the pages of a list.
func addressless(b []byte, t target) []byte {
	if t.query == "" {
		return b
	}
	s := string(b)
	for _, i := range []id.ID{t.id, t.parent, t.org} {
		s = strings.ReplaceAll(s, "="+i.String()+"&", "=ID&")
	}
	return []byte(s)
}

// plain takes out of a page what stems from the address and the request.
func plain(b []byte, t target) []byte {
	s := string(b)
	for _, mark := range []string{`<span class="mono">`, `<sr-copy value="`} {
		if _, after, ok := strings.Cut(s, mark); ok && len(after) > 16 {
			s = strings.ReplaceAll(s, mark+after[:16], mark)
		}
	}
	for _, i := range []id.ID{t.id, t.parent, t.org} {
		if i != 0 {
			s = without(s, i.String())
		}
	}
	return []byte(s)
}

// without replaces a number where it is no part of a longer one.
func without(s, number string) string {
	var out strings.Builder
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for {
		i := strings.Index(s, number)
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		end := i + len(number)
		out.WriteString(s[:i])
		if digit(i-1) || digit(end) {
			out.WriteString(number)
		} else {
			out.WriteString("ID")
		}
		s = s[end:]
	}
}

// diff gives the part of a in which it begins to differ from b.
func diff(a, b []byte) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return string(a[max(0, i-100):min(len(a), i+200)])
}

func (x *isolation) ask(a *asker, f *filler, prefix string, t target) *apptest.Answer {
	header := a.header
	var body any
	if f.method != http.MethodGet {
		body = f.body(t, a.page)
	}
	got, err := x.h.Do(a.client, f.method, prefix+f.path(t), body, header)
	if err != nil {
		x.t.Fatalf("%s: %s: %v", a.name, f.route, err)
	}
	if got.Status >= 500 {
		x.t.Errorf("%s: %s %s answers %d: %.500s", a.name, f.method, f.path(t), got.Status, got.Body)
	}
	return got
}

// rest puts off what the house does by schedule, such as to escalate what is late: it would
// change records while it is looked who changes some.
func (x *isolation) rest() {
	for _, tenant := range []*apptest.Tenant{x.own, x.other} {
		err := x.h.App.Gate.Change(x.t.Context(), tenant.Admin, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry())
			_, err := tx.Exec(`update job_schedule set next_at = ? where next_at < ?`, tx.Now+48*time.Hour.Milliseconds(), tx.Now+24*time.Hour.Milliseconds())
			return err
		})
		if err != nil {
			x.t.Fatal(err)
		}
	}
}

// state sums up everything of both tenants that must not change.
func (x *isolation) state() string {
	var out []string
	for _, tenant := range []*apptest.Tenant{x.own, x.other} {
		tenant.View(func(tx *gate.Tx) error {
			for _, q := range []string{
				`select count(*), coalesce(sum(version), 0) + coalesce(sum(restricted), 0) + coalesce(sum(archived), 0) from record where trashed_at is null`,
				`select count(*), coalesce(sum(object), 0) from secret_version`, `select count(*), coalesce(sum(id), 0) from attachment`,
				`select count(*), coalesce(sum(id), 0) from relation`, `select count(*), coalesce(sum(record_id), 0) from access_grant`,
				`select count(*), coalesce(sum(user_id), 0) from access_member`, `select count(*), coalesce(sum(org_id), 0) from access_group_org`,
				`select count(*), 0 from api_key`, `select count(*), 0 from external_ref`,
			} {
				var n, sum int64
				if err := tx.QueryRow(q).Scan(&n, &sum); err != nil {
					return fmt.Errorf("%s: %w", q, err)
				}
				out = append(out, fmt.Sprint(n, "/", sum))
			}
			return nil
		})
	}
	return strings.Join(out, " ")
}

// keys tries what is no key, or somebody else's.
func (x *isolation) keys() {
	p, q := x.own.People[access.Administrator], x.other.People[access.Administrator]
	stranger := &asker{name: "a stranger", client: x.h.Programs()}
	wrong := []string{"", p.Key[:len(p.Key)-1] + "x", strings.Replace(p.Key, x.own.Name, x.other.Name, 1), strings.ToUpper(p.Key), "ITG.nobody." + p.Key[10:], strings.Repeat("x", 100)}
	for _, route := range x.h.App.API.Routes() {
		f := x.filler(route)
		if f == nil || leaveOut[route] != "" {
			continue
		}
		for _, target := range one(f.targets(x.own, apptest.Seen)) {
			for i, key := range wrong {
				if i > 1 && f.method != http.MethodGet {
					continue
				}
				stranger.header = http.Header{"X-Api-Key": {key}}
				want := http.StatusForbidden
				if key == "" {
					stranger.header, want = nil, http.StatusUnauthorized
				}
				if a := x.ask(stranger, f, "/api/v1", target); a.Status != want || bytes.Contains(bytes.ToLower(a.Body), []byte("qz")) {
					x.t.Errorf("%s with the key %.12q answers %d: %.300s", f.route, key, a.Status, a.Body)
				}
			}
		}
	}
	host := &asker{name: "a key at another tenant's host", client: x.h.Programs(), header: http.Header{"X-Api-Key": {q.Key}}}
	r, err := http.NewRequestWithContext(x.t.Context(), "GET", x.h.URL+"/api/v1/organizations", nil)
	if err != nil {
		x.t.Fatal(err)
	}
	r.Host, r.Header = x.own.Name+".localhost", host.header
	resp, err := host.client.Do(r)
	if err != nil {
		x.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusForbidden {
		x.t.Errorf("%s is answered %d", host.name, resp.StatusCode)
	}
	x.strangers()
}

// strangers opens every page without a session and with one of another tenant's
// making.
func (x *isolation) strangers() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		x.t.Fatal(err)
	}
	nobody := &asker{name: "nobody", client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, page: true}
	for _, route := range x.h.App.Web.Routes() {
		f := x.filler(route)
		if f == nil || slices.Contains(public, route) || leaveOut[route] != "" {
			continue
		}
		for _, target := range one(f.targets(x.own, apptest.Seen)) {
			a := x.ask(nobody, f, "", target)
			if listens(route, a) {
				continue
			}
			if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/sign-in") || bytes.Contains(a.Body, []byte(x.own.Name+"seen")) {
				x.t.Errorf("%s without a session answers %d to %q: %.300s", f.route, a.Status, a.Header.Get("Location"), a.Body)
			}
		}
	}
}

// listens tells whether a route is what a script listens to, and refuses who is not signed
// in without showing a way in.
func listens(route string, a *apptest.Answer) bool {
	return route == "GET /desk/live" && a.Status == http.StatusUnauthorized && string(a.Body) == "Sign in first.\n"
}

// some gives a few targets, others for each number.
func some(list []target, i int) (out []target) {
	const few = 4
	if len(list) <= few {
		return list
	}
	for n := range few {
		out = append(out, list[(i*few+n)%len(list)])
	}
	return out
}

// one gives the first of some targets, if there are any.
func one(list []target) []target { return list[:min(1, len(list))] }
