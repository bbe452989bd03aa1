// Package agefile seals files for keys or a passphrase, in the format of age.
//
// Always true: what is written can be opened by every program that reads age files,
// with the private key of any recipient or with the passphrase, and by nothing else;
// a file that was cut off or altered is refused.
//
// Source: https://age-encryption.org/v1.
package agefile

import (
	"bufio"
	"crypto/fips140"
	"errors"
	"io"
	"strings"

	"filippo.io/age"

	"strongroom/internal/base/fault"
)

// allowed refuses what this package is for where FIPS-only mode refuses it: keys of age
// are of X25519, and its contents are sealed with ChaCha20-Poly1305.
func allowed() error {
	if fips140.Enforced() {
		return fault.New(fault.Unavailable, "Files of age cannot be sealed or opened in the FIPS-only mode of this installation.").
			WithHint("Export without sealing, to a place that is sealed by other means.")
	}
	return nil
}

// For are those for whom a file is sealed.
type For struct{ list []age.Recipient }

// MinPassphrase is how short a passphrase may be, in characters.
const MinPassphrase = 16

// work is the work factor of a passphrase: 2^16 rounds of scrypt, 64 MiB.
const work = 16

// Keys reads public keys, one a line; lines that begin with # are comments. Invalid
// names the line that is no key, and says so of a private key.
func Keys(text string) (For, error) {
	if err := allowed(); err != nil {
		return For{}, err
	}
	var f For
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(strings.ToUpper(line), "AGE-SECRET-KEY-") {
			return For{}, fault.Field("recipients", "Line %d is a private key.", n).WithHint("Enter the public key, which begins with age1; keep the private one elsewhere.")
		}
		list, err := age.ParseRecipients(strings.NewReader(line))
		if err != nil || len(list) != 1 {
			return For{}, fault.Field("recipients", "Line %d is no public key of age.", n).WithHint("A public key begins with age1. Make one with: strongroom export key FILE.")
		}
		f.list = append(f.list, list[0])
	}
	if len(f.list) == 0 {
		return For{}, fault.Field("recipients", "There is no public key.").WithHint("Enter at least one, or a passphrase.")
	}
	return f, nil
}

// Passphrase seals for who knows a passphrase. Invalid for one that is too short.
func Passphrase(text string) (For, error) {
	if err := allowed(); err != nil {
		return For{}, err
	}
	if len([]rune(text)) < MinPassphrase {
		return For{}, fault.Field("passphrase", "The passphrase has fewer than %d characters.", MinPassphrase).WithHint("Use several words.")
	}
	r, err := age.NewScryptRecipient(text)
	if err != nil {
		return For{}, err
	}
	r.SetWorkFactor(work)
	return For{[]age.Recipient{r}}, nil
}

// Seal writes what is written to it, sealed, to w. The file is whole once the writer
// is closed.
func Seal(w io.Writer, f For) (io.WriteCloser, error) {
	if len(f.list) == 0 {
		return nil, fault.New(fault.Internal, "A file is sealed for nobody.")
	}
	return age.Encrypt(w, f.list...)
}

// Key makes a private key, with its public one.
func Key() (private, public string, err error) {
	if err := allowed(); err != nil {
		return "", "", err
	}
	k, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", err
	}
	return k.String(), k.Recipient().String(), nil
}

// Open writes the content of a sealed file to w. keys is the text of a file of private
// keys, or empty, and then passphrase opens it. Invalid when the file is none, was
// altered, or is for others; what was written then is not to be trusted.
func Open(w io.Writer, r io.Reader, keys, passphrase string) error {
	if err := allowed(); err != nil {
		return err
	}
	var list []age.Identity
	var err error
	if keys != "" {
		list, err = age.ParseIdentities(strings.NewReader(keys))
	} else {
		var s *age.ScryptIdentity
		if s, err = age.NewScryptIdentity(passphrase); err == nil {
			list = []age.Identity{s}
		}
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "There is no private key in the file, and no passphrase.").WithHint("Give the file with the private key, or the passphrase.")
	}
	in, err := age.Decrypt(bufio.NewReader(r), list...)
	if nobody := new(age.NoIdentityMatchError); errors.As(err, &nobody) {
		return fault.Wrap(err, fault.Invalid, "The file cannot be opened with this key or passphrase.").WithHint("Use the private key of one of those for whom it was sealed, or its passphrase.")
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The file is no sealed export, or was altered.").WithHint("Fetch it again.")
	}
	if _, err := io.Copy(w, in); err != nil {
		return fault.Wrap(err, fault.Invalid, "The file was cut off or altered.").WithHint("Fetch it again. What was written so far is not whole.")
	}
	return nil
}
