package apptest_test

import (
	"archive/zip"
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"strongroom/internal/app"
	"strongroom/internal/apptest"
	"strongroom/internal/core/access"
	"strongroom/internal/core/keys/service"
)

// TestDisk: whoever has the data folder, its backups and what lay in temporary
// folders, but not the root key, reads no name, document, password or file of
// any tenant in it; and after a tenant is erased nobody does.
func TestDisk(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	h := apptest.Open(t, apptest.Options{})
	needles := needlesOf(t, h)
	for _, x := range h.Tenants {
		use(t, h, x)
	}
	staged := export(t, 50)
	if _, err := h.App.Importer.Stage(t.Context(), h.Tenants[0].Admin, "qzalderexport.zip", bytes.NewReader(staged)); err != nil {
		t.Fatal(err)
	}
	needles = append(needles, compressed(t, staged)...)
	backups := t.TempDir()
	if sqlite() {
		for _, x := range h.Tenants {
			backup(t, h, x, filepath.Join(backups, x.Name+".db"))
		}
	}
	least := int64(1 << 20)
	if !sqlite() { // files and staged imports alone
		least = 1 << 18
	}
	if n := scan(t, needles, h.Data, temp, backups); n < least {
		t.Errorf("only %d bytes were looked at", n)
	}
	h.Stop()
	scan(t, needles, h.Data, temp, backups)

	stolen := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(stolen, os.DirFS(h.Data)); err != nil {
		t.Fatal(err)
	}
	h.Start()
	if err := h.App.House.Erase(t.Context(), "alder"); err != nil {
		t.Fatal(err)
	}
	if a := h.API(h.Tenants[0].People[access.Administrator].Key, "GET", "/organizations", nil); a.Status != http.StatusForbidden {
		t.Errorf("the erased tenant's key is answered %d: %s", a.Status, a.Body)
	}
	if a := h.API(h.Tenants[1].People[access.Administrator].Key, "GET", "/organizations", nil); a.Status != http.StatusOK {
		t.Errorf("the other tenant's key is answered %d: %s", a.Status, a.Body)
	}
	h.Stop()
	scan(t, needles, h.Data, temp, backups)
	if sqlite() {
		afterErasure(t, h, stolen)
	}
}

func sqlite() bool { return os.Getenv("STRONGROOM_TEST_DB") != "postgres" }

// use does what leaves traces: a reveal, a search, an upload, a change.
func use(t *testing.T, h *apptest.House, x *apptest.Tenant) {
	t.Helper()
	p := x.People[access.Editor]
	pw := thing(t, x, "password", apptest.Seen).ID.String()
	word := apptest.Word(x.Name, apptest.Seen)
	if a := p.Page("POST", "/passwords/"+pw+"/reveal", nil); a.Status != http.StatusOK || !strings.Contains(string(a.Body), word) {
		t.Errorf("the reveal was answered %d: %s", a.Status, a.Body)
	}
	if a := p.Page("GET", "/search?q="+word, nil); a.Status != http.StatusOK {
		t.Errorf("the search was answered %d", a.Status)
	}
	change := object("passwords", map[string]any{"password": word + "-the-second", "notes": word + " notes"})
	if a := h.API(p.Key, "PATCH", "/passwords/"+pw, change); a.Status != http.StatusOK {
		t.Errorf("the change was answered %d: %s", a.Status, a.Body)
	}
}

func backup(t *testing.T, h *apptest.House, x *apptest.Tenant, path string) {
	t.Helper()
	open, err := h.App.House.Open(t.Context(), x.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Release()
	if err := open.DB.BackupTo(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if open.Keys.Database == nil {
		t.Error("the tenant has no key of its database")
	}
}

// needle is a sequence of bytes that must not be found.
type needle struct {
	what  string
	bytes []byte
}

// needlesOf gives what nobody may find of the tenants of a house, in the forms
// in which programs write texts.
func needlesOf(t *testing.T, h *apptest.House) (out []needle) {
	t.Helper()
	add := func(what, text string) { out = append(out, forms(what, text)...) }
	for _, x := range h.Tenants {
		add("a sample of "+x.Name, "qz"+x.Name)
		add("the title of "+x.Name, "The "+x.Name+" company")
		add("an organization of "+x.Name, "Open organization of")
		for _, p := range x.People {
			add("an e-mail address", p.Email)
			add("a password of a person", p.Password)
			add("an API key", p.Key[len(p.Key)-40:])
		}
	}
	root, err := service.LoadRoot(h.Root)
	if err != nil {
		t.Fatal(err)
	}
	add("the root key", string(root))
	return append(out, needle{"the root key as it is written", []byte(service.FormatRoot(root))})
}

// forms gives a text in UTF-8, UTF-16, hexadecimal, base32 and base64.
func forms(what, text string) []needle {
	out := []needle{{what, []byte(text)}, {what + " in capitals", []byte(strings.ToUpper(text))}}
	for name, order := range map[string]binary.AppendByteOrder{"UTF-16LE": binary.LittleEndian, "UTF-16BE": binary.BigEndian} {
		var b []byte
		for _, u := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, u)
		}
		out = append(out, needle{what + " in " + name, b})
	}
	h := hex.EncodeToString([]byte(text))
	out = append(out, needle{what + " in hexadecimal", []byte(h)}, needle{what + " in hexadecimal", []byte(strings.ToUpper(h))})
	for skip := range 3 { // wherever in a group of three bytes the text begins
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", skip) + text))
		b = b[(skip*8+5)/6 : (skip+len(text))*8/6]
		out = append(out, needle{what + " in base64", []byte(b)}, needle{what + " in base64", []byte(strings.NewReplacer("+", "-", "/", "_").Replace(b))})
	}
	return append(out, needle{what + " in base32", []byte(base32.StdEncoding.EncodeToString([]byte(text))[:len(text)*8/5])})
}

// compressed gives the beginnings of the compressed files of a zip, and the names
// that a zip has in it.
func compressed(t *testing.T, b []byte) (out []needle) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		at, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, needle{"the staged " + f.Name, b[at : at+min(32, int64(f.CompressedSize64))]}, needle{"the name of a staged file", []byte(f.Name)})
	}
	return out
}

// scan wants none of the needles in any file under the folders, nor in a name,
// and tells how many bytes it saw.
func scan(t *testing.T, needles []needle, dirs ...string) int64 {
	t.Helper()
	found, seen := find(t, needles, dirs...)
	for _, f := range found {
		t.Error(f)
	}
	return seen
}

func find(t *testing.T, needles []needle, dirs ...string) (found []string, seen int64) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // it went meanwhile
			}
			if err != nil {
				return err
			}
			b := []byte{}
			if e.Type().IsRegular() {
				if b, err = os.ReadFile(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
			seen += int64(len(b))
			for _, n := range needles {
				if i := bytes.Index(b, n.bytes); i >= 0 {
					found = append(found, fmt.Sprintf("%s is at byte %d of %s", n.what, i, path))
				}
				if strings.Contains(filepath.Base(path), string(n.bytes)) {
					found = append(found, fmt.Sprintf("%s is in the name %s", n.what, path))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found, seen
}

// TestFind checks that the scan finds what it looks for, in every form and
// wherever it begins.
func TestFind(t *testing.T) {
	const text = "a name of somebody"
	plain := []byte("before " + text + " after")
	for name, b := range map[string][]byte{
		"plain": plain, "hexadecimal": []byte(hex.EncodeToString(plain)), "base64": []byte(base64.StdEncoding.EncodeToString(plain)),
		"base64 of a text one later": []byte(base64.URLEncoding.EncodeToString(append([]byte("x"), plain...))),
		"base64 of a text two later": []byte(base64.RawStdEncoding.EncodeToString(append([]byte("xx"), plain...))),
		"base32":                     []byte(base32.StdEncoding.EncodeToString([]byte(text))),
		"UTF-16":                     []byte("\x00b\x00" + strings.Join(strings.Split(text, ""), "\x00") + "\x00"),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), append(bytes.Repeat([]byte{0xa5}, 1000), b...), 0o600); err != nil {
			t.Fatal(err)
		}
		if found, _ := find(t, forms("it", text), dir); len(found) == 0 {
			t.Errorf("not found in %s: %q", name, b)
		}
	}
	packed := export(t, 5)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "passwords.csv"), append([]byte("head"), packed...), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, _ := find(t, compressed(t, packed), dir); len(found) < 9 {
		t.Errorf("of a zip only this is found: %q", found)
	}
}

// afterErasure looks at a copy that was made before the erasure: with the key
// store of today the erased tenant does not open and the other one does; with no
// key store nothing does, and nothing is overwritten.
func afterErasure(t *testing.T, h *apptest.House, stolen string) {
	t.Helper()
	store := filepath.Join(stolen, "keys")
	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(store, os.DirFS(filepath.Join(h.Data, "keys"))); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := app.Options{Config: app.Config{Data: stolen, Root: h.Root}, Program: []string{self}, Stderr: t.Output(), Quiet: true}
	a, err := app.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if x, err := a.House.Open(t.Context(), "alder"); err == nil {
		x.Release()
		t.Error("a copy of the erased tenant opens")
	}
	if x, err := a.House.Open(t.Context(), "birch"); err != nil {
		t.Errorf("the other tenant does not open: %v", err)
	} else {
		x.Release()
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}

	if err := os.RemoveAll(store); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(stolen, "control.db"))
	if err != nil {
		t.Fatal(err)
	}
	if a, err := app.Open(t.Context(), o); err == nil {
		t.Error("without the key store the folder opens")
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	} else {
		t.Logf("without the key store: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(stolen, "control.db"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("without the key store the control database was changed (%v)", err)
	}
}
