package hostproof

import (
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/sha512"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/wycheproof"
)

func TestWycheproofSignatures(t *testing.T) {
	wycheproof.Each(t, "ecdsa_secp256r1_sha256_p1363", 260, func(g wycheproof.Group, v wycheproof.Vector) {
		public := []byte(g.PublicKey.Uncompressed)
		s := envelope.Signature{Type: envelope.SignatureP256, KeyID: SignerID(public), Bytes: v.Sig}
		if ok := verified(s, public, v.Msg); ok != (v.Result == "valid") {
			t.Errorf("%d (%s): %s, but verified: %v", v.ID, v.Comment, v.Result, ok)
		}
	})
}

func TestWycheproofPBKDF2(t *testing.T) {
	wycheproof.Each(t, "pbkdf2_hmacsha512", 50, func(_ wycheproof.Group, v wycheproof.Vector) {
		if fips140.Enforced() && len(v.Salt) < 16 {
			return // refused there; ours are of 32 bytes
		}
		got, err := pbkdf2.Key(sha512.New, string(v.Password), v.Salt, v.IterationCount, v.DKLen)
		v.Judge(t, got, v.DK, err)
	})
}
