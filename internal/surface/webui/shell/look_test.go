package shell_test

import (
	"testing"

	"strongroom/internal/base/browser"
)

// TestLook shows every part to axe, by day, by night and on a phone, and takes
// the pictures.
func TestLook(t *testing.T) {
	_, site := openGallery(t)
	b := browser.Open(t, site)
	b.Allow("503") // the page that shows an error
	pages := []struct{ path, name string }{{"/?notice", "home"}, {"/list", "list"}, {"/record", "record"}, {"/form", "form"}, {"/ticket", "ticket"}, {"/empty", "empty"}, {"/broken", "error"}, {"/signin", "signin"}}
	for _, look := range []string{"light", "dark", "phone"} {
		b.Dark(look == "dark")
		if look == "phone" {
			b.Phone()
		}
		for _, p := range pages {
			b.Visit(p.path)
			if p.name == "form" || p.name == "ticket" {
				b.Wait(`document.querySelector(".ProseMirror")`)
			}
			b.NoSideScroll(look + " " + p.name)
			b.Axe(look + " " + p.name)
			if look == "phone" || p.name == "form" || p.name == "home" || p.name == "record" {
				b.FullShot(p.name + "-" + look)
			} else {
				b.Shot(p.name + "-" + look)
			}
		}
	}
}
