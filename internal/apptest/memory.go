package apptest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// Copies counts how often a text lies in the memory that a process may write: what
// a dump of it would hold. ErrPermission where the system does not let this user
// look.
func Copies(t testing.TB, pid int, text string) (n int, err error) {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return 0, err
	}
	defer mem.Close()
	for in := bufio.NewScanner(maps); in.Scan(); {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(in.Text(), "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "rw") {
			continue
		}
		const part = 1 << 20
		overlap := int64(len(text) - 1)
		buf := make([]byte, part+overlap)
		for at := from; at < to; at += part {
			some := buf[:min(part+overlap, to-at)]
			got, err := mem.ReadAt(some, at)
			if errors.Is(err, fs.ErrPermission) {
				return n, err
			}
			n += bytes.Count(some[:got], []byte(text)) // a page that is not there reads as an error: there is nothing in it
		}
	}
	return n, nil
}

// PID is the process of the server.
func (s *Process) PID() int { return s.cmd.Process.Pid }
