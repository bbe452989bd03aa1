package kdbx_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/kdbx"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lines writes a database as one line for each thing in it.
func lines(d *kdbx.Database) (out []string) {
	var walk func(g *kdbx.Group, at string)
	walk = func(g *kdbx.Group, at string) {
		for _, e := range g.Entries {
			line := at + e.Get("Title") + "|" + e.Get("UserName") + "|" + e.Get("Password") + "|" + e.Get("PIN")
			for _, f := range e.Files {
				line += "|" + f.Name + "=" + string(f.Content)
			}
			for _, p := range e.Past {
				line += "|was " + p.Get("Password")
			}
			out = append(out, line)
		}
		for _, below := range g.Groups {
			walk(below, at+below.Name+"/")
		}
	}
	walk(d.Root, "")
	return out
}

const passphrase = "correct horse"

// seed is what testdata/seed.xml holds, from which keepassxc-cli made the databases.
var seed = []string{"Router|root|sw0rd & <fish> ü|4711|plan.txt=attached text|was older", "Web/Shop|u|p|", "Web/Deep/Below|||", "Recycle Bin/Gone|||"} //nolint:gochecknoglobals // a table

// TestFilesOfPrograms: databases that KeePassXC 2.7.4 (aes, both, three) and pykeepass
// 4.0.3 (argon2d) wrote.
func TestFilesOfPrograms(t *testing.T) {
	for _, test := range []struct {
		name string
		key  kdbx.Key
		want []string
	}{
		{"aes.kdbx", kdbx.Key{Passphrase: passphrase}, seed},
		{"both.kdbx", kdbx.Key{Passphrase: passphrase, File: read(t, "both.keyx")}, seed},
		{"three.kdbx", kdbx.Key{Passphrase: passphrase}, seed},
		{"argon2d.kdbx", kdbx.Key{Passphrase: passphrase}, []string{"Web/Shop|u|p wörd||plan.txt=attached text"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := read(t, test.name)
			d, err := kdbx.Open(bytes.Clone(b), test.key)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Join(lines(d), "\n"), strings.Join(test.want, "\n"); got != want {
				t.Errorf("it holds\n%s\nwant\n%s", got, want)
			}
			if test.name == "argon2d.kdbx" {
				return // it takes a second, and the rest is as of the others
			}
			wrong := test.key
			wrong.Passphrase = "wrong horse"
			if _, err := kdbx.Open(bytes.Clone(b), wrong); !fault.Is(err, fault.Denied) {
				t.Errorf("with a wrong passphrase it is %v", err)
			}
			if test.key.File == nil {
				return
			}
			if _, err := kdbx.Open(bytes.Clone(b), kdbx.Key{Passphrase: passphrase}); !fault.Is(err, fault.Denied) {
				t.Errorf("without the key file it is %v", err)
			}
		})
	}
}

// TestEveryBitCounts: a file that was changed anywhere does not open.
func TestEveryBitCounts(t *testing.T) {
	b := read(t, "aes.kdbx")
	for i := 0; i < len(b); i += 1 + len(b)/25 {
		changed := bytes.Clone(b)
		changed[i] ^= 0x10
		if i >= 60 && i < 220 { // the parameters of the key: a wrong number of rounds only takes time
			continue
		}
		if d, err := kdbx.Open(changed, kdbx.Key{Passphrase: passphrase}); err == nil {
			t.Errorf("changed at byte %d it opens: %v", i, lines(d))
		}
		if _, err := kdbx.Open(bytes.Clone(b[:i]), kdbx.Key{Passphrase: passphrase}); err == nil {
			t.Errorf("cut at byte %d it opens", i)
		}
	}
}

func TestXML(t *testing.T) {
	d, err := kdbx.ReadXML(read(t, "seed.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(lines(d), "\n"); got != strings.Join(seed, "\n") {
		t.Errorf("it holds %s", got)
	}
	e := d.Root.Entries[0]
	if !e.Fields[5].Protected || e.Fields[6].Protected || d.Bin != d.Root.Groups[1].UUID || e.Changed.Year() != 2026 || e.Expires.Year() != 2030 || e.Tags != "one;two" {
		t.Errorf("the entry is %+v", e)
	}
	for _, bad := range []string{"", "<x/>", "<KeePassFile>", "<KeePassFile></KeePassFile>", `<KeePassFile><Meta><Binaries><Binary ID="0">!</Binary></Binaries></Meta><Root><Group/></Root></KeePassFile>`} {
		if _, err := kdbx.ReadXML([]byte(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is %v", bad, err)
		}
	}
}

// TestFreshFile: a database that KeePassXC makes now.
func TestFreshFile(t *testing.T) {
	cli, err := exec.LookPath("keepassxc-cli")
	if err != nil {
		t.Skip("keepassxc-cli is not installed: apt install keepassxc")
	}
	p := filepath.Join(t.TempDir(), "fresh.kdbx")
	c := exec.CommandContext(t.Context(), cli, "import", "-q", "-p", "-t", "100", "testdata/seed.xml", p)
	c.Env = append(os.Environ(), "QT_QPA_PLATFORM=offscreen")
	c.Stdin = strings.NewReader(passphrase + "\n" + passphrase + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	d, err := kdbx.Open(b, kdbx.Key{Passphrase: passphrase})
	if err != nil || strings.Join(lines(d), "\n") != strings.Join(seed, "\n") {
		t.Errorf("it is %v, %v", d, err)
	}
}

func FuzzXML(f *testing.F) {
	f.Add(read(f, "seed.xml"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := kdbx.ReadXML(b); (d == nil) == (err == nil) {
			t.Error("neither a database nor an error, or both")
		}
	})
}

func FuzzOpen(f *testing.F) {
	for _, name := range []string{"aes.kdbx", "three.kdbx"} {
		f.Add(read(f, name)[:200])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 12 && bytes.Contains(b, []byte("$UUID")) && len(b) > 400 {
			t.Skip("it may ask for work that is allowed and takes long")
		}
		if d, err := kdbx.Open(b, kdbx.Key{Passphrase: "x", File: b}); (d == nil) == (err == nil) {
			t.Error("neither a database nor an error, or both")
		}
	})
}

// TestSeal has what is written be read, by this reader and, where it is installed, by KeePassXC.
func TestSeal(t *testing.T) {
	long := strings.Repeat("a note & <more> \"quoted\" ü\n", 50_000)
	d := &kdbx.Database{Root: &kdbx.Group{Name: "Strongroom", Groups: []*kdbx.Group{{Name: "Harbour & <Sons>", Entries: []*kdbx.Entry{
		{Fields: []kdbx.Field{{Name: "Title", Value: "Router"}, {Name: "UserName", Value: "root"}, {Name: "Password", Value: "sw0rd & <fish> ü", Protected: true}, {Name: "PIN", Value: "4711", Protected: true}, {Name: "Notes", Value: long}},
			Past: []*kdbx.Entry{{Fields: []kdbx.Field{{Name: "Title", Value: "Router"}, {Name: "Password", Value: "older", Protected: true}}}}},
		{Fields: []kdbx.Field{{Name: "Title", Value: "Empty"}, {Name: "Password", Protected: true}}},
	}}}}}
	b, err := kdbx.Seal(d, passphrase, kdbx.Cost{Memory: 64, Passes: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := kdbx.Open(b, kdbx.Key{Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	if s := strings.Join(lines(got), "\n"); s != "Harbour & <Sons>/Router|root|sw0rd & <fish> ü|4711|was older\nHarbour & <Sons>/Empty|||" || got.Root.Groups[0].Entries[0].Get("Notes") != long {
		t.Errorf("it is read as %s", s)
	}
	if _, err := kdbx.Open(b, kdbx.Key{Passphrase: "wrong"}); !fault.Is(err, fault.Denied) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	for _, at := range []int{20, len(b) / 2, len(b) - 40} {
		bad := bytes.Clone(b)
		bad[at] ^= 1
		if _, err := kdbx.Open(bad, kdbx.Key{Passphrase: passphrase}); err == nil {
			t.Errorf("a change of byte %d is not noticed", at)
		}
	}
	if bytes.Contains(b, []byte("fish")) {
		t.Error("a secret is readable in the file")
	}
	cli, err := exec.LookPath("keepassxc-cli")
	if err != nil {
		t.Skip("keepassxc-cli is not installed: apt install keepassxc")
	}
	p := filepath.Join(t.TempDir(), "sealed.kdbx")
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), cli, "show", "-q", "-s", "-a", "Password", "-a", "PIN", p, "Harbour & <Sons>/Router")
	c.Env = append(os.Environ(), "QT_QPA_PLATFORM=offscreen")
	c.Stdin = strings.NewReader(passphrase + "\n")
	if out, err := c.CombinedOutput(); err != nil || string(out) != "sw0rd & <fish> ü\n4711\n" {
		t.Errorf("KeePassXC reads %q, %v", out, err)
	}
}
