package providertest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository gives the top of the repository, from wherever below it the test runs.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test runs outside of the repository")
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal(err)
	return ""
}

// StartOIDC starts npm's oidc-provider, which knows a callback, and gives its issuer and how it
// is told who signs in next. at is the address of its port, or "" for any. The test is skipped
// by name where it is not installed.
func StartOIDC(t testing.TB, at, how, callback string) (issuer string, next func(string)) {
	t.Helper()
	root := repository(t)
	modules, err := filepath.Abs(filepath.Join(root, "bin", "oidc-provider"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "node_modules", "oidc-provider")); err != nil {
		t.Skip("npm's oidc-provider is not here: run tools/packages")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: run tools/packages")
	}
	version, err := exec.CommandContext(t.Context(), node, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), "."); len(major) < 2 || major < "20" {
		t.Skipf("oidc-provider needs node 20, and this is %s", version)
	}
	if at == "" {
		at = FreePort(t)
	}
	port := at[strings.LastIndex(at, ":")+1:]
	person := filepath.Join(t.TempDir(), "person")
	next = func(who string) {
		if err := os.WriteFile(person, []byte(who), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	next("alice")
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(root, "tools", "oidc-provider", "provider.mjs"), port, callback, modules, person, how)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || strings.TrimSpace(line) != "ready" {
		t.Fatalf("the provider says %q: %v", line, err)
	}
	return "http://127.0.0.1:" + port, next
}
