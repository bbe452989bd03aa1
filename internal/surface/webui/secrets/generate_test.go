package secrets

import (
	"strings"
	"testing"

	"strongroom/internal/base/wordlist"
)

// TestEveryPasswordIsAsLikely: each word of the list and each character of the sets comes
// up as often as the others, as far as chance lets it; no recipe makes less than it says.
func TestEveryPasswordIsAsLikely(t *testing.T) {
	const draws = 200_000
	count := func(r recipe, parts func(string) []string, of int) {
		t.Helper()
		n := map[string]int{}
		for got := 0; got < draws; {
			s, err := r.make()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range parts(s) {
				n[p]++
				got++
			}
		}
		// Pearson's chi-squared, whose mean is of-1 and whose variance is twice that: eight
		// standard deviations are chance in one run of far more than a thousand billion.
		sum, mean := 0.0, draws/float64(of)
		for _, k := range n {
			sum += (float64(k) - mean) * (float64(k) - mean) / mean
		}
		if over := sum - float64(of-1); len(n) != of || over*over > 64*2*float64(of-1) {
			t.Errorf("%+v: %d of %d come up, chi-squared %.0f", r, len(n), of, sum)
		}
	}
	count(recipe{Words: 10}, func(s string) []string { return strings.Split(s, "-") }, len(wordlist.Words()))
	for _, c := range characters {
		count(recipe{Length: 100, Sets: []string{c.all}}, func(s string) []string { return strings.Split(s, "") }, len(c.all))
	}
}

// TestBits: counted by hand where that can be done.
func TestBits(t *testing.T) {
	for want, r := range map[int]recipe{
		66: {Words: 6},
		3:  {Length: 2, Sets: []string{"ab", "cd"}},    // 8 of 16: ac ad bc bd and the other way round
		1:  {Length: 2, Sets: []string{"a", "b"}},      // ab ba
		2:  {Length: 3, Sets: []string{"a", "b", "c"}}, // 6 orders
		24: {Length: 8, Sets: []string{"23456789"}},
	} {
		if got := r.bits(); got != want {
			t.Errorf("%+v: %d bits, want %d", r, got, want)
		}
	}
}
