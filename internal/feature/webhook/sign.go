package webhook

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hooksign"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/secret"
)

// sign is a signature of a message, with what it is made by.
func sign(how string, key []byte, message, stamp, body string) string {
	if how == Ed25519 {
		return hooksign.Ed25519(key, message, stamp, body)
	}
	return hooksign.HMAC(key, message, stamp, body)
}

// keys are the secrets by which a message is signed: the present one, and for a day the one
// before it.
func (h *Hooks) keys(ctx context.Context, tenant string, x *Hook) ([][]byte, error) {
	var version, rotated int64
	err := h.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) error {
		return tx.QueryRow(`select version, rotated_at from webhook_state where hook_id = ?`, int64(x.ID)).Scan(&version, &rotated)
	})
	if err != nil {
		return nil, err
	}
	want := []uint32{uint32(version)} //nolint:gosec // it is counted from 1
	if version > 1 && h.now().UnixMilli()-rotated < overlap.Milliseconds() {
		want = append(want, uint32(version-1)) //nolint:gosec // likewise
	}
	var out [][]byte
	for _, n := range want {
		k, err := h.key(ctx, place{tenant, x.ID, n}, x.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// key opens a secret, where it was not opened a moment ago.
func (h *Hooks) key(ctx context.Context, at place, name string) ([]byte, error) {
	if k := h.remembered(at); k != nil {
		return k, nil
	}
	text, has, err := h.Secrets.RevealBeside(ctx, access.System(at.tenant, "job"), gate.Thing{}, reasonOfUse, func(tx *gate.Tx) (*secret.Ref, error) {
		e := tx.Entry()
		e.Kind, e.Object, e.Detail.Name = Kind, at.hook, name
		return &secret.Ref{Kind: Kind, Object: at.hook, Field: field, Version: at.version}, nil
	})
	if err != nil {
		return nil, err
	}
	k, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !has {
		return nil, fault.New(fault.Internal, "The secret of a webhook is none.")
	}
	h.remember(at, k)
	return k, nil
}

// Rotate gives an address another secret, which is shown this once. For a day messages are
// signed by the one before it too.
func (h *Hooks) Rotate(tx *gate.Tx, hook id.ID) (shown string, err error) {
	r, err := h.Records.Get(tx, Kind, hook)
	if err != nil {
		return "", err
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: Kind, ID: hook})
	if err != nil {
		return "", err
	}
	e.Action = "webhook.secret"
	raw := make([]byte, 32)
	rand.Read(raw)
	defer clear(raw)
	public := ""
	shown = "whsec_" + base64.StdEncoding.EncodeToString(raw)
	if r.Values.Text("signs") == Ed25519 {
		pub, _ := ed25519.NewKeyFromSeed(raw).Public().(ed25519.PublicKey)
		public = "whpk_" + base64.StdEncoding.EncodeToString(pub)
		shown = public
	}
	n, err := secret.Put(tx, secret.Place{Kind: Kind, Object: hook, Field: field}, base64.StdEncoding.EncodeToString(raw), secret.Note{})
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(`update webhook_state set version = ?, rotated_at = ?, public = ? where hook_id = ?`, int64(n), tx.Now, public, int64(hook))
	return shown, err
}
