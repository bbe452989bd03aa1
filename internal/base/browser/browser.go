// Package browser drives pages in Chromium for tests.
//
// Always true: one Chromium serves a test binary and each Tab is a browser
// context of its own, with no cookies or storage of another test. Input is real
// input, not script. A test fails when its page writes an error to the console,
// throws, or breaks its Content-Security-Policy, unless the test said with Allow
// that it will. A test without an installed Chromium, or with
// STRONGROOM_TEST_BROWSER=off, is skipped with the reason.
package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long one step may take; the machine may be busy.
const patience = 45 * time.Second

//go:embed testdata/axe.min.js
var axe string

// profile is the variable by which Main tells where the browser keeps its files.
const profile = "STRONGROOM_TEST_BROWSER_PROFILE"

// shared is the Chromium of this test binary: starting one takes a second.
var shared = sync.OnceValues(start)

var errAbsent = errors.New("no chromium was found: install it")

type chromium struct {
	ctx  context.Context
	stop func()
}

func start() (*chromium, error) {
	bin, err := exec.LookPath("chromium")
	if err != nil {
		return nil, errAbsent
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(bin), chromedp.DisableGPU, chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true), chromedp.Flag("font-render-hinting", "none"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost"))
	if dir := os.Getenv(profile); dir != "" {
		options = append(options, chromedp.UserDataDir(filepath.Join(dir, "profile")))
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to sandbox for root
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopBrowser := chromedp.NewContext(alloc)
	c := &chromium{ctx: ctx, stop: func() { stopBrowser(); stopAlloc() }}
	if err := chromedp.Do(ctx); err != nil {
		c.stop()
		return nil, fmt.Errorf("starting Chromium: %w", err)
	}
	return c, nil
}

// Main runs the tests and stops the browser, if one was started:
//
//	func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv(profile, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if used, err := os.ReadDir(dir); err == nil && len(used) > 0 {
		if c, err := shared(); err == nil {
			c.stop()
		}
	}
	return code
}

// Tab is one page of a site.
type Tab struct {
	ctx  context.Context
	t    testing.TB
	base string

	noScript bool

	mu    sync.Mutex
	bad   []string
	allow []string
	asked []string
}

// Open gives a tab for the site at base ("http://127.0.0.1:4711"), 1440 by 900,
// light, and closes it when the test ends.
func Open(t testing.TB, base string) *Tab {
	t.Helper()
	if os.Getenv("STRONGROOM_TEST_BROWSER") == "off" {
		t.Skip("STRONGROOM_TEST_BROWSER is off")
	}
	c, err := shared()
	if errors.Is(err, errAbsent) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(c.ctx, chromedp.WithNewBrowserContext())
	b := &Tab{ctx: ctx, t: t, base: strings.TrimSuffix(base, "/")}
	// The tab lives as long as the context of its first action: not one of run's.
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatal(err)
	}
	b.Desktop()
	messages := chromedp.Console(ctx)
	dialogs := chromedp.Events(ctx, page.JavascriptDialogOpening)
	var listening sync.WaitGroup
	listening.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.note(m)
		}
	})
	listening.Go(func() {
		for d, err := range dialogs {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.asked = append(b.asked, string(d.Type))
			b.mu.Unlock()
			// A dialog that has gone meanwhile needs no answer.
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}
	})
	t.Cleanup(func() {
		cancel()
		listening.Wait()
		for _, s := range b.bad {
			t.Errorf("console of the page: %s", s)
		}
	})
	return b
}

func (b *Tab) note(m chromedp.ConsoleMessage) {
	if !m.IsException() && m.Type != chromedp.ConsoleError && !strings.Contains(m.Text, "Content Security Policy") && !strings.Contains(m.Text, "Trusted") {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.allow {
		if strings.Contains(m.Text, a) {
			return
		}
	}
	b.bad = append(b.bad, m.String()+" "+strings.TrimPrefix(m.URL, b.base))
}

// Allow lets the page write errors that hold text: the answer 422 to a request
// that a test makes fail.
func (b *Tab) Allow(text string) {
	b.mu.Lock()
	b.allow = append(b.allow, text)
	b.mu.Unlock()
}

// Key gives the browser a key of its own, as a person's device has one: internal
// is a passkey in the device, otherwise it is a security key in a USB port. verifies
// tells whether it can verify its owner, which it then does without being asked.
func (b *Tab) Key(internal, verifies bool) {
	b.t.Helper()
	call(b, webauthn.Enable, webauthn.EnableParams{})
	o := webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportUsb,
		HasResidentKey: verifies, HasUserVerification: verifies, IsUserVerified: verifies, AutomaticPresenceSimulation: true, HasPrf: verifies}
	if internal {
		o.Transport = webauthn.AuthenticatorTransportInternal
	}
	call(b, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &o})
}

// Dialogs gives the types of the browser's own dialogs that came up, "beforeunload"
// among them. Each is answered with yes.
func (b *Tab) Dialogs() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked)
}

// run runs one action within patience.
func run[T any](b *Tab, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// call sends one command of the protocol within patience.
func call[P, R any](b *Tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// Visit opens a path of the site and waits until its scripts have started.
func (b *Tab) Visit(path string) {
	b.t.Helper()
	run(b, chromedp.Navigate(b.base+path))
	b.Wait(`document.readyState == "complete" && document.documentElement.dataset.ready`)
}

// Load opens a path and waits for the document alone: for pages without script.
func (b *Tab) Load(path string) {
	b.t.Helper()
	run(b, chromedp.Navigate(b.base+path))
}

// Click clicks the first element that selector finds, once it is visible.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.settle() // what moves is missed
	run(b, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Type puts the focus into an input and types.
func (b *Tab) Type(selector, text string) {
	b.t.Helper()
	run(b, chromedp.Focus(chromedp.CSS(selector), chromedp.NodeVisible))
	b.Press(text)
}

// Press presses keys wherever the focus is; see chromedp/kb for named keys. A key
// whose press the page handles types nothing, as on a real keyboard.
func (b *Tab) Press(keys string, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	for _, r := range keys {
		for _, k := range strokes(r, modifiers) {
			call(b, input.DispatchKeyEvent, *k)
		}
	}
}

// strokes gives the events of one key. chromedp sends the character apart from
// the key, so that it arrives even where the page handled the key; here the
// press carries it.
func strokes(r rune, modifiers []chromedp.Modifier) []*input.DispatchKeyEventParams {
	var down *input.DispatchKeyEventParams
	var out []*input.DispatchKeyEventParams
	for _, k := range kb.Encode(r) {
		chromedp.KeyModifiers(modifiers...)(k)
		switch {
		case k.Type == input.DispatchKeyEventTypeChar:
			if k.Modifiers&^int64(chromedp.ModifierShift) == 0 {
				down.Text, down.UnmodifiedText = k.Text, k.UnmodifiedText
			}
			continue
		case down == nil:
			down = k
		}
		out = append(out, k)
	}
	return out
}

// Upload chooses files in a file input.
func (b *Tab) Upload(selector string, files ...string) {
	b.t.Helper()
	run(b, chromedp.SetUploadFiles(chromedp.CSS(selector), files))
}

// Text gives the visible text of the first element that selector finds.
func (b *Tab) Text(selector string) string {
	b.t.Helper()
	return run(b, chromedp.Text(chromedp.CSS(selector)))
}

// Eval evaluates a script under the page's policy and gives its value; promises
// are awaited.
func Eval[T any](b *Tab, script string) T {
	b.t.Helper()
	return run(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise, strict))
}

func strict(p *runtime.EvaluateParams) { p.AllowUnsafeEvalBlockedByCSP = new(bool) }

// Wait waits until a script's condition holds; it survives navigations.
func (b *Tab) Wait(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")", strict))
		if err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("waited in vain for %s (%v)%s", condition, err, b.where())
		case <-tick.C:
		}
	}
}

// where tells the address and the beginning of the text of the page as it is, for
// the reader of a failed test.
func (b *Tab) where() string {
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + location.search + " " + document.readyState + ": " + document.body.innerText.slice(0, 500)`, strict))
	if err != nil {
		return ""
	}
	return "\n" + s
}

// Dark sets what the system prefers. Motion is reduced, so that pictures are of
// a page at rest.
func (b *Tab) Dark(on bool) {
	b.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	b.media([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}})
}

func (b *Tab) media(features []*emulation.MediaFeature) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

// Desktop sets the window to 1440 by 900, light.
func (b *Tab) Desktop() {
	b.t.Helper()
	run(b, chromedp.EmulateViewport(1440, 900))
	b.Dark(false)
}

// Phone sets the window to a phone's, 390 by 844 at twice the density.
func (b *Tab) Phone() {
	b.t.Helper()
	run(b, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateScale(2)))
}

// NoScript switches script off for the pages visited from now on.
func (b *Tab) NoScript() {
	b.t.Helper()
	b.noScript = true
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// still waits until fonts are there, animations have ended and a frame was drawn.
const still = `(async () => { await document.fonts.ready; await Promise.allSettled(document.getAnimations().filter(a => a.effect?.getComputedTiming().endTime < 5000).map(a => a.finished));
	await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))); return true })()`

// settle waits until the page is at rest; without script it cannot be asked.
func (b *Tab) settle() {
	b.t.Helper()
	if !b.noScript {
		Eval[bool](b, still)
	}
}

// Shot writes a picture of the window to NAME.png in the folder that
// STRONGROOM_SHOTS names; without it, it does nothing.
func (b *Tab) Shot(name string) { b.shot(name, chromedp.CaptureScreenshot()) }

// FullShot is Shot of the whole page.
func (b *Tab) FullShot(name string) { b.shot(name, chromedp.FullScreenshot(100)) }

func (b *Tab) shot(name string, take chromedp.Action[[]byte]) {
	b.t.Helper()
	dir := os.Getenv("STRONGROOM_SHOTS")
	if dir == "" {
		return
	}
	b.settle()
	png := run(b, take)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// The success criteria that axe checks: WCAG 2.0 to 2.2, A and AA; and the one of them
// that depends on nothing but colours.
const (
	criteria = `"wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa"`
	colours  = `"color-contrast"`
)

// violations asks axe-core for what it finds by those rules.
const violations = `axe.run(document,{runOnly:[%s]}).then(r=>JSON.stringify(r.violations.map(v=>({id:v.id,impact:v.impact,n:v.nodes.length,nodes:v.nodes.slice(0,4).map(n=>n.target.join(" ")+": "+(n.any[0]||n.all[0]||n.none[0]||{}).message)}))))`

// Axe fails the test for every violation of WCAG 2.2 A and AA that axe-core finds
// on the page as it is now. where names the page and its state.
func (b *Tab) Axe(where string) {
	b.t.Helper()
	b.check(where, criteria)
}

func (b *Tab) check(where, rules string) {
	b.t.Helper()
	b.settle()
	if !Eval[bool](b, `"axe" in window`) {
		run(b, chromedp.Evaluate[int](axe+";0")) // by the debugger, which no policy stops
	}
	var found []struct {
		ID, Impact string
		N          int
		Nodes      []string
	}
	if err := json.Unmarshal([]byte(Eval[string](b, fmt.Sprintf(violations, rules))), &found); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range found {
		b.t.Errorf("%s: %s (%s), %d times\n\t%s", where, v.ID, v.Impact, v.N, strings.Join(v.Nodes, "\n\t"))
	}
}

// Everywhere looks at a page as people do: on a desktop, light and dark, and on a
// phone. It is accessible on all of them and never wider than the screen; with
// STRONGROOM_SHOTS there is a picture of each. Dark is the same page in other colours,
// so of the criteria it is those of colours that are checked again. How a page looks
// does not depend on the database: with PostgreSQL it is looked at once.
func (b *Tab) Everywhere(name, path string) {
	b.t.Helper()
	b.Desktop()
	b.Visit(path)
	b.NoSideScroll(name + " light")
	b.Axe(name + " light")
	b.FullShot(name + "-light")
	if os.Getenv("STRONGROOM_TEST_DB") == "postgres" {
		return
	}
	b.Dark(true)
	b.check(name+" dark", colours)
	b.FullShot(name + "-dark")
	b.Desktop()
	b.Phone()
	b.Visit(path)
	b.NoSideScroll(name + " phone")
	b.Axe(name + " phone")
	b.FullShot(name + "-phone")
	b.Desktop()
}

// NoSideScroll fails the test when the page is wider than the window.
func (b *Tab) NoSideScroll(where string) {
	b.t.Helper()
	wide := Eval[string](b, `(() => { const w = document.documentElement.clientWidth; if (document.documentElement.scrollWidth <= w) return "";
		return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > w + 1 && getComputedStyle(e).visibility != "hidden").slice(0, 4).map(e => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right)).join("; ") || "unknown" })()`)
	if wide != "" {
		b.t.Errorf("%s scrolls sideways: %s", where, wide)
	}
}
