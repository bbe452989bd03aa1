package paper

import (
	"bytes"
	"context"
	"crypto/fips140"
	"image"
	"image/color"
	_ "image/gif" // a format that is read
	"image/jpeg"
	"image/png"
	"strconv"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a format that is read
	"golang.org/x/net/html"

	"strongroom/internal/base/fault"
)

// Bounds of pictures.
const (
	mostPicture  = 32 << 20  // bytes of one
	mostPictures = 256 << 20 // bytes of all in a book, as they are put into it
	mostPixels   = 24 << 20  // of one
	sharp        = 2000      // pixels that a side is reduced to
)

// picture is one that is in the PDF; w is 0 when it could not be read.
type picture struct {
	name string
	w, h float64 // points, at 96 pixels in an inch
}

func (f *flow) picture(q piece) {
	n := q.image
	pic := f.p.picture(value(n, "src"))
	if pic.w == 0 {
		f.p.lost(n)
		st := f.style()
		st.italic, st.grey = true, true
		c := &pieces{p: f.p}
		c.text("[picture: "+named(n)+"]", &st)
		f.lines(c.list, f.size)
		return
	}
	w, h := pic.w, pic.h
	if v, err := strconv.Atoi(value(n, "width")); err == nil {
		w, h = float64(v)*0.75, float64(v)*0.75*pic.h/pic.w
	}
	most := f.p.body() * 0.9
	if f.inside > 0 {
		most = f.p.body() * 0.5
	}
	scale := min(1, (f.width-f.left)/w, most/h)
	f.gap(f.size * 0.3)
	fig := f.el.child("Figure")
	fig.alt = named(n)
	f.add(&box{h: h * scale, w: w * scale, picture: pic, el: fig})
	f.gap(f.size * 0.3)
}

// named gives what a reader knows a picture by.
func named(n *html.Node) string {
	if alt := oneLine(value(n, "alt")); alt != "" {
		return alt
	}
	return oneLine(value(n, "src"))
}

// lost notes a picture that is not there.
func (p *press) lost(n *html.Node) {
	if len(p.told.Pictures) < 100 {
		p.told.Pictures = append(p.told.Pictures, named(n))
	}
}

// picture puts a picture into the PDF, once.
func (p *press) picture(src string) *picture {
	if pic := p.pictures[src]; pic != nil {
		return pic
	}
	pic := &picture{}
	p.pictures[src] = pic
	if p.b.Image == nil || src == "" {
		return pic
	}
	content, err := p.b.Image(p.ctx, src)
	if err != nil {
		if p.ctx.Err() != nil || fault.Of(err) == fault.Unavailable {
			p.fail(err)
		}
		return pic
	}
	media, content, size := printable(p.ctx, content)
	if media == "" || p.pictured+len(content) > mostPictures {
		return pic
	}
	p.pictured += len(content)
	pic.name = "p" + strconv.Itoa(len(p.pictures))
	fips140.WithoutEnforcement(func() { // as fonts
		p.pdf.RegisterImageOptionsReader(pic.name, fpdf.ImageOptions{ImageType: media}, bytes.NewReader(content))
	})
	if !p.pdf.Ok() { // a picture that another reader took: the book goes on without it
		p.pdf.ClearError()
		return pic
	}
	pic.w, pic.h = float64(size.X)*0.75, float64(size.Y)*0.75
	return pic
}

// printable gives a picture as a JPEG or a plain PNG that any reader of PDF
// shows, and its size before it was reduced; media is empty for what is no
// picture or too large.
func printable(ctx context.Context, content []byte) (media string, out []byte, size image.Point) {
	if len(content) > mostPicture || ctx.Err() != nil {
		return "", nil, size
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil || c.Width <= 0 || c.Height <= 0 || c.Width > mostPixels/c.Height {
		return "", nil, size
	}
	size = image.Pt(c.Width, c.Height)
	if format == "jpeg" && c.ColorModel != color.CMYKModel && max(c.Width, c.Height) <= sharp {
		if _, err := jpeg.Decode(bytes.NewReader(content)); err != nil {
			return "", nil, size
		}
		return "JPG", content, size
	}
	m, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return "", nil, size
	}
	to := m.Bounds().Size()
	if side := max(to.X, to.Y); side > sharp {
		to = image.Pt(max(to.X*sharp/side, 1), max(to.Y*sharp/side, 1))
	}
	flat := image.NewRGBA(image.Rectangle{Max: to})
	draw.Draw(flat, flat.Bounds(), image.White, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(flat, flat.Bounds(), m, m.Bounds(), draw.Over, nil)
	var b bytes.Buffer
	if format == "jpeg" {
		err = jpeg.Encode(&b, flat, &jpeg.Options{Quality: 85})
		media = "JPG"
	} else {
		err = png.Encode(&b, flat)
		media = "PNG"
	}
	if err != nil {
		return "", nil, size
	}
	return media, b.Bytes(), size
}
