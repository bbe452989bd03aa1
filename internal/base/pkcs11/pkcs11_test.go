package pkcs11_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/pkcs11"
)

const library = "/usr/lib/softhsm/libsofthsm2.so"

func pin(s string) func() (string, error) { return func() (string, error) { return s, nil } }

// TestWithSoftHSM wraps and unwraps by a key in a token of SoftHSM.
func TestWithSoftHSM(t *testing.T) {
	for _, need := range []string{"/usr/bin/softhsm2-util", "/usr/bin/pkcs11-tool", library} {
		if _, err := os.Stat(need); err != nil {
			t.Skip("needs the Debian packages softhsm2 and opensc")
		}
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	run("softhsm2-util", "--init-token", "--free", "--label", "house", "--so-pin", "12345678", "--pin", "4321")
	for id, label := range map[string]string{"01": "root", "02": "other"} {
		run("pkcs11-tool", "--module", library, "--token-label", "house", "--login", "--pin", "4321", "--keypairgen", "--key-type", "rsa:2048", "--id", id, "--label", label, "--usage-decrypt")
	}
	run("pkcs11-tool", "--module", library, "--token-label", "house", "--login", "--pin", "4321", "--keypairgen", "--key-type", "EC:prime256v1", "--id", "03", "--label", "curve", "--usage-derive")

	k := pkcs11.Key{Module: library, Token: "house", ID: "01", PIN: pin("4321")}
	text, err := k.Wrap(t.Context(), []byte("a root, more or less"), "strongroom/root/1")
	if fips140.Enforced() && fault.Is(err, fault.Unavailable) {
		return // SoftHSM knows SHA-1 alone, and this mode does not
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "sha1.") && !strings.HasPrefix(text, "sha256.") || strings.ContainsAny(text, " \n") {
		t.Errorf("the text is %q", text)
	}
	if got, err := k.Unwrap(t.Context(), text, "strongroom/root/1"); err != nil || string(got) != "a root, more or less" {
		t.Errorf("%q, %v", got, err)
	}
	altered := func(i int) string {
		b := []byte(text)
		if b[i] == 'A' {
			b[i] = 'B'
		} else {
			b[i] = 'A'
		}
		return string(b)
	}
	first := strings.IndexByte(text, '.') + 8
	for what, c := range map[string]struct {
		change     func(*pkcs11.Key)
		text, bind string
		want       fault.Kind
	}{
		"for something else": {bind: "strongroom/root/2", want: fault.Invalid},
		"an altered key":     {text: altered(first), want: fault.Invalid},
		"an altered box":     {text: altered(len(text) - 8), want: fault.Invalid},
		"no hash":            {text: "md5" + text[strings.IndexByte(text, '.'):], want: fault.Invalid},
		"no text":            {text: "x", want: fault.Invalid},
		"another key":        {change: func(k *pkcs11.Key) { k.ID = "02" }, want: fault.Invalid},
		"no such key":        {change: func(k *pkcs11.Key) { k.ID = "0a" }, want: fault.NotFound},
		"no such token":      {change: func(k *pkcs11.Key) { k.Token = "nobody" }, want: fault.NotFound},
		"no such library":    {change: func(k *pkcs11.Key) { k.Module = "/nowhere.so" }, want: fault.NotFound},
		"no library":         {change: func(k *pkcs11.Key) { k.Module = conf }, want: fault.Unavailable},
		"a wrong PIN":        {change: func(k *pkcs11.Key) { k.PIN = pin("0000") }, want: fault.Denied},
		"no PIN":             {change: func(k *pkcs11.Key) { k.PIN = func() (string, error) { return "", fault.New(fault.NotFound, "None.") } }, want: fault.NotFound},
		"no program":         {change: func(k *pkcs11.Key) { k.Program = "/nowhere" }, want: fault.Unavailable},
	} {
		x := k
		if c.change != nil {
			c.change(&x)
		}
		if c.text == "" {
			c.text = text
		}
		if c.bind == "" {
			c.bind = "strongroom/root/1"
		}
		got, err := x.Unwrap(t.Context(), c.text, c.bind)
		if fault.Of(err) != c.want || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		} else if s := fault.Say(err); strings.Contains(s.Error(), "4321") {
			t.Errorf("%s: the error holds the PIN", what)
		}
	}
	x := k
	x.ID = "03"
	if _, err := x.Wrap(t.Context(), []byte("a"), "b"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a key of a curve: %v", err)
	}
}

func TestParse(t *testing.T) {
	k, pin, err := pkcs11.Parse("pkcs11:token=The%20house;id=%01%A2;type=private?module-path=/usr/lib/x.so&pin-source=file:/etc/pin")
	if err != nil || k.Token != "The house" || k.ID != "01a2" || k.Module != "/usr/lib/x.so" || pin != "/etc/pin" {
		t.Errorf("%+v, %q, %v", k, pin, err)
	}
	for _, bad := range []string{
		"", "pkcs11:", "token=t;object=o?module-path=/m&pin-source=/p",
		"pkcs11:token=t;id=%01?module-path=m&pin-source=/p", "pkcs11:token=t;id=%01?module-path=/m", "pkcs11:token=t?module-path=/m&pin-source=/p",
		"pkcs11:token=t;object=o;id=%01?module-path=/m&pin-source=/p", "pkcs11:token=t;id=%01?module-path=/m&pin-value=1234&pin-source=/p",
		"pkcs11:token=t;token=u;id=%01?module-path=/m&pin-source=/p", "pkcs11:token=t;id=%01;type=%0a?module-path=/m&pin-source=/p",
		"pkcs11:token=t;id=%01;serial=1?module-path=/m&pin-source=/p", "pkcs11:token=t;id=%01;type=cert?module-path=/m&pin-source=/p",
	} {
		if k, _, err := pkcs11.Parse(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is %+v, %v", bad, k, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("pkcs11:token=t;id=%01?module-path=/m&pin-source=file:/p")
	f.Add("pkcs11:token=t;id=%01%A2?module-path=/m&pin-source=/p")
	f.Fuzz(func(t *testing.T, uri string) {
		k, pin, err := pkcs11.Parse(uri)
		if err != nil {
			return
		}
		if k.Token == "" || k.Module == "" || pin == "" || strings.ContainsAny(k.Token+k.ID+k.Module+pin, "\x00\r\n") {
			t.Errorf("%q gives %+v, %q", uri, k, pin)
		}
	})
}
