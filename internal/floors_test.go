// Package internal_test holds the laws of this repository that a compiler does
// not check: which way imports may point, what a package may not contain, and
// how large things may grow. doc/architecture.md says why.
package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const module = "strongroom"

// The floors, lowest first. A package may import its own floor only where
// sideways says so, and any floor below.
var floors = []string{"base", "core", "feature", "surface", "app", "cmd"}

// sideways holds the imports between two features that are allowed, each with
// its reason. A key "a -> b" also holds for the packages below a and b.
var sideways = map[string]string{
	"contact -> location":        "telephone numbers are written in the way of the country of the contact's location",
	"bulk -> notification":       "who asked for it is told what became of it",
	"bulk -> macro":              "a macro is one of the things that are done to many tickets",
	"bulk -> checklist":          "a macro may bring the tasks of a checklist",
	"bulk -> journal":            "an entry is one of the things that are done to many tickets",
	"bulk -> desk":               "tags are joined, and the teams of whoever applies a macro known, as on a ticket",
	"change -> relation":         "what a change affects is what breaks with the records that it is related to",
	"checklist -> journal":       "a step lies on a ticket, as what is written does",
	"checklist -> notification":  "who is given a checklist or task is told",
	"comment -> notification":    "who is mentioned or follows a record is told",
	"document -> attachment":     "the images of a document are attachments of it",
	"document -> rule":           "folders form a tree",
	"document -> crossref":       "links in its text follow the names of records",
	"exporter -> notification":   "administrators are told that somebody asks to export passwords",
	"exporter -> attachment":     "files are written from where they are kept",
	"exporter -> document":       "documents are written with their folders, sections and images",
	"exporter -> crossref":       "links in texts lead to records as another house finds them",
	"exporter -> flexibleasset":  "types of assets are tables of their own in IT Glue's layout",
	"exporter -> comment":        "what was said about records is in an export of them",
	"exporter -> importer":       "both sides of one layout: importer/itglue names its files and columns once",
	"importer -> attachment":     "an export holds files that hang on records",
	"importer -> document":       "a document's sections and images come with it",
	"importer -> flexibleasset":  "the types of assets of an export are designed as people design them",
	"importer -> external":       "what a foreign row became is remembered there",
	"importer -> relation":       "an export holds relations between records",
	"importer -> flag":           "flags come with the records that bear them",
	"runbook -> relation":        "what a record is related to is named beneath it",
	"sample -> attachment":       "the sample company has files, made through the same doors as people use",
	"sample -> flexibleasset":    "the sample company has assets of types that come with the product",
	"sample -> favourite":        "the sample company's administrator has favourites",
	"sample -> alert":            "the sample company has alerts, flags and comments, made likewise",
	"sample -> comment":          "as alerts",
	"sample -> flag":             "as alerts",
	"sample -> tracker":          "what trackers would have found of the sample company's domains, as nothing may be asked",
	"sample -> relation":         "the sample company has related records, made likewise",
	"outbox -> notification":     "notices go out by mail",
	"incident -> desk":           "tickets of all kinds share fields and rules",
	"problem -> desk":            "as incidents",
	"request -> desk":            "as incidents",
	"change -> desk":             "as incidents",
	"task -> desk":               "as incidents",
	"macro -> journal":           "a macro writes on a ticket",
	"timesheet -> journal":       "an entry of time lies on a ticket, as what is written does",
	"merge -> desk":              "what is merged is tickets, by their field for it",
	"merge -> ballot":            "who votes on a ticket that is merged is asked no more",
	"merge -> sla":               "the earlier clock goes on",
	"merge -> journal":           "an entry becomes a ticket of its own",
	"merge -> relation":          "what one ticket is related to, the other is then",
	"merge -> comment":           "who watches one ticket watches the other then",
	"merge -> attachment":        "an entry that becomes a ticket brings its files",
	"merge -> mailbox":           "who takes part in one ticket by mail takes part in the other then",
	"desk -> view":               "queues of one's own are saved views",
	"sample -> desk":             "a crowd of tickets is shaped as those of the desk are",
	"sample -> sla":              "what came of their clocks is made with them",
	"sample -> report":           "the sample company's desk has a dashboard of its own",
	"sample -> view":             "the sample company's desk has a queue of its own",
	"duty -> sla":                "tickets wait for the working hours of a team's calendar",
	"duty -> ballot":             "who is away is on call for nothing",
	"duty -> notification":       "who is given a ticket, or called, is told",
	"duty -> rule":               "plans that follow each other form a tree",
	"automation -> duty":         "a rule gives a ticket to who is on call, or whose turn it is",
	"webhook -> automation":      "an address tells what who saved it may see, and asks the conditions of rules",
	"webhook -> journal":         "what is written on tickets is told",
	"webhook -> notification":    "who named an address is told that it was turned off",
	"process -> automation":      "a step does what a rule does, as who saved the process may",
	"process -> ballot":          "a step asks for approval, and waits for it",
	"process -> sla":             "waits are counted by calendars",
	"process -> notification":    "who can do something is told that a process stands still",
	"process -> journal":         "a step waits for what is written",
	"desk -> sla":                "what happens to a ticket moves its clocks",
	"report -> sla":              "what came of a ticket's clocks is told, and computed anew",
	"report -> outbox":           "who asked for it is mailed a report",
	"report -> view":             "a report is narrowed as a list is, by the same words",
	"sla -> notification":        "people are told of deadlines",
	"journal -> sla":             "a reply ends the clock of the response",
	"journal -> comment":         "people are mentioned in it, and follow a ticket, as with comments",
	"journal -> notification":    "who is mentioned, follows a ticket or owns it is told",
	"release -> desk":            "as incidents",
	"change -> ballot":           "a change is scheduled once it is approved",
	"request -> ballot":          "a request is fulfilled once it is approved",
	"release -> ballot":          "a major release begins once it is approved",
	"ballot -> notification":     "who is to vote is told, and who asked",
	"offering -> desk":           "a request takes over what the offering says of service, category and team",
	"knowledge -> notification":  "whose article is to be reviewed is told",
	"portal -> knowledge":        "an article solves a customer's ticket, as it does at the desk",
	"knowledge -> desk":          "articles are numbered and assigned as tickets are",
	"mailbox -> attachment":      "files that come with a mail hang on its ticket",
	"mailbox -> notification":    "who owns or follows a ticket is told of mail on it",
	"mailbox -> outbox":          "replies and what customers are told wait there to be sent",
	"journal -> mailbox":         "a reply is mailed to who takes part",
	"desk -> mailbox":            "a customer is told that her ticket is resolved",
	"mailbox -> portal":          "mail to customers bears the name and colour of the tenant",
	"mailbox -> relation":        "a ticket that follows a closed one is related to it",
	"automation -> notification": "a rule tells people of things",
	"automation -> comment":      "a rule lets people watch a record",
	"automation -> journal":      "a rule writes on tickets, and is set off by what is written",
	"automation -> sla":          "routines go by calendars",
	"automation -> checklist":    "a routine makes checklists from templates",
	"automation -> ballot":       "a rule asks for approval",
	"reminder -> notification":   "people are told of what runs out as of other things",
	"organization -> rule":       "organizations form a tree",
	"personal -> notification":   "administrators are told what one of them asks, and who is given passwords",
	"password -> rule":           "folders form a tree",
	"breaker -> notification":    "administrators are told who was stopped",
	"approval -> rotation":       "to let something become older than it may takes an approval",
	"approval -> checkout":       "what somebody has checked out stays to be checked out until she is done",
	"approval -> password":       "what is approved is what passwords and their folders demand",
	"checkout -> password":       "what is checked out is passwords, where they or their folders demand it",
	"checkout -> notification":   "who had a password is told to change it",
	"rotation -> password":       "policies are of passwords, their folders and categories",
	"rotation -> checkout":       "what was checked out and not changed since is overdue too",
	"rotation -> notification":   "administrators are told what became overdue",
	"apikey -> password":         "keys are limited to password folders",
	"share -> notification":      "who shared is told what became of it",
	"device -> notification":     "people are told of a sign-in on a new device",
	"mfa -> notification":        "people are told when their second factors change, administrators of resets",
	"vault -> notification":      "officers are told that somebody asks for their shares, and who asks what is done in her name",
	"review -> identity":         "what a review removes is members and organizations of groups, and roles",
	"review -> apikey":           "a review looks at API keys and revokes them",
	"review -> notification":     "who is asked is told",
	"approval -> notification":   "who may decide is told what is asked, who asked what was decided",
	"portal -> attachment":       "customers give files with what they write",
	"portal -> journal":          "what is written on tickets for all who take part",
	"portal -> offering":         "customers order from the catalogue",
	"portal -> relation":         "a ticket about a device of a customer is related to it",
	"survey -> mailbox":          "the question is mailed as other mail of the desk is",
	"survey -> notification":     "whose ticket it is, is told that a customer is not content",

	"breakglass -> identity":     "such an account's session asks for the reason of its use",
	"breakglass -> notification": "administrators are told of each use",
	"dormant -> identity":        "who is deactivated is archived as a user",
	"dormant -> notification":    "who is to be deactivated is told",
	"leaver -> identity":         "who leaves is taken out of groups",
	"leaver -> apikey":           "her keys are revoked",
	"leaver -> risk":             "the passwords that she has seen are counted",
	"leaver -> notification":     "who has to do the rest is told",
	"siege -> identity":          "what the entry of a failed sign-in says is written there",
	"siege -> notification":      "administrators are told",
	"support -> notification":    "administrators are told what the operator asks",

	"customobject -> flexibleasset": "fields of objects are those of assets, and a few more",
	"sample -> customobject":        "and objects of a kind of its own",
}

// together are folders of tests alone that may import every feature.
var together = map[string]string{
	"internal/feature/importer/importertest": "what is imported and exported are records of every feature",
	"internal/feature/featurestest":          "kinds refer to each other, so they are tried in one registry, below app and its pages",
}

// listing is the folder of the list of features, which names every one of them.
const listing = "internal/feature"

// testkit is the whole house for tests; only tests may import it.
const testkit = module + "/internal/apptest"

// plugins are the folders whose packages only app may import, because app
// holds the literal list of them.
var plugins = []string{
	module + "/internal/feature/identity/method/",
	module + "/internal/feature/sync/connector/",
	module + "/internal/feature/rotation/connector/",
}

// outside are the folders that stand on no floor.
var outside = map[string]string{
	"internal": "this test",
	"tools":    "programs for make, not part of the product",
}

// variables are the package-level variables that only look changeable.
var variables = map[string]string{
	"cmd/strongroom.version":        "set by the linker",
	"internal/apptest.built":        "the program under test, built once for a test binary",
	"internal/base/richtext.policy": "a compiled table: a policy is not changed once it is made, and many may use it at once",
}

const (
	maxFile    = 1000 // lines of one file that is not a test
	maxPackage = 4000 // lines of a package without its tests
	maxChain   = 14   // imports in the longest chain of packages
)

// roomy holds the packages that are larger than maxPackage, each with what it
// may have and why. A line here is a debt: it says how it will be paid.
var roomy = map[string]struct {
	lines int
	why   string
}{}

// source is one Go file of the repository.
type source struct {
	name  string // path from the repository's top
	dir   string
	test  bool
	lines int
	ast   *ast.File
}

// imports gives the repository's own packages that the file imports.
func (s source) imports() []string {
	var own []string
	for _, i := range s.ast.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		if p == module || strings.HasPrefix(p, module+"/") {
			own = append(own, p)
		}
	}
	return own
}

var fset = token.NewFileSet()

// sources parses every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != ".." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator)))
		all = append(all, source{
			name:  rel,
			dir:   path.Dir(rel),
			test:  strings.HasSuffix(base, "_test.go"),
			lines: strings.Count(string(text), "\n"),
			ast:   f,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("found only %d Go files: the test does not see the repository", len(all))
	}
	return all
}

// floor gives the floor a folder stands on, and the room on it: for a feature
// or a surface the first folder below the floor. The floor is empty for a
// folder that stands on none.
func floor(dir string) (name, room string) {
	rest := strings.TrimPrefix(dir, "internal/")
	if rest == dir {
		if dir == "cmd" || strings.HasPrefix(dir, "cmd/") {
			return "cmd", dir
		}
		return "", ""
	}
	name, room, _ = strings.Cut(rest, "/")
	if name == "apptest" {
		return "apptest", ""
	}
	if !slices.Contains(floors, name) {
		return "", ""
	}
	return name, room
}

func isOutside(dir string) bool {
	for o := range outside {
		if dir == o || o == "tools" && strings.HasPrefix(dir, o+"/") {
			return true
		}
	}
	return false
}

func TestEveryPackageStandsOnAFloor(t *testing.T) {
	for _, s := range sources(t) {
		if name, _ := floor(s.dir); name == "" && !isOutside(s.dir) {
			t.Errorf("%s: %s is on no floor; the floors are %s", s.name, s.dir, strings.Join(floors, ", "))
		}
	}
}

// TestImportLaw: imports point downwards only.
func TestImportLaw(t *testing.T) {
	for _, s := range sources(t) {
		if isOutside(s.dir) {
			continue
		}
		for _, p := range s.imports() {
			if why := forbidden(s, p); why != "" {
				t.Errorf("%s imports %s: %s", s.name, strings.TrimPrefix(p, module+"/"), why)
			}
		}
	}
}

// forbidden says why file s may not import package p; empty if it may.
func forbidden(s source, p string) string {
	dir := strings.TrimPrefix(p, module+"/")
	if dir == s.dir {
		return "" // a test of the same package
	}
	from, _ := floor(s.dir)
	to, toRoom := floor(dir)
	if p == testkit {
		switch {
		case !s.test && from != "apptest":
			return "the test kit is for tests"
		case from == "base":
			return "a base package knows nothing of the house, nor do its tests"
		}
		return ""
	}
	if from == "apptest" {
		if to == "cmd" {
			return "the test kit opens the house through app, as main does"
		}
		return ""
	}
	if strings.HasSuffix(toRoom, "test") && to == "base" && !s.test && !strings.HasSuffix(s.dir, "test") {
		return "a conformance suite is for tests"
	}
	a, b := slices.Index(floors, from), slices.Index(floors, to)
	switch {
	case together[s.dir] != "" && s.test && to == "feature":
		return ""
	case s.dir == listing && to == "feature":
		return ""
	case b < 0:
		return "it stands on no floor"
	case b > a:
		return fmt.Sprintf("%s is above %s; imports point downwards only", to, from)
	case from == "cmd" && to != "app" && to != "base" && to != "cmd":
		return "main goes through app, which puts the house together"
	case from == "feature" && p == module+"/internal/base/sqldb":
		return "a feature reaches tenant data through core/gate alone, so that nothing is read or changed unrecorded"
	case a == b && from == "surface" && !sameFeature(s.dir, dir):
		return "surfaces do not know each other; what two share belongs into a feature"
	case a == b && from == "surface" && besides(s, dir):
		return "groups of pages do not know each other; what they share they give to the shell, or find there"
	case a == b && from == "feature" && !sameFeature(s.dir, dir) && !allowed(s.dir, dir):
		return "features know each other only by a line in sideways (floors_test.go) with its reason"
	}
	for _, plugin := range plugins {
		if strings.HasPrefix(p+"/", plugin) && p+"/" != plugin && from != "app" && s.dir != listing && !strings.HasPrefix(s.dir+"/", dir+"/") && !strings.HasSuffix(s.dir, "test") {
			return "plug-ins are imported by app alone, which holds the list of them, and by the list of features"
		}
	}
	return ""
}

// besides tells whether a file in a folder below a surface imports another folder
// below it that is not what all of them stand on: the shell of pages, the values of
// the protocol. Tests may have the test kit.
func besides(s source, dir string) bool {
	_, from := floor(s.dir)
	_, to := floor(dir)
	_, group, _ := strings.Cut(from, "/")
	_, other, _ := strings.Cut(to, "/")
	return group != "" && other != "" && group != other && other != "shell" && other != "value" && !(s.test && strings.HasSuffix(other, "test"))
}

// sameFeature tells whether two folders belong to one feature or surface: one is above
// the other, as identity is above identity/method.
func sameFeature(a, b string) bool {
	_, x := floor(a)
	_, y := floor(b)
	x, _, _ = strings.Cut(x, "/")
	y, _, _ = strings.Cut(y, "/")
	return x == y
}

// allowed tells whether the table has a line for the two features' folders.
func allowed(from, to string) bool {
	for pair := range sideways {
		a, b, _ := strings.Cut(pair, " -> ")
		if within(from, "internal/feature/"+a) && within(to, "internal/feature/"+b) {
			return true
		}
	}
	return false
}

func within(dir, top string) bool { return dir == top || strings.HasPrefix(dir, top+"/") }

// TestSidewaysIsTight: a line that no import needs any more is deleted.
func TestSidewaysIsTight(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		for _, p := range s.imports() {
			for pair := range sideways {
				a, b, ok := strings.Cut(pair, " -> ")
				if !ok {
					t.Fatalf("the line %q of sideways is not of the form a -> b", pair)
				}
				if within(s.dir, "internal/feature/"+a) && within(strings.TrimPrefix(p, module+"/"), "internal/feature/"+b) {
					used[pair] = true
				}
			}
		}
	}
	for pair, why := range sideways {
		if why == "" {
			t.Errorf("sideways %q has no reason", pair)
		}
		if !used[pair] {
			t.Errorf("nothing needs the sideways line %q any more: delete it", pair)
		}
	}
}

// TestImportChain: the longest chain of imports stays short enough to hold in
// one's head.
func TestImportChain(t *testing.T) {
	graph := map[string][]string{}
	for _, s := range sources(t) {
		if s.test || isOutside(s.dir) {
			continue
		}
		for _, p := range s.imports() {
			graph[s.dir] = append(graph[s.dir], strings.TrimPrefix(p, module+"/"))
		}
	}
	longest := map[string][]string{}
	var walk func(dir string) []string
	walk = func(dir string) []string {
		if chain, ok := longest[dir]; ok {
			return chain
		}
		longest[dir] = []string{dir} // the compiler refuses cycles
		best := []string{}
		for _, next := range graph[dir] {
			if chain := walk(next); len(chain) > len(best) {
				best = chain
			}
		}
		longest[dir] = append([]string{dir}, best...)
		return longest[dir]
	}
	for dir := range graph {
		if chain := walk(dir); len(chain)-1 > maxChain {
			t.Errorf("a chain of %d imports, more than %d: %s", len(chain)-1, maxChain, strings.Join(chain, " -> "))
		}
	}
}

// TestBudgets: what grows beyond these numbers holds more than one idea.
func TestBudgets(t *testing.T) {
	packages := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		packages[s.dir] += s.lines
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, more than %d: split it by idea", s.name, s.lines, maxFile)
		}
	}
	for dir, lines := range packages {
		if most := max(maxPackage, roomy[dir].lines); lines > most {
			t.Errorf("package %s has %d lines, more than %d: split it by idea", dir, lines, most)
		}
	}
}

// TestPackagesSpeak: every package says in its comment what is always true,
// and is named for what it holds.
func TestPackagesSpeak(t *testing.T) {
	comment := map[string]bool{}
	for _, s := range sources(t) {
		for _, bad := range []string{"util", "utils", "common", "helper", "helpers", "shared", "misc"} {
			if path.Base(s.dir) == bad || s.ast.Name.Name == bad {
				t.Errorf("%s: a package called %s says nothing; name it for what it holds", s.name, bad)
			}
		}
		if s.test || isOutside(s.dir) && s.dir != "tools" && !within(s.dir, "tools") {
			continue
		}
		text := s.ast.Doc.Text()
		ok := strings.HasPrefix(text, "Package "+s.ast.Name.Name+" ") ||
			s.ast.Name.Name == "main" && strings.HasPrefix(text, "Command "+path.Base(s.dir)+" ")
		comment[s.dir] = comment[s.dir] || ok
	}
	dirs := make([]string, 0, len(comment))
	for dir := range comment {
		dirs = append(dirs, dir)
	}
	sort.Strings(dirs)
	for _, dir := range dirs {
		if !comment[dir] {
			t.Errorf("package %s has no package comment (// Package %s ...)", dir, path.Base(dir))
		}
	}
}

// TestNoHiddenState: nothing happens because a package is linked, and no
// package holds state: what a run needs is a field of something app made.
func TestNoHiddenState(t *testing.T) {
	files := sources(t)
	writes := map[string]map[string]bool{}
	for _, s := range files {
		if writes[s.dir] == nil {
			writes[s.dir] = map[string]bool{}
		}
		if !s.test {
			written(s.ast, writes[s.dir])
		}
	}
	seen := map[string]bool{}
	for _, s := range files {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function; call what it does from where it is needed", s.name)
			}
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR || s.test || isOutside(s.dir) {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					key := s.dir + "." + name.Name
					seen[key] = true
					if variables[key] != "" {
						continue
					}
					if why := changeable(g, v, i, writes[s.dir][name.Name]); why != "" {
						t.Errorf("%s: package-level variable %s: %s", fset.Position(name.Pos()), name.Name, why)
					}
				}
			}
		}
	}
}

// changeable says why the i-th variable of a declaration counts as state;
// empty for an error value, an embedded file or a table made once.
func changeable(g *ast.GenDecl, v *ast.ValueSpec, i int, written bool) string {
	if v.Names[i].Name == "_" {
		return ""
	}
	if strings.Contains(raw(g.Doc)+raw(v.Doc), "//go:embed ") {
		return ""
	}
	if written {
		return "it is written to, or its address is taken; make it a field"
	}
	if i >= len(v.Values) {
		return "it has no value, so something must set it; make it a field"
	}
	return state(v.Values[i])
}

func raw(g *ast.CommentGroup) string {
	var b strings.Builder
	if g != nil {
		for _, c := range g.List {
			b.WriteString(c.Text + "\n")
		}
	}
	return b.String()
}

// state says why a value counts as state.
func state(value ast.Expr) string {
	switch x := value.(type) {
	case *ast.CompositeLit:
		if sel, ok := x.Type.(*ast.SelectorExpr); ok {
			if p, ok := sel.X.(*ast.Ident); ok && (p.Name == "sync" || p.Name == "atomic") {
				return "a lock or a shared counter is state; make it a field"
			}
		}
		return ""
	case *ast.CallExpr:
		return call(x)
	case *ast.BasicLit:
		return "a plain value that never changes is a const"
	case *ast.FuncLit:
		return "a function in a variable can be replaced; declare it"
	case *ast.UnaryExpr:
		return "a pointer to something that can change; make it a value or a field"
	}
	return ""
}

// call judges a variable whose value is a call: what makes errors and compiled
// tables is fine.
func call(x *ast.CallExpr) string {
	name := ""
	switch f := x.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if p, ok := f.X.(*ast.Ident); ok {
			name = p.Name + "." + name
		}
	case *ast.ArrayType:
		return "" // []byte("...")
	}
	last := name[strings.LastIndex(name, ".")+1:]
	switch {
	case strings.HasPrefix(last, "Must"), strings.HasPrefix(last, "must"): // compiled once, or the program does not start
	case name == "errors.New", name == "fmt.Errorf", strings.HasPrefix(name, "fault."):
	case name == "strings.NewReplacer", name == "strings.Fields", name == "strings.Split", name == "sync.OnceValue", name == "sync.OnceValues":
	case last == "WithPadding", last == "Strict", last == "NewEncoding":
	case name == "make", name == "new":
		return "an empty thing to be filled is state; make it a field"
	default:
		return "the call of " + name + " is not known to make something that never changes (errors, Must..., tables are)"
	}
	return ""
}

// written collects the names that a file's functions assign to or take the
// address of and that are not declared in the same function.
func written(f *ast.File, names map[string]bool) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		local := declared(fn)
		ast.Inspect(fn, func(n ast.Node) bool {
			for _, e := range targets(n) {
				if name := root(e); name != "" && !local[name] {
					names[name] = true
				}
			}
			return true
		})
	}
}

// targets gives the expressions that a node writes to or takes the address of.
func targets(n ast.Node) []ast.Expr {
	switch x := n.(type) {
	case *ast.AssignStmt:
		if x.Tok != token.DEFINE {
			return x.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{x.X}
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			return []ast.Expr{x.X}
		}
	case *ast.CallExpr:
		if f, ok := x.Fun.(*ast.Ident); ok && len(x.Args) > 0 && (f.Name == "delete" || f.Name == "clear") {
			return x.Args[:1]
		}
	}
	return nil
}

// root gives the name of the variable at the left end of an expression.
func root(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.IndexExpr:
		return root(x.X)
	case *ast.SelectorExpr:
		return root(x.X)
	case *ast.StarExpr:
		return root(x.X)
	case *ast.ParenExpr:
		return root(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// declared collects every name that a function declares, in all its blocks.
func declared(fn *ast.FuncDecl) map[string]bool {
	names := map[string]bool{}
	add := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok {
			names[id.Name] = true
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Field:
			for _, id := range x.Names {
				names[id.Name] = true
			}
		case *ast.ValueSpec:
			for _, id := range x.Names {
				names[id.Name] = true
			}
		case *ast.AssignStmt:
			if x.Tok == token.DEFINE {
				for _, e := range x.Lhs {
					add(e)
				}
			}
		case *ast.RangeStmt:
			if x.Tok == token.DEFINE {
				add(x.Key)
				add(x.Value)
			}
		}
		return true
	})
	return names
}

// TestForeignKeyLaw: a table refers to tables of its own feature, of the floors
// below (the record spine), and of features that its own may import.
func TestForeignKeyLaw(t *testing.T) {
	creates := regexp.MustCompile(`(?i)\bcreate table (?:if not exists )?([a-z_][a-z0-9_]*)`)
	refers := regexp.MustCompile(`(?i)\breferences ([a-z_][a-z0-9_]*)`)
	type place struct{ dir, name string }
	owner := map[string]string{}
	references := map[string][]place{}
	for _, s := range sources(t) {
		if s.test || isOutside(s.dir) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			for _, m := range creates.FindAllStringSubmatch(lit.Value, -1) {
				owner[m[1]] = s.dir
			}
			for _, m := range refers.FindAllStringSubmatch(lit.Value, -1) {
				references[m[1]] = append(references[m[1]], place{s.dir, s.name})
			}
			return true
		})
	}
	for table, places := range references {
		to, known := owner[table]
		if !known {
			continue // derived from a kind's declaration, or not SQL
		}
		toFloor, _ := floor(to)
		for _, from := range places {
			fromFloor, _ := floor(from.dir)
			a, b := slices.Index(floors, fromFloor), slices.Index(floors, toFloor)
			if b > a || b == a && fromFloor == "feature" && !sameFeature(from.dir, to) && !allowed(from.dir, to) {
				t.Errorf("%s refers to the table %s of %s, which it may not import", from.name, table, to)
			}
		}
	}
}

// TestParentLaw: who asks for the parts of a record says that she asks for no others, as the
// index of parts does; otherwise the database reads all records of a kind for it.
func TestParentLaw(t *testing.T) {
	asks := regexp.MustCompile(`\bparent_id = \?`)
	var found int
	for _, s := range sources(t) {
		if s.test || isOutside(s.dir) {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || !asks.MatchString(lit.Value) || strings.Contains(lit.Value, "from k_") && !strings.Contains(lit.Value, "r.parent_id") {
				return true
			}
			if found++; !strings.Contains(lit.Value, "parent_id <> 0") {
				t.Errorf("%s asks for parts without the words of their index: add “and parent_id <> 0” to %.80s", s.name, lit.Value)
			}
			return true
		})
	}
	if found == 0 {
		t.Error("nothing asks for parts")
	}
}
