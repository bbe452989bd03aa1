package apptest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/vaultapi"
)

// hostile is a server that answers otherwise than the real one.
type hostile struct {
	http.RoundTripper
	lie func(*vault.Recovery)
}

func (x *hostile) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := x.RoundTripper.RoundTrip(r)
	if err != nil || x.lie == nil || !strings.HasSuffix(r.URL.Path, "/recovery") || r.Method != http.MethodGet {
		return resp, err
	}
	defer resp.Body.Close()
	var got vault.Recovery
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return nil, err
	}
	x.lie(&got)
	b, err := json.Marshal(got)
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return resp, err
}

// recoveries are people of one tenant who lose and find their keys by the command line.
type recoveries struct {
	*apptest.House
	t      *testing.T
	tenant *apptest.Tenant
	server *hostile
}

func (h *recoveries) client(p *apptest.Person, dir string) *vaultapi.Client {
	return &vaultapi.Client{URL: h.URL, Key: p.Key, Memory: &vaultapi.Memory{Dir: dir}, HTTP: &http.Client{Transport: h.server}}
}

func (h *recoveries) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *recoveries) unlocked(p *apptest.Person, dir string) *vaultapi.Client {
	h.t.Helper()
	c := h.client(p, dir)
	h.must(c.Unlock(h.t.Context(), vaultPassphrase))
	return c
}

func (h *recoveries) now(c *vaultapi.Client) *vaultapi.Recovery {
	h.t.Helper()
	r, err := c.Recovery(h.t.Context())
	h.must(err)
	return r
}

func (h *recoveries) refused(err error, kind fault.Kind, want string) {
	h.t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(err.Error(), want) {
		h.t.Errorf("it says %v, and not %q", err, want)
	}
}

func (h *recoveries) policy(way string, needed int, officers ...id.ID) {
	h.t.Helper()
	h.must((&vault.Vaults{Gate: h.App.Gate}).SetRecovery(h.t.Context(), h.tenant.Admin, way, needed, officers))
}

// TestRecoveryByKey: what the tenant allows, a person chooses, and uses when she has
// forgotten her passphrase: a kit, then officers. A hostile server is found out.
func TestRecoveryByKey(t *testing.T) {
	h := &recoveries{House: apptest.Open(t, apptest.Options{Bare: true}), t: t}
	h.tenant = h.Tenants[0]
	h.server = &hostile{RoundTripper: &atHost{host: h.tenant.Name + ".localhost"}}
	me, one, two := h.tenant.People[access.Editor], h.tenant.People[access.Administrator], h.tenant.Join("second", access.Administrator)
	for _, p := range []*apptest.Person{me, one, two} {
		makeVault(t, h.House, h.tenant.Name, p.ID)
	}
	dir := t.TempDir()
	c := h.unlocked(me, dir)
	_, err := c.ChooseKit(t.Context(), h.now(c))
	h.refused(err, fault.Conflict, "allow another recovery")

	h.policy(vault.RecoveryKit, 0)
	var kept []byte
	h.server.lie = func(r *vault.Recovery) { kept = r.Sealed }
	code, err := c.ChooseKit(t.Context(), h.now(c))
	h.must(err)
	h.now(c)
	h.server.lie = nil
	lost := h.client(me, dir)
	h.must(lost.Locked(t.Context()))
	r := h.now(lost)
	h.refused(lost.RecoverByKit(t.Context(), r, "not a code", "another sentence of words"), fault.Invalid, "no recovery code")
	h.must(lost.RecoverByKit(t.Context(), r, strings.ToLower(code.Text()), vaultPassphrase))
	if list, err := lost.All(t.Context()); err != nil || len(list) != 1 || list[0].Title != "Personal" {
		t.Fatalf("with the kit it opens to %v, %v", list, err)
	}

	h.policy(vault.RecoveryOfficers, 2, one.ID, two.ID)
	if r := h.now(lost); r.Chosen != nil || r.Way != vault.RecoveryOfficers {
		t.Errorf("after the policy changed there is %+v", r)
	}
	h.refused(lost.RecoverByKit(t.Context(), h.now(lost), code.Text(), vaultPassphrase), fault.NotFound, "No recovery was chosen")
	officers := []*vaultapi.Client{h.unlocked(one, t.TempDir()), h.unlocked(two, t.TempDir())}
	h.choose(lost, one, two, officers)
	t.Run("a server that shows another recovery", func(t *testing.T) {
		h := *h
		h.t = t
		h.server.lie = func(r *vault.Recovery) { r.Sealed, r.Number = kept, 1 }
		_, err := lost.Recovery(t.Context())
		h.refused(err, fault.Denied, "earlier recovery")
		h.server.lie = func(r *vault.Recovery) { r.Sealed[60]++ }
		_, err = lost.Recovery(t.Context())
		h.refused(err, fault.Denied, "not chosen with the keys")
		h.server.lie = nil
	})
	h.ask(me, officers, dir)
}

// choose gives both officers a share, once their words were compared.
func (h *recoveries) choose(c *vaultapi.Client, one, two *apptest.Person, officers []*vaultapi.Client) {
	h.t.Helper()
	ctx := h.t.Context()
	h.refused(c.ChooseOfficers(ctx, h.now(c)), fault.Denied, "not compared yet")
	for i, p := range []*apptest.Person{one, two} {
		words := officers[i].Words()
		h.refused(c.MeetOfficer(ctx, h.now(c), int64(p.ID), strings.Join(c.Words(), " ")), fault.Denied, "not the words")
		h.must(c.MeetOfficer(ctx, h.now(c), int64(p.ID), strings.Join(words, " ")))
	}
	// Other keys for an officer than those that were compared.
	h.server.lie = func(r *vault.Recovery) {
		r.Policy.Officers[0].Statement = r.Policy.Officers[1].Statement
	}
	_, err := c.Recovery(ctx)
	h.refused(err, fault.Denied, "somebody else's keyset")
	h.server.lie = nil
	h.must(c.ChooseOfficers(ctx, h.now(c)))
	if x := h.now(c).Chosen; x == nil || x.Needed != 2 || len(x.Officers) != 2 || x.Number != 2 {
		h.t.Errorf("she chose %+v", x)
	}
}

// ask goes from a forgotten passphrase to open vaults.
func (h *recoveries) ask(me *apptest.Person, officers []*vaultapi.Client, dir string) {
	h.t.Helper()
	ctx := h.t.Context()
	lost := h.client(me, dir)
	h.must(lost.Locked(ctx))
	words, err := lost.AskOfficers(ctx, h.now(lost), "another sentence of words")
	h.must(err)
	if got := h.now(lost).Asking; strings.Join(got, " ") != strings.Join(words, " ") {
		h.t.Errorf("the request shows %v", got)
	}
	for i, officer := range officers {
		r := h.now(officer)
		if len(r.Asks) != 1 || r.Asks[0].User != int64(me.ID) {
			h.t.Fatalf("an officer sees %+v", r.Asks)
		}
		if i == 0 {
			h.refused(officer.AnswerAsk(ctx, r, int64(me.ID), strings.Join(officer.Words(), " ")), fault.Denied, "not the words of the request")
		}
		h.must(officer.AnswerAsk(ctx, r, int64(me.ID), strings.Join(words, " ")))
	}
	h.server.lie = func(r *vault.Recovery) { b := r.Asked.Answers[1].Sealed; b[len(b)-100] ^= 1 }
	h.refused(lost.FinishRecovery(ctx, h.now(lost), "another sentence of words"), fault.Denied, "did not sign")
	h.server.lie = nil
	h.must(lost.FinishRecovery(ctx, h.now(lost), "another sentence of words"))
	if list, err := lost.All(ctx); err != nil || len(list) != 1 || list[0].Title != "Personal" {
		h.t.Fatalf("with the officers it opens to %v, %v", list, err)
	}
	if r := h.now(lost); r.Asking != nil || r.Chosen == nil {
		h.t.Errorf("afterwards there is %+v", r)
	}
}
