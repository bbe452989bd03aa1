package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"golang.org/x/oauth2"

	"strongroom/internal/base/fault"
)

// Test reads what the provider publishes, and has it look at the client id and
// secret by a code that nobody has.
func (w *Way) Test(ctx context.Context) ([]string, error) {
	w.mu.Lock()
	w.provider = nil
	w.mu.Unlock()
	p, err := w.discover(ctx)
	if err != nil {
		return nil, err
	}
	found := []string{"The provider answers, and calls itself " + w.issuer + "."}
	n, err := w.keys(ctx, p.meta.KeysURL)
	if err != nil {
		return found, err
	}
	if n == 0 {
		return found, fault.New(fault.Unavailable, "The provider publishes no key to check its tokens with.").WithHint("A provider that signs with a shared secret cannot be used.")
	}
	found = append(found, "It publishes the keys that its tokens are checked with.")
	if len(p.meta.PKCE) > 0 && !slices.Contains(p.meta.PKCE, "S256") {
		return found, fault.New(fault.Unavailable, "The provider does not know PKCE with S256.").WithHint("Switch it on there.")
	}
	c, err := w.config(ctx, p, w.setup.Home+"/return")
	if err != nil {
		return found, err
	}
	_, err = c.Exchange(w.context(ctx), "strongroom-test", oauth2.VerifierOption(oauth2.GenerateVerifier()))
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok:
		return found, w.unreachable(err)
	case e.ErrorCode == "invalid_client" || e.ErrorCode == "unauthorized_client":
		return found, fault.Wrap(err, fault.Unavailable, "The provider does not accept the client id and secret.").WithHint("Copy both anew from where Strongroom is registered there. A secret may have expired.")
	case e.ErrorCode != "invalid_grant":
		return append(found, "It answered the client id and secret with "+e.ErrorCode+", from which nothing can be told."), nil
	}
	found = append(found, "It accepts the client id and secret.")
	if p.meta.Logout {
		found = append(found, "It can tell this server when somebody signs out there: register "+w.setup.Home+"/ended for that.")
	}
	return found, nil
}

// keys counts the published keys.
func (w *Way) keys(ctx context.Context, at string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return 0, w.unreachable(err)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		return 0, w.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var set struct {
		Keys []struct {
			Kty string `json:"kty"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		return 0, w.unreachable(err)
	}
	n := 0
	for _, k := range set.Keys {
		if k.Kty != "oct" {
			n++
		}
	}
	return n, nil
}
