package jwt

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"strongroom/internal/base/wycheproof"
)

// TestWycheproof: what is signed otherwise, or not at all, or with more around it, is
// refused. Four vectors of the group base64 are not what their comments say: 367 and 370
// have no padding and are in order, 372 and 373 are called valid and hold a character that
// no base64 has. A key of the algorithm ES521 is none of ours, and keys for encryption are no
// keys that the settings take.
func TestWycheproof(t *testing.T) {
	asked := 0
	wycheproof.Each(t, "json_web_signature", 400, func(g wycheproof.Group, v wycheproof.Vector) {
		var key jose.JSONWebKey
		var raw string
		if err := json.Unmarshal([]byte(cmp.Or(string(g.Public), string(g.Private))), &key); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(v.JWS, &raw); err != nil || !slices.Contains([]string{"HS256", "ES256", "RS256"}, key.Algorithm) {
			return
		}
		asked++
		good := v.Result == "valid"
		if g.Comment == "base64" && slices.Contains([]int{367, 370, 372, 373}, v.ID) {
			good = !good
		}
		if _, err := verified(key.Key, key.Algorithm, raw); (err == nil) != good {
			t.Errorf("%d (%s, %s): %s, but: %v", v.ID, g.Comment, v.Comment, v.Result, err)
		}
	})
	if asked < 280 {
		t.Errorf("only %d tests of the algorithms that the settings offer", asked)
	}
}
