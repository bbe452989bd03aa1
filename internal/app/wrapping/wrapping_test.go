package wrapping_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/app/wrapping"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/service"
)

// TestWrappedRoot wraps a root key and has it unwrapped by a server that answers
// as a transit engine does; base/transit tries a real one.
func TestWrappedRoot(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Vault-Token") != "s.kelp" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		switch r.URL.Path {
		case "/v1/transit/encrypt/root": // what is wrapped is the text with what it is bound to
			fmt.Fprintf(w, `{"data":{"ciphertext":"vault:v1:%s.%s"}}`, in["associated_data"], in["plaintext"])
		case "/v1/transit/decrypt/root":
			bind, text, _ := strings.Cut(strings.TrimPrefix(in["ciphertext"], "vault:v1:"), ".")
			if bind != in["associated_data"] || base64.StdEncoding.EncodeToString([]byte("strongroom/root/1")) != bind {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			fmt.Fprintf(w, `{"data":{"plaintext":%q}}`, text)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer s.Close()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})), 0o644)
	w := wrapping.Root{File: filepath.Join(dir, "root.wrapped"), URL: s.URL, Key: "root", TokenFile: write("token", "s.kelp\n", 0o600), CAFile: ca}
	root := service.NewRoot()
	if err := w.Write(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Read(t.Context()); err != nil || !bytes.Equal(got, root) {
		t.Fatalf("unwrapped is not what was wrapped: %v", err)
	}
	if st, err := os.Stat(w.File); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", st.Mode(), err)
	}
	if err := w.Write(t.Context(), root); !fault.Is(err, fault.Conflict) {
		t.Errorf("a file that is there is replaced: %v", err)
	}
	for what, c := range map[string]struct {
		change func(*wrapping.Root)
		want   fault.Kind
	}{
		"an unknown certificate":     {func(w *wrapping.Root) { w.CAFile = "" }, fault.Unavailable},
		"a certificate that is none": {func(w *wrapping.Root) { w.CAFile = w.TokenFile }, fault.Invalid},
		"http to another machine":    {func(w *wrapping.Root) { w.URL = "http://bao.example.com" }, fault.Invalid},
		"no key":                     {func(w *wrapping.Root) { w.Key = "" }, fault.Invalid},
		"another key":                {func(w *wrapping.Root) { w.Key = "other" }, fault.NotFound},
		"a token for everybody":      {func(w *wrapping.Root) { w.TokenFile = write("open", "s.kelp", 0o644) }, fault.Denied},
		"another token":              {func(w *wrapping.Root) { w.TokenFile = write("other", "s.other", 0o600) }, fault.Denied},
		"no file":                    {func(w *wrapping.Root) { w.File += ".none" }, fault.NotFound},
		"another way":                {func(w *wrapping.Root) { w.By = "azure:https://house.vault.azure.net/keys/root" }, fault.Invalid},
		"a way that is not known":    {func(w *wrapping.Root) { w.By = "house:root" }, fault.Invalid},
		"another file":               {func(w *wrapping.Root) { w.File = w.TokenFile }, fault.Invalid},
		"a root that was altered": {func(w *wrapping.Root) {
			w.File = write("bad", "SR-ROOT-TRANSIT-1\nvault:v1:"+base64.StdEncoding.EncodeToString([]byte("strongroom/root/1"))+"."+base64.StdEncoding.EncodeToString([]byte("SR-ROOT-1-AAAA"))+"\n", 0o600)
		}, fault.Invalid},
	} {
		x := w
		c.change(&x)
		if got, err := x.Read(t.Context()); fault.Of(err) != c.want || got != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestRootWrappedByAService: of the key management services one stands for all here;
// base/kms tries each.
func TestRootWrappedByAService(t *testing.T) {
	unbound := false // the server does not look at what the text is bound to
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Authorization") != "Bearer kelp" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		sum := func(b64 string) string {
			b, _ := base64.StdEncoding.DecodeString(b64)
			return fmt.Sprint(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
		}
		if in["plaintext"] == "" && in["additionalAuthenticatedData"] != base64.StdEncoding.EncodeToString([]byte("strongroom/root/1")) && !unbound {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":{"code":400,"status":"INVALID_ARGUMENT"}}`)
			return
		}
		if text := in["plaintext"]; text != "" { // what is wrapped is the text itself
			fmt.Fprintf(w, `{"ciphertext":%q,"ciphertextCrc32c":%q}`, text, sum(text))
			return
		}
		fmt.Fprintf(w, `{"plaintext":%q,"plaintextCrc32c":%q}`, in["ciphertext"], sum(in["ciphertext"]))
	}))
	defer s.Close()
	dir := t.TempDir()
	ca, who := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "token")
	if err := errors.Join(os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600), os.WriteFile(who, []byte("kelp\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	w := wrapping.Root{File: filepath.Join(dir, "root"), By: "google:projects/p/locations/l/keyRings/r/cryptoKeys/k", Endpoint: s.URL, Credentials: who, CAFile: ca}
	root := service.NewRoot()
	if err := w.Write(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Read(t.Context()); err != nil || !bytes.Equal(got, root) {
		t.Errorf("unwrapped is not what was wrapped: %v", err)
	}
	unbound = true
	x := w
	if x.File += ".2"; !fault.Is(x.Write(t.Context(), root), fault.Invalid) {
		t.Error("a server that unwraps for anything is used")
	} else if _, err := os.Stat(x.File); err == nil {
		t.Error("and what it wrapped is left behind")
	}
	unbound = false
	for what, c := range map[string]struct {
		change func(*wrapping.Root)
		want   fault.Kind
	}{
		"no credentials, and no machine of Google": {func(w *wrapping.Root) { w.Credentials, w.Machine = "", s.URL+"/nowhere" }, fault.Denied},
		"credentials for everybody":                {func(w *wrapping.Root) { w.Credentials = ca; _ = os.Chmod(ca, 0o644) }, fault.Denied},
		"http to another machine":                  {func(w *wrapping.Root) { w.Endpoint = "http://192.0.2.1" }, fault.Invalid},
		"an unknown certificate":                   {func(w *wrapping.Root) { w.CAFile = "" }, fault.Unavailable},
		"of another service":                       {func(w *wrapping.Root) { w.By = "aws:x" }, fault.Invalid},
	} {
		x := w
		c.change(&x)
		if got, err := x.Read(t.Context()); fault.Of(err) != c.want || got != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
