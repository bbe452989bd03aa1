package merkle

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"

	"golang.org/x/mod/sumdb/note"
)

// OriginPrefix begins the origin of every tenant's log.
const OriginPrefix = "strongroom/"

// Checkpoint states the size and root of a log at a time. Its text, which is
// signed as a note (C2SP signed-note and tlog-checkpoint), is
//
//	origin
//	size in decimal
//	root in base64
//	time Unix milliseconds      (only when Time is not 0)
type Checkpoint struct {
	Origin string // OriginPrefix and the tenant
	Size   int64
	Root   Hash
	Time   int64 // Unix milliseconds, or 0
}

// Text gives the body to be signed.
func (c Checkpoint) Text() string {
	s := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	if c.Time != 0 {
		s += fmt.Sprintf("time %d\n", c.Time)
	}
	return s
}

// When gives Time as a time; zero when there is none.
func (c Checkpoint) When() time.Time {
	if c.Time == 0 {
		return time.Time{}
	}
	return time.UnixMilli(c.Time)
}

// ParseCheckpoint reads the body of a checkpoint and accepts only what Text
// makes.
func ParseCheckpoint(text string) (Checkpoint, error) {
	bad := fault.New(fault.Invalid, "This is not a checkpoint of a log.")
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || len(lines) > 5 || !strings.HasPrefix(lines[0], OriginPrefix) {
		return Checkpoint{}, bad
	}
	c := Checkpoint{Origin: lines[0]}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, err2 := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || err2 != nil || size < 0 || len(root) != len(c.Root) {
		return Checkpoint{}, bad
	}
	c.Size, c.Root = size, Hash(root)
	if t, ok := strings.CutPrefix(lines[3], "time "); ok {
		if c.Time, err = strconv.ParseInt(t, 10, 64); err != nil || c.Time <= 0 {
			return Checkpoint{}, bad
		}
	}
	if c.Text() != text {
		return Checkpoint{}, bad
	}
	return c, nil
}

// OpenCheckpoint verifies a signed checkpoint with a note verifier key
// (name+hash+key, as the key service gives it). The origin must be the key's
// name, so that a checkpoint of one tenant never passes for another's.
func OpenCheckpoint(signed []byte, verifierKey string) (Checkpoint, error) {
	v, err := note.NewVerifier(verifierKey)
	if err != nil {
		return Checkpoint{}, fault.Wrap(err, fault.Invalid, "This is not a key that verifies checkpoints.")
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fault.Wrap(err, fault.Invalid, "This checkpoint is not signed by %s.", v.Name())
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != v.Name() {
		return Checkpoint{}, fault.New(fault.Invalid, "This checkpoint belongs to %s, not to %s.", c.Origin, v.Name())
	}
	return c, nil
}
