package sample

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/favourite"
)

// withFiles is how many organizations get attachments: enough to look at,
// whatever the number of records.
const withFiles = 12

// attach adds a patch list and the firewall's saved configuration to the
// network devices, and a floor plan to the first location.
func (w *world) attach(ctx context.Context) error {
	for _, c := range w.finished[:min(len(w.finished), withFiles)] {
		plan, err := c.floorPlan()
		if err != nil {
			return err
		}
		files := []struct {
			to      *id.ID
			name    string
			content []byte
		}{
			{c.idOf("sw"), "patch panel.csv", []byte(c.patchList())},
			{c.idOf("fw"), "saved configuration.txt", []byte(c.savedConfiguration())},
			{c.firstPlace(), "floor plan.png", plan},
		}
		for _, f := range files {
			if f.to == nil {
				continue
			}
			content, err := w.filler.Files.Write(ctx, w.caller, f.name, bytes.NewReader(f.content))
			if err != nil {
				return err
			}
			err = w.change(ctx, func(tx *gate.Tx) error {
				_, err := attachment.Attach(tx, *f.to, attachment.Attached, content)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *client) firstPlace() *id.ID {
	if len(c.places) == 0 {
		return nil
	}
	return &c.places[0].id
}

func (c *client) patchList() string {
	var b strings.Builder
	b.WriteString("panel,port,room,switch port,vlan,use\r\n")
	for i := 1; i <= 24; i++ {
		vlan, use := 20, "desk"
		switch {
		case i > 22:
			vlan, use = 99, "access point"
		case i%6 == 0:
			vlan, use = 30, "telephone"
		}
		fmt.Fprintf(&b, "A,%d,%d.%02d,%d,%d,%s\r\n", i, i/12, i%12+1, i, vlan, use)
	}
	return b.String()
}

func (c *client) savedConfiguration() string {
	return c.fill("# saved nightly; secrets are left out\nhostname {SHORT}-FW01\ninterface lan\n  address {fw}/24\ninterface wan\n  address 10.255.{net}.2/30\n" +
		"zone servers 10.{net}.10.0/24\nzone users 10.{net}.20.0/24\nzone voice 10.{net}.30.0/24\nzone guests 10.{net}.50.0/24\n" +
		"policy users -> servers allow smb ldap kerberos dns\npolicy guests -> internet allow http https\npolicy guests -> any deny log\npolicy any -> any deny log\n")
}

// floorPlan draws rooms around a corridor, different for each organization.
func (c *client) floorPlan() ([]byte, error) {
	const w, h = 480, 300
	m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.White, color.Gray{0x40}, color.RGBA{0xd8, 0xe6, 0xf4, 0xff}, color.RGBA{0xf4, 0xe2, 0xc8, 0xff}})
	wall := func(x0, y0, x1, y1 int) {
		draw.Draw(m, image.Rect(x0, y0, x1, y1), image.NewUniform(m.Palette[1]), image.Point{}, draw.Src)
	}
	room := func(x0, y0, x1, y1 int, shade int) {
		wall(x0, y0, x1, y1)
		draw.Draw(m, image.Rect(x0+3, y0+3, x1-3, y1-3), image.NewUniform(m.Palette[shade]), image.Point{}, draw.Src)
	}
	rooms := 4 + c.n%4
	for i := range rooms {
		x0, x1 := 10+i*(w-20)/rooms, 10+(i+1)*(w-20)/rooms
		room(x0, 10, x1, 120, 2)
		room(x0, 180, x1, h-10, 2+(i+c.n)%2)
	}
	wall(10, 117, 13, 183)
	wall(w-13, 117, w-10, 183)
	var b bytes.Buffer
	err := png.Encode(&b, m)
	return b.Bytes(), err
}

// mark gives the caller some favourites: the first organizations, and what
// somebody on call opens first.
func (w *world) mark(ctx context.Context) error {
	if w.caller.User == 0 {
		return nil
	}
	return w.change(ctx, func(tx *gate.Tx) error {
		for _, c := range w.finished[:min(len(w.finished), 3)] {
			for _, rec := range []*id.ID{&c.org, c.idOf("fw"), c.docs["Network overview"], c.docs[ownPages[0].title]} {
				if rec == nil || *rec == 0 {
					continue
				}
				if err := favourite.Set(tx, *rec, true); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
