// Package strength estimates how many guesses somebody needs who tries the
// likely passwords first.
//
// Always true: the estimate depends on nothing but the password, what it is about
// and the lists in this package; it never leaves the process; and what a
// password is about makes it no stronger.
package strength

import (
	"embed"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed lists/*.txt
var lists embed.FS

// Score is how a password stands against guessing, by the orders of magnitude of
// the method that this package follows.
type Score int

// The scores.
const (
	TooGuessable Score = iota // fewer than 10³ guesses: falls to a few tries by hand
	Guessable                 // fewer than 10⁶: falls to a sign-in page that does not slow down
	Fair                      // fewer than 10⁸: holds where tries are slowed down
	Good                      // fewer than 10¹⁰: holds for a while against a stolen, slowly hashed copy
	Strong
)

// Weak tells whether a password of that score should be changed.
func (s Score) Weak() bool { return s <= Fair }

// ScoreOf gives the score for a number of guesses.
func ScoreOf(guesses float64) Score {
	for i, limit := range []float64{1e3, 1e6, 1e8, 1e10} {
		if guesses < limit {
			return Score(i)
		}
	}
	return Strong
}

// maxRunes is how much of a password is looked at; what is longer is strong or
// repeats itself.
const maxRunes = 72

// Estimator estimates. The zero value is ready, and safe for concurrent use; it
// reads its lists with the first estimate.
type Estimator struct {
	once  sync.Once
	ranks map[string]int // of words, the most usual being 1
}

// load reads the lists. A word that is in several has its best rank.
func (e *Estimator) load() {
	e.ranks = map[string]int{}
	for _, name := range []string{"passwords", "words", "names"} {
		text, err := lists.ReadFile("lists/" + name + ".txt")
		if err != nil {
			panic(err) // embedded: there or the program is not built
		}
		rank := 0
		for word := range strings.Lines(string(text)) {
			rank++
			word = strings.TrimSuffix(word, "\n")
			if old, ok := e.ranks[word]; !ok || rank < old {
				e.ranks[word] = rank
			}
		}
	}
}

// Guesses estimates how many guesses a password takes. about are texts that
// somebody who guesses tries first: the user's name, the system's, the
// organization's.
//
// The method is that of Daniel Lowe Wheeler, "zxcvbn: Low-Budget Password Strength
// Estimation" (USENIX Security 2016): the cheapest way to cut the password into
// words of the lists, sequences, repetitions, runs on a keyboard, dates, and
// characters tried one by one.
func (e *Estimator) Guesses(password string, about ...string) float64 {
	e.once.Do(e.load)
	if !utf8.ValidString(password) {
		password = strings.ToValidUTF8(password, "?")
	}
	runes := []rune(password)
	if len(runes) > maxRunes {
		runes = runes[:maxRunes]
	}
	return e.cheapest(runes, own(about))
}

// own gives the words of what a password is about, each with its rank.
func own(about []string) map[string]int {
	out := map[string]int{}
	for _, text := range about {
		words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" \t\n.,;:/@-_()", r) })
		for _, w := range append(words, strings.Join(words, "")) {
			known := string(bytesOf([]rune(w)))
			if _, ok := out[known]; !ok && len(known) >= shortest {
				out[known] = len(out) + 1
			}
		}
	}
	return out
}

// between is what a guesser pays for each further part: trying all shorter
// passwords of so many guesses first.
const between = 10000

// cheapest finds the cut with the fewest guesses: of all cuts into l parts, the
// product of the parts, times the orders in which l parts can be tried.
func (e *Estimator) cheapest(p []rune, own map[string]int) float64 {
	n := len(p)
	if n == 0 {
		return 1
	}
	ends := make([][]match, n+1) // by where they end
	for _, m := range e.matches(p, own) {
		ends[m.to] = append(ends[m.to], m)
	}
	best := make([][]float64, n+1) // the least product of guesses to there, by the number of parts
	best[0] = []float64{1}
	for to := 1; to <= n; to++ {
		best[to] = slices.Repeat([]float64{math.Inf(1)}, to+1)
		extend := func(from int, guesses float64) {
			for parts, product := range best[from] {
				best[to][parts+1] = min(best[to][parts+1], product*guesses)
			}
		}
		for _, m := range ends[to] {
			extend(m.from, m.guesses)
		}
		for from := range to {
			extend(from, brute(to-from))
		}
	}
	least := math.Inf(1)
	for parts, product := range best[n] {
		if parts > 0 {
			least = min(least, math.Gamma(float64(parts)+1)*product+math.Pow(between, float64(parts-1)))
		}
	}
	return least
}

// brute is what n characters cost that are tried one by one. Ten for each is few:
// a guesser knows which characters people like.
func brute(n int) float64 {
	if n == 1 {
		return 11 // or single characters would be cheaper than any match of one
	}
	return math.Pow(10, float64(n))
}
