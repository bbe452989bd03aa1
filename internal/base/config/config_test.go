package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/config"
)

func TestWhereSettingsComeFrom(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := write("good", "# a comment\n\nlisten = file:1\ndata=/file\nother-command = x\n")
	for _, c := range []struct {
		name    string
		args    []string
		env     []string
		listen  string
		rest    string
		problem string // in the sentence; empty for none
	}{
		{"nothing", nil, nil, "default", "", ""},
		{"flags around arguments", []string{"a", "-listen", "flag:1", "b"}, nil, "flag:1", "a b", ""},
		{"file", []string{"-config", good}, nil, "file:1", "", ""},
		{"environment over file", []string{"-config", good}, []string{"SR_LISTEN=env:1", "PATH=/bin"}, "env:1", "", ""},
		{"flag over all", []string{"-config", good, "-listen=flag:1"}, []string{"SR_LISTEN=env:1"}, "flag:1", "", ""},
		{"file named by the environment", nil, []string{"SR_CONFIG=" + good}, "file:1", "", ""},
		{"unknown flag", []string{"-lisen", "x"}, nil, "", "", "lisen"},
		{"unknown variable", nil, []string{"SR_LISEN=x"}, "", "", "SR_LISEN"},
		{"unknown line", []string{"-config", write("typo", "data = x\nlisen = y\n")}, nil, "", "", "typo line 2 sets lisen"},
		{"no equals sign", []string{"-config", write("junk", "listen\n")}, nil, "", "", "junk line 1 is no setting"},
		{"twice", []string{"-config", write("twice", "data = x\ndata = y\n")}, nil, "", "", "line 1 has set it"},
		{"bad value", []string{"-config", write("bad", "n = many\n")}, nil, "", "", "bad line 1 gives n a value"},
		{"missing file", []string{"-config", filepath.Join(dir, "none")}, nil, "", "", "There is no configuration file"},
		{"a file cannot name a file", []string{"-config", write("loop", "config = x\n")}, nil, "", "", "sets config, which is no setting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := flag.NewFlagSet("serve", flag.ContinueOnError)
			listen := f.String("listen", "default", "")
			f.String("data", "", "")
			f.Int("n", 0, "a number")
			f.String("config", "", "")
			rest, err := config.Parse(f, config.Source{Args: c.args, Environ: c.env, Prefix: "SR", File: "config", Known: []string{"other-command"}})
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("got %v, want a sentence with %q", err, c.problem)
				}
				return
			}
			if err != nil || *listen != c.listen || strings.Join(rest, " ") != c.rest {
				t.Errorf("listen %q rest %q error %v", *listen, rest, err)
			}
		})
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	if _, err := config.Parse(f, config.Source{Args: []string{"-h"}}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("got %v", err)
	}
}
