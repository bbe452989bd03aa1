package pagecrypt

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Sizes in a write-ahead log: as SQLite sees it, and as it lies on the disk.
const (
	logHeader   = 32
	frameHeader = 24
	frameSize   = frameHeader + PageSize

	diskLogHeader   = logHeader + overhead
	diskFrameHeader = frameHeader + overhead
	diskFrame       = diskFrameHeader + PageSize
)

// logFile is a write-ahead log. Its header and the headers of its frames are
// sealed apart from the pages, because SQLite rewrites either without the
// other.
type logFile struct {
	forward
	keys *fileKeys
	buf  []byte // one frame
}

func (f *logFile) scratch() []byte {
	if f.buf == nil {
		f.buf = make([]byte, diskFrame)
	}
	return f.buf
}

// place gives the frame that off lies in, and where in it.
func place(off int64) (frame int64, at int) {
	return (off - logHeader) / frameSize, int((off - logHeader) % frameSize)
}

// onDisk gives the place of a frame in the file.
func onDisk(frame int64) int64 { return diskLogHeader + frame*diskFrame }

// ReadAt reads what SQLite reads: the log's header or a part of it, a frame's
// header or a part of it (a checksum), its page, or the whole frame.
func (f *logFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= 0 && off+int64(len(p)) <= logHeader {
		var h [logHeader]byte
		if n, err := f.readHeader(h[:]); n != logHeader {
			return 0, err
		}
		return copy(p, h[off:]), nil
	}
	frame, at := place(off)
	switch {
	case off < logHeader:
	case at == 0 && len(p) == frameSize:
		return f.readFrame(p, frame)
	case at == frameHeader && len(p) == PageSize:
		return f.readPage(p, frame)
	case at+len(p) <= frameHeader:
		var h [frameHeader]byte
		if n, err := f.readFrameHeader(h[:], frame); n != frameHeader {
			return 0, err
		}
		return copy(p, h[at:]), nil
	}
	return 0, vfs.SystemError(fmt.Errorf("pagecrypt: %d bytes of the log were asked for at %d", len(p), off), sqlite3.IOERR_READ)
}

func (f *logFile) readHeader(p []byte) (int, error) {
	b := f.scratch()[:diskLogHeader]
	if n, err := f.File.ReadAt(b, 0); n != len(b) {
		return 0, short(err)
	}
	if zero(b) { // the file was made longer and nothing was written before the power went
		clear(p)
		return len(p), nil
	}
	if err := f.keys.openHeader(p, b, kindWALHeader, 0); err != nil {
		return 0, vfs.SystemError(fmt.Errorf("%w: header of the log", err), sqlite3.IOERR_DATA)
	}
	return len(p), nil
}

func (f *logFile) readFrameHeader(p []byte, frame int64) (int, error) {
	b := f.scratch()[:diskFrameHeader]
	if n, err := f.File.ReadAt(b, onDisk(frame)); n != len(b) {
		return 0, short(err)
	}
	if err := f.keys.openHeader(p, b, kindWALFrame, frame); err != nil {
		return 0, vfs.SystemError(fmt.Errorf("%w: header of frame %d", err, frame+1), sqlite3.IOERR_DATA)
	}
	return len(p), nil
}

func (f *logFile) readPage(p []byte, frame int64) (int, error) {
	if n, err := f.File.ReadAt(p, onDisk(frame)+diskFrameHeader); n != len(p) {
		return 0, short(err)
	}
	if err := f.keys.openPage(p, kindWALPage, frame); err != nil {
		return 0, vfs.SystemError(fmt.Errorf("%w: page of frame %d", err, frame+1), sqlite3.IOERR_DATA)
	}
	return len(p), nil
}

// readFrame serves recovery, which reads the log from its start and ends it at
// the first frame that is not right. A frame that does not verify may be the
// torn tail of the last transaction; it is then given as zeros, which is the
// end of the log to SQLite. When two transactions were committed after it, it
// had been on the disk, and it was damaged later: that is refused.
func (f *logFile) readFrame(p []byte, frame int64) (int, error) {
	b := f.scratch()
	if n, err := f.File.ReadAt(b, onDisk(frame)); n != len(b) {
		return 0, short(err)
	}
	copy(p[frameHeader:], b[diskFrameHeader:])
	err := f.keys.openHeader(p, b[:diskFrameHeader], kindWALFrame, frame)
	if err == nil {
		err = f.keys.openPage(p[frameHeader:], kindWALPage, frame)
	}
	if err == nil {
		return len(p), nil
	}
	settled, lookErr := f.settled(frame)
	if lookErr != nil {
		return 0, lookErr
	}
	if settled {
		return 0, vfs.SystemError(fmt.Errorf("%w: frame %d", err, frame+1), sqlite3.IOERR_DATA)
	}
	clear(p)
	return len(p), nil
}

// settled tells whether at least two transactions of this log end in frame or
// after it. A transaction begins after the one before it was synced.
func (f *logFile) settled(frame int64) (bool, error) {
	var head [logHeader]byte
	if n, err := f.readHeader(head[:]); n != logHeader {
		if err == io.EOF {
			return false, nil
		}
		return false, err
	}
	salt := [8]byte(head[16:24])
	ends := 0
	for ; ends < 2; frame++ {
		b := f.scratch()[:diskFrameHeader]
		if n, err := f.File.ReadAt(b, onDisk(frame)); n != len(b) {
			if err := short(err); err != io.EOF {
				return false, err
			}
			return false, nil
		}
		var h [frameHeader]byte
		if f.keys.openHeader(h[:], b, kindWALFrame, frame) != nil {
			continue
		}
		if [8]byte(h[8:16]) != salt {
			return false, nil // left over from before the log was reset
		}
		if binary.BigEndian.Uint32(h[4:8]) != 0 { // the size after a commit
			ends++
		}
	}
	return true, nil
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// WriteAt writes what SQLite writes: the log's header, a frame's header or its
// page.
func (f *logFile) WriteAt(p []byte, off int64) (int, error) {
	if off == 0 && len(p) == logHeader {
		b := f.keys.sealHeader(f.scratch(), p, kindWALHeader, 0)
		return f.File.WriteAt(b, 0)
	}
	frame, at := place(off)
	switch {
	case off < logHeader:
	case at == 0 && len(p) == frameHeader:
		b := f.keys.sealHeader(f.scratch(), p, kindWALFrame, frame)
		return f.File.WriteAt(b, onDisk(frame))
	case at == frameHeader && len(p) == PageSize:
		b := f.scratch()[:PageSize]
		f.keys.sealPage(b, p, kindWALPage, frame)
		return f.File.WriteAt(b, onDisk(frame)+diskFrameHeader)
	}
	return 0, vfs.SystemError(fmt.Errorf("pagecrypt: %d bytes of the log were to be written at %d", len(p), off), sqlite3.IOERR_WRITE)
}

// Truncate cuts the log to what SQLite sees as size bytes.
func (f *logFile) Truncate(size int64) error {
	if size <= 0 {
		return f.File.Truncate(0)
	}
	if size <= logHeader {
		return f.File.Truncate(diskLogHeader)
	}
	frame, at := place(size)
	n := onDisk(frame)
	if at > 0 {
		n += overhead + int64(at)
	}
	return f.File.Truncate(n)
}

// Size is the size of the log as SQLite sees it.
func (f *logFile) Size() (int64, error) {
	n, err := f.File.Size()
	if n <= diskLogHeader {
		return min(n, logHeader), err
	}
	frames, rest := (n-diskLogHeader)/diskFrame, (n-diskLogHeader)%diskFrame
	return logHeader + frames*frameSize + max(0, rest-overhead), err
}
