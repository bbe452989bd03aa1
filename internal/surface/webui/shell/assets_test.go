package shell_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"strongroom/internal/base/web"
	"strongroom/internal/surface/webui/shell"
)

// files gives the text of every file below dir whose name ends so.
func files(t *testing.T, dir string, endings ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, e := range endings {
			if strings.HasSuffix(name, e) && !strings.Contains(name, "vendor/") {
				text, err := os.ReadFile(dir + "/" + name)
				if err != nil {
					return err
				}
				found[name] = string(text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("no %q in %s", endings, dir)
	}
	return found
}

// TestIconsExist: a name that is not in the sprite draws nothing.
func TestIconsExist(t *testing.T) {
	sprite, err := os.ReadFile("static/icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`<symbol id="([a-z0-9-]+)"`).FindAllStringSubmatch(string(sprite), -1) {
		known[m[1]] = true
	}
	used := regexp.MustCompile(`\bicon\(? ?"([a-z0-9-]+)"|setButton\([^,]+, "([a-z0-9-]+)"|\bIcon: +"([a-z0-9-]+)"|^ *\[?\["([a-z0-9-]+)", "`)
	n := 0
	for _, all := range []map[string]string{files(t, "..", ".html"), files(t, "static/js", ".js"), files(t, "..", ".go")} {
		for name, text := range all {
			for _, m := range used.FindAllStringSubmatch(text, -1) {
				n++
				if icon := m[1] + m[2] + m[3] + m[4]; !known[icon] {
					t.Errorf("%s uses the icon %s, which is not in the sprite (tools/icons.mjs)", name, icon)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("found only %d uses of icons", n)
	}
}

// TestNothingInline: the policy stops inline script and style, so no template
// and no script of ours writes them.
func TestNothingInline(t *testing.T) {
	bad := regexp.MustCompile(`(?i)\sstyle=|<style|\son[a-z]+="|<script(>| type="text/javascript")|javascript:|innerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"`)
	for _, all := range []map[string]string{files(t, "..", ".html"), files(t, "static/js", ".js")} {
		for name, text := range all {
			if m := bad.FindString(text); m != "" {
				t.Errorf("%s holds %q", name, m)
			}
		}
	}
}

// TestNothingFromElsewhere: no page, style or script names another site.
func TestNothingFromElsewhere(t *testing.T) {
	elsewhere := regexp.MustCompile(`(?:src|href|url|import|from)\s*[=(]?\s*["'(]?(?:https?:)?//[a-z]`)
	for _, all := range []map[string]string{files(t, "..", ".html"), files(t, "static", ".js", ".css")} {
		for name, text := range all {
			if m := elsewhere.FindString(text); m != "" {
				t.Errorf("%s loads from elsewhere: %q", name, m)
			}
		}
	}
}

// TestEveryTemplateParses: all layouts, parts and pages, with every function and
// file they name.
func TestEveryTemplateParses(t *testing.T) {
	static, err := shell.Static()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files(t, "..", ".html") {
		for _, m := range regexp.MustCompile(`asset "([^"]+)"`).FindAllStringSubmatch(text, -1) {
			if _, err := static.URL(m[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	base, err := shell.Parts()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.ParsePages(base, static, nil); err != nil {
		t.Fatal(err)
	}
}

// TestLicences: what tools/package.json pins is what LICENSES.md says.
func TestLicences(t *testing.T) {
	pins, err := os.ReadFile("tools/package.json")
	if err != nil {
		t.Fatal(err)
	}
	licences, err := os.ReadFile("static/LICENSES.md")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := os.ReadFile("static/vendor/prosemirror.js")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range regexp.MustCompile(`"([@a-z0-9/-]+)": "(\d+\.\d+\.\d+)"`).FindAllStringSubmatch(string(pins), -1) {
		n++
		text := string(licences)
		if strings.HasPrefix(m[1], "prosemirror-") {
			text = string(bundle[:4000])
		}
		if m[1] != "esbuild" && (!strings.Contains(text, m[1]) || !strings.Contains(text, m[2])) {
			t.Errorf("%s %s is not named where its licence is", m[1], m[2])
		}
	}
	if n < 15 {
		t.Errorf("found only %d packages", n)
	}
	lock, err := os.ReadFile("tools/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), `"resolved"`) {
		t.Error("the lock file names registries")
	}
}
