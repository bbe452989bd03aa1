package service

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/wire"
)

// shredLine is one line of the list of destroyed keys: its JSON, a space, and
// the Ed25519 signature (base64) over the length-prefixed parts
// "strongroom/destroyed/1" and that JSON.
type shredLine struct {
	Seq      int64  `json:"seq"` // from 1
	Tenant   string `json:"tenant"`
	Time     int64  `json:"time"`     // Unix milliseconds
	Previous string `json:"previous"` // SHA-256 of the line before, hexadecimal; empty for the first
	Key      string `json:"key"`      // the public key that verifies it, base64
}

// shredList is the signed, append-only list of destroyed keys.
type shredList struct {
	path  string
	sign  ed25519.PrivateKey
	when  map[string]int64 // tenant -> time
	names []string         // in the list's order
	seq   int64
	last  string // hash of the last line
}

func openShredList(path string, sign ed25519.PrivateKey) (*shredList, error) {
	l := &shredList{path: path, sign: sign, when: map[string]int64{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "The list of destroyed keys cannot be read.").WithHint("Check the rights on %s.", path)
	}
	whole := b[:bytes.LastIndexByte(b, '\n')+1]
	for line := range strings.Lines(string(whole)) {
		if err := l.read(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, err
		}
	}
	if len(whole) != len(b) { // a crash while it was written: that line was not acknowledged
		if err := os.Truncate(path, int64(len(whole))); err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "The list of destroyed keys cannot be written.").WithHint("Check the rights on %s.", path)
		}
	}
	return l, nil
}

func message(text string) []byte { return envelope.Bind("strongroom/destroyed/1", text) }

func (l *shredList) public() ed25519.PublicKey { return l.sign.Public().(ed25519.PublicKey) }

func (l *shredList) read(line string) error {
	bad := fault.New(fault.Invalid, "Line %d of the list of destroyed keys was altered.", l.seq+1).
		WithHint("Put the true list back to %s; the key service does not open with a false one.", l.path)
	text, sig, _ := strings.Cut(line, "} ")
	text += "}"
	s, err := base64.StdEncoding.DecodeString(sig)
	if err != nil || !ed25519.Verify(l.public(), message(text), s) {
		return bad
	}
	var e shredLine
	if err := wire.Decode([]byte(text), &e); err != nil || e.Seq != l.seq+1 || e.Previous != l.last {
		return bad
	}
	l.remember(e, line)
	return nil
}

func (l *shredList) remember(e shredLine, line string) {
	sum := sha256.Sum256([]byte(line))
	l.names = append(l.names, e.Tenant)
	l.when[e.Tenant], l.seq, l.last = e.Time, e.Seq, hex.EncodeToString(sum[:])
}

// add appends a line and makes it durable.
func (l *shredList) add(tenant string, when int64) error {
	if _, ok := l.when[tenant]; ok {
		return nil
	}
	e := shredLine{Seq: l.seq + 1, Tenant: tenant, Time: when, Previous: l.last, Key: base64.StdEncoding.EncodeToString(l.public())}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line := string(text) + " " + base64.StdEncoding.EncodeToString(ed25519.Sign(l.sign, message(string(text))))
	if err := l.write(line + "\n"); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The list of destroyed keys cannot be written, so nothing was destroyed.").
			WithHint("Check the space and the rights at %s.", l.path)
	}
	l.remember(e, line)
	return nil
}

func (l *shredList) write(line string) error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = syncPath(filepath.Dir(l.path))
	}
	return err
}
