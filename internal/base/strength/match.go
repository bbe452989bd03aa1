package strength

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// match is a part of a password, p[from:to], that needs so many guesses.
type match struct {
	from, to int
	guesses  float64
}

const (
	shortest   = 3  // a match has at least so many characters
	longest    = 24 // a word of the lists at most so many
	years      = 150
	leastShort = 50 // no part is cheaper, but for single characters
)

func (e *Estimator) matches(p []rune, own map[string]int) []match {
	var out []match
	add := func(from, to int, guesses float64) {
		out = append(out, match{from, to, max(guesses, leastShort)})
	}
	e.words(p, own, add)
	sequences(p, add)
	runs(p, add)
	dates(p, add)
	e.repeats(p, own, add)
	return out
}

// leet are the characters that people put for letters, and the letters; some
// stand for either of two.
var leet = [][2]string{
	{"4@8(36!1|0$57+2", "aabcegiiiossttz"},
	{"4@8{39!1|0$57+2", "aabceglllossltz"},
}

// bytesOf gives a byte for each character, so that parts can be looked up as they
// stand: small letters, and beyond ASCII bytes that are in no list.
func bytesOf(p []rune) []byte {
	out := make([]byte, len(p))
	for i, r := range p {
		if r = unicode.ToLower(r); r < 128 {
			out[i] = byte(r)
		} else {
			out[i] = 0x80 | byte(r&0x7f)
		}
	}
	return out
}

// words finds words of the lists, also backwards and with characters for letters.
func (e *Estimator) words(p []rune, own map[string]int, add func(from, to int, guesses float64)) {
	low := bytesOf(p)
	each := func(text []byte, found func(from, to, rank int)) {
		for from := range text {
			for to := from + shortest; to <= min(len(text), from+longest); to++ {
				if rank, ok := own[string(text[from:to])]; ok {
					found(from, to, rank)
				} else if rank, ok := e.ranks[string(text[from:to])]; ok {
					found(from, to, rank)
				}
			}
		}
	}
	each(low, func(from, to, rank int) { add(from, to, float64(rank)*upper(p[from:to])) })
	back := slices.Clone(low)
	slices.Reverse(back)
	each(back, func(from, to, rank int) {
		from, to = len(p)-to, len(p)-from
		add(from, to, float64(rank)*upper(p[from:to])*2)
	})
	for _, l := range leet {
		plain := slices.Clone(low)
		for i, c := range plain {
			if at := strings.IndexByte(l[0], c); at >= 0 {
				plain[i] = l[1][at]
			}
		}
		if slices.Equal(plain, low) {
			continue
		}
		each(plain, func(from, to, rank int) {
			if n := differing(low[from:to], plain[from:to]); n > 0 {
				add(from, to, float64(rank)*upper(p[from:to])*max(2, choices(to-from, n)/2))
			}
		})
	}
}

// differing counts the places at which two texts of one length differ.
func differing(a, b []byte) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// upper is in how many ways a word's letters can be capital: two when it is the
// first, the last or all of them, else all choices of as few.
func upper(p []rune) float64 {
	caps, smalls := 0, 0
	for _, r := range p {
		switch {
		case unicode.IsUpper(r):
			caps++
		case unicode.IsLower(r):
			smalls++
		}
	}
	switch {
	case caps == 0:
		return 1
	case smalls == 0, caps == 1 && (unicode.IsUpper(p[0]) || unicode.IsUpper(p[len(p)-1])):
		return 2
	}
	return choices(caps+smalls, min(caps, smalls))
}

// choices sums in how many ways up to k of n can be chosen, at least one.
func choices(n, k int) float64 {
	sum, c := 0.0, 1.0
	for i := 1; i <= k; i++ {
		c = c * float64(n-i+1) / float64(i)
		sum += c
	}
	return max(sum, 1)
}

// sequences finds abcd, 9753: characters with one distance.
func sequences(p []rune, add func(from, to int, guesses float64)) {
	for from := 0; from+shortest <= len(p); {
		step := p[from+1] - p[from]
		to := from + 2
		for to < len(p) && p[to]-p[to-1] == step {
			to++
		}
		if abs := max(step, -step); to-from >= shortest && abs >= 1 && abs <= 5 {
			start := 26.0
			switch r := p[from]; {
			case strings.ContainsRune("aAzZ019", r):
				start = 4
			case unicode.IsDigit(r):
				start = 10
			}
			if step < 0 {
				start *= 2
			}
			add(from, to, start*float64(to-from)*float64(abs))
		}
		from = max(from+1, to-1)
	}
}

// rows are the keys of a keyboard as they lie, the shifted characters below.
var rows = []string{"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"}

const shifted = `!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>?`

// key gives where a character lies; ok is false for one without a key.
func key(r rune) (row, col int, ok bool) {
	if i := strings.IndexRune(shifted, r); i >= 0 && r < 128 {
		r = rune(strings.Join(rows, "")[i])
	}
	for row, keys := range rows {
		if col := strings.IndexRune(keys, r); col >= 0 {
			return row, col, true
		}
	}
	return 0, 0, false
}

// runs finds qwerty, 1qaz2wsx: keys that lie beside each other.
func runs(p []rune, add func(from, to int, guesses float64)) {
	const keys, neighbours = 47, 4.6 // of a keyboard, on the average
	for from := 0; from+shortest <= len(p); {
		to, turns, way := from+1, 0, [2]int{9, 9}
		for to < len(p) {
			r1, c1, ok1 := key(p[to-1])
			r2, c2, ok2 := key(p[to])
			d := [2]int{r2 - r1, c2 - c1}
			if !ok1 || !ok2 || d == [2]int{} || max(d[0], -d[0]) > 1 || max(d[1], -d[1]) > 1 || d[0] == d[1] { // rows are set off to the right
				break
			}
			if d != way {
				turns, way = turns+1, d
			}
			to++
		}
		if to-from > shortest {
			add(from, to, keys*math.Pow(neighbours, float64(turns))*float64(to-from))
		}
		from = max(from+1, to-1)
	}
}

// dates finds years, and days of them with or without something between.
func dates(p []rune, add func(from, to int, guesses float64)) {
	for from := range p {
		if to := from + 4; to <= len(p) && digits(p[from:to]) && (string(p[from:from+2]) == "19" || string(p[from:from+2]) == "20") {
			add(from, to, years)
		}
		for _, n := range []int{6, 8, 10} {
			to := from + n
			if to > len(p) {
				break
			}
			part, apart := p[from:to], 1.0
			if n != 6 && !digits(part) || n == 10 {
				part, apart = slices.DeleteFunc(slices.Clone(part), func(r rune) bool { return strings.ContainsRune(" .-/_", r) }), 4
			}
			if (len(part) == 6 || len(part) == 8) && digits(part) && day(part) {
				add(from, to, 365*years*apart)
			}
		}
	}
}

func digits(p []rune) bool {
	return !slices.ContainsFunc(p, func(r rune) bool { return r < '0' || r > '9' })
}

// day tells whether digits can be a day, a month and a year, in some order.
func day(p []rune) bool {
	two := func(i int) int { return int(p[i]-'0')*10 + int(p[i+1]-'0') }
	month := func(n int) bool { return n >= 1 && n <= 12 }
	in := func(n int) bool { return n >= 1 && n <= 31 }
	if len(p) == 8 && (two(0) == 19 || two(0) == 20) { // year first
		p = p[2:]
	} else if len(p) == 8 && two(4) != 19 && two(4) != 20 {
		return false
	} else if len(p) == 8 {
		return month(two(0)) && in(two(2)) || in(two(0)) && month(two(2))
	}
	return month(two(0)) && in(two(2)) || in(two(0)) && month(two(2)) || month(two(2)) && in(two(4))
}

// repeats finds aaaa and abcabc: a part again and again, in which again parts may
// be repeated. A part is at most half of what it is found in.
func (e *Estimator) repeats(p []rune, own map[string]int, add func(from, to int, guesses float64)) {
	for from := range p {
		for n := 1; from+2*n <= len(p); n++ {
			to := from + n
			for to+n <= len(p) && slices.Equal(p[from:from+n], p[to:to+n]) {
				to += n
			}
			if times := (to - from) / n; times > 1 && to-from >= shortest && !whole(p[from:from+n]) {
				add(from, to, e.cheapest(p[from:from+n], own)*float64(times))
			}
		}
	}
}

// whole tells whether a part is itself a shorter part again and again, which is
// looked at by itself.
func whole(p []rune) bool {
	for n := 1; n <= len(p)/2; n++ {
		if len(p)%n == 0 && slices.Equal(p[:len(p)-n], p[n:]) {
			return true
		}
	}
	return false
}
