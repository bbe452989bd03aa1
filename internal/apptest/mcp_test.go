package apptest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// assistant is a client of the protocol with a key.
type assistant struct {
	*mcp.ClientSession
	t *testing.T
}

// keyed sends a key with every request, as assistants are told to.
type keyed struct{ key, host string }

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+k.key)
	r.Host = k.host
	return http.DefaultTransport.RoundTrip(r)
}

func connect(t *testing.T, at mcp.Transport) (*assistant, error) {
	t.Helper()
	s, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), at, nil)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = s.Close() })
	return &assistant{s, t}, nil
}

// overHTTP gives an assistant with a key at a tenant's host.
func overHTTP(t *testing.T, h *apptest.House, tenant, key string) (*assistant, error) {
	t.Helper()
	at := &mcp.StreamableClientTransport{Endpoint: h.URL + "/mcp", HTTPClient: &http.Client{Transport: keyed{key, tenant + ".localhost"}}, DisableStandaloneSSE: true, MaxRetries: -1}
	return connect(t, at)
}

// tools lists what is offered.
func (a *assistant) tools() []string {
	a.t.Helper()
	var out []string
	for t, err := range a.Tools(a.t.Context(), nil) {
		if err != nil {
			a.t.Fatal(err)
		}
		out = append(out, t.Name)
	}
	slices.Sort(out)
	return out
}

// call uses a tool and gives all that came back, as text.
func (a *assistant) call(tool string, args map[string]any) (text string, failed bool) {
	a.t.Helper()
	r, err := a.CallTool(a.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return err.Error(), true
	}
	all, err := json.Marshal(r)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(all), r.IsError
}

// has fails the test when a tool's answer does not hold all of these.
func (a *assistant) has(tool string, args map[string]any, words ...string) string {
	a.t.Helper()
	got, failed := a.call(tool, args)
	for _, w := range words {
		if failed || !strings.Contains(strings.ToLower(got), strings.ToLower(w)) {
			a.t.Errorf("%s %v does not say %q: %.600s", tool, args, w, got)
		}
	}
	return got
}

// told gives the entries of the audit log about calls of assistants, newest last.
func told(tenant *apptest.Tenant) (out []string) {
	tenant.View(func(tx *gate.Tx) error {
		rows, err := tx.Query(`select session, object, result from audit_entry where action = 'mcp.call' order by seq`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var session, result string
			var object int64
			if err := rows.Scan(&session, &object, &result); err != nil {
				return err
			}
			out = append(out, fmt.Sprintf("%s %d %s", session, object, result))
		}
		return rows.Err()
	})
	return out
}

// TestAssistants lets assistants search and read, as their keys may.
func TestAssistants(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	own := h.Tenants[0]
	t.Run("tools", func(t *testing.T) { assistantReads(t, h, own) })
	t.Run("reveal", func(t *testing.T) { assistantReveals(t, h, own) })
	t.Run("isolation", func(t *testing.T) { assistantIsApart(t, h) })
	t.Run("keys", func(t *testing.T) { assistantNeedsAKey(t, h) })
	t.Run("bridge", func(t *testing.T) { assistantOverStdio(t, h, own) })
	t.Run("sealed", func(t *testing.T) { assistantIsToldWhatIsSealed(t, h, own) })
}

func assistantIsToldWhatIsSealed(t *testing.T, h *apptest.House, own *apptest.Tenant) {
	a, err := overHTTP(t, h, own.Name, own.People[access.Editor].Key)
	if err != nil {
		t.Fatal(err)
	}
	conf, c := thing(t, own, "configuration", apptest.Seen), access.System(own.Name, "console")
	if _, err := h.App.Sensitive.Mark(t.Context(), c, "configuration", "serial_number", false); err != nil {
		t.Fatal(err)
	}
	err = h.App.Gate.Change(t.Context(), c, access.Edit, gate.Thing{Kind: "configuration", ID: conf.ID}, func(tx *gate.Tx) error {
		_, err := h.App.Records.Update(tx, "configuration", conf.ID, 0, record.Values{"serial_number": "KELP-4711"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	args := map[string]any{"id": conf.ID.String()}
	a.has("get_record", args, "Serial number: (sealed")
	if text, failed := a.call("get_record", args); failed || strings.Contains(text, "KELP") {
		t.Errorf("an assistant reads %s", text)
	}
}

func assistantReads(t *testing.T, h *apptest.House, own *apptest.Tenant) {
	a, err := overHTTP(t, h, own.Name, own.People[access.Editor].NoSecret)
	if err != nil {
		t.Fatal(err)
	}
	conf, doc := thing(t, own, "configuration", apptest.Seen), thing(t, own, "document", apptest.Seen)
	before := len(told(own))
	a.has("list_kinds", nil, "configuration", "document", "password")
	a.has("list_kinds", map[string]any{"kind": "configurations"}, "hostname", "location_id", "to location")
	a.has("list_organizations", nil, "Open organization of "+own.Name)
	a.has("search", map[string]any{"query": apptest.Word(own.Name, apptest.Seen)}, "strongroom://")
	a.has("list_records", map[string]any{"kind": "configuration", "organization_id": own.Open.String(), "sort": "-name"}, conf.ID.String(), "in all")
	a.has("get_record", map[string]any{"id": conf.ID.String()}, "configuration, id "+conf.ID.String(), own.Open.String())
	a.has("get_record", map[string]any{"id": doc.ID.String()}, "document")
	a.has("related", map[string]any{"id": conf.ID.String()}, "0 hops")
	a.has("related", map[string]any{"id": conf.ID.String(), "follow": "breaks"}, conf.ID.String())
	a.has("expirations", map[string]any{"days": 3000, "past": true}, "run out until")
	if n := len(told(own)) - before; n != 10 {
		t.Errorf("%d calls are in the audit log, want 10", n)
	}
	for _, wrong := range []struct {
		tool string
		args map[string]any
		says string
	}{
		{"search", map[string]any{"query": " "}, "what to search for"},
		{"list_records", map[string]any{"kind": "spaceship"}, "list_kinds"},
		{"list_records", map[string]any{"kind": "user"}, "no kind"},
		{"list_records", map[string]any{"kind": "configuration", "filters": map[string]any{"notes": "x"}}, "cannot be filtered"},
		{"get_record", map[string]any{"id": "seven"}, "no id"},
		{"get_record", map[string]any{"id": missing.String()}, "does not exist"},
		{"related", map[string]any{"id": conf.ID.String(), "follow": "up"}, "follows"},
		{"nothing", nil, "nothing"},
	} {
		if got, failed := a.call(wrong.tool, wrong.args); !failed || !strings.Contains(got, wrong.says) {
			t.Errorf("%s %v: failed %v: %s", wrong.tool, wrong.args, failed, got)
		}
	}
	r, err := a.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "strongroom://configuration/" + conf.ID.String()})
	if err != nil || !strings.Contains(r.Contents[0].Text, conf.ID.String()) {
		t.Errorf("the resource: %v", err)
	}
	if _, err := a.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "strongroom://document/" + conf.ID.String()}); err == nil {
		t.Error("a record is read as what it is not")
	}
	trail, err := h.Do(h.Programs(), http.MethodGet, "/api/v1/logs", nil, http.Header{"X-Api-Key": {own.People[access.Administrator].Key}})
	if err != nil || !bytes.Contains(trail.Body, []byte("list_organizations")) {
		t.Errorf("the log does not name the tools: %v %.500s", err, trail.Body)
	}
	log := told(own)
	if last := log[len(log)-2]; !strings.HasSuffix(last, conf.ID.String()+" ok") {
		t.Errorf("reading a resource is recorded as %q", last)
	}
}

func assistantReveals(t *testing.T, h *apptest.House, own *apptest.Tenant) {
	pw := thing(t, own, "password", apptest.Seen)
	p := own.People[access.Editor]
	secrets := secretsOf(h.App.Records.Kinds)
	for who, key := range map[string]string{"without passwords": p.NoSecret, "of a Lite user": own.People[access.Lite].Key} {
		a, err := overHTTP(t, h, own.Name, key)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(a.tools(), "reveal_password") {
			t.Errorf("a key %s is offered the tool that reveals", who)
		}
		if got, failed := a.call("reveal_password", map[string]any{"id": pw.ID.String(), "reason": "please do"}); !failed || secrets.MatchString(got) {
			t.Errorf("a key %s is answered %s", who, got)
		}
		if got, _ := a.call("get_record", map[string]any{"id": pw.ID.String()}); secrets.MatchString(strings.ToLower(got)) {
			t.Errorf("a record holds its secret: %s", got)
		}
	}
	a, err := overHTTP(t, h, own.Name, p.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{"", "  ", "x"} {
		if got, failed := a.call("reveal_password", map[string]any{"id": pw.ID.String(), "reason": reason}); !failed || secrets.MatchString(strings.ToLower(got)) {
			t.Errorf("with the reason %q: %s", reason, got)
		}
	}
	if got, _ := a.call("get_record", map[string]any{"id": pw.ID.String()}); secrets.MatchString(strings.ToLower(got)) {
		t.Errorf("a record holds its secret: %s", got)
	}
	reveals := func() (n int) {
		own.View(func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from audit_entry where action = 'reveal.granted' and object = ?`, int64(pw.ID)).Scan(&n)
		})
		return n
	}
	before, calls := reveals(), len(told(own))
	got, failed := a.call("reveal_password", map[string]any{"id": pw.ID.String(), "reason": "the printer is locked"})
	if failed || !secrets.MatchString(strings.ToLower(got)) {
		t.Errorf("the password is not shown: %s", got)
	}
	if reveals() != before+1 || len(told(own)) != calls+1 {
		t.Error("the reveal and the call are not both in the audit log")
	}
}

// assistantIsApart asks by every tool for what a key may not see.
func assistantIsApart(t *testing.T, h *apptest.House) {
	x := &isolation{t: t, h: h, own: h.Tenants[0], other: h.Tenants[1], seen: map[id.ID]bool{}}
	x.secrets = secretsOf(h.App.Records.Kinds)
	own, other := x.own, x.other
	tried := 0
	for _, role := range []access.Role{access.Administrator, access.Editor, access.Lite, access.ReadOnly} {
		p := own.People[role]
		for name, key := range map[string]string{"key": p.Key, "key without passwords": p.NoSecret, "read-only key": p.ReadOnly} {
			who := &asker{name: string(role) + "'s " + name, role: role, blind: name == "key without passwords"}
			a, err := overHTTP(t, h, own.Name, key)
			if err != nil {
				t.Fatal(err)
			}
			for _, place := range []struct {
				tenant *apptest.Tenant
				where  apptest.Where
			}{{own, apptest.Closed}, {own, apptest.Locked}, {other, apptest.Seen}} {
				if x.hidden(who, place.tenant, place.where) {
					tried += x.asks(a, who, place.tenant, place.where)
				}
			}
			for _, tool := range []string{"search", "list_records", "expirations", "list_organizations"} {
				for _, k := range h.App.Records.Kinds.Kinds() {
					got, _ := a.call(tool, map[string]any{"search": map[string]any{"query": "qz", "limit": 50}, "list_records": map[string]any{"kind": k.Name, "text": "qz"},
						"expirations": map[string]any{"days": 3000, "past": true}, "list_organizations": map[string]any{"text": "qz"}}[tool].(map[string]any))
					if s := x.leak(who, answerOf(got)); s != "" {
						t.Errorf("%s: %s of %s shows what is hidden: %s", who.name, tool, k.Name, s)
					}
					if tried++; tool != "list_records" {
						break
					}
				}
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d calls", tried)
	}
}

// asks uses every tool on what is hidden, and on what does not exist: the two are
// answered alike.
func (x *isolation) asks(a *assistant, who *asker, tenant *apptest.Tenant, w apptest.Where) (tried int) {
	kinds := map[string]bool{}
	seen := thing(x.t, x.own, "configuration", apptest.Seen).ID.String()
	for _, s := range tenant.Things {
		if k := x.h.App.Records.Kinds.Kind(s.Kind); s.Where != w || k == nil || kinds[s.Kind] {
			continue
		}
		kinds[s.Kind] = true
		for _, c := range []func(rid string) (string, map[string]any){
			func(rid string) (string, map[string]any) { return "get_record", map[string]any{"id": rid} },
			func(rid string) (string, map[string]any) { return "related", map[string]any{"id": rid, "hops": -1} },
			func(rid string) (string, map[string]any) { return "related", map[string]any{"id": seen, "to": rid} },
			func(rid string) (string, map[string]any) {
				return "reveal_password", map[string]any{"id": rid, "reason": "curiosity"}
			},
			func(rid string) (string, map[string]any) {
				return "list_records", map[string]any{"kind": "document", "organization_id": rid}
			},
			func(rid string) (string, map[string]any) {
				return "expirations", map[string]any{"organization_id": rid}
			},
			func(rid string) (string, map[string]any) {
				return "search", map[string]any{"query": "qz", "organization_id": rid}
			},
		} {
			if x.own != tenant && belongs(x.own, s.ID) {
				continue
			}
			tool, args := c(s.ID.String())
			got, _ := a.call(tool, args)
			_, none := c(missing.String())
			want, _ := a.call(tool, none)
			tried++
			if shown := x.leak(who, answerOf(got)); shown != "" {
				x.t.Errorf("%s: %s %v shows what is hidden: %s", who.name, tool, args, shown)
			}
			if strings.ReplaceAll(got, s.ID.String(), "ID") != strings.ReplaceAll(want, missing.String(), "ID") {
				x.t.Errorf("%s: %s %v is told from what does not exist: %s\n%s", who.name, tool, args, got, want)
			}
		}
	}
	return tried
}

func belongs(tenant *apptest.Tenant, n id.ID) bool {
	return slices.ContainsFunc(tenant.Things, func(x *apptest.Thing) bool { return x.ID == n })
}

func answerOf(text string) *apptest.Answer { return &apptest.Answer{Body: []byte(text)} }

// assistantNeedsAKey: without one, with a wrong one and with another tenant's
// there is nothing, whatever is asked.
func assistantNeedsAKey(t *testing.T, h *apptest.House) {
	own, other := h.Tenants[0], h.Tenants[1]
	for who, l := range map[string]struct {
		tenant, key string
		status      int
	}{
		"nobody":                         {own.Name, "", http.StatusUnauthorized},
		"a stranger":                     {own.Name, "ITG.x", http.StatusForbidden},
		"another tenant's administrator": {own.Name, other.People[access.Administrator].Key, http.StatusForbidden},
	} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			r, err := http.NewRequestWithContext(t.Context(), method, h.URL+"/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = l.tenant + ".localhost"
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			if l.key != "" {
				r.Header.Set("X-Api-Key", l.key)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := resp.Body.Close(); err != nil || resp.StatusCode != l.status {
				t.Errorf("%s: %s is answered %d, want %d", who, method, resp.StatusCode, l.status)
			}
		}
		if _, err := overHTTP(t, h, l.tenant, l.key); err == nil {
			t.Errorf("%s is let in", who)
		}
	}
	a, err := overHTTP(t, h, other.Name, other.People[access.Administrator].Key)
	if err != nil {
		t.Fatal(err)
	}
	a.has("list_organizations", nil, "Open organization of "+other.Name)
}

// assistantOverStdio speaks with the program as assistants start it.
func assistantOverStdio(t *testing.T, h *apptest.House, own *apptest.Tenant) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(own.People[access.Editor].NoSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(env []string, args ...string) (*assistant, string) {
		var said bytes.Buffer
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), apptest.Program(t), append([]string{"mcp"}, args...)...)
		cmd.Env, cmd.Stderr = append(os.Environ(), env...), &said
		a, err := connect(t, &mcp.CommandTransport{Command: cmd})
		if err != nil {
			return nil, said.String()
		}
		return a, ""
	}
	for name, how := range map[string]struct{ env, args []string }{
		"environment": {[]string{"STRONGROOM_KEY=" + own.People[access.Editor].NoSecret}, []string{"-url", h.URL}},
		"file":        {nil, []string{"-url", h.URL, "-key-file", key}},
	} {
		a, said := start(how.env, how.args...)
		if a == nil {
			t.Fatalf("with the key in the %s: %s", name, said)
		}
		if got := a.tools(); slices.Contains(got, "reveal_password") || !slices.Contains(got, "search") {
			t.Errorf("the bridge offers %v", got)
		}
		conf := thing(t, own, "configuration", apptest.Seen)
		a.has("get_record", map[string]any{"id": conf.ID.String()}, conf.ID.String())
		if _, failed := a.call("get_record", map[string]any{"id": missing.String()}); !failed {
			t.Error("the bridge answers for what does not exist")
		}
		r, err := a.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "strongroom://configuration/" + conf.ID.String()})
		if err != nil || len(r.Contents) != 1 {
			t.Errorf("the resource: %v", err)
		}
	}
	bridgeByLines(t, h, own)
	for hint, args := range map[string][]string{"-key-file": {"-url", h.URL}, "https://": {"-url", "http://strongroom.example", "-key", "x"}, "whether the key": {"-url", h.URL, "-key", "ITG.x"}, "-url https": nil} {
		if a, said := start(nil, args...); a != nil || !strings.Contains(said, hint) {
			t.Errorf("%v says %q, and not %q", args, said, hint)
		}
	}
}

// bridgeByLines writes all lines at once, as a script does: a line that is none is told
// so, and each question is answered before the bridge ends with its input.
func bridgeByLines(t *testing.T, h *apptest.House, own *apptest.Tenant) {
	t.Helper()
	in := strings.Join([]string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"script","version":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`, `not a message`, ``, `17`, `{"jsonrpc":"2.0","id":2,`, `"` + strings.Repeat("x", 9<<20) + `"`,
		`{"jsonrpc":"2.0","id":"three","method":"tools/call","params":{"name":"list_organizations","arguments":{}}}`, `{"jsonrpc":"2.0","id":4,"method":"ping"}`}, "\n")
	cmd := exec.CommandContext(t.Context(), apptest.Program(t), "mcp", "-url", h.URL)
	cmd.Env, cmd.Stdin = append(os.Environ(), "STRONGROOM_KEY="+own.People[access.Editor].NoSecret), strings.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the bridge ended with %v: %s", err, out)
	}
	got := map[string]int{}
	for line := range strings.Lines(string(out)) {
		var m struct {
			ID    any
			Error struct{ Code int }
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		got[fmt.Sprint(m.ID, " ", m.Error.Code)]++
	}
	want := map[string]int{"1 0": 1, "three 0": 1, "4 0": 1, "<nil> -32700": 3, "<nil> -32600": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the answers are %v, not %v", got, want)
	}
}
