package channel

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hooksign"
)

// hook sends JSON to a program, signed as Standard Webhooks has it.
func hook() Format {
	return Format{
		Name: "webhook", Label: "To a program", About: "JSON to an address of yours, for a program that does with it what you like.",
		Hint:   "It is sent a POST with JSON.",
		Secret: "Signing secret", Why: "Copy it now: it is not shown again. Messages are signed by it, in the header Webhook-Signature.",
		Fresh: func() string { return prefix + base64.StdEncoding.EncodeToString([]byte(rand.Text())) },
		Check: func(_ *url.URL, secret string) error {
			key, err := keyOf(secret)
			switch {
			case secret == "":
				return fault.Field("secret", "Without a secret nobody can tell whom a message is from.")
			case err != nil || len(key) < 24:
				return fault.Field("secret", "The secret is %s and then at least 24 bytes in base64.", prefix)
			}
			return nil
		},
		Request: func(ctx context.Context, m Message) (*http.Request, error) {
			body, err := json.Marshal(map[string]any{"type": "notification", "timestamp": m.At.UTC(), "data": map[string]any{"urgent": m.Urgent, "notices": m.Lines}})
			if err != nil {
				return nil, err
			}
			key, err := keyOf(m.Secret)
			if err != nil {
				return nil, err
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Address.String(), strings.NewReader(string(body)))
			if err != nil {
				return nil, err
			}
			stamp := hooksign.Stamp(m.At)
			hooksign.Set(req.Header, m.ID, stamp, hooksign.HMAC(key, m.ID, stamp, string(body)))
			return req, nil
		},
	}
}

// prefix stands before the secrets of Standard Webhooks.
const prefix = "whsec_"

func keyOf(secret string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, prefix))
}
