// Package markdown turns Markdown into the HTML of documents, and back.
//
// Always true: what HTML returns is in the normal form of package richtext,
// whatever HTML stands in the Markdown; what Of returns means the same when HTML
// reads it, but for what Markdown cannot say: widths of columns, cells that span,
// more than one paragraph in a cell.
//
// The Markdown is that of CommonMark 0.31 with tables, struck text, bare links
// and task lists as in GitHub Flavored Markdown 0.29.
package markdown

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gmhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"strongroom/internal/base/richtext"
)

// HTML gives a text that is Markdown as HTML.
func HTML(text string) (string, error) {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(gmhtml.WithUnsafe())) // cleaned below
	var out bytes.Buffer
	if err := md.Convert([]byte(text), &out); err != nil {
		return "", fmt.Errorf("reading Markdown: %w", err)
	}
	tidy := strings.NewReplacer("\n</code></pre>", "</code></pre>", ` type="checkbox"> `, ` type="checkbox">`)
	return richtext.Clean(tidy.Replace(out.String())), nil
}

// Of gives HTML in the normal form as Markdown, with a newline at its end. link
// is asked for what to write instead of the address of each link and image.
func Of(doc string, link func(address string) string) (string, error) {
	root, err := html.Parse(bytes.NewReader([]byte(doc)))
	if err != nil {
		return "", fmt.Errorf("reading HTML: %w", err)
	}
	var tasks []*html.Node
	for n := range root.Descendants() {
		for i, a := range n.Attr {
			switch {
			case a.Key == "href" || a.Key == "src":
				n.Attr[i].Val = link(a.Val)
			case a.Key == "data-checked":
				tasks = append(tasks, n)
			}
		}
	}
	for _, li := range tasks {
		li.InsertBefore(&html.Node{Type: html.ElementNode, Data: task, Attr: li.Attr}, li.FirstChild)
	}
	out, err := writer().ConvertNode(root)
	if err != nil {
		return "", fmt.Errorf("writing Markdown: %w", err)
	}
	return string(bytes.TrimSpace(out)) + "\n", nil
}

// task is the element that stands for the box of an item that can be ticked.
const task = "strongroom-task"

func writer() *converter.Converter {
	c := converter.NewConverter(converter.WithPlugins(base.NewBasePlugin(), commonmark.NewCommonmarkPlugin(), strikethrough.NewStrikethroughPlugin(),
		table.NewTablePlugin(table.WithHeaderPromotion(true), table.WithNewlineBehavior(table.NewlineBehaviorPreserve), table.WithSpanCellBehavior(table.SpanBehaviorEmpty))))
	for _, tag := range []string{"u", "sub", "sup"} { // Markdown has no signs for them, but takes HTML
		c.Register.RendererFor(tag, converter.TagTypeInline, inTags, converter.PriorityEarly)
	}
	for _, tag := range []string{"details", "summary"} {
		c.Register.RendererFor(tag, converter.TagTypeBlock, base.RenderAsHTMLWrapper, converter.PriorityEarly)
	}
	c.Register.RendererFor(task, converter.TagTypeInline, func(_ converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
		box := "[ ] "
		if n.Attr[0].Val == "true" {
			box = "[x] "
		}
		_, _ = w.WriteString(box)
		return converter.RenderSuccess
	}, converter.PriorityEarly)
	return c
}

// inTags writes an element as HTML around what is in it.
func inTags(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	_, _ = w.WriteString("<" + n.Data + ">") // into memory
	ctx.RenderChildNodes(ctx, w, n)
	_, _ = w.WriteString("</" + n.Data + ">")
	return converter.RenderSuccess
}
