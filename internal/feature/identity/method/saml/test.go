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
	if p.signIn == "" {
		return found, fault.New(fault.Unavailable, "The provider takes no requests by redirect.").WithHint("Its metadata must name a SingleSignOnService with the binding HTTP-Redirect.")
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
	return append(found, "Whether it knows this server cannot be asked: sign in once in a private window of your browser."), nil
}
