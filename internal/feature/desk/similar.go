package desk

import (
	"slices"
	"strings"
	"unicode"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/search"
)

// mostWords is how many words of a subject are searched for, and perWord how many
// records each may find.
const mostWords, perWord = 5, 12

// Similar finds records of some kinds in which the words of a subject are, those first in which
// more of them are. org narrows to one organization; 0 does not.
func Similar(tx *gate.Tx, subject string, org id.ID, kinds []string, but id.ID) ([]search.Hit, error) {
	type found struct {
		search.Hit
		words int
	}
	var list []*found
	for _, w := range Words(subject) {
		hits, err := search.Find(tx, w, search.Options{Org: org, Kinds: kinds, Limit: perWord, Whole: true})
		if err != nil {
			return nil, err
		}
		for _, h := range hits {
			i := slices.IndexFunc(list, func(f *found) bool { return f.ID == h.ID })
			if i < 0 {
				list = append(list, &found{Hit: h})
				i = len(list) - 1
			}
			list[i].words++
		}
	}
	slices.SortStableFunc(list, func(a, b *found) int { return b.words - a.words })
	var out []search.Hit
	for _, f := range list {
		if f.ID != but && !f.Archived {
			out = append(out, f.Hit)
		}
	}
	return out, nil
}

// Words are the words of a subject that say what it is about: the longest ones, in
// their order.
func Words(subject string) []string {
	all := strings.FieldsFunc(subject, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	all = slices.DeleteFunc(all, func(w string) bool { return len([]rune(w)) < 4 })
	by := slices.Clone(all)
	slices.SortStableFunc(by, func(a, b string) int { return len(b) - len(a) })
	by = by[:min(len(by), mostWords)]
	return slices.DeleteFunc(all, func(w string) bool { return !slices.Contains(by, w) })
}
