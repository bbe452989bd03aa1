// Package config fills flags from three places: the command line, the
// environment and one file.
//
// Always true: a setting has one name everywhere (flag -key-name, environment
// PREFIX_KEY_NAME, file line "key-name = value"); the command line wins over the
// environment and the environment over the file; a name that is not known is an
// error that says where it stands, so that a misspelled setting is never
// silently ignored.
package config

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
)

// Source says where settings come from.
type Source struct {
	Args    []string // the command line after the command's name
	Environ []string // os.Environ(); only names that begin with Prefix + "_" count
	Prefix  string   // STRONGROOM
	File    string   // name of the flag that names the file; "" for none
	Known   []string // settings of other commands, which the file and the environment may hold too
}

// Parse fills f and gives the arguments that are no flags. Flags may stand
// before and after them. Invalid for unknown names and bad values;
// flag.ErrHelp when help was asked for.
func Parse(f *flag.FlagSet, s Source) ([]string, error) {
	f.SetOutput(io.Discard)
	rest, err := parseArgs(f, s.Args)
	if err != nil {
		return nil, err
	}
	given := map[string]bool{}
	f.Visit(func(g *flag.Flag) { given[g.Name] = true })
	if err := s.environment(f, given); err != nil {
		return nil, err
	}
	return rest, s.file(f, given)
}

// parseArgs lets flags stand after arguments, as people type them.
func parseArgs(f *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, fault.New(fault.Invalid, "%s.", upper(err.Error())).WithHint("See: %s -h", f.Name())
		}
		args = f.Args()
		if len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

func (s Source) environment(f *flag.FlagSet, given map[string]bool) error {
	for _, e := range s.Environ {
		name, value, _ := strings.Cut(e, "=")
		key, ours := strings.CutPrefix(name, s.Prefix+"_")
		if !ours || s.Prefix == "" || strings.HasPrefix(key, "TEST_") || key == "SHOTS" {
			continue
		}
		key = strings.ToLower(strings.ReplaceAll(key, "_", "-"))
		if err := s.set(f, given, key, value, "The environment variable "+name); err != nil {
			return err
		}
		given[key] = true
	}
	return nil
}

func (s Source) file(f *flag.FlagSet, given map[string]bool) error {
	g := f.Lookup(s.File)
	if s.File == "" || g == nil || g.Value.String() == "" {
		return nil
	}
	path := g.Value.String()
	r, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Invalid, "There is no configuration file %s.", path).WithHint("Check -%s.", s.File)
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The configuration file %s cannot be read.", path)
	}
	defer r.Close()
	seen := map[string]int{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		where := fmt.Sprintf("%s line %d", path, n)
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok {
			return fault.New(fault.Invalid, "%s is no setting.", where).WithHint("Write one setting a line: name = value.")
		}
		if seen[key] != 0 {
			return fault.New(fault.Invalid, "%s sets %s again; line %d has set it.", where, key, seen[key])
		}
		seen[key] = n
		if err := s.set(f, given, key, value, where); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (s Source) set(f *flag.FlagSet, given map[string]bool, key, value, where string) error {
	g := f.Lookup(key)
	if g == nil && slices.Contains(s.Known, key) {
		return nil
	}
	if g == nil || key == s.File && !strings.HasPrefix(where, "The environment") {
		return fault.New(fault.Invalid, "%s sets %s, which is no setting.", where, key).WithHint("See the settings with: %s -h", f.Name())
	}
	if given[key] {
		return nil
	}
	if err := f.Set(key, value); err != nil {
		return fault.New(fault.Invalid, "%s gives %s a value that it cannot have.", where, key).WithHint("%s: %s", key, g.Usage)
	}
	return nil
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
