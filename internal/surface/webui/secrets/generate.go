package secrets

import (
	"crypto/rand"
	"math/big"
	"net/http"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/base/wordlist"
)

// recipe says how a new password is made: of Words words, or of Length
// characters of each of Sets.
type recipe struct {
	Words  int
	Length int
	Sets   []string
}

// The sets of characters. Those that look alike (0 O, 1 l I, and so on) are left
// out: people read passwords to each other.
var characters = []struct{ name, label, all string }{
	{"lower", "Small letters", "abcdefghijkmnopqrstuvwxyz"},
	{"upper", "Capital letters", "ABCDEFGHJKLMNPQRSTUVWXYZ"},
	{"digits", "Digits", "23456789"},
	{"symbols", "Symbols", "!#$%&*+-.:;=?@_~"},
}

const (
	shortestPassword, longestPassword, usualPassword = 8, 128, 20
	fewestWords, mostWords, usualWords               = 4, 12, 6
)

// readRecipe reads what a person chose; an empty form means the usual.
func readRecipe(form *web.Form) (recipe, error) {
	var r recipe
	if form.Text("sort") == "words" {
		if r.Words = int(form.Int("words")); r.Words == 0 {
			r.Words = usualWords
		}
		if r.Words < fewestWords || r.Words > mostWords {
			form.Wrong("words", "Choose %d to %d words.", fewestWords, mostWords)
		}
		return r, form.Err()
	}
	if r.Length = int(form.Int("length")); r.Length == 0 {
		r.Length = usualPassword
	}
	if r.Length < shortestPassword || r.Length > longestPassword {
		form.Wrong("length", "Choose %d to %d characters.", shortestPassword, longestPassword)
	}
	for _, c := range characters {
		if !form.Has(c.name) || form.Bool(c.name) {
			r.Sets = append(r.Sets, c.all)
		}
	}
	if len(r.Sets) == 0 {
		form.Wrong("lower", "Choose at least one sort of characters.")
	}
	return r, form.Err()
}

// make makes a password: every one that the recipe allows is equally likely.
func (r recipe) make() (string, error) {
	if r.Words > 0 {
		list := wordlist.Words()
		out := make([]string, r.Words)
		for i := range out {
			n, err := below(len(list))
			if err != nil {
				return "", err
			}
			out[i] = list[n]
		}
		return strings.Join(out, "-"), nil
	}
	all := strings.Join(r.Sets, "")
	for {
		out := make([]byte, r.Length)
		for i := range out {
			n, err := below(len(all))
			if err != nil {
				return "", err
			}
			out[i] = all[n]
		}
		if s := string(out); r.holds(s) {
			return s, nil
		}
	}
}

// bits is how much chance is in what the recipe makes: the logarithm to the base 2 of how
// many passwords it allows, rounded down. All are equally likely.
func (r recipe) bits() int {
	if r.Words > 0 {
		n := big.NewInt(int64(len(wordlist.Words())))
		return n.Exp(n, big.NewInt(int64(r.Words)), nil).BitLen() - 1
	}
	// Strings without any of some sets are taken away and added again by turns (inclusion
	// and exclusion), which leaves those with a character of each.
	many := new(big.Int)
	for left := range 1 << len(r.Sets) {
		n, out := 0, 0
		for i, set := range r.Sets {
			if left>>i&1 == 0 {
				n += len(set)
			} else {
				out++
			}
		}
		some := new(big.Int).Exp(big.NewInt(int64(n)), big.NewInt(int64(r.Length)), nil)
		if out%2 == 1 {
			some.Neg(some)
		}
		many.Add(many, some)
	}
	return many.BitLen() - 1
}

// holds tells whether a password has a character of each set.
func (r recipe) holds(s string) bool {
	for _, set := range r.Sets {
		if !strings.ContainsAny(s, set) {
			return false
		}
	}
	return true
}

func below(n int) (int, error) {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(i.Int64()), nil
}

type generated struct {
	Secret string
	Bits   int
}

type generatorView struct {
	Head   ui.Head
	Made   *generated
	Phrase ui.Form
	Chars  ui.Form
}

// generator is the page that makes passwords.
func (v *visit) generator() error { return v.generatorPage(nil, nil, nil) }

// generate makes a password. It is kept nowhere.
func (v *visit) generate() error {
	form, err := web.ParseForm(v.R)
	if err != nil {
		return err
	}
	r, err := readRecipe(form)
	if err != nil {
		return v.generatorPage(nil, form, err)
	}
	s, err := r.make()
	if err != nil {
		return err
	}
	web.NoCompress(v.W)
	if web.WantsJSON(v.R) {
		return web.JSON(v.W, http.StatusOK, map[string]any{"secret": s})
	}
	return v.generatorPage(&generated{Secret: s, Bits: r.bits()}, form, nil)
}

func (v *visit) generatorPage(made *generated, form *web.Form, refused error) error {
	view := &generatorView{Head: ui.Head{Title: "Password generator", Icon: "wand", Sub: []ui.Cell{{Text: "What it makes is shown once and kept nowhere."}}}, Made: made,
		Chars: ui.Form{ID: "chars", Action: "/generate", Submit: "Make characters", Hidden: []ui.Hidden{{Name: "sort", Value: "characters"}},
			Fields: []ui.Field{{Name: "length", Label: "Length", Type: "number", Value: strconv.Itoa(usualPassword), Min: strconv.Itoa(shortestPassword), Max: strconv.Itoa(longestPassword), Unit: "characters", Wide: true}}},
		Phrase: ui.Form{ID: "phrase", Action: "/generate", Submit: "Make words", Hidden: []ui.Hidden{{Name: "sort", Value: "words"}},
			Fields: []ui.Field{{Name: "words", Label: "Words", Type: "number", Value: strconv.Itoa(usualWords), Min: strconv.Itoa(fewestWords), Max: strconv.Itoa(mostWords), Unit: "words", Wide: true, Hint: "Easier to type and to read out."}}},
	}
	for _, c := range characters {
		view.Chars.Fields = append(view.Chars.Fields, ui.Field{Name: c.name, Label: c.label, Type: "checkbox", Checked: true})
	}
	if form != nil {
		for i := range view.Chars.Fields {
			f := &view.Chars.Fields[i]
			if f.Checked = f.Type == "checkbox" && (!form.Has(f.Name) || form.Bool(f.Name)); f.Type == "number" && form.Has(f.Name) {
				f.Value = form.Text(f.Name)
			}
		}
		if form.Has("words") {
			view.Phrase.Fields[0].Value = form.Text("words")
		}
	}
	if refused != nil {
		say := fault.Say(refused)
		if form.Text("sort") == "words" {
			view.Phrase.Wrong(say.Text, say.Hint, say.Fields)
		} else {
			view.Chars.Wrong(say.Text, say.Hint, say.Fields)
		}
	}
	p, err := v.Page("Password generator", ui.Crumb{Label: "Password generator"})
	if err != nil {
		return err
	}
	p.Data = view
	return v.RenderStatus(web.Status(refused), "generator", p)
}
