// Command testreport reads the JSON lines of `go test -json` from standard
// input and prints what a person wants to read: one ordinary ok or FAIL line
// for every package, the whole output of every test that failed, and the name
// and reason of every test that was skipped.
//
// Always true: it exits 0 only if at least one test ran, none failed, none was
// skipped but those of byDesign, every package could be built and the input was
// complete. It does not believe the exit status of `go test`; it counts for
// itself.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

func main() {
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintf(os.Stderr, "testreport: %v\n", err)
		os.Exit(1)
	}
	if !r.close() {
		os.Exit(1)
	}
}

// byDesign are the skips that say nothing about the machine, each with its
// reason. They are printed and do not make a run fail.
var byDesign = map[string]string{
	"strongroom/internal/base/pgtest TestSwitchedOff/skipped":               "the skip is what is tested",
	"strongroom/internal/base/transit TestWithOpenBao":                      "neither OpenBao nor Vault is packaged for Debian; a server written from the documentation stands in for them in the other tests",
	"strongroom/internal/base/sqldb TestWriterProcess":                      "the process that TestKill starts and kills",
	"strongroom/internal/core/search TestRemovedWordsAreGone":               "on PostgreSQL alone: it is about the file of SQLite's index",
	"strongroom/internal/feature/featurestest TestSampleIsTheSameEveryTime": "on PostgreSQL alone: it needs two houses at a time, whose databases would have one name",
}

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events
	Test       string
	Output     string
}

// test names one test of one package; an empty name is the package itself.
type test struct{ pkg, name string }

// report collects what the tests did and prints each package as it ends.
type report struct {
	w       io.Writer
	output  map[test][]string
	running map[string]bool // packages that began and have not ended
	skips   []string
	builds  map[string]bool
	broken  int // packages that failed for another reason than a failed test
	passed  int
	failed  int
}

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[test][]string{}, running: map[string]bool{}, builds: map[string]bool{}}
}

// read takes every line. A line that is not JSON is printed as it stands: the
// go command writes some failures as plain text.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if text := strings.TrimSpace(line); text != "" {
			r.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the test output could not be read to its end: %w", err)
		}
	}
}

func (r *report) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		fmt.Fprint(r.w, line)
		return
	}
	t := test{e.Package, e.Test}
	switch e.Action {
	case "start":
		r.running[e.Package] = true
	case "build-output":
		fmt.Fprint(r.w, e.Output)
	case "build-fail":
		r.builds[e.ImportPath] = true
	case "output":
		r.output[t] = append(r.output[t], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(t, e.Action)
		}
	}
}

// endTest counts one test. What a passing test printed is forgotten; what a
// failing one printed waits for the end of its package.
func (r *report) endTest(t test, action string) {
	switch action {
	case "pass":
		r.passed++
		delete(r.output, t)
	case "fail":
		r.failed++
	case "skip":
		if why := byDesign[t.pkg+" "+t.name]; why != "" {
			fmt.Fprintf(r.w, "skipped by design: %s %s: %s\n", t.pkg, t.name, why)
			delete(r.output, t)
			return
		}
		r.skips = append(r.skips, fmt.Sprintf("%s %s: %s", t.pkg, t.name, reason(r.output[t])))
		delete(r.output, t)
	}
}

// endPackage prints the package's own lines and, before them, the output of
// each of its tests that did not pass.
func (r *report) endPackage(e event) {
	delete(r.running, e.Package)
	var names []string
	for t := range r.output {
		if t.pkg == e.Package && t.name != "" {
			names = append(names, t.name)
		}
	}
	sort.Strings(names)
	if e.Action == "fail" && len(names) == 0 {
		r.broken++
	}
	for _, name := range names {
		if e.Action == "fail" {
			fmt.Fprint(r.w, strings.Join(r.output[test{e.Package, name}], ""))
		}
		delete(r.output, test{e.Package, name})
	}
	own := r.output[test{e.Package, ""}]
	delete(r.output, test{e.Package, ""})
	for _, line := range own {
		if e.Action == "fail" || closing(line) {
			fmt.Fprint(r.w, line)
		}
	}
}

// closing tells whether a package's own output is its last line, as `go test`
// prints it without flags.
func closing(line string) bool {
	for _, start := range []string{"ok  \t", "FAIL\t", "?   \t"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return strings.Contains(line, "[no test files]")
}

// reason finds what a skipped test said, without the framing of `go test`.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "===") || strings.HasPrefix(text, "---") {
			continue
		}
		said = append(said, text)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// close prints the summary and tells whether all is well.
func (r *report) close() bool {
	for pkg := range r.running {
		fmt.Fprintf(r.w, "FAIL\t%s [its output ends in the middle]\n", pkg)
		r.broken++
	}
	sort.Strings(r.skips)
	for _, s := range r.skips {
		fmt.Fprintf(r.w, "skipped: %s\n", s)
	}
	if len(r.skips) > 0 {
		fmt.Fprintln(r.w, "FAIL: a full run skips nothing; install what the reasons name, or mend the test.")
	}
	if r.passed+r.failed == 0 {
		fmt.Fprintln(r.w, "FAIL: no test ran.")
	}
	failed := max(r.failed, r.broken, len(r.builds))
	fmt.Fprintf(r.w, "%d passed, %d failed, %d skipped\n", r.passed, failed, len(r.skips))
	return failed == 0 && len(r.skips) == 0 && r.passed > 0
}
