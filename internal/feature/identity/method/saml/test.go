package saml

import (
	"context"
	"fmt"
	"time"

	"strongroom/internal/base/fault"
)

// soon is how long before a key ends the test button says so.
const soon = 30 * 24 * time.Hour

// Test reads the provider's metadata and says what it found.
func (w *Way) Test(ctx context.Context) ([]string, error) {
	if w.setup.Text("metadata") == "" {
		w.mu.Lock()
		w.provider = nil
		w.mu.Unlock()
	}
	p, err := w.known(ctx)
	if err != nil {
		return nil, err
	}
	found := []string{"The metadata is of the provider " + p.entity + "."}
	if err := p.takes(len(w.own) > 0); err != nil {
		return found, err
	}
	now, good := w.setup.Now(), 0
	for _, k := range p.keys {
		day := k.NotAfter.UTC().Format("2 January 2006")
		switch {
		case now.After(k.NotAfter) || now.Before(k.NotBefore):
			found = append(found, fmt.Sprintf("A key that it names is not valid now, but from %s to %s: what it signs is refused.", k.NotBefore.UTC().Format("2 January 2006"), day))
		case now.After(k.NotAfter.Add(-soon)):
			found, good = append(found, "A key that it signs with ends soon, on "+day+"."), good+1
		default:
			found, good = append(found, "A key that it signs with is valid until "+day+"."), good+1
		}
	}
	if good == 0 {
		return found, fault.New(fault.Unavailable, "The provider has no key that is valid now.").WithHint("It must renew its signing certificate and publish it in its metadata.")
	}
	found = append(found, w.ownFound(ctx, p, now)...)
	return append(found, "Whether it knows this server cannot be asked: sign in once in a private window of your browser."), nil
}

// ownFound tells of this side's keys and of what the provider can do about logout.
func (w *Way) ownFound(ctx context.Context, p *provider, now time.Time) (found []string) {
	if len(w.own) == 0 {
		return []string{"This way in has no key of its own: requests are not signed, and nothing can be encrypted to it or signed out by it."}
	}
	for i, o := range w.own {
		day := o.cert.NotAfter.UTC().Format("2 January 2006")
		_, err := w.key(ctx, o)
		switch {
		case err != nil:
			found = append(found, "A key of this side cannot be opened: "+fault.Say(err).Text)
		case now.After(o.cert.NotAfter.Add(-soon)):
			found = append(found, "The certificate of a key of this side ends on "+day+": make another key pair.")
		case i == 0:
			found = append(found, "Requests are signed with a key whose certificate is valid until "+day+".")
		}
	}
	if len(w.own) > 1 {
		found = append(found, "The metadata of this side names two keys: go on when the provider has read it.")
	}
	if p.signOut.none() {
		found = append(found, "The provider names no address for logout: its sessions and those here end apart.")
	}
	return found
}
