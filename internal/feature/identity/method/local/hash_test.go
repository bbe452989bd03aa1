package local_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method/local"
)

// cheap is a cost for tests that are not about the cost.
func cheap() local.Cost { return local.Cost{Memory: 64, Time: 1, Threads: 1} }

// TestVectors: hashes of the reference implementation (phc-winner-argon2,
// src/test.c, CC0) are understood.
func TestVectors(t *testing.T) {
	tests := []struct{ password, hash string }{
		{"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
		{"password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
		{"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
		{"password", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg"},
		{"password", "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw"},
		{"differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94"},
		{"password", "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw"},
	}
	h := &local.Hasher{Cost: cheap()}
	for _, x := range tests {
		ok, outdated, err := h.Verify(t.Context(), x.hash, x.password, false)
		if err != nil || !ok || !outdated {
			t.Errorf("%s: %v, outdated %v, %v", x.hash, ok, outdated, err)
		}
		if ok, _, err := h.Verify(t.Context(), x.hash, x.password+" ", false); err != nil || ok {
			t.Errorf("%s takes another password: %v", x.hash, err)
		}
	}
}

func TestHashSaysItsCost(t *testing.T) {
	h := &local.Hasher{}
	got, err := h.Hash(t.Context(), "four candles on a fork", false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "$argon2id$v=19$m=65536,t=3,p=1$") {
		t.Errorf("the default cost is %s", got)
	}
	if ok, outdated, err := h.Verify(t.Context(), got, "four candles on a fork", false); !ok || outdated || err != nil {
		t.Errorf("%v, outdated %v, %v", ok, outdated, err)
	}
}

func TestAccentsAreTheSameHoweverTyped(t *testing.T) {
	h := &local.Hasher{Cost: cheap()}
	got, err := h.Hash(t.Context(), "caf\u00e9 au lait", false)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := h.Verify(t.Context(), got, "cafe\u0301 au lait", false); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestAlteredHashesAreRefused(t *testing.T) {
	h := &local.Hasher{Cost: cheap()}
	for _, bad := range []string{
		"x", "$argon2id$", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=4000000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=0$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=256,t=2,p=1 $c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	} {
		if ok, _, err := h.Verify(t.Context(), bad, "password", false); ok || !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v, %v", bad, ok, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	h := &local.Hasher{Cost: cheap()}
	f.Fuzz(func(t *testing.T, stored string) {
		if strings.Contains(stored, "m=") && len(stored) > 28 && !strings.Contains(stored, "m=256,t=2,") {
			t.Skip("would only spend time")
		}
		if ok, _, _ := h.Verify(t.Context(), stored, "no password of anybody", false); ok {
			t.Errorf("%q opens", stored)
		}
	})
}

// TestSlots: strangers who fill every slot wait for a bounded time, and keep
// nobody out who is known.
func TestSlots(t *testing.T) {
	h := &local.Hasher{Cost: local.Cost{Memory: 16 << 10, Time: 60, Threads: 1}, Slots: 2, Wait: 50 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		for ctx.Err() == nil { // a stranger who never stops
			_, _ = h.Hash(ctx, "stranger", false) // only the load counts
		}
	}()
	throttled := false
	for range 50 {
		_, err := h.Hash(ctx, "another stranger", false)
		if fault.Is(err, fault.Throttled) {
			throttled = fault.Say(err).After > 0
			break
		}
	}
	if !throttled {
		t.Error("two strangers at once, one slot, and nobody waited")
	}
	if ok, _, err := h.Verify(ctx, "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password", true); !ok || err != nil {
		t.Errorf("a known device was kept out: %v, %v", ok, err)
	}
	cancel()
	<-busy
}

// TestQueue: of a crowd at the door a few wait and the others are refused at once, with
// when to come back; a known device does not stand behind them.
func TestQueue(t *testing.T) {
	h := &local.Hasher{Cost: local.Cost{Memory: 1 << 10, Time: 20, Threads: 1}, Slots: 2, Queue: 3, Wait: time.Hour}
	known, err := h.Hash(t.Context(), "four candles on a fork", true)
	if err != nil {
		t.Fatal(err)
	}
	for refused := int64(0); refused == 0; { // nobody waits an hour: who is refused is refused by the queue
		var out, in atomic.Int64
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				_, err := h.Hash(t.Context(), "stranger", false)
				switch {
				case err == nil:
					in.Add(1)
				case fault.Is(err, fault.Throttled) && fault.Say(err).After == time.Hour && fault.Say(err).Hint != "":
					out.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		if ok, _, err := h.Verify(t.Context(), known, "four candles on a fork", true); !ok || err != nil {
			t.Errorf("a known device is kept out: %v, %v", ok, err)
		}
		all.Wait()
		if refused = out.Load(); in.Load() == 0 || in.Load()+refused != 40 {
			t.Fatalf("%d were served, %d refused", in.Load(), refused)
		}
	}
}
