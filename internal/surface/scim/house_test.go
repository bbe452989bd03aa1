package scim_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/contact"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/identity/provision"
	"strongroom/internal/feature/identity/way"
	"strongroom/internal/feature/location"
	"strongroom/internal/feature/organization"
	"strongroom/internal/feature/password"
	"strongroom/internal/surface/scim"
)

// house is a house that a system of the customer's keeps users in.
type house struct {
	*coretest.House
	t         *testing.T
	url, key  string
	keys      *apikey.Keys
	provision *provision.Provision
	ways      *way.Ways
	made      int
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, House: coretest.Open(t, coretest.Options{Features: []record.Feature{
		organization.Feature(), location.Feature(), contact.Feature(), password.Feature(), identity.Feature(), way.Feature(), provision.Feature(), apikey.Feature(),
	}})}
	h.keys = &apikey.Keys{Gate: h.Gate}
	h.ways = &way.Ways{Gate: h.Gate, Records: h.Records, Secrets: &secret.Revealer{Gate: h.Gate}}
	h.provision = &provision.Provision{Gate: h.Gate, Records: h.Records, Ways: h.ways}
	srv := &scim.Server{Provision: h.provision, Gate: h.Gate, Keys: h.keys, Limiter: &apikey.Limiter{Now: h.Clock.Now}, Log: slog.New(slog.DiscardHandler), Now: h.Clock.Now}
	s := httptest.NewServer(srv.Handler())
	t.Cleanup(s.Close)
	h.url = s.URL
	h.key = h.newKey(apikey.New{Name: "Entra ID", Provisions: true, Limit: &apikey.Limit{}})
	return h
}

func (h *house) newKey(n apikey.New) string {
	h.t.Helper()
	_, key, err := h.keys.Create(h.t.Context(), h.Admin(), n)
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

// answer is an answer, read completely.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	text   string
	doc    map[string]any
}

// do sends a request with the key; body is JSON as a text.
func (h *house) do(method, path, body string, header ...string) *answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+scim.Path+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.key)
	r.Header.Set("Content-Type", "application/scim+json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := &answer{t: h.t, what: method + " " + path, status: resp.StatusCode, header: resp.Header, text: string(b)}
	if len(b) > 0 {
		if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/scim+json") {
			h.t.Errorf("%s answers %s", a.what, got)
		}
		if err := json.Unmarshal(b, &a.doc); err != nil {
			h.t.Errorf("%s answers %s: %v", a.what, b, err)
		}
	}
	return a
}

// want sees the status, and of a refusal that it is told as SCIM tells it.
func (a *answer) want(status int, kind ...string) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s answers %d, want %d: %s", a.what, a.status, status, a.text)
	}
	if status < 400 {
		return a
	}
	detail, _ := a.doc["detail"].(string)
	if schemas, _ := a.doc["schemas"].([]any); len(schemas) != 1 || schemas[0] != "urn:ietf:params:scim:api:messages:2.0:Error" || a.doc["status"] != http.StatusText(0)+itoa(status) || !strings.HasSuffix(detail, ".") {
		a.t.Errorf("%s says %s", a.what, a.text)
	}
	if got, _ := a.doc["scimType"].(string); len(kind) > 0 && got != kind[0] {
		a.t.Errorf("%s says %s, and not %s: %s", a.what, got, kind[0], a.text)
	}
	return a
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// at gives what stands under a path such as name.givenName or emails.0.value.
func (a *answer) at(path string) any {
	var v any = a.doc
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			var n int
			if json.Unmarshal([]byte(part), &n) != nil || n >= len(x) {
				return nil
			}
			v = x[n]
		default:
			return nil
		}
	}
	return v
}

// is sees what stands under a path.
func (a *answer) is(path string, want any) *answer {
	a.t.Helper()
	if got := a.at(path); got != want {
		a.t.Errorf("%s: %s is %v, want %v: %s", a.what, path, got, want, a.text)
	}
	return a
}

func (a *answer) id() string { s, _ := a.doc["id"].(string); return s }

// user makes a user by SCIM and gives her id.
func (h *house) user(name string) string {
	h.t.Helper()
	return h.do("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`","active":true}`).want(201).id()
}

// get reads the record of a user or group.
func (h *house) get(kind, n string) *record.Record {
	h.t.Helper()
	rid, _ := id.Parse(n)
	var r *record.Record
	h.View(h.Admin(), func(tx *gate.Tx) (err error) { r, err = h.Records.Get(tx, kind, rid); return err })
	return r
}

func (h *house) archive(kind, n string, on bool) {
	h.t.Helper()
	rid, _ := id.Parse(n)
	h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, kind, rid, on) })
}

// session opens a session of a user and tells later whether it is still there.
func (h *house) session(n string) func() bool {
	h.t.Helper()
	user, _ := id.Parse(n)
	h.Change(func(tx *gate.Tx) error {
		_, err := tx.Exec(`insert into identity_session (id, hash, user_id, sort, method, level, created_at, seen_at, expires_at, idle_ms, address, agent, device) values (?, ?, ?, 'srs_', 'local', 1, ?, ?, ?, 7200000, '', '', '')`,
			int64(user)+1<<40, []byte(n), int64(user), tx.Now, tx.Now, tx.Now+time.Hour.Milliseconds())
		return err
	})
	return func() (there bool) {
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) > 0 from identity_session where user_id = ?`, int64(user)).Scan(&there)
		})
		return there
	}
}

// opens tells whether a key is good for the other doors.
func (h *house) opens(key string) bool {
	_, _, err := h.keys.Resolve(h.t.Context(), key, netip.MustParseAddr("127.0.0.1"))
	return err == nil
}

// log lists the last entries of the audit log about a record, oldest first.
func (h *house) log(n string) (out []string) {
	h.t.Helper()
	rid, _ := id.Parse(n)
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := tx.Activity(audit.Filter{Object: rid, Limit: 100})
		for _, e := range list {
			out = append([]string{e.Action}, out...)
			if e.Via != "api key" {
				out[0] += " via " + e.Via
			}
		}
		return err
	})
	return out
}

// roleOf gives a user's role.
func (h *house) roleOf(n string) access.Role {
	return access.Role(h.get(identity.User, n).Values.Text("role_name"))
}

// editor makes a user as people make them here.
func (h *house) editor() id.ID {
	h.t.Helper()
	h.made++
	return h.Make(identity.User, 0, record.Values{"email": "editor" + itoa(h.made) + "@" + strings.ToLower(strings.ReplaceAll(h.t.Name(), "/", ".")) + ".example", "role_name": string(access.Editor)})
}
