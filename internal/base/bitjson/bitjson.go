// Package bitjson seals and opens the JSON that Bitwarden exports under a password of the
// file's own.
//
// Always true: nothing is decrypted before its HMAC is checked; a wrong password is told
// from a damaged file by the part that the format keeps for that; the rounds that a file
// asks for are bounded.
//
// The format is Bitwarden's: PBKDF2-SHA-256 over the password and the text of the salt, HKDF-Expand
// to two keys, and AES-256-CBC with HMAC-SHA-256 over nonce and ciphertext.
package bitjson

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"strongroom/internal/base/fault"
)

// Rounds is how many rounds of PBKDF2 new files take.
const Rounds = 600_000

// Bounds of what a file may ask for.
const fewestRounds, mostRounds = 5_000, 10_000_000

// file is the JSON around the sealed one.
type file struct {
	Encrypted         bool   `json:"encrypted"`
	PasswordProtected bool   `json:"passwordProtected"`
	Salt              string `json:"salt"`
	KDFType           int    `json:"kdfType"`
	KDFIterations     int    `json:"kdfIterations"`
	Validation        string `json:"encKeyValidation_DO_NOT_EDIT"`
	Data              string `json:"data"`
}

// Seal gives the file that holds plain under a password; rounds is Rounds but in tests.
func Seal(plain []byte, password string, rounds int) ([]byte, error) {
	salt := base64.StdEncoding.EncodeToString(random(16))
	k, err := derive(password, salt, rounds)
	if err != nil {
		return nil, err
	}
	f := file{Encrypted: true, PasswordProtected: true, Salt: salt, KDFIterations: rounds}
	if f.Validation, err = k.seal([]byte(rand.Text())); err != nil {
		return nil, err
	}
	if f.Data, err = k.seal(plain); err != nil {
		return nil, err
	}
	return json.MarshalIndent(f, "", "  ")
}

// IsSealed tells whether a file is one that a password of its own opens.
func IsSealed(b []byte) bool {
	var f file
	return json.Unmarshal(b, &f) == nil && f.Encrypted && f.PasswordProtected
}

// Open gives what a file holds. Denied when the password is wrong, Invalid for what cannot
// be read.
func Open(b []byte, password string) ([]byte, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil || !f.PasswordProtected {
		return nil, damaged()
	}
	if f.KDFType != 0 {
		return nil, fault.New(fault.Invalid, "The key of this export is made with Argon2, which is not read.").
			WithHint("Choose PBKDF2 in the security settings of Bitwarden, or export as .json that is not encrypted.")
	}
	if f.KDFIterations < fewestRounds || f.KDFIterations > mostRounds {
		return nil, fault.New(fault.Invalid, "The export asks for %d rounds to open it; from %d to %d are allowed.", f.KDFIterations, fewestRounds, mostRounds).WithHint("Export again.")
	}
	k, err := derive(password, f.Salt, f.KDFIterations)
	if err != nil {
		return nil, err
	}
	if _, err := k.open(f.Validation); err != nil {
		return nil, fault.New(fault.Denied, "The password does not open this export.").WithHint("It is the one that was chosen for the file, and not that of the account.")
	}
	return k.open(f.Data)
}

func damaged() error {
	return fault.New(fault.Invalid, "The encrypted export is damaged.").WithHint("Export again.")
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// keys are the two of a file.
type keys struct{ enc, mac []byte }

func derive(password, salt string, rounds int) (k keys, err error) {
	root, err := pbkdf2.Key(sha256.New, password, []byte(salt), rounds, 32)
	if err != nil {
		return k, err
	}
	if k.enc, err = hkdf.Expand(sha256.New, root, "enc", 32); err != nil {
		return k, err
	}
	k.mac, err = hkdf.Expand(sha256.New, root, "mac", 32)
	return k, err
}

func (k keys) tag(iv, text []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	h.Write(iv)
	h.Write(text)
	return h.Sum(nil)
}

func (k keys) seal(plain []byte) (string, error) {
	c, err := aes.NewCipher(k.enc)
	if err != nil {
		return "", err
	}
	iv, pad := random(aes.BlockSize), aes.BlockSize-len(plain)%aes.BlockSize
	text := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(c, iv).CryptBlocks(text, text)
	e := base64.StdEncoding.EncodeToString
	return "2." + e(iv) + "|" + e(text) + "|" + e(k.tag(iv, text)), nil
}

func (k keys) open(s string) ([]byte, error) {
	s, ok := strings.CutPrefix(s, "2.")
	parts := strings.Split(s, "|")
	if !ok || len(parts) != 3 {
		return nil, damaged()
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := base64.StdEncoding.DecodeString(p)
		if err != nil {
			return nil, damaged()
		}
		raw[i] = b
	}
	iv, text := raw[0], raw[1]
	if len(iv) != aes.BlockSize || len(text) == 0 || len(text)%aes.BlockSize != 0 || !hmac.Equal(raw[2], k.tag(iv, text)) {
		return nil, damaged()
	}
	c, err := aes.NewCipher(k.enc)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(c, iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, damaged()
	}
	return text[:len(text)-pad], nil
}
