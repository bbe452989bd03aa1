package envelope

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"

	"strongroom/internal/base/fault"
)

// RevealSize is the length of a data key re-wrapped by Rewrap, in bytes:
// point (65), nonce (12), data key (32), tag (16).
const RevealSize = pointSize + KeySize + gcmSpare

// Rewrap wraps a data key to an ephemeral P-256 public key (uncompressed, 65
// bytes) that a browser made for one sealed reveal; whoever relays it learns
// nothing. The key is HKDF-SHA-384 of the ECDH secret with the length-prefixed
// parts "strongroom/reveal/1", both points and SHA-256 of the header as info;
// that hash is the associated data.
func Rewrap(ephemeral, header, dataKey []byte) ([]byte, error) {
	to, err := ecdh.P256().NewPublicKey(ephemeral)
	if err != nil || len(ephemeral) != pointSize || len(dataKey) != KeySize {
		return nil, fault.New(fault.Invalid, "The browser's key for this reveal is not valid.").WithHint("Reload the page and try again.")
	}
	e, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "A key pair could not be made.")
	}
	secret, err := e.ECDH(to)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The key could not be re-wrapped.")
	}
	point, hash := e.PublicKey().Bytes(), HashHeader(header)
	kek, err := revealKey(secret, point, ephemeral, hash[:])
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	g, err := aead(kek)
	if err != nil {
		return nil, err
	}
	return g.Seal(point, nil, dataKey, hash[:]), nil
}

// OpenRewrapped is what the browser does with the result of Rewrap; for
// command lines and tests.
func OpenRewrapped(priv *ecdh.PrivateKey, header, rewrapped []byte) ([]byte, error) {
	if len(rewrapped) != RevealSize {
		return nil, malformed("A re-wrapped key has a wrong length.")
	}
	from, err := ecdh.P256().NewPublicKey(rewrapped[:pointSize])
	if err != nil {
		return nil, malformed("A re-wrapped key is damaged.")
	}
	secret, err := priv.ECDH(from)
	if err != nil {
		return nil, malformed("A re-wrapped key is damaged.")
	}
	hash := HashHeader(header)
	kek, err := revealKey(secret, rewrapped[:pointSize], priv.PublicKey().Bytes(), hash[:])
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	g, err := aead(kek)
	if err != nil {
		return nil, err
	}
	key, err := g.Open(nil, nil, rewrapped[pointSize:], hash[:])
	if err != nil {
		return nil, altered(err, "secret")
	}
	return key, nil
}

func revealKey(secret, from, to, headerHash []byte) ([]byte, error) {
	defer clear(secret)
	info := prefixed([]byte("strongroom/reveal/1"), from, to, headerHash)
	k, err := hkdf.Key(sha512.New384, secret, nil, string(info), sha256.Size)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The key could not be re-wrapped.")
	}
	return k, nil
}
