package apptest_test

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
)

// TestALimitedKeyInAScript: the command line with a key that is limited by folder and by
// address. Of what lies elsewhere it learns not even whether it exists; from elsewhere the
// key is none; and no command runs without all that it was to be given.
func TestALimitedKeyInAScript(t *testing.T) {
	h := apptest.Open(t, apptest.Options{Bare: true, One: true})
	own := h.Tenants[0]
	c := access.System(own.Name, "console")
	var org, folder, outside id.ID
	err := h.App.Gate.Change(t.Context(), c, access.Create, gate.Thing{Kind: "password"}, func(tx *gate.Tx) error {
		make := func(kind string, v record.Values) (made id.ID) {
			r, err := h.App.Records.Create(tx, kind, v)
			if err != nil {
				t.Fatal(err)
			}
			return r.ID
		}
		org = make("organization", record.Values{"name": "Harbor"})
		folder = make("password_folder", record.Values{"organization_id": org, "name": "For scripts"})
		make("password", record.Values{"organization_id": org, "name": "Database", "password": "hunter2-db", "password_folder_id": folder})
		outside = make("password", record.Values{"organization_id": org, "name": "Router", "password": "hunter2-r"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	key := func(network string) string {
		_, text, err := h.App.APIKeys.Create(t.Context(), c, apikey.New{Name: network, Role: access.Editor, Passwords: true, Folders: []id.ID{folder}, Networks: []netip.Prefix{netip.MustParsePrefix(network)}})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	with := func(key, in string, args ...string) (out, said string, code int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), apptest.Program(t), args...)
		var o, e bytes.Buffer
		cmd.Env = append(os.Environ(), "STRONGROOM_URL="+h.URL, "STRONGROOM_KEY="+key, "NO_PROXY=*")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &o, &e
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return o.String(), e.String(), cmd.ProcessState.ExitCode()
	}
	here, there := key("127.0.0.0/8"), key("192.0.2.0/24")

	list, _, _ := with(here, "", "secret", "ls")
	if !strings.Contains(list, "Database") || strings.Contains(list, "Router") {
		t.Errorf("the key lists %q", list)
	}
	for name, args := range map[string][]string{"get": {"secret", "get", "Harbor/Database"}, "run": {"run", "-env", "DB=Harbor/Database", "--", "sh", "-c", `echo "$DB"`}} {
		if out, said, code := with(here, "", args...); out != "hunter2-db\n" || code != 0 {
			t.Errorf("%s: exit code %d, %q, %s", name, code, out, said)
		}
	}
	never := id.ID(int64(outside) + 1<<40)
	_, unknown, _ := with(here, "", "secret", "get", never.String())
	for _, k := range []struct {
		name, key, says string
		args            []string
	}{
		{"Another folder by name", here, `There is no password "Router" in "Harbor" that this key may see`, []string{"secret", "get", "Harbor/Router"}},
		{"What never was by name", here, `There is no password "Nothing" in "Harbor" that this key may see`, []string{"secret", "get", "Harbor/Nothing"}},
		{"Another folder by number", here, strings.ReplaceAll(unknown, never.String(), outside.String()), []string{"secret", "get", outside.String()}},
		{"A command that would need it", here, `There is no password "Router"`, []string{"run", "-env", "A=Harbor/Database", "-env", "B=Harbor/Router", "--", "sh", "-c", "echo ran"}},
		{"A new one outside of the folder", here, "folder", []string{"secret", "put", "Harbor/Router"}},
		{"The list from another address", there, "The API key is not valid", []string{"secret", "ls"}},
		{"A password from another address", there, "The API key is not valid", []string{"secret", "get", "Harbor/Database"}},
		{"A command from another address", there, "The API key is not valid", []string{"run", "-env", "DB=Harbor/Database", "--", "sh", "-c", "echo ran"}},
		{"A change from another address", there, "The API key is not valid", []string{"secret", "put", "Harbor/Database"}},
	} {
		if out, said, code := with(k.key, "hunter3", k.args...); code != 1 || out != "" || k.says == "" || !strings.Contains(said, k.says) {
			t.Errorf("%s: exit code %d, %q, %q and not %q", k.name, code, out, said, k.says)
		}
	}
	if _, said, code := with(here, "hunter4", "secret", "put", "Harbor/Database"); code != 0 {
		t.Errorf("its own is not changed: %s", said)
	}
	if out, _, _ := with(here, "", "secret", "get", "Harbor/Database"); out != "hunter4\n" {
		t.Errorf("after all that it is %q", out)
	}
}
