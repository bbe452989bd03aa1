package breached_test

import (
	"bytes"
	"crypto/fips140"
	"crypto/sha1"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/breached"
)

func digest(p string) (out string) {
	fips140.WithoutEnforcement(func() { out = fmt.Sprintf("%X", sha1.Sum([]byte(p))) })
	return out
}

// list makes lines for n passwords "word 0", "word 1"..., each found one time more
// often than the one before.
func list(n int) []string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("%s:%d", digest(fmt.Sprint("word ", i)), i+1))
	}
	slices.Sort(lines)
	return lines
}

func TestFile(t *testing.T) {
	for _, end := range []string{"\n", "\r\n"} {
		for _, n := range []int{1, 2, 3, 50, 5000} {
			for _, last := range []string{end, ""} {
				path := filepath.Join(t.TempDir(), "pwned.txt")
				if err := os.WriteFile(path, []byte(strings.Join(list(n), end)+last), 0o600); err != nil {
					t.Fatal(err)
				}
				l, err := breached.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					if got, err := l.Count(t.Context(), fmt.Sprint("word ", i)); err != nil || got != int64(i+1) {
						t.Fatalf("%d lines: word %d was found %d times: %v", n, i, got, err)
					}
				}
				for i := range 200 {
					if got, err := l.Count(t.Context(), fmt.Sprint("other ", i)); err != nil || got != 0 {
						t.Fatalf("%d lines: other %d was found %d times: %v", n, i, got, err)
					}
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, q := digest("password"), digest("other")
	write(p[:5]+".txt", "0000000000000000000000000000000000F:9\r\n"+p[5:]+":1234\r\n")
	write(q[:5], q[5:]+":7\n")
	l, err := breached.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for word, want := range map[string]int64{"password": 1234, "other": 7} {
		if got, err := l.Count(t.Context(), word); err != nil || got != want {
			t.Errorf("%s: %d, %v", word, got, err)
		}
	}
	if _, err := l.Count(t.Context(), "a range that is not there"); err == nil || !strings.Contains(err.Error(), "has no file for the range") {
		t.Errorf("a missing range: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, text := range []string{"", "hello\n", digest("a") + "\n", digest("a") + ":many\n", strings.Repeat("A", 500)} {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := breached.Open(path)
		if text == "" {
			if err != nil { // an empty list is one
				t.Error(err)
			} else if err := l.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%q was opened as a list", text)
		}
	}
	if _, err := breached.Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a list that is not there was opened")
	}
}

// TestService: the service learns five digits of the digest and nothing else.
func TestService(t *testing.T) {
	want := digest("password")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/range/"+want[:5] || r.Header.Get("Add-Padding") != "true" {
			t.Errorf("it was asked for %s", r.URL.Path)
		}
		fmt.Fprintf(w, "%s:0\r\n%s:42\r\n", strings.Repeat("0", 35), want[5:])
	}))
	defer s.Close()
	src := &breached.Service{URL: s.URL + "/range/", HTTP: s.Client()}
	if n, err := src.Count(t.Context(), "password"); err != nil || n != 42 {
		t.Errorf("%d, %v", n, err)
	}
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
	})
	if _, err := src.Count(t.Context(), "password"); err == nil || !strings.Contains(err.Error(), "429") {
		t.Errorf("a service that is busy: %v", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(strings.Join(list(20), "\n")), "word 3")
	f.Add([]byte("\n\n\n"), "")
	f.Fuzz(func(t *testing.T, text []byte, word string) {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := breached.Open(path)
		if err != nil {
			return
		}
		defer l.Close()
		if n, err := l.Count(t.Context(), word); err == nil && n < 0 {
			t.Errorf("%d times", n)
		}
	})
}

var _ io.Closer = (*breached.Local)(nil)

// FuzzAnswer: whatever the service answers gives a number that is not negative, or an error that
// does not tell the password.
func FuzzAnswer(f *testing.F) {
	f.Add(200, fmt.Appendf(nil, "%s:42\r\n", digest("password")[5:]))
	f.Add(200, fmt.Appendf(nil, "%s:-1\n%s", digest("password")[5:], digest("password")[5:]))
	f.Add(200, []byte(":::\r\n\x00"))
	f.Add(429, []byte("Rate limit"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		src := &breached.Service{URL: "https://range.example/", HTTP: &http.Client{Transport: answering{status, body}}}
		n, err := src.Count(t.Context(), "password")
		if n < 0 || err != nil && (n != 0 || strings.Contains(err.Error(), digest("password")[5:])) || err == nil && status != http.StatusOK {
			t.Errorf("the status %d and %q give %d, %v", status, body, n, err)
		}
	})
}

// answering gives every request the same answer.
type answering struct {
	status int
	body   []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Body: io.NopCloser(bytes.NewReader(a.body)), Header: http.Header{}, Request: r}, nil
}
