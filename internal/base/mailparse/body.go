package mailparse

import (
	"bytes"
	"mime"
	"regexp"
	"strconv"
	"strings"

	"strongroom/internal/base/richtext"
)

// content is what a part says; html is empty when it says it as text alone.
type content struct{ text, html string }

func (c content) empty() bool { return c.text == "" && c.html == "" }

// asHTML is what a part says as HTML in any case.
func (c content) asHTML() string {
	if c.html == "" {
		return richtext.FromText(c.text)
	}
	return c.html
}

func (c content) asText() string {
	if c.text == "" {
		return richtext.Text(c.html)
	}
	return c.text
}

// reader reads the parts of a mail.
type reader struct {
	mail  *Mail
	parts int
}

var loose = regexp.MustCompile(`(?i);\s*([a-z0-9*-]+)\s*=\s*("([^"]*)"|[^;\s]+)`)

// media reads a field with parameters, as well as it can be read.
func media(v string) (kind string, params map[string]string) {
	kind, params, err := mime.ParseMediaType(v)
	if err == nil && params != nil {
		return kind, params
	}
	kind, _, _ = strings.Cut(strings.ToLower(v), ";")
	params = map[string]string{}
	for _, m := range loose.FindAllStringSubmatch(v, 30) {
		params[strings.ToLower(strings.TrimSuffix(m[1], "*"))] = strings.Trim(m[2], `"`)
	}
	return strings.TrimSpace(kind), params
}

// part reads a part: what it says is given back, files are kept.
func (r *reader) part(h header, body []byte, depth int) content {
	if r.parts++; r.parts > mostParts || depth > mostDepth {
		r.mail.mend("It has too many parts, or parts within parts; not all were read.")
		return content{}
	}
	kind, params := media(h.get("Content-Type"))
	if kind == "" || !strings.Contains(kind, "/") {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") {
		if kids, ok := r.pieces(body, params["boundary"]); ok {
			return r.multipart(kind, kids, depth)
		}
		r.mail.mend("Its parts are not told apart; it was read as text.")
		kind = "text/plain"
	}
	how, its := media(h.get("Content-Disposition"))
	name := filename(its["filename"], params["name"])
	raw := r.transfer(h, body)
	switch kind {
	case "message/rfc822", "message/global":
		return r.nested(raw, name)
	case "message/delivery-status", "message/global-delivery-status":
		r.status(raw)
		return content{}
	case "text/rfc822-headers", "message/rfc822-headers":
		r.original(raw)
		return content{}
	case "text/plain", "text/html", "text/enriched":
		if how != "attachment" && name == "" {
			return r.says(kind, params["charset"], raw)
		}
	case "application/ms-tnef", "application/vnd.ms-tnef":
		r.mail.mend("It holds a winmail.dat, which Outlook makes and few others read. Its sender can turn off rich text (RTF).")
	}
	if len(raw) == 0 && name == "" {
		return content{}
	}
	if name == "" {
		name = r.invent(kind)
	}
	f := File{Name: name, Type: kind, Content: raw}
	if ids := h.ids("Content-Id"); len(ids) > 0 {
		f.CID = ids[0]
	}
	r.mail.Files = append(r.mail.Files, f)
	return content{}
}

// says is what a part of text says.
func (r *reader) says(kind, charset string, raw []byte) content {
	if len(raw) > mostText {
		raw = raw[:mostText]
		r.mail.mend("Its text is very long; only the beginning is shown.")
	}
	text, known := decode(raw, charset)
	if !known {
		r.mail.mend("Its text is in a set of characters that is not known: " + oneLine(raw8(charset)) + ".")
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(text)
	if kind == "text/html" {
		return content{html: text}
	}
	if strings.TrimSpace(text) == "" {
		return content{}
	}
	return content{text: text}
}

// multipart joins what parts say.
func (r *reader) multipart(kind string, kids [][]byte, depth int) content {
	var all []content
	rich := false
	for _, k := range kids {
		h, body, broken := split(k)
		r.mail.mend(broken)
		if c := r.part(h, body, depth+1); !c.empty() {
			all = append(all, c)
			rich = rich || c.html != ""
		}
	}
	var out content
	for _, c := range all {
		switch {
		case kind == "multipart/alternative":
			if out.text == "" {
				out.text = c.text
			}
			if c.html != "" {
				out.html = c.html
			}
		case rich:
			out.html += c.asHTML()
			out.text = strings.TrimSpace(out.text + "\n\n" + c.asText())
		case out.text == "":
			out.text = c.text
		default:
			out.text += "\n\n" + c.text
		}
	}
	return out
}

// pieces splits the body of a part of parts; a missing end is taken for one.
func (r *reader) pieces(body []byte, boundary string) (out [][]byte, ok bool) {
	if boundary == "" { // it is what the first line with two dashes says
		m := regexp.MustCompile(`(?m)^--([^\s-][^\r\n]{0,200}?)\s*$`).FindSubmatch(body)
		if m == nil {
			return nil, false
		}
		r.mail.mend("It does not say how its parts are told apart; it was guessed.")
		boundary = string(m[1])
	}
	mark := []byte("--" + boundary)
	start, ended := -1, false
	for at := 0; at < len(body) && !ended; {
		end := bytes.IndexByte(body[at:], '\n')
		next := at + end + 1
		if end < 0 {
			next = len(body)
		}
		line := bytes.TrimRight(body[at:next], " \t\r\n")
		if bytes.HasPrefix(line, mark) && (len(line) == len(mark) || string(line[len(mark):]) == "--") {
			if start >= 0 {
				out = append(out, bytes.TrimSuffix(bytes.TrimSuffix(body[start:at], []byte("\n")), []byte("\r")))
			}
			start, ended = next, len(line) > len(mark)
		}
		if at = next; len(out) > mostParts {
			r.mail.mend("It has too many parts, or parts within parts; not all were read.")
			return out, true
		}
	}
	if start < 0 {
		return nil, false
	}
	if !ended {
		r.mail.mend("It ends in the middle; what is there was read.")
		out = append(out, body[start:])
	}
	return out, true
}

// transfer undoes how a part was packed for the way.
func (r *reader) transfer(h header, body []byte) []byte {
	switch strings.ToLower(strings.TrimSpace(h.get("Content-Transfer-Encoding"))) {
	case "base64":
		return unbase64(body)
	case "quoted-printable":
		return unquote(body)
	}
	return body
}

// nested keeps a mail within a mail as a file.
func (r *reader) nested(raw []byte, name string) content {
	h, _, _ := split(raw)
	if name == "" {
		name = filename(h.text("Subject"), "")
		if name == "" {
			name = "mail"
		}
		name += ".eml"
	}
	if r.mail.Bounce != nil {
		r.original(raw)
	}
	r.mail.Files = append(r.mail.Files, File{Name: name, Type: "message/rfc822", Content: raw})
	return content{}
}

// invent names a file that has no name.
func (r *reader) invent(kind string) string {
	n := strconv.Itoa(len(r.mail.Files) + 1)
	switch {
	case kind == "text/calendar":
		return "invitation-" + n + ".ics"
	case kind == "application/pgp-signature":
		return "signature-" + n + ".asc"
	}
	ext := map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "application/pdf": ".pdf", "text/plain": ".txt", "text/html": ".html", "text/csv": ".csv", "application/zip": ".zip"}[kind]
	return "file-" + n + ext
}

// filename is the first name that there is, without a path and what is not seen.
func filename(names ...string) string {
	for _, n := range names {
		n = Words(n)
		n = n[strings.LastIndexAny(n, `/\`)+1:]
		n = strings.Trim(strings.Map(func(r rune) rune {
			if strings.ContainsRune(`<>:"|?*`, r) {
				return '-'
			}
			return r
		}, n), " .")
		if r := []rune(n); len(r) > 150 {
			n = string(r[:100]) + string(r[len(r)-20:])
		}
		if n != "" {
			return n
		}
	}
	return ""
}
