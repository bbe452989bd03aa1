package identity_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
)

// TestNobodyLooksLikeAnother: an address that is another's in other letters is taken, and
// one that would only look like it is refused. Of many who are made with one address at
// the same moment, one is.
func TestNobodyLooksLikeAnother(t *testing.T) {
	h := house(t)
	create := func(email string) error {
		return h.Gate.Change(t.Context(), h.Admin(), access.Create, gate.Thing{Kind: identity.User}, func(tx *gate.Tx) error {
			_, err := h.Records.Create(tx, identity.User, record.Values{"email": email, "role_name": string(access.Editor)})
			return err
		})
	}
	if err := create("coppa@example.com"); err != nil {
		t.Fatal(err)
	}
	for what, email := range map[string]string{
		"capitals": "COPPA@Example.COM", "wide letters": "ｃｏｐｐａ@example.com", "letters of mathematics": "𝐜𝐨𝐩𝐩𝐚@example.com",
		"a Cyrillic a": "copp\u0430@example.com", "a Cyrillic domain": "coppa@ex\u0430mple.com", "a Greek o": "c\u03bfppa@example.com",
		"nothing seen": "cop\u200bpa@example.com", "a soft hyphen": "cop\u00adpa@example.com", "turned around": "\u202ecoppa@example.com", "joined": "cop\u2060pa@example.com",
	} {
		if err := create(email); !fault.Is(err, fault.Invalid) || fault.Say(err).Fields["email"] == "" {
			t.Errorf("%s: %q is taken: %v", what, email, err)
		}
	}
	for _, email := range []string{"zoë@example.com", "копа@пример.example", "καλημέρα@example.com", "o'neill+tag@example.com", "user-7@xn--e1afmkfd.example", "李雷@example.com", "zoe\u0308@other.example"} {
		if err := create(email); err != nil {
			t.Errorf("%q is refused: %v", email, err)
		}
	}
	who := user(h, "renamed@example.com", access.Editor)
	if err := update(t, h, identity.User, who, record.Values{"email": "copp\u0430@example.com"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an address is changed to one that looks like another's: %v", err)
	}

	for round := range 3 {
		var made atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				err := create([]string{"invited@example.com", "Invited@EXAMPLE.com"}[i%2])
				switch {
				case err == nil:
					made.Add(1)
				case !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Conflict):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := made.Load(); round == 0 && n != 1 || round > 0 && n != 0 {
			t.Errorf("in round %d %d users were made of one address", round, n)
		}
	}
}
