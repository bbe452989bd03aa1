package shamir_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/base/shamir"
)

// TestField holds the field to the examples of FIPS 197, 4.2, and to the laws of a field.
func TestField(t *testing.T) {
	for _, c := range [][3]byte{{0x57, 0x83, 0xc1}, {0x57, 0x13, 0xfe}, {0x57, 0x02, 0xae}, {0x57, 0x04, 0x47}, {0x57, 0x08, 0x8e}, {0x57, 0x10, 0x07}, {0x53, 0xca, 0x01}} {
		if got := shamir.Mul(c[0], c[1]); got != c[2] {
			t.Errorf("%02x times %02x is %02x, and not %02x", c[0], c[1], got, c[2])
		}
	}
	for a := range 256 {
		inverses := 0
		for b := range 256 {
			if shamir.Mul(byte(a), byte(b)) != shamir.Mul(byte(b), byte(a)) {
				t.Fatalf("%d and %d do not commute", a, b)
			}
			if shamir.Mul(byte(a), byte(b)) == 1 {
				inverses++
			}
		}
		if want := min(a, 1); inverses != want {
			t.Errorf("%d has %d inverses", a, inverses)
		}
	}
}

// TestOtherImplementation combines what another implementation split.
func TestOtherImplementation(t *testing.T) {
	text, err := os.ReadFile("testdata/other.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Splits []struct {
			Needed int
			Secret string
			Points map[string]string
		}
	}
	if err := json.Unmarshal(text, &v); err != nil || len(v.Splits) == 0 {
		t.Fatal(err)
	}
	for _, s := range v.Splits {
		for _, less := range []int{0, 1} {
			some := map[byte][]byte{}
			for x, y := range s.Points {
				n, _ := strconv.Atoi(x)
				b, err := hex.DecodeString(y)
				if err != nil {
					t.Fatal(err)
				}
				if len(some) < s.Needed-less {
					some[byte(n)] = b
				}
			}
			got, err := shamir.Combine(some)
			if err != nil || (hex.EncodeToString(got) == s.Secret) != (less == 0) {
				t.Errorf("%d shares of which %d are needed give %x, %v", len(some), s.Needed, got, err)
			}
		}
	}
}

// TestSplit: any m of n shares give the secret, and with one altered or one less they do not.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 16, 40).Draw(t, "secret")
		n := rapid.IntRange(1, 20).Draw(t, "n")
		m := rapid.IntRange(1, n).Draw(t, "m")
		shares, err := shamir.Split(secret, n, m)
		if err != nil {
			t.Fatal(err)
		}
		some, first := map[byte][]byte{}, byte(0)
		for _, i := range rapid.Permutation(indices(n)).Draw(t, "order")[:m] {
			first = byte(i + 1)
			some[first] = shares[i]
		}
		if got, err := shamir.Combine(some); err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%d of %d shares give %x, %v", m, n, got, err)
		}
		some[first][3] ^= 0x10
		if got, err := shamir.Combine(some); err != nil || bytes.Equal(got, secret) {
			t.Fatalf("an altered share gives the secret, %v", err)
		}
		if delete(some, first); m > 1 {
			if got, err := shamir.Combine(some); err != nil || bytes.Equal(got, secret) {
				t.Fatalf("%d shares give the secret though %d are needed, %v", m-1, m, err)
			}
		}
	})
}

func indices(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}

// TestFewerSayNothing: with one share less than is needed every secret is as likely:
// each value of the missing share gives another one.
func TestFewerSayNothing(t *testing.T) {
	shares, err := shamir.Split([]byte{42}, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[byte]bool{}
	for y := range 256 {
		got, err := shamir.Combine(map[byte][]byte{1: shares[0], 2: shares[1], 3: {byte(y)}})
		if err != nil {
			t.Fatal(err)
		}
		seen[got[0]] = true
	}
	if len(seen) != 256 {
		t.Errorf("two shares of three leave %d secrets", len(seen))
	}
}

// TestNoShares: what are no shares is refused.
func TestNoShares(t *testing.T) {
	for name, s := range map[string]map[byte][]byte{"none": {}, "at 0": {0: {1}}, "two lengths": {1: {1}, 2: {1, 2}}, "empty": {1: {}}} {
		if _, err := shamir.Combine(s); err == nil {
			t.Errorf("%s: they are combined", name)
		}
	}
	for _, c := range [][2]int{{0, 0}, {2, 3}, {256, 2}, {3, 0}} {
		if _, err := shamir.Split([]byte{1}, c[0], c[1]); err == nil {
			t.Errorf("%v is split", c)
		}
	}
	if _, err := shamir.Split(nil, 3, 2); err == nil {
		t.Error("nothing is split")
	}
}
