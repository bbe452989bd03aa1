package shamir_test

import (
	"bytes"
	"testing"

	"strongroom/internal/base/shamir"
)

// FuzzCombine: whatever is given as shares is refused or gives as many bytes as one has; shares of
// one secret give it, whichever are taken, and one that was altered does not.
func FuzzCombine(f *testing.F) {
	f.Add([]byte("thirty-two bytes of a root, or so"), uint8(5), uint8(3), []byte{1, 2, 3})
	f.Add([]byte{0}, uint8(1), uint8(1), []byte{})
	f.Add([]byte{255, 0}, uint8(255), uint8(7), []byte{0})
	f.Fuzz(func(t *testing.T, secret []byte, n, m uint8, junk []byte) {
		garbled := map[byte][]byte{}
		for i := range min(len(junk), 8) {
			garbled[junk[i]] = junk[i:]
		}
		if got, err := shamir.Combine(garbled); err == nil {
			for x, y := range garbled {
				if x == 0 || len(y) != len(got) {
					t.Errorf("%v gives %x", garbled, got)
				}
			}
		}
		if len(secret) > 64 {
			return
		}
		shares, err := shamir.Split(secret, int(n), int(m))
		if err != nil {
			return
		}
		some := map[byte][]byte{}
		for i := range int(m) {
			at := (i + len(junk)) % int(n)
			some[byte(at+1)] = shares[at]
		}
		if got, err := shamir.Combine(some); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%d of %d give %x, %v, and not %x", m, n, got, err, secret)
		}
		for _, one := range some {
			one[0] ^= 1
			break
		}
		if got, err := shamir.Combine(some); err != nil || bytes.Equal(got, secret) {
			t.Errorf("an altered share gives %x, %v", got, err)
		}
	})
}
