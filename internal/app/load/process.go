package load

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is what the server and the key service, its child, take of the
// machine. Linux tells; elsewhere all is zero.
type Process struct {
	Server float64 `json:"server_mb"` // resident memory
	Keys   float64 `json:"keys_mb"`
	cpu    float64 // milliseconds of processor time of both so far
}

// ticks is how many parts of a second Linux counts processor time in, on every
// machine that Go runs on.
const ticks = 100

// look reads what the process and its children take.
func look(pid int) (Process, error) {
	var p Process
	mb, ms, err := one(pid)
	if err != nil {
		return p, err
	}
	p.Server, p.cpu = mb, ms
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return p, err
	}
	for _, name := range all {
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			continue
		}
		f, err := stat(child)
		if err != nil || f[1] != strconv.Itoa(pid) { // it may have ended meanwhile
			continue
		}
		mb, ms, err := one(child)
		if err != nil {
			continue
		}
		p.Keys += mb
		p.cpu += ms
	}
	return p, nil
}

// stat gives the fields of a process's stat line after its name: state, parent, ...
func stat(pid int) ([]string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	_, after, ok := strings.Cut(string(b), ") ")
	f := strings.Fields(after)
	if !ok || len(f) < 22 {
		return nil, errors.New("load: a strange line in /proc")
	}
	return f, nil
}

// one gives a process's resident megabytes and its milliseconds of processor
// time. The file stat says less of memory than statm on some systems, and is
// enough here.
func one(pid int) (mb, ms float64, err error) {
	f, err := stat(pid)
	if err != nil {
		return 0, 0, err
	}
	number := func(i int) float64 {
		n, nerr := strconv.ParseFloat(f[i], 64)
		err = errors.Join(err, nerr)
		return n
	}
	ms = (number(11) + number(12)) * 1000 / ticks
	mb = number(21) * float64(os.Getpagesize()) / (1 << 20)
	return mb, ms, err
}
