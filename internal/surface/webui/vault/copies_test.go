package vault_test

import (
	"net/http"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/core/access"
	"strongroom/internal/feature/vault"
	"strongroom/internal/surface/webui/webuitest"
)

// copiesPage makes emergency copies of the editor and looks at the page that lists them.
func copiesPage(t *testing.T, h *webuitest.House, keys *hostproof.Keyset) {
	t.Helper()
	s, me, now := &vault.Vaults{Gate: h.Gate}, callerOf(h, access.Editor), h.Clock.Now().UnixMilli()
	if p := h.As(access.Editor).Get("/vault/copies").Want(http.StatusOK); !strings.Contains(p.Body, "No emergency copy was made") {
		t.Error("the empty page does not say what to do")
	}
	for i, holders := range [][]hostproof.Holder{{{Name: "Edith", Statement: keys.Statement}, {Name: "<b>Safe</b> in Leeds"}}, {{Name: "Notary"}, {Name: "Bank"}, {Name: "Office"}}} {
		x, codes, err := keys.NewCopy([]hostproof.Copied{{From: "Personal", Content: hostproof.Content{"title": "Zanzibar router"}}}, holders, 2, now+int64(i+1)*86_400_000, now)
		must(t, err)
		must(t, s.RecordCopy(t.Context(), me, vault.NewCopy{Head: x.Head(), Items: 1}))
		if i == 0 {
			continue
		}
		_, r, err := hostproof.Opening{Codes: codes[:2], Reason: "Fire in <i>Leeds</i>"}.Open(x, now)
		must(t, err)
		must(t, s.HandIn(t.Context(), me, vault.Receipt{Receipt: r.Marshal()}))
	}
	p := h.As(access.Editor).Get("/vault/copies").Want(http.StatusOK)
	for _, want := range []string{"one item of a vault and no passwords", "Any 2 of these open it together: Edith Moreau, &lt;b&gt;Safe&lt;/b&gt; in Leeds.", "with the consent of Notary, Bank. Reason: Fire in &lt;i&gt;Leeds&lt;/i&gt;", "Those that you made"} {
		if !strings.Contains(p.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(p.Body, "Zanzibar") || p.Count(".pill.warn") != 1 {
		t.Error("the page tells what is in a copy, or not that one was opened")
	}
	if p := h.As(access.Administrator).Get("/vault/copies").Want(http.StatusOK); !strings.Contains(p.Body, "All of this tenant") || !strings.Contains(p.Body, "Notary") {
		t.Error("an administrator does not see the copies of the tenant")
	}
	if p := h.As(access.ReadOnly).Get("/vault/copies").Want(http.StatusOK); strings.Contains(p.Body, "Notary") {
		t.Error("somebody else sees copies")
	}
	h.As(access.Lite).Get("/vault/copies").Want(http.StatusForbidden)
	b := browser.Open(t, h.URL)
	signIn(b, access.Editor)
	b.Everywhere("vault-copies", "/vault/copies")
}
