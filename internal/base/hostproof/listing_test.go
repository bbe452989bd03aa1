package hostproof_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"strongroom/internal/base/hostproof"
	"strongroom/internal/base/merkle"
)

// FuzzListing: whatever a server sends as a proof from the log, nothing stops, and what is taken states the very
// entry that the log's key signed.
func FuzzListing(f *testing.F) {
	s := bare(f, ines).Statement
	secret, public, err := note.GenerateKey(rand.Reader, merkle.OriginPrefix+tenant)
	must(f, err)
	signer, err := note.NewSigner(secret)
	must(f, err)
	hash := s.Hash()
	detail := fmt.Sprintf(`{"text":"%s"}`, hex.EncodeToString(hash[:]))
	sum := sha256.Sum256([]byte(detail))
	leaf := fmt.Sprintf(`{"tenant":"%s","action":"%s","actor":0,"object":%d,"version":1,"detail":"%s"}`, tenant, hostproof.ListedAction, s.User, base64.RawURLEncoding.EncodeToString(sum[:]))
	signed, err := note.Sign(&note.Note{Text: merkle.Checkpoint{Origin: merkle.OriginPrefix + tenant, Size: 1, Root: merkle.LeafHash([]byte(leaf)), Time: now}.Text()}, signer)
	must(f, err)
	good := hostproof.Listing{Key: public, Checkpoint: string(signed), Leaf: leaf, Detail: detail}
	seen, err := good.Check(s, hostproof.LogSeen{})
	must(f, err)
	b, err := json.Marshal(good)
	must(f, err)
	f.Add(b)
	f.Add([]byte(`{"seq":-1,"path":["AA=="],"since":[null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l hostproof.Listing
		if json.Unmarshal(b, &l) != nil {
			return
		}
		_, _ = l.Check(s, hostproof.LogSeen{}) // must not stop
		if got, err := l.Check(s, seen); err == nil && (l.Leaf != leaf || l.Detail != detail || got != seen) {
			t.Errorf("another entry is taken: %+v", l)
		}
	})
}
