package secret_test

import (
	"crypto/fips140"
	"encoding/base32"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/secret"
)

// The test vectors of RFC 6238, appendix B.
func TestCodeOfRFC6238(t *testing.T) {
	seeds := map[string]string{
		"SHA1":   "12345678901234567890",
		"SHA256": "12345678901234567890123456789012",
		"SHA512": "1234567890123456789012345678901234567890123456789012345678901234",
	}
	for _, v := range []struct {
		at        int64
		algorithm string
		code      string
	}{
		{59, "SHA1", "94287082"}, {59, "SHA256", "46119246"}, {59, "SHA512", "90693936"},
		{1111111109, "SHA1", "07081804"}, {1111111109, "SHA256", "68084774"}, {1111111109, "SHA512", "25091201"},
		{1111111111, "SHA1", "14050471"}, {1111111111, "SHA256", "67062674"}, {1111111111, "SHA512", "99943326"},
		{1234567890, "SHA1", "89005924"}, {1234567890, "SHA256", "91819424"}, {1234567890, "SHA512", "93441116"},
		{2000000000, "SHA1", "69279037"}, {2000000000, "SHA256", "90698825"}, {2000000000, "SHA512", "38618901"},
		{20000000000, "SHA1", "65353130"}, {20000000000, "SHA256", "77737706"}, {20000000000, "SHA512", "47863826"},
	} {
		uri := "otpauth://totp/ACME:bob?secret=" + base32.StdEncoding.EncodeToString([]byte(seeds[v.algorithm])) + "&digits=8&period=30&algorithm=" + v.algorithm
		code, left, err := secret.Code(uri, time.Unix(v.at, 0))
		if fips140.Enforced() && v.algorithm == "SHA1" {
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("SHA-1 in FIPS-only mode: %v", err)
			}
			continue
		}
		if err != nil || code != v.code || left != int(30-v.at%30) {
			t.Errorf("%s at %d: %s, %d s, %v; want %s", v.algorithm, v.at, code, left, err, v.code)
		}
	}
}

func TestSeeds(t *testing.T) {
	want := "287082"
	for _, s := range []string{
		"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", " gezd gnbv gy3t qojq gezd gnbv gy3t qojq ", "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ",
		"otpauth://totp/x?secret=gezdgnbvgy3tqojqgezdgnbvgy3tqojq", "OTPAUTH://TOTP/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=sha-1",
	} {
		code, left, err := secret.Code(s, time.Unix(59, 0))
		if fips140.Enforced() {
			if !fault.Is(err, fault.Unavailable) {
				t.Errorf("%q: %v", s, err)
			}
			continue
		}
		if err != nil || code != want || left != 1 {
			t.Errorf("%q: %s, %d, %v", s, code, left, err)
		}
	}
	for _, s := range []string{
		"", "   ", "not base32!", "0189", "otpauth://hotp/x?secret=GEZDGNBV&counter=1", "otpauth://totp/x", "otpauth://totp/x?secret=GEZDGNBV&digits=12",
		"otpauth://totp/x?secret=GEZDGNBV&period=0", "otpauth://totp/x?secret=GEZDGNBV&algorithm=MD5", "otpauth:", "https://example.com/?secret=GEZDGNBV",
	} {
		if err := secret.CheckSeed(s); !fault.Is(err, fault.Invalid) || fault.Say(err).Hint == "" {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, _, err := secret.Code("GEZDGNBV", time.Unix(-1, 0)); !fault.Is(err, fault.Invalid) {
		t.Errorf("before 1970: %v", err)
	}
}

func FuzzCode(f *testing.F) {
	f.Add("otpauth://totp/x?secret=GEZDGNBV&digits=7&period=60", int64(59))
	f.Add("GEZDGNBV", int64(0))
	f.Fuzz(func(t *testing.T, s string, at int64) {
		code, left, err := secret.Code(s, time.Unix(at, 0))
		if err == nil && (len(code) < 6 || len(code) > 8 || left < 1 || left > 3600) {
			t.Fatalf("%q gives %q for %d s", s, code, left)
		}
	})
}
