package textdiff_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"strongroom/internal/base/textdiff"
)

func show(lines []textdiff.Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteByte(byte(l.Op))
		for _, p := range l.Parts {
			if p.Changed {
				b.WriteString("[" + p.Text + "]")
			} else {
				b.WriteString(p.Text)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestLines(t *testing.T) {
	for _, x := range []struct{ name, old, now, want string }{
		{"nothing changed", "a\nb", "a\nb", " a\n b\n"},
		{"a line more", "a\nc", "a\nb\nc", " a\n+[b]\n c\n"},
		{"a line less", "a\nb\nc", "a\nc", " a\n-[b]\n c\n"},
		{"a word", "Restart the old server at night", "Restart the new server at night",
			"-Restart the [old] server at night\n+Restart the [new] server at night\n"},
		{"nothing in common", "alpha", "omega", "-[alpha]\n+[omega]\n"},
		{"marks stand alone", "10.0.0.1, port 443", "10.0.0.2, port 443", "-10.0.0.[1], port 443\n+10.0.0.[2], port 443\n"},
		{"two lines for one", "Call the provider first", "Call the provider\nand wait",
			"-Call the provider[ first]\n+Call the provider\n+[and wait]\n"},
		{"from nothing", "", "a", "-[]\n+[a]\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if got := show(textdiff.Lines(x.old, x.now)); got != x.want {
				t.Errorf("got\n%swant\n%s", got, x.want)
			}
		})
	}
}

// TestBothSidesAreWhole checks what the package promises, on texts of few words
// so that much is common, and that no shorter way is missed.
func TestBothSidesAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string {
			line := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", " ", "é", "."}), 0, 6)
			var lines []string
			for range rapid.IntRange(1, 12).Draw(t, "lines") {
				lines = append(lines, strings.Join(line.Draw(t, "line"), ""))
			}
			return strings.Join(lines, "\n")
		})
		old, now := text.Draw(t, "old"), text.Draw(t, "now")
		var o, n []string
		kept := 0
		for _, l := range textdiff.Lines(old, now) {
			if l.Op != textdiff.New {
				o = append(o, l.Text())
			}
			if l.Op != textdiff.Old {
				n = append(n, l.Text())
			}
			if l.Op == textdiff.Both {
				kept++
			}
		}
		if strings.Join(o, "\n") != old || strings.Join(n, "\n") != now {
			t.Fatalf("old %q, now %q", o, n)
		}
		if most := common(strings.Split(old, "\n"), strings.Split(now, "\n")); kept != most {
			t.Fatalf("%d lines are kept, %d could be", kept, most)
		}
	})
}

// common is the length of a longest common subsequence, by the book.
func common(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		last := slices.Clone(row)
		for j, y := range b {
			if row[j+1] = max(row[j], last[j+1]); x == y {
				row[j+1] = last[j] + 1
			}
		}
	}
	return row[len(b)]
}

func TestVeryDifferentTexts(t *testing.T) {
	var a, b []string
	for i := range 3000 {
		a, b = append(a, "old "+strings.Repeat("x", i%7)), append(b, "new "+strings.Repeat("y", i%5))
	}
	a[0], b[0] = "first", "first"
	lines := textdiff.Lines(strings.Join(a, "\n"), strings.Join(b, "\n"))
	if len(lines) != 5999 || lines[0].Op != textdiff.Both {
		t.Errorf("%d lines", len(lines))
	}
}
