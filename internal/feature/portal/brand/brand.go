// Package brand is how a tenant presents itself to its customers: in the portal, in mail, and,
// where it says so, before somebody has signed in.
//
// Always true: a logo is a picture of dots and nothing that runs; a colour stands on and
// behind text only as far as it can be read; of a tenant that has not said so, a stranger
// learns nothing here, not even that it is there.
package brand

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"image"
	_ "image/gif"  // logos
	_ "image/jpeg" // logos
	_ "image/png"  // logos
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
)

// Brand is how a tenant's portal presents itself.
type Brand struct {
	Name    string // empty: the tenant's title
	Welcome string
	Colour  string // #rrggbb; empty is the usual one
	Logo    []byte
	Type    string // media type of the logo
	Outside bool   // whoever comes to sign in is shown name, logo and colour
}

// The limits of a brand: characters of the name and the welcome, bytes and dots of a logo.
const (
	mostName    = 60
	mostWelcome = 600
	mostLogo    = 256 << 10
	mostDots    = 2000
)

// Of reads the tenant's brand, with its title where no name was given.
func Of(tx *gate.Tx) (Brand, error) {
	var b Brand
	var logo string
	err := tx.QueryRow(`select name, welcome, colour, logo_type, logo, outside from portal_setting where one = 1`).Scan(&b.Name, &b.Welcome, &b.Colour, &b.Type, &logo, &b.Outside)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err == nil && logo != "" {
		b.Logo, err = base64.StdEncoding.DecodeString(logo)
	}
	return b, err
}

// Title is what stands above the portal.
func (b Brand) Title(tenant string) string {
	if b.Name != "" {
		return b.Name
	}
	return tenant
}

// Set keeps the tenant's brand, in a change for which the caller administers the
// tenant. Invalid, with the fields name, welcome, colour and logo.
func Set(tx *gate.Tx, b Brand) error {
	b.Name, b.Welcome, b.Colour = strings.Join(strings.Fields(b.Name), " "), strings.TrimSpace(b.Welcome), strings.ToLower(strings.TrimSpace(b.Colour))
	bad := map[string]string{}
	if utf8.RuneCountInString(b.Name) > mostName {
		bad["name"] = fmt.Sprintf("A name has at most %d characters.", mostName)
	}
	if utf8.RuneCountInString(b.Welcome) > mostWelcome {
		bad["welcome"] = fmt.Sprintf("A welcome has at most %d characters.", mostWelcome)
	}
	if _, ok := rgb(b.Colour); b.Colour != "" && !ok {
		bad["colour"] = "A colour is written as #2f5bd7."
	}
	if b.Type = ""; len(b.Logo) > 0 {
		is, format, err := image.DecodeConfig(bytes.NewReader(b.Logo))
		switch {
		case err != nil:
			bad["logo"] = "This is no picture. Use PNG, JPEG or GIF."
		case len(b.Logo) > mostLogo || is.Width > mostDots || is.Height > mostDots:
			bad["logo"] = fmt.Sprintf("A logo has at most %d KiB, and is at most %d dots wide and high.", mostLogo>>10, mostDots)
		}
		b.Type = "image/" + format
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	e := tx.Entry()
	e.Action, e.Detail.Text = "portal.brand", "the portal is called "+b.Title(tx.Tenant.Title())
	_, err := tx.Exec(`insert into portal_setting (one, name, welcome, colour, logo_type, logo, outside) values (1, ?, ?, ?, ?, ?, ?)
		on conflict (one) do update set name = excluded.name, welcome = excluded.welcome, colour = excluded.colour, logo_type = excluded.logo_type, logo = excluded.logo, outside = excluded.outside`,
		b.Name, b.Welcome, b.Colour, b.Type, base64.StdEncoding.EncodeToString(b.Logo), b.Outside)
	return err
}

// Head is what stands above the text of a mail, as HTML; empty where the tenant has said
// nothing of how it presents itself.
func (b Brand) Head() string {
	if b.Name == "" && b.Colour == "" {
		return ""
	}
	colour := b.Colour
	if _, ok := rgb(colour); !ok {
		colour = "#2f5bd7"
	}
	return `<div style="border-top:4px solid ` + colour + `;padding:12px 0;margin-bottom:12px;font-weight:bold">` + html.EscapeString(b.Name) + `</div>`
}

// least is the contrast that a text needs (WCAG 2.2 AA).
const least = 4.5

// Style is the style sheet of a brand: its colour where the portal has an accent, moved
// towards black or white as far as it takes to be read.
func (b Brand) Style() string {
	c, ok := rgb(b.Colour)
	if !ok {
		return ""
	}
	on := "#ffffff"
	if Contrast(b.Colour, on) < least {
		on = "#000000"
	}
	text := func(ground string, towards float64) string {
		at := c
		for i := 0; i < 100 && Contrast(hex(at), ground) < least+0.4; i++ {
			for n := range at {
				at[n] += (towards - at[n]) * 0.06
			}
		}
		return hex(at)
	}
	onLight, onDark := text("#f1f4f8", 0), text("#1c232d", 255)
	return fmt.Sprintf(":root{--acc:light-dark(%s,%s);--acc-bg:%s;--acc-h:%s;--acc-on:%s;--acc-s:light-dark(color-mix(in srgb,%s 9%%,#fff),color-mix(in srgb,%s 14%%,#151a21))}\n",
		onLight, onDark, b.Colour, b.Colour, on, b.Colour, b.Colour)
}

// rgb reads a colour.
func rgb(s string) (c [3]float64, ok bool) {
	if len(s) != 7 || s[0] != '#' {
		return c, false
	}
	for i := range c {
		n, err := strconv.ParseUint(s[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return c, false
		}
		c[i] = float64(n)
	}
	return c, true
}

func hex(c [3]float64) string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0])), int(math.Round(c[1])), int(math.Round(c[2])))
}

// Contrast is that of two colours, from 1 to 21; 0 when one is none.
func Contrast(a, b string) float64 {
	x, okX := rgb(a)
	y, okY := rgb(b)
	if !okX || !okY {
		return 0
	}
	la, lb := luminance(x), luminance(y)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c [3]float64) float64 {
	part := func(v float64) float64 {
		if v /= 255; v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c[0]) + 0.7152*part(c[1]) + 0.0722*part(c[2])
}
