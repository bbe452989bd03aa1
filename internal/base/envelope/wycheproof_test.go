package envelope_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"hash"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/wycheproof"
)

func TestWycheproofAESGCM(t *testing.T) {
	used := 0
	wycheproof.Each(t, "aes_gcm", 300, func(g wycheproof.Group, v wycheproof.Vector) {
		if g.KeySize != 256 || g.IVSize != 96 || g.TagSize != 128 {
			return // not used here: the box has one form
		}
		used++
		box := bytes.Join([][]byte{v.IV, v.CT, v.Tag}, nil)
		got, err := envelope.OpenBox(v.Key, v.AAD, box)
		v.Judge(t, got, v.Msg, err)
	})
	if used < 60 {
		t.Errorf("only %d tests of AES-256 with the sizes used here", used)
	}
}

func TestWycheproofRSA(t *testing.T) {
	for _, name := range []string{"rsa_oaep_2048", "rsa_oaep_3072", "rsa_oaep_4096"} {
		wycheproof.Each(t, name+"_sha256_mgf1sha256", 30, func(g wycheproof.Group, v wycheproof.Vector) {
			k, err := x509.ParsePKCS8PrivateKey(g.PrivateKeyPKCS8)
			if err != nil {
				t.Fatal(err)
			}
			got, err := rsa.DecryptOAEP(sha256.New(), nil, k.(*rsa.PrivateKey), v.CT, v.Label)
			v.Judge(t, got, v.Msg, err)
		})
	}
}

func TestWycheproofHKDF(t *testing.T) {
	for name, h := range map[string]func() hash.Hash{"hkdf_sha256": sha256.New, "hkdf_sha384": sha512.New384} {
		wycheproof.Each(t, name, 80, func(_ wycheproof.Group, v wycheproof.Vector) {
			got, err := hkdf.Key(h, v.IKM, v.Salt, string(v.Info), v.Size)
			v.Judge(t, got, v.OKM, err)
		})
	}
}

func TestWycheproofHMAC(t *testing.T) {
	wycheproof.Each(t, "hmac_sha256", 100, func(g wycheproof.Group, v wycheproof.Vector) {
		m := hmac.New(sha256.New, v.Key)
		m.Write(v.Msg)
		v.Judge(t, m.Sum(nil)[:g.TagSize/8], v.Tag, nil)
	})
}

func TestWycheproofECDH(t *testing.T) {
	wycheproof.Each(t, "ecdh_secp256r1_ecpoint", 300, func(_ wycheproof.Group, v wycheproof.Vector) {
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
		v.Judge(t, got, v.Shared, err)
	})
}

func TestWycheproofMLKEM(t *testing.T) {
	wycheproof.Each(t, "mlkem_768", 190, func(_ wycheproof.Group, v wycheproof.Vector) {
		var got []byte
		k, err := mlkem.NewDecapsulationKey768(v.Seed)
		if err == nil {
			if v.EK != nil && !bytes.Equal(k.EncapsulationKey().Bytes(), v.EK) {
				t.Errorf("%d: another encapsulation key", v.ID)
			}
			got, err = k.Decapsulate(v.C)
		}
		v.Judge(t, got, v.K, err)
	})
	wycheproof.Each(t, "mlkem_768_encaps", 260, func(_ wycheproof.Group, v wycheproof.Vector) {
		var got, sent []byte
		k, err := mlkem.NewEncapsulationKey768(v.EK)
		if err == nil {
			fips140.WithoutEnforcement(func() { got, sent, err = mlkemtest.Encapsulate768(k, v.M) }) // it refuses randomness that is given
		}
		if err == nil && !bytes.Equal(sent, v.C) {
			t.Errorf("%d: another ciphertext", v.ID)
		}
		v.Judge(t, got, v.K, err)
	})
}

func TestWycheproofEd25519(t *testing.T) {
	wycheproof.Each(t, "ed25519", 150, func(g wycheproof.Group, v wycheproof.Vector) {
		if ok := ed25519.Verify(ed25519.PublicKey(g.PublicKey.PK), v.Msg, v.Sig); ok != (v.Result == "valid") {
			t.Errorf("%d (%s): %s, but verified: %v", v.ID, v.Comment, v.Result, ok)
		}
	})
}
