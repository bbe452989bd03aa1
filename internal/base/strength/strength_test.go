package strength_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/base/strength"
)

func TestScores(t *testing.T) {
	var e strength.Estimator
	for _, c := range []struct {
		password string
		about    []string
		from, to strength.Score
	}{
		{"", nil, strength.TooGuessable, strength.TooGuessable},
		{"a", nil, strength.TooGuessable, strength.TooGuessable},
		{"password", nil, strength.TooGuessable, strength.TooGuessable},
		{"Password1", nil, strength.TooGuessable, strength.Guessable},
		{"P@ssw0rd", nil, strength.TooGuessable, strength.Guessable},
		{"drowssap", nil, strength.TooGuessable, strength.TooGuessable},
		{"qwertyuiop", nil, strength.TooGuessable, strength.TooGuessable},
		{"1qaz2wsx3edc", nil, strength.TooGuessable, strength.Fair},
		{"aaaaaaaaaaaaaaaa", nil, strength.TooGuessable, strength.TooGuessable},
		{"abcdefghijklm", nil, strength.TooGuessable, strength.TooGuessable},
		{"abcabcabcabc", nil, strength.TooGuessable, strength.TooGuessable},
		{"Summer2024", nil, strength.TooGuessable, strength.Guessable},
		{"24.12.1987", nil, strength.TooGuessable, strength.Guessable},
		{"Harbour2024!", nil, strength.Fair, strength.Good},
		{"Kestrelog#2024", nil, strength.Good, strength.Strong},
		{"Kestrelog#2024", []string{"Kestrelog GmbH"}, strength.TooGuessable, strength.Fair},
		{"tr0ub4dour&3", nil, strength.Fair, strength.Strong},
		{"correct horse battery staple", nil, strength.Strong, strength.Strong},
		{"lantern-harbour-72-violet", nil, strength.Strong, strength.Strong},
		{"fH7#kQ9!vX2m", nil, strength.Strong, strength.Strong},
		{"x9$Kp", nil, strength.Guessable, strength.Guessable},
		{"パスワードパスワード", nil, strength.Guessable, strength.Strong},
		{strings.Repeat("Zq8!kd", 60), nil, strength.Fair, strength.Strong},
	} {
		g := e.Guesses(c.password, c.about...)
		if s := strength.ScoreOf(g); s < c.from || s > c.to {
			t.Errorf("%q about %q: %.3g guesses, score %d, want %d to %d", c.password, c.about, g, s, c.from, c.to)
		}
	}
}

// TestProperties: an estimate is a number of at least one, what the password is
// about makes it no stronger, and neither does knowing less of it.
func TestProperties(t *testing.T) {
	var e strength.Estimator
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.String().Draw(t, "password")
		about := rapid.String().Draw(t, "about")
		g := e.Guesses(p)
		if math.IsNaN(g) || g < 1 {
			t.Fatalf("%q: %v guesses", p, g)
		}
		if with := e.Guesses(p, about); with > g*(1+1e-9) {
			t.Fatalf("%q: %v guesses, knowing %q %v", p, g, about, with)
		}
		if twice := e.Guesses(p + p); len([]rune(p)) > 1 && len([]rune(p)) <= 36 && twice > 4*g+20000 {
			t.Fatalf("%q: %v guesses, twice %v", p, g, twice)
		}
	})
	for _, p := range []string{"AAAAa", "aaaaabbbbbaaaaa", "abcabcX"} {
		if once, twice := e.Guesses(p), e.Guesses(p+p); twice > 4*once+20000 {
			t.Errorf("%q: %v guesses, twice %v: a repetition in what is repeated is not seen", p, once, twice)
		}
	}
}

func FuzzGuesses(f *testing.F) {
	var e strength.Estimator
	for _, s := range []string{"", "abc", "P@ssw0rd1987", "\xff\xfe\xfd", strings.Repeat("a1", 100)} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, p, about string) {
		if g := e.Guesses(p, about); math.IsNaN(g) || g < 1 {
			t.Errorf("%q: %v", p, g)
		}
	})
}

func BenchmarkGuesses(b *testing.B) {
	var e strength.Estimator
	for _, p := range []string{"Summer2024", "fH7#kQ9!vX2mfH7#kQ9!", "lantern-harbour-72-violet"} {
		b.Run(p, func(b *testing.B) {
			for b.Loop() {
				e.Guesses(p, "Northbeam IT")
			}
		})
	}
}
