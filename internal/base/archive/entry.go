package archive

import (
	"compress/flate"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"strongroom/internal/base/fault"
)

// openFile finds the content of f behind its local header and stacks the
// decryption, the unpacking and the guards on it.
func (a *Archive) openFile(f *File) (io.ReadCloser, error) {
	packed, err := a.section(f)
	if err != nil {
		return nil, err
	}
	e := &entry{f: f, packed: packed, sum: crc32.NewIEEE(), checkSum: true}
	switch f.cipherKind {
	case cipherZip:
		if e.packed, err = openZipCrypto(f, packed, a.password); err != nil {
			return nil, err
		}
	case cipherAES:
		c, err := openAES(f, packed, a.password)
		if err != nil {
			return nil, err
		}
		e.packed, e.authentic, e.checkSum = c, c.authentic, f.aes.version == 1
	}
	e.plain = e.packed
	if f.method == methodDeflate {
		e.plain = flate.NewReader(e.packed)
	}
	return e, nil
}

// section gives the stored bytes of f.
func (a *Archive) section(f *File) (*io.SectionReader, error) {
	var head [localHeaderSize]byte
	if err := readAt(a.r, head[:], f.offset); err != nil {
		return nil, err
	}
	if le32(head[:]) != sigLocal {
		return nil, broken("The zip entry %s is not where the directory says.", quote(f.Name))
	}
	start := f.offset + localHeaderSize + int64(le16(head[26:])) + int64(le16(head[28:]))
	return io.NewSectionReader(a.r, start, f.packed), nil
}

// entry reads one content and keeps the promises of the package.
type entry struct {
	f         *File
	packed    io.Reader // stored bytes, decrypted
	plain     io.Reader // unpacked
	authentic func() error
	sum       hash.Hash32
	checkSum  bool
	n         int64
	err       error
}

func (e *entry) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	n, err := e.plain.Read(p)
	if e.n += int64(n); e.n > e.f.Size {
		e.err = broken("The zip entry %s is larger than it says.", quote(e.f.Name))
		return 0, e.err
	}
	e.sum.Write(p[:n])
	switch {
	case err == io.EOF:
		e.err = e.finish()
	case err != nil:
		e.err = e.explain(err)
	}
	return n, e.err
}

// finish checks what can be checked at the end only; io.EOF when all is right.
func (e *entry) finish() error {
	if e.n != e.f.Size {
		return e.wrong("The zip entry %s is shorter than it says.")
	}
	if e.checkSum && e.sum.Sum32() != e.f.crc {
		return e.wrong("The content of the zip entry %s does not match its checksum.")
	}
	if e.authentic != nil {
		if _, err := io.Copy(io.Discard, e.packed); err != nil {
			return e.explain(err)
		}
		if err := e.authentic(); err != nil {
			return err
		}
	}
	return io.EOF
}

// explain puts the failure of a layer into words; the disk's own pass through.
func (e *entry) explain(err error) error {
	if _, ok := errors.AsType[flate.CorruptInputError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return e.wrong("The content of the zip entry %s is damaged.")
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fmt.Errorf("read zip entry: %w", err)
}

// wrong is broken, or doubts the password where that cannot be told apart.
func (e *entry) wrong(format string) error {
	if e.f.cipherKind == cipherZip {
		return fault.New(fault.Invalid, format, quote(e.f.Name)).
			WithHint("The password of the zip is wrong, or the file was damaged. Check the password, then download or make the file again.")
	}
	return broken(format, quote(e.f.Name))
}

// Close ends reading early or after the end; what was not read is not checked.
func (e *entry) Close() error {
	e.err = errors.New("archive: read after Close")
	return nil
}
