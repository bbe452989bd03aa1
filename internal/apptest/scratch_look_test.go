package apptest_test

import (
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
)

func TestScratchLook(t *testing.T) {
	url := os.Getenv("LOOK_URL")
	if url == "" {
		t.Skip("no url")
	}
	b := browser.Open(t, url)
	for _, step := range strings.Split(os.Getenv("LOOK_STEPS"), ";") {
		verb, arg, _ := strings.Cut(step, " ")
		switch verb {
		case "visit":
			b.Visit(arg)
		case "type":
			sel, text, _ := strings.Cut(arg, "=>")
			b.Type(sel, text)
		case "click":
			b.Click(arg)
		case "wait":
			b.Wait(arg)
		case "shot":
			b.FullShot(arg)
		case "phone":
			b.Phone()
		case "dark":
			b.Dark(true)
		}
	}
}
