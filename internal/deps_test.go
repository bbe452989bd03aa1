package internal_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite deps.txt from what cmd/strongroom is built of")

// TestDeps: every module that is compiled into the program is listed in
// deps.txt, so that a new one is seen in review.
func TestDeps(t *testing.T) {
	// Reading these makes a cached result of this test end with them.
	if _, err := os.ReadFile("../go.mod"); err != nil {
		t.Fatal(err)
	}
	sources(t)

	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", module+"/cmd/...")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	modules = slices.Compact(modules)
	got := strings.TrimLeft(strings.Join(modules, "\n")+"\n", "\n")

	if *update {
		if err := os.WriteFile("deps.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile("deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the program is built of other modules than deps.txt says.\nhave:\n%s\ndeps.txt:\n%s\nIf that is meant, run: go test ./internal -run Deps -update\nand give the module its line in the decision record on dependencies.", got, want)
	}
}

// TestDepsAreExplained: every module compiled into the program has its line in
// the decision record on dependencies: who keeps it, its licence, why.
func TestDepsAreExplained(t *testing.T) {
	record, err := os.ReadFile("../doc/decisions/0022-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	deps, err := os.ReadFile("deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range strings.Fields(string(deps)) {
		if !strings.Contains(string(record), "| "+module+" |") {
			t.Errorf("doc/decisions/0022-dependencies.md has no line for %s", module)
		}
	}
}
