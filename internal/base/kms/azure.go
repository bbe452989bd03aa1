package kms

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// AzureMachine is where machines of Microsoft are told who they are.
const AzureMachine = "http://169.254.169.254"

const azureVersion = "?api-version=7.4"

// Azure is an RSA key of Azure Key Vault. Credentials are an access token for
// https://vault.azure.net.
//
// The key wraps a fresh key by RSA-OAEP with SHA-256, and that one seals, bound, what is
// to be wrapped: Key Vault's own wrapping binds to nothing. The text is the version of
// the key, the wrapped key and the box, with periods between them.
type Azure struct {
	Access
	URL string // of the key, such as https://NAME.vault.azure.net/keys/KEY
}

// Wrap is Key's.
func (k *Azure) Wrap(ctx context.Context, plain []byte, bind string) (string, error) {
	fresh := make([]byte, envelope.KeySize)
	rand.Read(fresh)
	defer clear(fresh)
	id, wrapped, err := k.call(ctx, "", "wrapkey", fresh)
	if err != nil {
		return "", err
	}
	version := id[strings.LastIndexByte(id, '/')+1:]
	if !azureVersions().MatchString(version) {
		return "", odd()
	}
	box, err := envelope.SealBox(fresh, []byte(bind), plain)
	return version + "." + encode(wrapped) + "." + encode(box), err
}

// Unwrap is Key's.
func (k *Azure) Unwrap(ctx context.Context, text, bind string) ([]byte, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || !azureVersions().MatchString(parts[0]) {
		return nil, notIts()
	}
	wrapped, err := decode(parts[1])
	if err != nil {
		return nil, err
	}
	box, err := decode(parts[2])
	if err != nil {
		return nil, err
	}
	_, fresh, err := k.call(ctx, "/"+parts[0], "unwrapkey", wrapped)
	if err != nil {
		return nil, err
	}
	defer clear(fresh)
	if len(fresh) != envelope.KeySize {
		return nil, odd()
	}
	plain, err := envelope.OpenBox(fresh, []byte(bind), box)
	if err != nil {
		return nil, notIts()
	}
	return plain, nil
}

func azureVersions() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) }

func (k *Azure) call(ctx context.Context, version, verb string, value []byte) (id string, b []byte, err error) {
	u, err := url.Parse(k.URL)
	if err != nil || !regexp.MustCompile(`^https://[a-z0-9-]+\.(vault|managedhsm)\.[a-z.]+/keys/[A-Za-z0-9-]+$`).MatchString(k.URL) {
		return "", nil, fault.Wrap(err, fault.Invalid, "This is not the name of a key of Azure Key Vault.").WithHint("It is of the form https://NAME.vault.azure.net/keys/KEY, without a version.")
	}
	at, err := k.at(u.Scheme+"://"+u.Host, u.Path+version+"/"+verb+azureVersion)
	if err != nil {
		return "", nil, err
	}
	_, audience, _ := strings.Cut(u.Host, ".") // a token is for all vaults of one cloud
	h, err := k.bearer(ctx, "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="+url.QueryEscape("https://"+audience), http.Header{"Metadata": {"true"}})
	if err != nil {
		return "", nil, err
	}
	body, err := json.Marshal(map[string]string{"alg": "RSA-OAEP-256", "value": base64.RawURLEncoding.EncodeToString(value)})
	if err != nil {
		return "", nil, err
	}
	defer clear(body)
	var out struct{ Kid, Value string }
	if err := k.ask(ctx, at, h, body, &out, refusedByAzure); err != nil {
		return "", nil, err
	}
	b, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(out.Value, "="))
	if err != nil || len(b) == 0 {
		return "", nil, odd()
	}
	return out.Kid, b, nil
}

func refusedByAzure(status int, answer []byte) error {
	var why struct {
		Error struct {
			Code  string `json:"code"`
			Inner struct {
				Code string `json:"code"`
			} `json:"innererror"`
		} `json:"error"`
	}
	_ = json.Unmarshal(answer, &why) // what cannot be read has no code
	switch {
	case why.Error.Inner.Code == "KeyDisabled":
		return off()
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return denied()
	case status == http.StatusNotFound:
		return noKey()
	case status == http.StatusBadRequest:
		return notIts()
	}
	return busy(status)
}
