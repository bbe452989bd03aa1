package itglue

import (
	"path"
	"regexp"
	"strings"

	"strongroom/internal/base/archive"
)

// Document is a document's folder in the export.
type Document struct {
	Org, ID string   // as its folder says
	Name    string   // as its folder says: characters may be missing
	Folders []string // above it; the first may be the organization's
	Dir     string   // entry of the folder
	HTML    string   // entry of its text, or ""
	Size    int64    // of its text, in bytes
	Files   []string // the other entries: inline images
}

var docFolder = regexp.MustCompile(`^DOC-(\d+)-(\d+)(?:\s+(.*))?$`)

// documents finds the folders of documents. Files come sorted by name, so those
// of one folder come together, and folders in it with them.
func documents(z *archive.Archive) []*Document {
	var out []*Document
	var last *Document
	for _, f := range z.Under("documents") {
		if last == nil || !strings.HasPrefix(f.Name, last.Dir+"/") {
			if last = folderOf(f.Name); last == nil {
				continue
			}
			out = append(out, last)
		}
		last.take(f)
	}
	return out
}

func folderOf(entry string) *Document {
	parts := strings.Split(entry, "/")
	for i, p := range parts[:len(parts)-1] {
		if m := docFolder.FindStringSubmatch(p); m != nil {
			return &Document{Org: m[1], ID: m[2], Name: strings.TrimSpace(m[3]), Folders: parts[1:i:i], Dir: strings.Join(parts[:i+1], "/")}
		}
	}
	return nil
}

// take files an entry of the folder. The text is NAME.html, else index.html,
// else the first one.
func (d *Document) take(f archive.File) {
	base := strings.TrimPrefix(f.Name, d.Dir+"/")
	ext := strings.ToLower(path.Ext(base))
	if strings.Contains(base, "/") || ext != ".html" && ext != ".htm" {
		d.Files = append(d.Files, f.Name)
		return
	}
	if d.HTML == "" || better(base, d.Name) > better(path.Base(d.HTML), d.Name) {
		if d.HTML != "" {
			d.Files = append(d.Files, d.HTML)
		}
		d.HTML, d.Size = f.Name, f.Size
		return
	}
	d.Files = append(d.Files, f.Name)
}

func better(base, name string) int {
	switch stem := strings.TrimSuffix(base, path.Ext(base)); {
	case strings.EqualFold(stem, name):
		return 2
	case strings.EqualFold(stem, "index"):
		return 1
	}
	return 0
}

// FileName is what is left of a name where it is used for a file or folder:
// the exports replace what file systems do not allow.
func FileName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return -1
		case strings.ContainsRune(`<>:"/\|?*`, r):
			return '_'
		}
		return r
	}, s)
	s = strings.Trim(strings.Join(strings.Fields(s), " "), ". ")
	if r := []rune(s); len(r) > 100 {
		s = strings.Trim(string(r[:100]), ". ")
	}
	if s == "" {
		return "_"
	}
	return s
}
