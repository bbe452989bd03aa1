package envelope_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdh"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"hash"
	"os"
	"testing"

	"strongroom/internal/base/envelope"
)

// hexes is a string of hexadecimal digits in JSON.
type hexes []byte

func (h *hexes) UnmarshalText(s []byte) error {
	b, err := hex.DecodeString(string(s))
	*h = b
	return err
}

// vector has the members of all the kinds of tests used here.
type vector struct {
	ID                         int `json:"tcId"`
	Comment, Result            string
	Key, IV, AAD, Msg, CT, Tag hexes
	Label                      hexes
	IKM, Salt, Info, OKM       hexes
	Size                       int
	Public, Private, Shared    hexes
	Seed, EK, C                hexes
	M                          hexes
	K                          hexes
	Flags                      []string
}

type group struct {
	Type                     string
	IVSize, KeySize, TagSize int
	PrivateKeyPKCS8          hexes
	Tests                    []vector
}

// wycheproof runs fn for every test of a file and demands that there were at
// least so many.
func wycheproof(t *testing.T, name string, least int, fn func(t *testing.T, g group, v vector)) {
	t.Helper()
	f, err := os.Open("testdata/wycheproof/" + name + "_test.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ TestGroups []group }
	if err := json.NewDecoder(z).Decode(&file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range file.TestGroups {
		for _, v := range g.Tests {
			n++
			fn(t, g, v)
		}
	}
	if n < least {
		t.Errorf("%s: only %d tests", name, n)
	}
}

// judge compares what came out with what the vector says.
func (v vector) judge(t *testing.T, got, want []byte, err error) {
	t.Helper()
	ok := err == nil && bytes.Equal(got, want)
	if v.Result == "valid" && !ok || v.Result == "invalid" && ok {
		t.Errorf("%d (%s, %v): %s, but got %x, %v", v.ID, v.Comment, v.Flags, v.Result, got, err)
	}
}

func TestWycheproofAESGCM(t *testing.T) {
	used := 0
	wycheproof(t, "aes_gcm", 300, func(t *testing.T, g group, v vector) {
		if g.KeySize != 256 || g.IVSize != 96 || g.TagSize != 128 {
			return // not used here: the box has one form
		}
		used++
		box := bytes.Join([][]byte{v.IV, v.CT, v.Tag}, nil)
		got, err := envelope.OpenBox(v.Key, v.AAD, box)
		v.judge(t, got, v.Msg, err)
	})
	if used < 60 {
		t.Errorf("only %d tests of AES-256 with the sizes used here", used)
	}
}

func TestWycheproofRSA(t *testing.T) {
	for _, name := range []string{"rsa_oaep_2048", "rsa_oaep_3072", "rsa_oaep_4096"} {
		wycheproof(t, name+"_sha256_mgf1sha256", 30, func(t *testing.T, g group, v vector) {
			k, err := x509.ParsePKCS8PrivateKey(g.PrivateKeyPKCS8)
			if err != nil {
				t.Fatal(err)
			}
			got, err := rsa.DecryptOAEP(sha256.New(), nil, k.(*rsa.PrivateKey), v.CT, v.Label)
			v.judge(t, got, v.Msg, err)
		})
	}
}

func TestWycheproofHKDF(t *testing.T) {
	for name, h := range map[string]func() hash.Hash{"hkdf_sha256": sha256.New, "hkdf_sha384": sha512.New384} {
		wycheproof(t, name, 80, func(t *testing.T, _ group, v vector) {
			got, err := hkdf.Key(h, v.IKM, v.Salt, string(v.Info), v.Size)
			v.judge(t, got, v.OKM, err)
		})
	}
}

func TestWycheproofHMAC(t *testing.T) {
	wycheproof(t, "hmac_sha256", 100, func(t *testing.T, g group, v vector) {
		m := hmac.New(sha256.New, v.Key)
		m.Write(v.Msg)
		v.judge(t, m.Sum(nil)[:g.TagSize/8], v.Tag, nil)
	})
}

func TestWycheproofECDH(t *testing.T) {
	wycheproof(t, "ecdh_secp256r1_ecpoint", 300, func(t *testing.T, _ group, v vector) {
		priv := v.Private
		for len(priv) > 32 && priv[0] == 0 {
			priv = priv[1:]
		}
		priv = append(make([]byte, 32-len(priv)), priv...)
		k, err := ecdh.P256().NewPrivateKey(priv)
		if err != nil {
			t.Fatalf("%d: %v", v.ID, err)
		}
		var got []byte
		p, err := ecdh.P256().NewPublicKey(v.Public)
		if err == nil {
			got, err = k.ECDH(p)
		}
		v.judge(t, got, v.Shared, err)
	})
}

func TestWycheproofMLKEM(t *testing.T) {
	wycheproof(t, "mlkem_768", 190, func(t *testing.T, _ group, v vector) {
		var got []byte
		k, err := mlkem.NewDecapsulationKey768(v.Seed)
		if err == nil {
			if v.EK != nil && !bytes.Equal(k.EncapsulationKey().Bytes(), v.EK) {
				t.Errorf("%d: another encapsulation key", v.ID)
			}
			got, err = k.Decapsulate(v.C)
		}
		v.judge(t, got, v.K, err)
	})
	wycheproof(t, "mlkem_768_encaps", 260, func(t *testing.T, _ group, v vector) {
		var got, sent []byte
		k, err := mlkem.NewEncapsulationKey768(v.EK)
		if err == nil {
			fips140.WithoutEnforcement(func() { got, sent, err = mlkemtest.Encapsulate768(k, v.M) }) // it refuses randomness that is given
		}
		if err == nil && !bytes.Equal(sent, v.C) {
			t.Errorf("%d: another ciphertext", v.ID)
		}
		v.judge(t, got, v.K, err)
	})
}
