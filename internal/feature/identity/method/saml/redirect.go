package saml

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// endpoint is where a provider takes messages.
type endpoint struct {
	byRedirect, byPost string
	answers            string // ResponseLocation of byRedirect
	postAnswers        string
}

func (e endpoint) none() bool { return e.byRedirect == "" && e.byPost == "" }

// send makes a message, signed when this side has a key, and gives the browser's way
// with it: by redirect where the provider takes that. name is SAMLRequest or
// SAMLResponse; message makes it for the address that it goes to.
func (w *Way) send(ctx context.Context, e endpoint, name, relay string, message func(to string) *etree.Element) (method.Away, error) {
	key, cert, err := w.signer(ctx)
	if err != nil {
		return method.Away{}, err
	}
	to, post := e.byRedirect, e.byPost
	if name == "SAMLResponse" {
		to, post = or(e.answers, to), or(e.postAnswers, post)
	}
	if to != "" {
		return redirect(to, name, relay, message(to), key)
	}
	m := message(post)
	if key != nil {
		if err := signInto(m, key, cert); err != nil {
			return method.Away{}, err
		}
	}
	raw, err := etree.NewDocumentWithRoot(m).WriteToBytes()
	form := url.Values{name: {base64.StdEncoding.EncodeToString(raw)}}
	if relay != "" {
		form.Set("RelayState", relay)
	}
	return method.Away{To: post, Form: form}, err
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// redirect puts a message into the query of an address, signed when there is a key,
// bindings 3.4.
func redirect(to, name, relay string, e *etree.Element, key *rsa.PrivateKey) (method.Away, error) {
	u, err := url.Parse(to)
	if err != nil {
		return method.Away{}, err
	}
	raw, err := etree.NewDocumentWithRoot(e).WriteToBytes()
	if err != nil {
		return method.Away{}, err
	}
	var packed bytes.Buffer
	f, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return method.Away{}, err
	}
	if _, err := f.Write(raw); err != nil {
		return method.Away{}, err
	}
	if err := f.Close(); err != nil {
		return method.Away{}, err
	}
	query := name + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if relay != "" {
		query += "&RelayState=" + url.QueryEscape(relay)
	}
	if key != nil {
		query += "&SigAlg=" + url.QueryEscape(rsaSHA256)
		sum := sha256.Sum256([]byte(query))
		sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			return method.Away{}, err
		}
		query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(sig))
	}
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return method.Away{To: u.String()}, nil
}

// signInto puts a signature into a message, behind its issuer, core 5.4.
func signInto(e *etree.Element, key *rsa.PrivateKey, cert *x509.Certificate) error {
	ctx, err := dsig.NewSigningContext(key, [][]byte{cert.Raw})
	if err != nil {
		return err
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(rsaSHA256); err != nil {
		return err
	}
	sig, err := ctx.ConstructSignature(e, true)
	if err != nil {
		return err
	}
	e.InsertChildAt(one(e, nsAssertion, "Issuer").Index()+1, sig)
	return nil
}

// received is a message that proved to be of the provider.
type received struct {
	root   *etree.Element
	answer bool
	relay  string
}

// receive reads a message that came with a browser, and sees that one of the
// provider's published keys has signed it: the query, or the message in a form.
func (w *Way) receive(p *provider, m method.Message) (*received, error) {
	if m.Form != nil {
		return w.receiveForm(p, m.Form)
	}
	q, err := readQuery(m.Query)
	if err != nil {
		return nil, refused(err, err.Error()+".")
	}
	if err := q.check(p.keys); err != nil {
		return nil, refused(err, "its signature does not hold.")
	}
	root, err := parse(q.message)
	if err != nil {
		return nil, refused(err, err.Error()+".")
	}
	return &received{root: root, answer: q.name == "SAMLResponse", relay: q.relay}, nil
}

func (w *Way) receiveForm(p *provider, f url.Values) (*received, error) {
	name := "SAMLRequest"
	if len(f["SAMLResponse"]) > 0 {
		name = "SAMLResponse"
	}
	if len(f["SAMLRequest"])+len(f["SAMLResponse"]) != 1 || len(f["RelayState"]) > 1 || len(f.Get(name)) > 2*mostBytes || len(f.Get("RelayState")) > mostRelay {
		return nil, refused(nil, "it holds no message.")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(f.Get(name)), ""))
	if err != nil {
		return nil, refused(err, "it cannot be read.")
	}
	root, err := parse(raw)
	if err != nil {
		return nil, refused(err, err.Error()+".")
	}
	if within(root, "Signature") != 1 || within(root, "Object") > 0 {
		return nil, refused(nil, "it is not signed.")
	}
	signed, err := verify(root, p.keys, w.setup.Now())
	if err != nil || signed == nil {
		return nil, refused(err, "its signature does not hold.")
	}
	return &received{root: signed, answer: name == "SAMLResponse", relay: f.Get("RelayState")}, nil
}

// mostRelay is the longest RelayState that is sent back, in bytes. The standard knows
// 80; some send more.
const mostRelay = 2048

// signedQuery is a query of the redirect binding.
type signedQuery struct {
	name, relay string
	message     []byte
	over        string // what was signed, in the bytes that came
	how         string
	signature   []byte
}

// readQuery takes a query apart as it came: others escape it in other ways, and what
// is signed is what they sent.
func readQuery(query string) (*signedQuery, error) {
	raw, plain := map[string]string{}, map[string]string{}
	if len(query) > 2*mostBytes {
		return nil, errors.New("it is too long")
	}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if !slices.Contains([]string{"SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"}, name) {
			if u, err := url.QueryUnescape(name); err != nil || u != name {
				return nil, errors.New("it is written in a strange way")
			}
			continue
		}
		if _, twice := raw[name]; twice {
			return nil, errors.New("it says " + name + " twice")
		}
		text, err := url.QueryUnescape(value)
		if err != nil {
			return nil, errors.New("it cannot be read")
		}
		raw[name], plain[name] = value, text
	}
	q := &signedQuery{name: "SAMLRequest", relay: plain["RelayState"], how: plain["SigAlg"]}
	if _, ok := raw["SAMLResponse"]; ok {
		q.name = "SAMLResponse"
	}
	_, request := raw["SAMLRequest"]
	if plain[q.name] == "" || request && q.name == "SAMLResponse" || len(q.relay) > mostRelay {
		return nil, errors.New("it holds no message")
	}
	if e, ok := plain["SAMLEncoding"]; ok && e != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE" {
		return nil, errors.New("it is packed in a way that is not known")
	}
	packed, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(plain[q.name]), ""))
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	if q.message, err = limited(flate.NewReader(bytes.NewReader(packed))); err != nil {
		return nil, errors.New("it cannot be unpacked")
	}
	if q.signature, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(plain["Signature"]), "")); err != nil || len(q.signature) == 0 {
		return nil, errors.New("it is not signed")
	}
	q.over = q.name + "=" + raw[q.name]
	if r, ok := raw["RelayState"]; ok {
		q.over += "&RelayState=" + r
	}
	q.over += "&SigAlg=" + raw["SigAlg"]
	return q, nil
}

// check sees that one of the keys has signed the query.
func (q *signedQuery) check(keys []*x509.Certificate) error {
	var hash crypto.Hash
	switch q.how {
	case rsaSHA256:
		hash = crypto.SHA256
	case rsaSHA384:
		hash = crypto.SHA384
	case rsaSHA512:
		hash = crypto.SHA512
	default:
		return errors.New("it is signed with an algorithm that is not taken, such as SHA-1")
	}
	h := hash.New()
	h.Write([]byte(q.over))
	sum := h.Sum(nil)
	for _, c := range keys {
		if k, ok := c.PublicKey.(*rsa.PublicKey); ok && rsa.VerifyPKCS1v15(k, hash, sum, q.signature) == nil {
			return nil
		}
	}
	return fault.New(fault.Unauthorized, "None of the provider's keys has signed it.")
}
