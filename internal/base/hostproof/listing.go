package hostproof

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"strongroom/internal/base/merkle"
)

// ListedAction is the audit entry that states a keyset: of the system, about the user,
// with the number of the statement as version and its hash as text.
const ListedAction = "vault.listed"

// Listing is how a server proves that a statement stands in the tenant's audit log,
// where the person whose keys it claims to have and everybody who is given the log
// find it too.
type Listing struct {
	Key        string   `json:"key"`        // note verifier key of the log
	Checkpoint string   `json:"checkpoint"` // signed note
	Since      [][]byte `json:"since"`      // the log that was seen before is the beginning of this one
	Seq        int64    `json:"seq"`
	Leaf       string   `json:"leaf"`
	Detail     string   `json:"detail"`
	Path       [][]byte `json:"path"` // the leaf is in the log
}

// LogSeen is what a client remembers of the audit log. The zero value remembers
// nothing, and takes the key that it is shown first.
type LogSeen struct {
	Key  string
	Size int64
	Root [32]byte
}

// Check verifies that a statement stands in the log, and that the log continues the
// one seen before. It gives what is to be remembered.
func (l *Listing) Check(s *Statement, seen LogSeen) (LogSeen, error) {
	if seen.Key != "" && l.Key != seen.Key {
		return seen, alarm("The server shows another key of the audit log than the one known here.")
	}
	c, err := merkle.OpenCheckpoint([]byte(l.Checkpoint), l.Key)
	if err != nil {
		return seen, alarm("The server sent a state of the audit log that the log's key did not sign.")
	}
	if err := continues(c, l.Since, seen); err != nil {
		return seen, err
	}
	path, ok := hashesOf(l.Path)
	if !ok || l.Seq < 0 || l.Seq >= c.Size || merkle.VerifyInclusion(path, c.Size, c.Root, l.Seq, merkle.LeafHash([]byte(l.Leaf))) != nil {
		return seen, alarm("The server shows keys that do not stand in the signed audit log.")
	}
	if !states(c.Origin, l.Leaf, l.Detail, s) {
		return seen, alarm("The server shows other keys than those that stand in the audit log.")
	}
	return LogSeen{l.Key, c.Size, c.Root}, nil
}

// continues checks a signed state of the log against the one seen before.
func continues(c merkle.Checkpoint, since [][]byte, seen LogSeen) error {
	if seen.Size == 0 {
		return nil
	}
	proof, ok := hashesOf(since)
	if !ok || c.Size < seen.Size || merkle.VerifyConsistency(proof, c.Size, c.Root, seen.Size, seen.Root) != nil {
		return alarm("The server shows another audit log than the one seen here before.")
	}
	return nil
}

func hashesOf(list [][]byte) (out []merkle.Hash, ok bool) {
	for _, b := range list {
		if len(b) != len(merkle.Hash{}) {
			return nil, false
		}
		out = append(out, merkle.Hash(b))
	}
	return out, true
}

// states tells whether an entry of the log is the one about a statement.
func states(origin, text, detail string, s *Statement) bool {
	var leaf struct {
		Tenant, Action, Detail string
		Actor, Object, Version int64
	}
	var d struct{ Text string }
	if json.Unmarshal([]byte(text), &leaf) != nil || json.Unmarshal([]byte(detail), &d) != nil {
		return false
	}
	sum, hash := sha256.Sum256([]byte(detail)), s.Hash()
	return origin == merkle.OriginPrefix+leaf.Tenant && leaf.Action == ListedAction && leaf.Actor == 0 && leaf.Object == s.User && leaf.Version == int64(s.Number) &&
		leaf.Detail == base64.RawURLEncoding.EncodeToString(sum[:]) && d.Text == hex.EncodeToString(hash[:])
}
