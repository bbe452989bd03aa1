package oidc_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"strongroom/internal/feature/identity/method"
	"strongroom/internal/feature/identity/methodtest"
	"strongroom/internal/feature/identity/providertest"
)

// start starts a provider that others wrote and gives its issuer, and how it is told
// who signs in next.
func start(t *testing.T, how string) (issuer string, next func(string)) {
	t.Helper()
	root := filepath.Join("..", "..", "..", "..", "..")
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
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
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

// roam follows redirects as a browser does, until one leads to the callback.
func roam(t *testing.T, to string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back url.Values
	c := http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), callback+"?") {
			back = r.URL.Query()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := c.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if back == nil {
		t.Fatalf("the provider answers %s", resp.Status)
	}
	return back
}

// TestRealProvider signs in at npm's oidc-provider, with claims in the ID token and,
// as the standard prefers, from the userinfo endpoint.
func TestRealProvider(t *testing.T) {
	for _, how := range []string{"loose", "strict"} {
		t.Run(how, func(t *testing.T) {
			issuer, next := start(t, how)
			w := open(t, issuer, providertest.Secret, time.Now)
			if lines, err := w.Test(t.Context()); err != nil || len(lines) < 3 {
				t.Errorf("the test button says %q, %v", lines, err)
			}
			if _, err := open(t, issuer, "wrong", time.Now).Test(t.Context()); err == nil || !strings.Contains(err.Error(), "client id and secret") {
				t.Errorf("with a wrong secret it says %v", err)
			}
			methodtest.RunRedirect(t, methodtest.Journey{Way: w, Callback: callback, Go: func(t *testing.T, to method.Away, other bool) url.Values {
				if next("alice"); other {
					next("bob")
				}
				return roam(t, to.To)
			}})
		})
	}
}
