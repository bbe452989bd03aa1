// Package methodtest checks that a way of signing in keeps the promises of
// package method.
//
// Always true: it knows the method through its interfaces alone. A method's own
// test calls Run with a person the method knows.
package methodtest

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method"
)

// Subject is a method and somebody who can sign in with it.
type Subject struct {
	Method method.Password
	Person method.Try // the right password of somebody
	Other  method.Try // that of somebody else
}

// Run checks a method.
func Run(t *testing.T, s Subject) {
	t.Run("the right password says who it is", func(t *testing.T) { s.right(t) })
	t.Run("anything else is refused in the same words", func(t *testing.T) { s.refused(t) })
	t.Run("a request that is over gets no claim", func(t *testing.T) { s.over(t) })
	t.Run("many at once do not mix", func(t *testing.T) { s.many(t) })
	if k, ok := s.Method.(method.Keeper); ok {
		t.Run("what is kept of a password is new each time", func(t *testing.T) { s.keeps(t, k) })
	}
}

func (s Subject) right(t *testing.T) {
	a, err := s.Method.Check(t.Context(), s.Person)
	if err != nil {
		t.Fatal(err)
	}
	if a.Method == "" || a.Level < 1 {
		t.Errorf("the claim lacks a method or a level: %+v", a)
	}
	if a.User == 0 && a.Subject == "" {
		t.Errorf("the claim names nobody: %+v", a)
	}
	b, err := s.Method.Check(t.Context(), s.Other)
	if err != nil {
		t.Fatal(err)
	}
	if a.User == b.User && a.Subject == b.Subject {
		t.Errorf("two people are the same: %+v, %+v", a, b)
	}
}

func (s Subject) refused(t *testing.T) {
	p := s.Person
	_, err := s.Method.Check(t.Context(), method.Try{Tenant: p.Tenant, Email: p.Email, Password: p.Password + "x"})
	if !fault.Is(err, fault.Unauthorized) {
		t.Fatalf("a wrong password: %v", err)
	}
	want := fault.Say(err)
	tries := map[string]method.Try{
		"no password":            {Tenant: p.Tenant, Email: p.Email},
		"no address":             {Tenant: p.Tenant, Password: p.Password},
		"nothing":                {Tenant: p.Tenant},
		"an unknown address":     {Tenant: p.Tenant, Email: "nobody.at.all@example.com", Password: p.Password},
		"an unknown tenant":      {Tenant: "no-such-tenant", Email: p.Email, Password: p.Password},
		"somebody else's":        {Tenant: p.Tenant, Email: p.Email, Password: s.Other.Password},
		"a shorter one":          {Tenant: p.Tenant, Email: p.Email, Password: p.Password[:len(p.Password)-1]},
		"other letters":          {Tenant: p.Tenant, Email: p.Email, Password: strings.ToUpper(p.Password)},
		"a NUL at the end":       {Tenant: p.Tenant, Email: p.Email, Password: p.Password + "\x00"},
		"a megabyte":             {Tenant: p.Tenant, Email: p.Email, Password: strings.Repeat("x", 1<<20)},
		"not UTF-8":              {Tenant: p.Tenant, Email: p.Email, Password: "\xff\xfe\xfd"},
		"a wildcard":             {Tenant: p.Tenant, Email: "*", Password: p.Password},
		"a filter":               {Tenant: p.Tenant, Email: p.Email + ")(|(mail=*", Password: p.Password},
		"a quote":                {Tenant: p.Tenant, Email: "' or 1=1 --", Password: "' or 1=1 --"},
		"an address with a line": {Tenant: p.Tenant, Email: p.Email + "\r\nx", Password: p.Password},
	}
	for name, try := range tries {
		claim, err := s.Method.Check(t.Context(), try)
		if !fault.Is(err, fault.Unauthorized) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.ValueOf(claim).IsZero() {
			t.Errorf("%s: refused, and yet a claim: %+v", name, claim)
		}
		if got := fault.Say(err); got.Text != want.Text || got.Hint != want.Hint {
			t.Errorf("%s is told apart: %q, want %q", name, got.Text, want.Text)
		}
		if try.Password != "" && strings.Contains(err.Error(), try.Password) {
			t.Errorf("%s: the error holds the password", name)
		}
	}
}

func (s Subject) over(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if claim, err := s.Method.Check(ctx, s.Person); err == nil || !reflect.ValueOf(claim).IsZero() {
		t.Errorf("%+v, %v", claim, err)
	}
}

func (s Subject) many(t *testing.T) {
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			try, wrong := s.Person, i%3 == 0
			if i%2 == 1 {
				try = s.Other
			}
			if wrong {
				try.Password += "?"
			}
			claim, err := s.Method.Check(t.Context(), try)
			switch {
			case fault.Is(err, fault.Throttled):
			case wrong && !fault.Is(err, fault.Unauthorized), !wrong && err != nil:
				t.Errorf("try %d: %v", i, err)
			case !wrong && claim.Email != "" && !strings.EqualFold(claim.Email, try.Email):
				t.Errorf("try %d of %s became %s", i, try.Email, claim.Email)
			}
		})
	}
	all.Wait()
}

func (s Subject) keeps(t *testing.T, k method.Keeper) {
	const password = "four candles and a fork handle"
	a, err := k.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	b, err := k.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if a == b || strings.Contains(a, password) {
		t.Errorf("kept %q and %q", a, b)
	}
	if _, err := k.Hash(t.Context(), "short"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a short password: %v", err)
	}
}
