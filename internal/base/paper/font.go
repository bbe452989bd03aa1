package paper

import (
	"crypto/fips140"
	"embed"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/unicode/norm"
)

// The fonts are DejaVu Sans Condensed and DejaVu Sans Mono; their licence is
// fonts/LICENSE.
//
//go:embed fonts
var fontFiles embed.FS

// face is one of the fonts.
type face int

const (
	regular face = iota
	bold
	italic
	boldItalic
	mono
	monoBold
	faces
)

// file gives the name of the face's file.
func (f face) file() string {
	return [faces]string{"DejaVuSansCondensed", "DejaVuSansCondensed-Bold", "DejaVuSansCondensed-Oblique", "DejaVuSansCondensed-BoldOblique", "DejaVuSansMono", "DejaVuSansMono-Bold"}[f]
}

// replacement stands for what the fonts lack.
const replacement = '\ufffd'

// fonts are those of one PDF: a face is read and embedded when it is first used.
type fonts struct {
	pdf     *fpdf.Fpdf
	read    [faces]*glyphs
	missing map[rune]bool
	rtl     bool
}

// glyphs tell what a face can show and how wide that is.
type glyphs struct {
	of    [1 << 16]uint16 // by character; 0 for none
	wide  []uint16        // by glyph
	units float64         // of the em
}

func (f *fonts) glyphs(a face) *glyphs {
	if f.read[a] == nil {
		file, err := fontFiles.ReadFile("fonts/" + a.file() + ".ttf") // a copy: the library writes into it
		if err != nil {
			f.pdf.SetError(err)
			file = nil
		}
		f.read[a] = readGlyphs(file)
		fips140.WithoutEnforcement(func() { // the library names fonts by a SHA-1, which protects nothing
			f.pdf.AddUTF8FontFromBytes(a.file(), "", file)
		})
	}
	return f.read[a]
}

func (g *glyphs) width(r rune) float64 {
	n := int(g.of[r&0xffff])
	return float64(g.wide[min(n, len(g.wide)-1)]) / g.units
}

// width is that of text that shown gave, in points.
func (f *fonts) width(a face, size float64, s string) float64 {
	g := f.glyphs(a)
	w := 0.0
	for _, r := range s {
		w += g.width(r)
	}
	return w * size
}

// stretch is text in one face.
type stretch struct {
	face face
	text string
}

// shown gives text as the fonts can show it: what a face lacks is taken from the
// upright one, and what that lacks is replaced and noted.
func (f *fonts) shown(a face, s string) []stretch {
	var out []stretch
	var b strings.Builder
	in := a
	for _, r := range norm.NFC.String(s) {
		r, from, ok := f.pick(a, r)
		if !ok {
			continue
		}
		if from != in && b.Len() > 0 {
			out = append(out, stretch{in, b.String()})
			b.Reset()
		}
		in = from
		b.WriteRune(r)
	}
	if b.Len() > 0 {
		out = append(out, stretch{in, b.String()})
	}
	return out
}

// pick finds the face that shows a character; false for one that is not shown
// anywhere, such as the mark of a possible hyphen.
func (f *fonts) pick(a face, r rune) (rune, face, bool) {
	switch {
	case r == '\u00a0' || r == '\u202f' || r == '\t':
		r = ' '
	case r < ' ' || r == 0x7f || r == '\u00ad' || unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Cf, r):
		return 0, a, false
	}
	if unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko) {
		f.rtl = true
	}
	if r <= 0xffff {
		for _, from := range [2]face{a, regular} {
			if f.glyphs(from).of[r] != 0 {
				return r, from, true
			}
		}
	}
	f.missing[r] = true
	return replacement, regular, true
}

// lacking gives the characters that were replaced.
func (f *fonts) lacking() []rune {
	out := make([]rune, 0, len(f.missing))
	for r := range f.missing {
		out = append(out, r)
	}
	slices.Sort(out)
	return out[:min(len(out), 100)]
}

// readGlyphs reads the tables cmap (format 4), hhea, hmtx and head of a TrueType
// font that is known to be sound.
func readGlyphs(file []byte) *glyphs {
	g := &glyphs{wide: []uint16{500}, units: 1000}
	if file == nil {
		return g
	}
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(file[at:])) }
	u32 := func(at int) int { return int(binary.BigEndian.Uint32(file[at:])) }
	table := map[string]int{}
	for i := range u16(4) {
		table[string(file[12+16*i:16+16*i])] = u32(12 + 16*i + 8)
	}
	g.units = float64(u16(table["head"] + 18))
	g.wide = make([]uint16, u16(table["hhea"]+34))
	for i := range g.wide {
		g.wide[i] = uint16(u16(table["hmtx"] + 4*i)) // #nosec G115 -- of two bytes
	}
	cmap := table["cmap"]
	for i := range u16(cmap + 2) {
		if at := cmap + u32(cmap+4+8*i+4); u16(at) == 4 {
			g.segments(u16, at)
			return g
		}
	}
	return g
}

// segments reads a cmap of format 4 that begins at the byte at.
func (g *glyphs) segments(u16 func(int) int, at int) {
	n := u16(at + 6) // twice the number of segments
	for i := 0; i < n; i += 2 {
		end, start := u16(at+14+i), u16(at+16+n+i)
		delta, offset := u16(at+16+2*n+i), u16(at+16+3*n+i)
		for c := start; c <= end && c < 0xffff; c++ {
			glyph := c
			if offset != 0 {
				if glyph = u16(at + 16 + 3*n + i + offset + 2*(c-start)); glyph == 0 {
					continue
				}
			}
			g.of[c] = uint16((glyph + delta) & 0xffff) // #nosec G115 -- masked
		}
	}
}
