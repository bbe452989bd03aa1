// Command testreport runs `go test -json` with the arguments that it is given and
// prints what a person wants to read: one ordinary ok or FAIL line for every
// package, the whole output of every test that failed, and the name and reason of
// every test that was skipped.
//
// When no more than two tests failed, each is run once more, alone. One that passes
// then is unsteady: it is named at the end, below what it said when it failed.
//
// Always true: it exits 0 only if at least one test ran, none failed but the unsteady,
// none was skipped but those of byDesign, every package could be built and the output
// was complete. It does not believe an exit status of 0; it counts for itself.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sort"
	"strings"
)

func main() {
	first, err := run(os.Args[1:]...)
	if err != nil {
		fmt.Fprintf(os.Stderr, "testreport: %v\n", err)
		os.Exit(1)
	}
	ok := first.close()
	if list := first.doubtful(); !ok && len(list) > 0 {
		ok = again(list)
	}
	if !ok {
		os.Exit(1)
	}
}

// run runs the tests and prints as they end.
func run(args ...string) (*report, error) {
	r := newReport(os.Stdout)
	tests := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	tests.Stderr = os.Stderr
	out, err := tests.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := tests.Start(); err != nil {
		return nil, err
	}
	if err := r.read(out); err != nil {
		return nil, err
	}
	var exit *exec.ExitError
	if err := tests.Wait(); err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	r.status = tests.ProcessState.ExitCode()
	return r, nil
}

// again runs each test alone and tells whether all passed.
func again(list []test) bool {
	ok := true
	for _, t := range list {
		fmt.Printf("once more, alone: %s %s\n", t.pkg, t.name)
		r, err := run("-count=1", "-timeout=20m", "-run=^"+t.name+"$", t.pkg)
		if err != nil {
			fmt.Printf("testreport: %v\n", err)
			return false
		}
		if !r.close() {
			ok = false
			continue
		}
		fmt.Printf("UNSTEADY: %s %s failed in the run and passed alone. Mend it: what it said stands above.\n", t.pkg, t.name)
	}
	return ok
}

// byDesign are the skips that say nothing about the machine, each with its
// reason. They are printed and do not make a run fail.
var byDesign = map[string]string{
	"strongroom/internal/base/pgtest TestSwitchedOff/skipped":               "the skip is what is tested",
	"strongroom/cmd/strongroom TestScripts/transit":                         "tools/vault could not be built; a server written from the documentation stands in for it in the other tests",
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
	roots   map[test]bool // what failed, without subtests
	status  int           // what go test exited with
}

// mostDoubtful is how many failed tests may be run once more: where more fail, it is no
// accident of one of them.
const mostDoubtful = 2

// doubtful lists the tests that may be run once more: few failed, and nothing else is
// wrong.
func (r *report) doubtful() (list []test) {
	if len(r.roots) > mostDoubtful || r.broken > 0 || len(r.builds) > 0 || len(r.skips) > 0 {
		return nil
	}
	for t := range r.roots {
		list = append(list, t)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].pkg+" "+list[i].name < list[j].pkg+" "+list[j].name })
	return list
}

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[test][]string{}, running: map[string]bool{}, builds: map[string]bool{}, roots: map[test]bool{}}
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
		name, _, _ := strings.Cut(t.name, "/")
		r.roots[test{t.pkg, name}] = true
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
	if r.status != 0 && r.failed+r.broken+len(r.builds) == 0 {
		fmt.Fprintf(r.w, "FAIL: go test exited with %d and names no failure.\n", r.status)
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
