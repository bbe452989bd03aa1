// Package breached looks up how often a password was found in breaches.
//
// Always true: a password never leaves this process, and neither does its whole
// digest: a service is asked for all digests that begin with the same 20 bits; a
// local copy is read where the digest would stand, never as a whole.
package breached

import (
	"bufio"
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/sha1" // #nosec G505 -- the digest of the published lists, not a protection
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
)

// prefix is how many hexadecimal digits of a digest a range has in common.
const prefix = 5

// Source is a list of passwords from breaches.
type Source interface {
	// Count gives how often the password was found; 0 when it was not.
	Count(ctx context.Context, password string) (int64, error)
}

// digest gives the SHA-1 of a password, in upper-case hexadecimal digits, as the
// lists have it.
func digest(password string) string {
	var sum [sha1.Size]byte
	fips140.WithoutEnforcement(func() { // it names a password in a public list, and protects nothing
		sum = sha1.Sum([]byte(password)) // #nosec G401 -- as the lists have it
	})
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// Open opens a local copy of the list that Have I Been Pwned publishes: one file
// of lines DIGEST:COUNT in the order of the digests, or a folder with a file for
// each range, PREFIX.txt or PREFIX, of lines REST:COUNT. Close it after use.
func Open(path string) (*Local, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The list of breached passwords %s cannot be read.", path)
	}
	if st.IsDir() {
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, err
		}
		l := &Local{folder: root}
		if _, err := l.Count(context.Background(), "password"); err != nil {
			return nil, errors.Join(err, root.Close())
		}
		return l, nil
	}
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	l := &Local{file: f, size: st.Size()}
	if err := l.check(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// Local is a copy of the list on this machine. It is safe for concurrent use.
type Local struct {
	folder *os.Root
	file   *os.File
	size   int64
}

// Close closes the copy.
func (l *Local) Close() error {
	if l.folder != nil {
		return l.folder.Close()
	}
	return l.file.Close()
}

// Count looks a password up.
func (l *Local) Count(_ context.Context, password string) (int64, error) {
	d := digest(password)
	if l.folder == nil {
		return l.search(d)
	}
	f, err := l.folder.Open(d[:prefix] + ".txt")
	if errors.Is(err, fs.ErrNotExist) {
		f, err = l.folder.Open(d[:prefix])
	}
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fault.New(fault.Invalid, "The folder of breached passwords %s has no file for the range %s.", l.folder.Name(), d[:prefix]).
			WithHint("Download all 1,048,576 ranges, or use one file.")
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return inRange(f, d[prefix:])
}

// longestLine is more than any line of the list has.
const longestLine = 64

// check looks at the first line.
func (l *Local) check() error {
	if _, _, err := l.lineAt(0); err != nil {
		return fault.Wrap(err, fault.Invalid, "%s is no list of breached passwords.", l.file.Name()).
			WithHint("Each line is the SHA-1 of a password in 40 hexadecimal digits, a colon and a count, in the order of the digests.")
	}
	return nil
}

// search halves the file until it stands at the digest.
func (l *Local) search(d string) (int64, error) {
	low, high := int64(0), l.size // the line, if it is there, begins in [low, high)
	for low < high {
		mid := low + (high-low)/2
		start, line, err := l.lineAt(mid)
		if err != nil {
			return 0, fmt.Errorf("%s at byte %d: %w", l.file.Name(), mid, err)
		}
		if start >= high || line == "" { // no line begins from mid to high
			high = mid
			continue
		}
		have, count, _ := strings.Cut(line, ":")
		switch c := strings.Compare(strings.ToUpper(have), d); {
		case c == 0:
			return strconv.ParseInt(count, 10, 64)
		case c < 0:
			low = start + 1
		default:
			high = mid
		}
	}
	return 0, nil
}

// lineAt gives the first line that begins at or after a place, and where it
// begins; an empty line at the end of the file.
func (l *Local) lineAt(at int64) (start int64, line string, err error) {
	from := max(0, at-1)
	b := make([]byte, 2*longestLine)
	n, err := l.file.ReadAt(b, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, "", err
	}
	b = b[:n]
	if at > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			if n < 2*longestLine {
				return l.size, "", nil // the last line
			}
			return 0, "", errors.New("a line is too long")
		}
		b, from = b[i+1:], from+int64(i)+1
	}
	if len(b) == 0 {
		return l.size, "", nil
	}
	text, _, _ := bytes.Cut(b, []byte("\n"))
	line = strings.TrimSuffix(string(text), "\r")
	have, count, ok := strings.Cut(line, ":")
	if _, err := hex.DecodeString(have); err != nil || !ok || len(have) != 2*sha1.Size {
		return 0, "", fmt.Errorf("%q is not DIGEST:COUNT", line)
	}
	if _, err := strconv.ParseUint(count, 10, 63); err != nil {
		return 0, "", fmt.Errorf("%q has no count", line)
	}
	return from, line, nil
}

// inRange reads lines REST:COUNT until it meets rest.
func inRange(r io.Reader, rest string) (int64, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		have, count, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if ok && strings.EqualFold(have, rest) {
			n, err := strconv.ParseInt(count, 10, 64)
			if err != nil || n < 0 { // its words would tell the digest's rest
				return 0, fault.New(fault.Unavailable, "The list of breached passwords has a line without a count.").WithHint("Fetch it again, or check the service's address.")
			}
			return n, nil
		}
	}
	if err := lines.Err(); err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "The list of breached passwords cannot be read.").WithHint("Fetch it again, or check the service's address.")
	}
	return 0, nil
}

// Service is a service that answers GET URL/PREFIX with the lines REST:COUNT of a
// range, as https://api.pwnedpasswords.com/range does.
type Service struct {
	URL  string
	HTTP *http.Client
}

// maxRange is more than the answer for a range has.
const maxRange = 1 << 20

// Count asks for the range of a password. It asks for padding, so that the size of
// the answer does not tell which range it was.
func (s *Service) Count(ctx context.Context, password string) (int64, error) {
	d := digest(password)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.URL, "/")+"/"+d[:prefix], nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Add-Padding", "true")
	req.Header.Set("User-Agent", "Strongroom")
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return 0, fault.Wrap(err, fault.Unavailable, "The service for breached passwords cannot be reached.")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fault.New(fault.Unavailable, "The service for breached passwords answers %s.", resp.Status)
	}
	return inRange(io.LimitReader(resp.Body, maxRange), d[prefix:])
}
