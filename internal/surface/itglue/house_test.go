package itglue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/number"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/certificate"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/configuration"
	"strongroom/internal/feature/contact"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/domain"
	"strongroom/internal/feature/exporter"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/location"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/feature/tracker/seen"
	"strongroom/internal/surface/itglue"
)

// house is a house whose API answers at url. Its features are the real ones.
type house struct {
	*coretest.House
	t    testing.TB
	api  *itglue.API
	keys *apikey.Keys
	jobs *job.Runner
	url  string
	key  string // of an administrator, with passwords
	host string // tenant that the host of the next requests names
	says *promise
}

func features() []record.Feature {
	return []record.Feature{
		organization.Feature(),
		location.Feature(),
		contact.Feature(),
		configuration.Feature(),
		document.Feature(),
		password.Feature(),
		approval.Feature(),
		attachment.Feature(),
		relation.Feature(),
		identity.Feature(),
		apikey.Feature(),
		flexibleasset.Feature(),
		customobject.Feature(),
		{Name: "number", Schema: number.Schema},
		external.Feature(),
		exporter.Feature(),
		domain.Feature(),
		certificate.Feature(),
		checklist.Feature(),
		notification.Feature(),
		comment.Feature(),
		flag.Feature(),
		tracker.Feature(),
		runbook.Feature(),
	}
}

// welcome is a way of signing in that knows one address and one password.
type welcome struct{ email, password string }

func (w welcome) Check(_ context.Context, t method.Try) (method.Claim, error) {
	if t.Email != w.email || t.Password != w.password {
		return method.Claim{}, fault.New(fault.Unauthorized, "No.")
	}
	return method.Claim{Method: "test", Email: t.Email, Verified: true, Level: 1}, nil
}

// open gives a house with the lists of a new tenant.
func open(t testing.TB) *house {
	t.Helper()
	h := &house{House: coretest.Open(t, coretest.Options{Features: features(), Schema: job.Schema, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}), t: t}
	h.Change(h.Records.Seed)
	h.keys = &apikey.Keys{Gate: h.Gate}
	h.api = &itglue.API{
		Gate: h.Gate, Records: h.Records, Keys: h.keys, Limiter: &apikey.Limiter{Now: h.Clock.Now},
		Sessions:    &identity.Sessions{Gate: h.Gate, Methods: []method.Password{welcome{"ada@example.com", "correct horse"}}},
		Secrets:     &secret.Revealer{Gate: h.Gate, Keys: h.Keys.Client, Policies: []secret.Policy{approval.Policy}},
		Attachments: &attachment.Store{Gate: h.Gate, Max: 1 << 20}, Relations: &relation.Relations{Records: h.Records},
		Tenant: func(*http.Request) string { return h.host }, Log: slog.New(slog.DiscardHandler), Now: h.Clock.Now,
	}
	h.jobs = &job.Runner{House: h.House.House, Gate: h.Gate, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Now: h.Clock.Now, Poll: 2 * time.Millisecond, ResolveKey: h.keys.CallerOf}
	h.api.Exports = &exporter.Exporter{Gate: h.Gate, Records: h.Records, Files: h.api.Attachments, Secrets: h.api.Secrets, Jobs: h.jobs, Now: h.Clock.Now}
	h.jobs.Handlers = map[string]job.Handler{exporter.JobKind: h.api.Exports.Handler()}
	h.api.Trackers = &tracker.Checker{Gate: h.Gate, Records: h.Records, Jobs: h.jobs, Off: true, Trackers: []seen.Tracker{{Name: "dns", Title: "DNS", Kinds: []string{"domain"}, Every: time.Hour}}}
	h.api.Runbooks = &runbook.Runbooks{Gate: h.Gate, Records: h.Records, Relations: h.api.Relations, Jobs: h.jobs}
	h.jobs.Handlers[runbook.JobKind] = h.api.Runbooks.Handler()
	h.says = promised(t, h.api)
	s := httptest.NewServer(h.api.Handler())
	t.Cleanup(s.Close)
	h.url = s.URL
	h.key = h.newKey(apikey.New{Name: "admin", Role: access.Administrator, Passwords: true, Limit: &apikey.Limit{}})
	return h
}

func (h *house) newKey(n apikey.New) string {
	h.t.Helper()
	_, text, err := h.keys.Create(h.t.Context(), h.Admin(), n)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// user makes a user who sees these organizations (all when none is given) and
// gives her id and a key that acts for her.
func (h *house) user(role access.Role, passwords bool, orgs ...id.ID) (id.ID, string) {
	h.t.Helper()
	name := strings.ToLower(strings.ReplaceAll(string(role), "-", "")) + h.Clock.Now().Format("150405.000000000")
	h.Clock.Advance(time.Nanosecond)
	who := h.Make("user", 0, record.Values{"email": name + "@example.com", "first_name": "Sam", "last_name": string(role), "role_name": string(role)})
	group := h.Make("group", 0, record.Values{"name": "Group of " + name})
	h.Change(func(tx *gate.Tx) error {
		if err := identity.SetMembers(tx, group, []id.ID{who}); err != nil {
			return err
		}
		return identity.SetOrganizations(tx, group, len(orgs) == 0, orgs)
	})
	return who, h.newKey(apikey.New{Name: name, Owner: who, Passwords: passwords, Limit: &apikey.Limit{}})
}

// one gives the id of the only record of a kind with that name.
func (h *house) one(kind, name string) id.ID {
	h.t.Helper()
	var n int64
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select coalesce(max(id), 0) from record where kind = ? and name_fold = ? and trashed_at is null`, kind, record.Fold(name)).Scan(&n)
	})
	return id.ID(n)
}

// reply is an answer, read completely.
type reply struct {
	t      testing.TB
	name   string
	status int
	header http.Header
	body   []byte
	doc    map[string]any
	closes bool // the server announced that it closes the connection
}

// ask sends a request; body is JSON text, a []byte, a value to encode, or nil.
func (h *house) ask(key, method, path string, body any, header ...string) *reply {
	h.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case []byte:
		r = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			h.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	address := path
	if !strings.HasPrefix(path, "http") {
		address = h.url + path
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, address, r)
	if err != nil {
		h.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-Api-Key", key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/vnd.api+json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode < 400 {
		h.says.answered(method, path)
	}
	out := &reply{t: h.t, name: method + " " + path, status: res.StatusCode, header: res.Header, body: text, closes: res.Close}
	if strings.Contains(res.Header.Get("Content-Type"), "json") && res.Header.Get("Content-Encoding") == "" {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&out.doc); err != nil {
			h.t.Fatalf("%s: not JSON: %v\n%s", out.name, err, text)
		}
		h.says.kept(h.t, method, path, out)
	}
	return out
}

func (h *house) get(path string) *reply { h.t.Helper(); return h.ask(h.key, "GET", path, nil).is(200) }

func (h *house) do(method, path string, body any, status int) *reply {
	h.t.Helper()
	return h.ask(h.key, method, path, body).is(status)
}

// is sees that the answer has that status, and is an error document when it is
// an error.
func (r *reply) is(status int) *reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: status %d, want %d\n%s", r.name, r.status, status, r.body)
	}
	if status >= 400 {
		for _, at := range []string{"errors.0.title", "errors.0.detail", "errors.0.status"} {
			if s, _ := r.at(at).(string); s == "" {
				r.t.Fatalf("%s: %s is missing in %s", r.name, at, r.body)
			}
		}
	}
	return r
}

// at walks into the document: data.0.attributes.name. A missing member is nil.
func (r *reply) at(path string) any {
	var v any = r.doc
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			n := 0
			for _, c := range key {
				n = n*10 + int(c-'0')
			}
			if n >= len(x) {
				return nil
			}
			v = x[n]
		default:
			return nil
		}
	}
	return v
}

// has tells whether a member is there, be it null.
func (r *reply) has(path string) bool {
	i := strings.LastIndex(path, ".")
	m, _ := r.at(path[:i]).(map[string]any)
	_, ok := m[path[i+1:]]
	return ok
}

// shows sees that the document says so; numbers and ids are given as text.
func (r *reply) shows(path string, want any) *reply {
	r.t.Helper()
	got := r.at(path)
	if n, ok := got.(json.Number); ok {
		got = n.String()
	}
	if i, ok := want.(id.ID); ok {
		want = i.String()
	}
	if got != want {
		r.t.Errorf("%s: %s is %v, want %v\n%s", r.name, path, got, want, r.body)
	}
	return r
}

func (r *reply) id() id.ID {
	r.t.Helper()
	s, _ := r.at("data.id").(string)
	i, ok := id.Parse(s)
	if !ok {
		r.t.Fatalf("%s: no id in %s", r.name, r.body)
	}
	return i
}

// names lists an attribute of all objects in data, joined.
func (r *reply) names(attribute string) string {
	list, _ := r.at("data").([]any)
	var out []string
	for _, x := range list {
		s, _ := x.(map[string]any)["attributes"].(map[string]any)[attribute].(string)
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// body makes a document of one object.
func body(typ string, attributes map[string]any) map[string]any {
	return map[string]any{"data": map[string]any{"type": typ, "attributes": attributes}}
}

type attrs = map[string]any

// ids makes a document of objects that are only named.
func ids(typ string, list ...id.ID) map[string]any {
	var data []any
	for _, i := range list {
		data = append(data, map[string]any{"type": typ, "attributes": map[string]any{"id": i}})
	}
	return map[string]any{"data": data}
}

// limitedKey gives a key that may make n requests in five minutes.
func (h *house) limitedKey(n int) string {
	return h.newKey(apikey.New{Name: "limited", Role: access.Administrator, Limit: &apikey.Limit{Requests: n, Window: 5 * time.Minute}})
}

// revokedKey gives a key that was good once.
func (h *house) revokedKey() string {
	h.t.Helper()
	k, text, err := h.keys.Create(h.t.Context(), h.Admin(), apikey.New{Name: "gone", Role: access.Administrator})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.keys.Revoke(h.t.Context(), h.Admin(), k.ID); err != nil {
		h.t.Fatal(err)
	}
	return text
}
