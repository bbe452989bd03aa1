package documents

import (
	"html/template"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/crossref"
	"strongroom/internal/surface/webui/shell"
)

// part is a piece of a document as it is read: text, or a record.
type part struct {
	HTML template.HTML
	Card *shell.Card
}

// mostCards is how many records a document shows; those after them are links.
const mostCards = 30

// parts takes a cleaned text apart where a paragraph is nothing but the address
// of a card.
func (v *visit) parts(tx *gate.Tx, root *html.Node) ([]part, error) {
	var out []part
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			out = append(out, part{HTML: template.HTML(text.String())}) // #nosec G203 -- cleaned by readable; only anchors were added
			text.Reset()
		}
	}
	cards := 0
	for n := range root.ChildNodes() {
		if rec, asCard, ok := crossref.Parse(onlyLink(n)); ok && asCard && cards < mostCards {
			r, err := v.Records.Get(tx, "", rec)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return nil, err
			}
			if err == nil {
				cards++
				c, err := v.CardOf(tx, r, "card-"+strconv.Itoa(cards))
				if err != nil {
					return nil, err
				}
				flush()
				out = append(out, part{Card: c})
				continue
			}
		}
		if err := html.Render(&text, n); err != nil {
			return nil, err
		}
	}
	flush()
	return out, nil
}

// onlyLink gives the address of a link that is all that a paragraph holds, or "".
func onlyLink(n *html.Node) string {
	if n.DataAtom != atom.P {
		return ""
	}
	href := ""
	for c := range n.ChildNodes() {
		switch {
		case c.Type == html.TextNode && strings.TrimSpace(c.Data) == "":
		case c.DataAtom == atom.A && href == "":
			for _, a := range c.Attr {
				if a.Key == "href" {
					href = a.Val
				}
			}
		default:
			return ""
		}
	}
	return href
}
