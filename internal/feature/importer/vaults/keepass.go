package vaults

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"

	"strongroom/internal/base/kdbx"
)

// Lock is what opens an encrypted export: the password of a zip, or the passphrase and the
// key file of a KeePass database.
type Lock struct {
	Passphrase string
	KeyFile    []byte // nil for none
}

// keyFileMark begins a lock that has a key file.
const keyFileMark = "\x00keyfile "

// String writes a lock as one text, as the password of an import is kept.
func (l Lock) String() string {
	if l.KeyFile == nil {
		return l.Passphrase
	}
	return keyFileMark + base64.StdEncoding.EncodeToString(l.KeyFile) + " " + l.Passphrase
}

// lockOf reads what String wrote.
func lockOf(s string) Lock {
	rest, ok := strings.CutPrefix(s, keyFileMark)
	if !ok {
		return Lock{Passphrase: s}
	}
	file, passphrase, _ := strings.Cut(rest, " ")
	b, err := base64.StdEncoding.DecodeString(file)
	if err != nil {
		return Lock{Passphrase: s}
	}
	return Lock{passphrase, b}
}

// Locked tells whether a file is a KeePass database, which needs a lock to be read.
func Locked(f File) (bool, error) {
	head := make([]byte, 4)
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return kdbx.IsDatabase(head), nil
}

// keePass reads a database, or its XML.
func (v *Vault) keePass(f File, s shape, lock string) error {
	b, err := whole(io.NewSectionReader(f, 0, f.Size), f.Name, f.Size)
	if err != nil {
		return err
	}
	var d *kdbx.Database
	if s == aDatabase {
		l := lockOf(lock)
		d, err = kdbx.Open(b, kdbx.Key{Passphrase: l.Passphrase, File: l.KeyFile})
	} else {
		d, err = kdbx.ReadXML(b)
	}
	if err != nil {
		return err
	}
	v.group(d, d.Root, nil, f.Name+", entries")
	return nil
}

func (v *Vault) group(d *kdbx.Database, g *kdbx.Group, path []string, file string) {
	for _, e := range g.Entries {
		v.Entries = append(v.Entries, keePassEntry(e, path, file, len(v.Entries)+1))
	}
	for _, below := range g.Groups {
		if d.Bin != "" && below.UUID == d.Bin {
			for range count(below) {
				v.left("Recycle Bin", "These entries were deleted in KeePass and are not brought in.")
			}
			continue
		}
		name := strings.TrimSpace(below.Name)
		if name == "" {
			name = "Group"
		}
		v.group(d, below, append(path[:len(path):len(path)], name), file)
	}
}

func count(g *kdbx.Group) int {
	n := len(g.Entries)
	for _, below := range g.Groups {
		n += count(below)
	}
	return n
}

func keePassEntry(e *kdbx.Entry, path []string, file string, n int) *Entry {
	out := &Entry{ID: e.UUID, File: file, Line: n, Folder: path, Title: e.Get("Title"), User: e.Get("UserName"), Password: e.Get("Password"), OTP: keePassOTP(e)}
	out.address("", e.Get("URL"))
	for _, f := range e.Fields {
		switch {
		case f.Name == "Notes" && !f.Protected:
			out.Notes = f.Value
		case strings.HasPrefix(f.Name, "KPEX_PASSKEY_"):
			if len(out.Lost) == 0 {
				out.Lost = append(out.Lost, "a passkey")
			}
		case isStandard(f.Name), isOTP(f.Name):
		case strings.HasPrefix(f.Name, "KP2A_URL"):
			out.address("", f.Value)
		case f.Protected:
			out.hide(f.Name, f.Value)
		default:
			out.note(f.Name, f.Value)
		}
	}
	out.note("Tags", strings.Join(strings.FieldsFunc(e.Tags, func(r rune) bool { return r == ';' || r == ',' }), ", "))
	if !e.Expires.IsZero() {
		out.note("Expires", e.Expires.Format(time.DateOnly))
	}
	for _, a := range e.Files {
		out.Files = append(out.Files, Attached{or(a.Name, "file"), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(a.Content)), nil }})
	}
	for i, p := range e.Past {
		next := e
		if i+1 < len(e.Past) {
			next = e.Past[i+1]
		}
		if was := p.Get("Password"); was != "" && was != next.Get("Password") {
			until := ""
			if !next.Changed.IsZero() {
				until = next.Changed.Format(time.DateOnly)
			}
			out.Past = append(out.Past, Past{was, until})
		}
	}
	return out
}

func isStandard(name string) bool {
	return name == "Title" || name == "UserName" || name == "Password" || name == "URL"
}

func isOTP(name string) bool {
	return name == "otp" || strings.HasPrefix(name, "TimeOtp-") || name == "TOTP Seed" || name == "TOTP Settings"
}

// keePassOTP gives the seed of one-time codes, in whichever way programs keep it.
func keePassOTP(e *kdbx.Entry) string {
	if s := e.Get("otp"); s != "" {
		q, err := url.ParseQuery(s)
		if !strings.HasPrefix(s, "otpauth:") && err == nil && q.Get("key") != "" { // KeeOtp
			return otpauth(q.Get("key"), q.Get("size"), q.Get("step"), "")
		}
		return s
	}
	if s := e.Get("TOTP Seed"); s != "" { // TrayTOTP: "30;6"
		period, digits, _ := strings.Cut(e.Get("TOTP Settings"), ";")
		return otpauth(s, digits, period, "")
	}
	digits, period, hash := e.Get("TimeOtp-Length"), e.Get("TimeOtp-Period"), strings.ReplaceAll(strings.TrimPrefix(e.Get("TimeOtp-Algorithm"), "HMAC-"), "-", "")
	plain := base32.StdEncoding.WithPadding(base32.NoPadding)
	switch {
	case e.Get("TimeOtp-Secret-Base32") != "":
		return otpauth(e.Get("TimeOtp-Secret-Base32"), digits, period, hash)
	case e.Get("TimeOtp-Secret") != "":
		return otpauth(plain.EncodeToString([]byte(e.Get("TimeOtp-Secret"))), digits, period, hash)
	}
	for name, decode := range map[string]func(string) ([]byte, error){"TimeOtp-Secret-Hex": hex.DecodeString, "TimeOtp-Secret-Base64": base64.StdEncoding.DecodeString} {
		if b, err := decode(e.Get(name)); err == nil && len(b) > 0 {
			return otpauth(plain.EncodeToString(b), digits, period, hash)
		}
	}
	return ""
}

// otpauth writes a seed with what is not usual of it.
func otpauth(seed, digits, period, hash string) string {
	q := url.Values{}
	if digits != "" && digits != "6" {
		q.Set("digits", digits)
	}
	if period != "" && period != "30" {
		q.Set("period", period)
	}
	if hash != "" && hash != "SHA1" {
		q.Set("algorithm", hash)
	}
	if len(q) == 0 {
		return seed
	}
	q.Set("secret", strings.ToUpper(strings.ReplaceAll(seed, " ", "")))
	return "otpauth://totp/KeePass?" + q.Encode()
}
