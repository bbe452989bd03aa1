// Package pkcs11 has small keys wrapped by a private RSA key that stays in a PKCS #11
// token: a hardware security module, a smart card, or SoftHSM.
//
// Always true: the token's library is loaded by a program of its own (OpenSC's
// pkcs11-tool), never into this process; the PIN is in no argument and no error; what is
// wrapped is bound to what it is for; the program has a bounded time and gives a bounded
// answer.
//
// The token opens a fresh key of 32 bytes (RSA-OAEP with SHA-256 and MGF1 of the same, or
// with SHA-1 where the token knows no other), and that key seals what is wrapped, by
// AES-256-GCM. Text: name of the hash, wrapped key, box, with periods between them.
package pkcs11

import (
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // #nosec G505 -- in OAEP, which needs no collision resistance, for tokens without another
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"hash"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// Key is a private key in a token.
type Key struct {
	Module  string                 // library of the token, such as /usr/lib/softhsm/libsofthsm2.so
	Token   string                 // its label
	ID      string                 // of the key and of its public key, in hexadecimal
	PIN     func() (string, error) // of the token's user
	Program string                 // pkcs11-tool on the path when empty
}

// Parse reads the URI of a key (RFC 7512), such as
// pkcs11:token=strongroom;id=%01?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/strongroom/pin
// and gives where the PIN is. It needs a token, an id, a module and a PIN source that
// is a file. A label of the key does not do: pkcs11-tool takes the first private key then. A PIN in the URI itself is refused.
func Parse(uri string) (k Key, pin string, err error) {
	bad := func(hint string) error {
		return fault.New(fault.Invalid, "This is not the URI of a key in a PKCS #11 token.").WithHint("%s", hint)
	}
	const form = "It is of the form pkcs11:token=NAME;id=%01?module-path=LIBRARY&pin-source=file:PATH."
	rest, ok := strings.CutPrefix(uri, "pkcs11:")
	if !ok {
		return k, "", bad(form)
	}
	path, query, _ := strings.Cut(rest, "?")
	seen := map[string]bool{}
	for _, part := range append(strings.Split(path, ";"), strings.Split(query, "&")...) {
		if part == "" {
			continue
		}
		name, raw, _ := strings.Cut(part, "=")
		value, err := url.PathUnescape(raw)
		if err != nil || value == "" || seen[name] || strings.ContainsAny(value, "\x00\r\n") {
			return k, "", bad(form)
		}
		seen[name] = true
		switch name {
		case "token":
			k.Token = value
		case "id":
			k.ID = hexadecimal(value)
		case "module-path":
			k.Module = value
		case "pin-source":
			pin = strings.TrimPrefix(value, "file:")
		case "pin-value":
			return k, "", bad("A PIN in the URI itself can be read by other users of the machine: name its file, with pin-source=file:PATH.")
		case "type":
			if value != "private" {
				return k, "", bad("The key is a private one.")
			}
		default:
			return k, "", bad("It may have token, id, type, module-path and pin-source, and no " + name + ".")
		}
	}
	if k.Token == "" || k.ID == "" || !strings.HasPrefix(k.Module, "/") || !strings.HasPrefix(pin, "/") {
		return Key{}, "", bad(form)
	}
	return k, pin, nil
}

func hexadecimal(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// digest is a hash of OAEP.
type digest struct {
	name, tool, mask string
	new              func() hash.Hash
}

// digests gives those there are, the best first.
func digests() []digest {
	return []digest{
		{"sha256", "SHA256", "MGF1-SHA256", sha256.New},
		{"sha1", "SHA-1", "MGF1-SHA1", sha1.New},
	}
}

// errMechanism is given when the token cannot do what was asked; another hash may do.
var errMechanism = errors.New("the token refuses the mechanism")

// Wrap seals plain under a fresh key that the token alone opens, and makes sure that it
// does. Fault kinds: Denied for a wrong PIN, NotFound when there is no such token or key,
// Unavailable when the program or the library does not work.
func (k *Key) Wrap(ctx context.Context, plain []byte, bind string) (string, error) {
	public, err := k.public(ctx)
	if err != nil {
		return "", err
	}
	fresh := make([]byte, envelope.KeySize)
	rand.Read(fresh)
	defer clear(fresh)
	box, err := envelope.SealBox(fresh, []byte(bind), plain)
	if err != nil {
		return "", err
	}
	for _, h := range digests() {
		if h.name == "sha1" && fips140.Enforced() {
			break
		}
		wrapped, err := rsa.EncryptOAEP(h.new(), rand.Reader, public, fresh, nil)
		if err != nil {
			return "", fault.Wrap(err, fault.Invalid, "Nothing can be wrapped to this key of the token.").WithHint("Use an RSA key of 2,048 bits or more.")
		}
		text := h.name + "." + encode(wrapped) + "." + encode(box)
		again, err := k.Unwrap(ctx, text, bind)
		if errors.Is(err, errMechanism) {
			continue
		}
		if err == nil && !bytes.Equal(again, plain) {
			err = fault.New(fault.Internal, "The token does not give back what was wrapped.")
		}
		clear(again)
		if err != nil {
			return "", err
		}
		return text, nil
	}
	return "", fault.New(fault.Unavailable, "The token cannot decrypt by RSA-OAEP.").WithHint("List what it can with: pkcs11-tool --module LIBRARY -M; and see that the key may decrypt. In FIPS-only mode the token must know SHA-256 there.")
}

// Unwrap has the token open what Wrap gave. Fault kinds as of Wrap; Invalid when it was
// altered, or wrapped by another key or for something else.
func (k *Key) Unwrap(ctx context.Context, text, bind string) ([]byte, error) {
	not := fault.New(fault.Invalid, "The token does not open this.").WithHint("It was wrapped by another key or for something else, or it was altered.")
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, not
	}
	for _, h := range digests() {
		if h.name != parts[0] {
			continue
		}
		wrapped, err := base64.StdEncoding.Strict().DecodeString(parts[1])
		if err != nil {
			return nil, not
		}
		box, err := base64.StdEncoding.Strict().DecodeString(parts[2])
		if err != nil {
			return nil, not
		}
		fresh, err := k.run(ctx, wrapped, "--decrypt", "--mechanism", "RSA-PKCS-OAEP", "--hash-algorithm", h.tool, "--mgf", h.mask)
		if err != nil {
			return nil, err
		}
		defer clear(fresh)
		if len(fresh) != envelope.KeySize {
			return nil, not
		}
		plain, err := envelope.OpenBox(fresh, []byte(bind), box)
		if err != nil {
			return nil, not
		}
		return plain, nil
	}
	return nil, not
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func (k *Key) public(ctx context.Context) (*rsa.PublicKey, error) {
	der, err := k.run(ctx, nil, "--read-object", "--type", "pubkey")
	if err != nil {
		return nil, err
	}
	p, err := x509.ParsePKIXPublicKey(der)
	r, ok := p.(*rsa.PublicKey)
	if err != nil || !ok || r.N.BitLen() < 2048 {
		return nil, fault.Wrap(err, fault.Invalid, "The key in the token is not an RSA key of 2,048 bits or more.").WithHint("Make one with: pkcs11-tool --keypairgen --key-type rsa:3072 --usage-decrypt")
	}
	return r, nil
}

const (
	longest    = time.Minute // that the token may take
	mostAnswer = 16 << 10
	pinName    = "STRONGROOM_PKCS11_PIN" // in the environment of the program alone
)

// run runs the program, logged in to the token, on in.
func (k *Key) run(ctx context.Context, in []byte, args ...string) ([]byte, error) {
	pin, err := k.PIN()
	if err != nil {
		return nil, err
	}
	name := k.Program
	if name == "" {
		name = "pkcs11-tool"
	}
	program, err := exec.LookPath(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The program pkcs11-tool is not on this machine.").WithHint("Install OpenSC (on Debian the package opensc).")
	}
	if _, err := os.Stat(k.Module); err != nil {
		return nil, fault.Wrap(err, fault.NotFound, "The library of the token is not at %s.", k.Module)
	}
	all := []string{"--module", k.Module, "--token-label", k.Token, "--login", "--pin", "env:" + pinName, "--id", k.ID}
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	cmd := exec.CommandContext(ctx, program, append(all, args...)...) // #nosec G204 -- the program that the operator installed
	cmd.Env = append(os.Environ(), pinName+"="+pin)
	cmd.Stdin = bytes.NewReader(in)
	var out, errs limited
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		clear(out.Bytes())
		return nil, refused(ctx, err, errs.String())
	}
	return out.Bytes(), nil
}

// limited keeps the beginning of what is written.
type limited struct{ bytes.Buffer }

// Write takes all and keeps what fits.
func (l *limited) Write(b []byte) (int, error) {
	if room := mostAnswer - l.Len(); room > 0 {
		l.Buffer.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// refused says what an end of the program means, by the names that PKCS #11 gives
// its errors. Its own words are for the log of whoever runs this.
func refused(ctx context.Context, cause error, said string) error {
	said = strings.TrimSpace(said)
	cause = errors.Join(cause, errors.New(said))
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(said, w) {
				return true
			}
		}
		return false
	}
	switch {
	case ctx.Err() != nil:
		return fault.Wrap(cause, fault.Unavailable, "The token does not answer.")
	case has("CKR_PIN_LOCKED"):
		return fault.Wrap(cause, fault.Denied, "The PIN of the token is locked.").WithHint("Unlock it with the token's own tools.")
	case has("CKR_PIN_"):
		return fault.Wrap(cause, fault.Denied, "The token refuses the PIN.").WithHint("It is not tried again: a token locks itself after some wrong ones.")
	case has("No slot with token", "CKR_TOKEN_NOT_PRESENT", "CKR_SLOT_ID_INVALID", "No slots"):
		return fault.Wrap(cause, fault.NotFound, "There is no such token.").WithHint("List those there are with: pkcs11-tool --module LIBRARY -L")
	case has("object not found", "key not found", "Object not found"):
		return fault.Wrap(cause, fault.NotFound, "The token has no such key.").WithHint("Its private and its public key have the same id. List them with: pkcs11-tool --module LIBRARY --login -O")
	case has("CKR_ARGUMENTS_BAD", "CKR_MECHANISM_"):
		return fault.Wrap(errors.Join(cause, errMechanism), fault.Unavailable, "The token cannot decrypt like this.").WithHint("List what it can with: pkcs11-tool --module LIBRARY -M")
	case has("CKR_ENCRYPTED_DATA_", "CKR_DATA_", "CKR_GENERAL_ERROR", "CKR_FUNCTION_FAILED", "C_DecryptUpdate", "C_DecryptFinal"):
		return fault.Wrap(cause, fault.Invalid, "The token does not open this.").WithHint("It was wrapped by another key, or it was altered.")
	}
	return fault.Wrap(cause, fault.Unavailable, "The token cannot be used.").WithHint("Try the library with: pkcs11-tool --module LIBRARY -L")
}
