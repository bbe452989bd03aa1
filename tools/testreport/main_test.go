package main

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const pass = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.01s\n"}
{"Action":"pass","Package":"p"}
`
	const empty = `{"Action":"start","Package":"q"}
{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}
{"Action":"skip","Package":"q"}
`
	tests := []struct {
		name, in string
		status   int // of go test; 1 where something fails, without being told
		ok       bool
		want     []string
		without  string
		again    string // what is worth being run once more
	}{
		{name: "all pass", in: pass + empty, ok: true, want: []string{"ok  \tp\t0.01s", "[no test files]", "1 passed, 0 failed, 0 skipped"}, without: "RUN"},
		{name: "nothing ran", in: empty, want: []string{"no test ran"}},
		{name: "empty input", in: "", want: []string{"no test ran"}},
		{name: "a test fails", in: pass + `{"Action":"start","Package":"f"}
{"Action":"output","Package":"f","Test":"TestB","Output":"    b_test.go:3: got 1, want 2\n"}
{"Action":"fail","Package":"f","Test":"TestB"}
{"Action":"output","Package":"f","Output":"FAIL\tf\t0.02s\n"}
{"Action":"fail","Package":"f"}
`, want: []string{"got 1, want 2", "FAIL\tf\t0.02s", "1 passed, 1 failed, 0 skipped"}, again: "[{f TestB}]"},
		{name: "a part of a test fails", in: pass + failing("f", "TestB/one", "TestB", "TestC"), want: []string{"1 passed, 3 failed"}, again: "[{f TestB} {f TestC}]"},
		{name: "too many tests fail to be accidents", in: pass + failing("f", "TestB", "TestC") + failing("g", "TestD"), want: []string{"1 passed, 3 failed"}},
		{name: "a test fails and a package does not compile", in: pass + failing("f", "TestB") + `{"ImportPath":"b","Action":"build-fail"}
`, want: []string{"1 passed, 1 failed"}},
		{name: "go test is not content", in: pass, status: 2, want: []string{"exited with 2", "1 passed, 1 failed"}},
		{name: "a test is skipped", in: pass + `{"Action":"start","Package":"s"}
{"Action":"output","Package":"s","Test":"TestC","Output":"=== RUN   TestC\n"}
{"Action":"output","Package":"s","Test":"TestC","Output":"    c_test.go:9: no PostgreSQL here\n"}
{"Action":"skip","Package":"s","Test":"TestC"}
{"Action":"output","Package":"s","Output":"ok  \ts\t0.02s\n"}
{"Action":"pass","Package":"s"}
`, want: []string{"skipped: s TestC: c_test.go:9: no PostgreSQL here", "1 passed, 0 failed, 1 skipped"}},
		{name: "a test is skipped by design", ok: true, in: pass + `{"Action":"start","Package":"strongroom/internal/base/sqldb"}
{"Action":"skip","Package":"strongroom/internal/base/sqldb","Test":"TestWriterProcess"}
{"Action":"output","Package":"strongroom/internal/base/sqldb","Output":"ok  \tstrongroom/internal/base/sqldb\t0.02s\n"}
{"Action":"pass","Package":"strongroom/internal/base/sqldb"}
`, want: []string{"skipped by design: strongroom/internal/base/sqldb TestWriterProcess: the process", "1 passed, 0 failed, 0 skipped"}},
		{name: "a package does not compile", in: pass + `{"ImportPath":"b","Action":"build-output","Output":"b.go:1: undefined: x\n"}
{"ImportPath":"b","Action":"build-fail"}
{"Action":"start","Package":"b"}
{"Action":"output","Package":"b","Output":"FAIL\tb [build failed]\n"}
{"Action":"fail","Package":"b","FailedBuild":"b"}
`, want: []string{"undefined: x", "FAIL\tb [build failed]", "1 passed, 1 failed, 0 skipped"}},
		{name: "a package panics outside its tests", in: pass + `{"Action":"start","Package":"x"}
{"Action":"output","Package":"x","Output":"exit status 2\n"}
{"Action":"fail","Package":"x"}
`, want: []string{"exit status 2", "1 passed, 1 failed, 0 skipped"}},
		{name: "cut off", in: pass + `{"Action":"start","Package":"c"}
`, want: []string{"its output ends in the middle", "1 passed, 1 failed, 0 skipped"}},
		{name: "plain text from the go command", in: "go: no such module\n", want: []string{"go: no such module", "no test ran"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(tt.in)); err != nil {
				t.Fatal(err)
			}
			r.status = tt.status
			if got := r.close(); got != tt.ok {
				t.Errorf("close = %v, want %v\n%s", got, tt.ok, &out)
			}
			if got := fmt.Sprint(r.doubtful()); got != cmp.Or(tt.again, "[]") {
				t.Errorf("worth running once more: %s, want %q", got, tt.again)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the report lacks %q:\n%s", want, &out)
				}
			}
			if tt.without != "" && strings.Contains(out.String(), tt.without) {
				t.Errorf("the report has %q:\n%s", tt.without, &out)
			}
		})
	}
}

// failing is what go test says of a package in which these tests fail.
func failing(pkg string, names ...string) string {
	out := fmt.Sprintf("{\"Action\":\"start\",\"Package\":%q}\n", pkg)
	for _, n := range append(names, "") {
		out += fmt.Sprintf("{\"Action\":\"output\",\"Package\":%q,\"Test\":%q,\"Output\":\"said\\n\"}\n{\"Action\":\"fail\",\"Package\":%q,\"Test\":%q}\n", pkg, n, pkg, n)
	}
	return out
}
