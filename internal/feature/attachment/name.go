package attachment

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sniff is how much of a file is looked at to find its type.
const sniff = 512

// maxName is the longest name kept, in bytes.
const maxName = 200

// CleanName makes a name that every file system takes and that hides nothing: no
// folders, control or invisible characters, no leading dot or dash, not too
// long, never empty. The extension stays.
func CleanName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, s)
	s = strings.TrimRight(strings.TrimLeft(strings.Join(strings.Fields(s), " "), ".- "), ". ")
	if s == "" {
		return "file"
	}
	if len(s) <= maxName {
		return s
	}
	ext := path.Ext(s)
	if len(ext) > 20 {
		ext = ""
	}
	base := s[:maxName-len(ext)]
	for !utf8.ValidString(base) {
		base = base[:len(base)-1]
	}
	return strings.TrimRight(base, ". ") + ext
}

// Ext is a name's extension in lower case, without its dot.
func Ext(name string) string { return strings.TrimPrefix(strings.ToLower(path.Ext(name)), ".") }

// inside are the types of files whose content only tells that they are a zip, an
// old Office file or text; there the extension decides.
var inside = map[string]map[string]string{
	"application/zip": {
		"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
		"vsdx": "application/vnd.ms-visio.drawing",
		"odt":  "application/vnd.oasis.opendocument.text",
		"ods":  "application/vnd.oasis.opendocument.spreadsheet",
		"odp":  "application/vnd.oasis.opendocument.presentation",
		"jar":  "application/java-archive",
	},
	"application/octet-stream": {
		"doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
		"msg": "application/vnd.ms-outlook", "vsd": "application/vnd.visio",
	},
	"text/plain; charset=utf-8": {
		"csv": "text/csv; charset=utf-8", "json": "application/json", "md": "text/markdown; charset=utf-8", "eml": "message/rfc822", "ics": "text/calendar; charset=utf-8",
	},
}

// TypeOf finds the media type in the first bytes of the content. The name only
// decides between types that look alike from inside, and never makes something
// that a browser would run: HTML, XML and SVG are plain text.
func TypeOf(head []byte, name string) string {
	t := http.DetectContentType(head)
	if strings.HasPrefix(t, "text/html") || strings.HasPrefix(t, "text/xml") {
		return "text/plain; charset=utf-8"
	}
	if finer, ok := inside[t][Ext(name)]; ok {
		return finer
	}
	return t
}

// Viewable tells whether a browser shows content of that type as a picture.
func Viewable(mediaType string) bool {
	return slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"}, mediaType)
}
