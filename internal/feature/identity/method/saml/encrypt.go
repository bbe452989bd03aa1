package saml

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// What is encrypted is encrypted by XML Encryption 1.1: a key for one message, wrapped
// by RSA-OAEP, and AES-GCM. RSA with the padding of PKCS 1.5 is never opened: who can
// ask about paddings could open anything, and sign with the same key.
const (
	nsEncryption11 = "http://www.w3.org/2009/xmlenc11#"
	oaepMGF1       = nsEncryption + "rsa-oaep-mgf1p"
	oaep11         = nsEncryption11 + "rsa-oaep"
	gcm128         = nsEncryption11 + "aes128-gcm"
	gcm256         = nsEncryption11 + "aes256-gcm"
	cbc128         = nsEncryption + "aes128-cbc"
	cbc256         = nsEncryption + "aes256-cbc"
	isElement      = nsEncryption + "Element"
)

// ciphers gives the length of the key of each algorithm.
func ciphers() map[string]int {
	return map[string]int{gcm128: 16, nsEncryption11 + "aes192-gcm": 24, gcm256: 32, cbc128: 16, nsEncryption + "aes192-cbc": 24, cbc256: 32}
}

func withCBC(how string) bool { return strings.HasSuffix(how, "-cbc") }

// covered is something encrypted, taken apart and not opened yet.
type covered struct {
	how  string // the cipher
	key  []byte // wrapped
	oaep rsa.OAEPOptions
	data []byte
}

// takeApart reads an EncryptedAssertion or EncryptedID of the one form that SAML
// knows, core 2.2.4 and 2.3.4: everything is in it, and one key opens it.
func takeApart(e *etree.Element) (*covered, error) {
	strange := errors.New("it is encrypted in a form that is not known")
	data := one(e, nsEncryption, "EncryptedData")
	keys := some(e, nsEncryption, "EncryptedKey")
	if data == nil || len(e.ChildElements()) != 1+len(keys) {
		return nil, strange
	}
	for _, info := range some(data, nsSignature, "KeyInfo") {
		keys = append(keys, some(info, nsEncryption, "EncryptedKey")...)
	}
	if len(keys) != 1 || within(e, "EncryptedKey") != 1 || within(e, "EncryptedData") != 1 || within(e, "CipherReference") > 0 || within(e, "Transforms") > 0 {
		return nil, strange
	}
	if t := attr(data, "Type"); t != "" && t != isElement {
		return nil, strange
	}
	c := &covered{}
	var err error
	if c.data, err = cipherValue(data); err != nil {
		return nil, strange
	}
	if c.key, err = cipherValue(keys[0]); err != nil {
		return nil, strange
	}
	how, wrap := one(data, nsEncryption, "EncryptionMethod"), one(keys[0], nsEncryption, "EncryptionMethod")
	if how == nil || wrap == nil {
		return nil, strange
	}
	c.how = attr(how, "Algorithm")
	if ciphers()[c.how] == 0 {
		return nil, errors.New("it is encrypted with an algorithm that is not taken: AES-GCM is")
	}
	c.oaep, err = wrapping(wrap)
	return c, err
}

func cipherValue(e *etree.Element) ([]byte, error) {
	v := one(one(e, nsEncryption, "CipherData"), nsEncryption, "CipherValue")
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text(v)), ""))
}

// wrapping reads how a key was wrapped, XML Encryption 1.1, 5.5. SHA-1 within OAEP is
// no signature and not broken; it is what most providers use.
func wrapping(e *etree.Element) (o rsa.OAEPOptions, err error) {
	o.Hash, o.MGFHash = crypto.SHA1, crypto.SHA1
	how := attr(e, "Algorithm")
	if how != oaepMGF1 && how != oaep11 {
		return o, errors.New("its key is wrapped with an algorithm that is not taken: RSA-OAEP is")
	}
	for _, c := range e.ChildElements() {
		hash := hashes()[attr(c, "Algorithm")]
		switch {
		case is(c, nsSignature, "DigestMethod") && hash != 0:
			o.Hash = hash
		case is(c, nsEncryption11, "MGF") && how == oaep11 && hash != 0:
			o.MGFHash = hash
		default:
			return o, errors.New("its key is wrapped in a form that is not known")
		}
	}
	return o, nil
}

// hashes are those of OAEP, as digests and as generators of masks.
func hashes() map[string]crypto.Hash {
	const mgf = nsEncryption11 + "mgf1"
	return map[string]crypto.Hash{
		nsSignature + "sha1": crypto.SHA1, nsEncryption + "sha256": crypto.SHA256, "http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384, nsEncryption + "sha512": crypto.SHA512,
		mgf + "sha1": crypto.SHA1, mgf + "sha256": crypto.SHA256, mgf + "sha384": crypto.SHA384, mgf + "sha512": crypto.SHA512,
	}
}

// errSealed is the one answer for what cannot be opened, whyever.
func errSealed() error {
	return errors.New("what is encrypted in it cannot be opened with the key of this way")
}

// uncover opens an element that is encrypted, and reads what it holds by the gate: an
// element with that name, which needs nothing around it. signed says that the provider
// has signed the encrypted form. Only then is AES-CBC opened, and only where the
// settings allow it: a cipher that anybody can alter would tell of its text by what
// becomes of alterations, also of one that was made with AES-GCM.
func (w *Way) uncover(ctx context.Context, e *etree.Element, name string, signed bool) (*etree.Element, error) {
	c, err := takeApart(e)
	if err != nil {
		return nil, refused(err, err.Error()+".")
	}
	switch {
	case withCBC(c.how) && !w.setup.Bool("cbc"):
		return nil, refused(nil, "it is encrypted with AES-CBC, which this way does not take; AES-GCM is.")
	case withCBC(c.how) && !signed:
		return nil, refused(nil, "it is encrypted with AES-CBC, and the answer around it is not signed.")
	}
	plain, err := w.decrypt(ctx, c)
	if err != nil {
		return nil, err
	}
	inner, err := parse(plain)
	if err != nil && withCBC(c.how) { // which says no more than any other failure to open it
		return nil, refused(errSealed(), errSealed().Error()+".")
	}
	if err != nil {
		return nil, refused(err, "what is encrypted in it is not sound: "+err.Error()+".")
	}
	if !is(inner, nsAssertion, name) {
		return nil, refused(nil, "what is encrypted in it is something else than it should be.")
	}
	if slices.ContainsFunc(ids(inner), func(s string) bool { return slices.Contains(ids(root(e)), s) }) {
		return nil, refused(nil, "an ID is there twice.")
	}
	return inner, nil
}

func (w *Way) decrypt(ctx context.Context, c *covered) ([]byte, error) {
	if len(w.own) == 0 {
		return nil, refused(nil, "it is encrypted, and this way has no key; an administrator can make one.")
	}
	var plain []byte
	for _, o := range w.own {
		key, err := w.key(ctx, o)
		if err != nil {
			return nil, err
		}
		if out, ok := c.open(key); ok && plain == nil {
			plain = out
		}
	}
	if plain == nil {
		return nil, refused(errSealed(), errSealed().Error()+".")
	}
	return plain, nil
}

// open decrypts with one private key. A key that cannot be unwrapped is replaced by a
// random one, so that the same is done, and takes as long; what comes of that is never
// taken, though with AES-CBC it can look like something.
func (c *covered) open(private *rsa.PrivateKey) (plain []byte, ok bool) {
	n := ciphers()[c.how]
	key := make([]byte, n)
	rand.Read(key)
	k, err := private.Decrypt(nil, c.key, &c.oaep)
	unwrapped := err == nil && len(k) == n
	if unwrapped {
		key = k
	}
	plain, err = c.with(key)
	return plain, unwrapped && err == nil
}

// with decrypts with the key of the message.
func (c *covered) with(key []byte) ([]byte, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if withCBC(c.how) {
		return openCBC(b, c.data)
	}
	g, err := cipher.NewGCMWithRandomNonce(b)
	if err != nil {
		return nil, err
	}
	return g.Open(nil, nil, c.data, nil)
}

// openCBC decrypts with the padding of XML Encryption, 5.2: only the last byte counts.
func openCBC(b cipher.Block, data []byte) ([]byte, error) {
	n := b.BlockSize()
	if len(data) < 2*n || len(data)%n != 0 {
		return nil, errSealed()
	}
	out := make([]byte, len(data)-n)
	cipher.NewCBCDecrypter(b, data[:n]).CryptBlocks(out, data[n:])
	pad := int(out[len(out)-1])
	if pad < 1 || pad > n {
		return nil, errSealed()
	}
	return out[:len(out)-pad], nil
}

func root(e *etree.Element) *etree.Element {
	for e.Parent() != nil {
		e = e.Parent()
	}
	return e
}

// ids gives the IDs within an element.
func ids(e *etree.Element) (out []string) {
	for _, a := range e.Attr {
		if strings.EqualFold(a.Key, "id") {
			out = append(out, a.Value)
		}
	}
	for _, c := range e.ChildElements() {
		out = append(out, ids(c)...)
	}
	return out
}
