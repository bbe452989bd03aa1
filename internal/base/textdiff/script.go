package textdiff

import "slices"

// mostEdits is how many differences are looked for. Texts that differ in more
// are told as replaced between their common beginning and end.
const mostEdits = 1000

// script gives the steps that turn a into b: Old takes the next of a away, New
// puts the next of b in, Both keeps it. It is a shortest one, found as described
// by E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), unless
// that has more than mostEdits steps.
func script(a, b []string) []Op {
	var head, tail int
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	a, b = a[head:], b[head:]
	for tail < len(a) && tail < len(b) && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	a, b = a[:len(a)-tail], b[:len(b)-tail]
	middle, ok := shortest(a, b)
	if !ok {
		middle = append(slices.Repeat([]Op{Old}, len(a)), slices.Repeat([]Op{New}, len(b))...)
	}
	return slices.Concat(slices.Repeat([]Op{Both}, head), middle, slices.Repeat([]Op{Both}, tail))
}

// shortest walks the diagonals k = x-y; reach[k] is how far along a one gets on
// k with d edits, and trace keeps reach for each d.
func shortest(a, b []string) ([]Op, bool) {
	most := min(len(a)+len(b), mostEdits)
	reach := make([]int32, 2*most+2)
	at := func(k int) *int32 { return &reach[k+most] }
	var trace [][]int32
	for d := 0; d <= most; d++ {
		for k := -d; k <= d; k += 2 {
			x := 0
			switch {
			case d == 0:
			case k == -d || k != d && *at(k - 1) < *at(k + 1):
				x = int(*at(k + 1))
			default:
				x = int(*at(k - 1)) + 1
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x, y = x+1, y+1
			}
			*at(k) = int32(x) // #nosec G115 -- at most the number of lines or words
			if x >= len(a) && y >= len(b) {
				return walkBack(trace, len(a), len(b), d), true
			}
		}
		trace = append(trace, slices.Clone(reach[most-d:most+d+1]))
	}
	return nil, false
}

// walkBack reads the steps from the end to the beginning. trace[d] holds the
// reaches of the diagonals -d to d.
func walkBack(trace [][]int32, x, y, d int) []Op {
	var out []Op
	for ; d > 0; d-- {
		before := trace[d-1]
		at := func(k int) int {
			if i := k + d - 1; i >= 0 && i < len(before) {
				return int(before[i])
			}
			return -1
		}
		k := x - y
		op, from := Old, k-1
		if k == -d || k != d && at(k-1) < at(k+1) {
			op, from = New, k+1
		}
		px := at(from)
		py := px - from
		sx := px // where the common run after the step begins
		if op == Old {
			sx++
		}
		out = append(out, slices.Repeat([]Op{Both}, x-sx)...)
		out = append(out, op)
		x, y = px, py
	}
	out = append(out, slices.Repeat([]Op{Both}, x)...)
	slices.Reverse(out)
	return out
}
