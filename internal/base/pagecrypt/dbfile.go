package pagecrypt

import (
	"fmt"
	"io"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// dbFile is a database: a first block, then the sealed pages. SQLite does not
// see the first block: its offset x lies at x+PageSize.
type dbFile struct {
	forward
	keys *fileKeys
	buf  []byte // one page, when a part of one is read or one is written
}

func (f *dbFile) scratch() []byte {
	if f.buf == nil {
		f.buf = make([]byte, PageSize)
	}
	return f.buf
}

// ReadAt reads a whole page, or a part of one.
func (f *dbFile) ReadAt(p []byte, off int64) (int, error) {
	number, at := off/PageSize, int(off%PageSize)
	if off < 0 || at+len(p) > PageSize {
		return 0, sqlite3.IOERR_READ
	}
	page := p
	if len(p) != PageSize {
		page = f.scratch()
	}
	if n, err := f.File.ReadAt(page, (number+1)*PageSize); n != PageSize {
		return 0, short(err)
	}
	if err := f.keys.openPage(page, kindPage, number); err != nil {
		if number == 0 && at+len(p) <= 100 {
			// SQLite peeks at its header before it reads the log. A page 1
			// that tore in a checkpoint is in the log; SQLite takes nothing
			// for a short header and reads the whole page later.
			return 0, io.EOF
		}
		return 0, vfs.SystemError(fmt.Errorf("%w: page %d", err, number+1), sqlite3.IOERR_DATA)
	}
	if len(p) != PageSize {
		copy(p, page[at:])
	}
	return len(p), nil
}

// short tells a read beyond the end from one that failed. Part of a page is
// as good as none.
func short(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// WriteAt writes a whole page.
func (f *dbFile) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off%PageSize != 0 || len(p) != PageSize {
		return 0, sqlite3.IOERR_WRITE
	}
	if off == 0 && (p[18] != 2 || p[19] != 2 || p[20] != Reserved) {
		return 0, vfs.SystemError(ErrRefused, sqlite3.IOERR_WRITE) // not in WAL mode, or no room for the seal
	}
	f.keys.sealPage(f.scratch(), p, kindPage, off/PageSize)
	return f.File.WriteAt(f.buf, off+PageSize)
}

// Truncate cuts the database to size bytes.
func (f *dbFile) Truncate(size int64) error { return f.File.Truncate(size + PageSize) }

// Size is the size of the database without its first block.
func (f *dbFile) Size() (int64, error) {
	n, err := f.File.Size()
	return max(0, n-PageSize), err
}
