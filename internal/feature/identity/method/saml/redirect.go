package saml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"net/url"

	"github.com/beevik/etree"
)

// redirect puts a message into the query of an address, bindings 3.4.
func (w *Way) redirect(to, name string, e *etree.Element) (string, error) {
	u, err := url.Parse(to)
	if err != nil {
		return "", err
	}
	raw, err := etree.NewDocumentWithRoot(e).WriteToBytes()
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	f, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := f.Write(raw); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	query := name + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return u.String(), nil
}
