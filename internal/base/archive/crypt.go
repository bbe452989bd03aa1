package archive

import (
	"errors"
	"hash/crc32"
	"io"

	"golang.org/x/text/encoding/charmap"

	"strongroom/internal/base/fault"
)

type cipherKind uint8

const (
	cipherNone cipherKind = iota
	cipherZip             // PKWARE's traditional encryption
	cipherAES             // WinZip AE-1 and AE-2
)

// probes is how many encrypted entries a password is tried on when a zip is
// opened: the one check byte of ZipCrypto lets 1 of 256 wrong passwords pass.
const probes = 8

// choosePassword finds the spelling of the password that opens the zip: its
// UTF-8 bytes or, as older tools write them, those of a Western code page.
func (a *Archive) choosePassword(password string) error {
	var tried []*File
	for i := range a.files {
		if a.files[i].cipherKind != cipherNone {
			if tried = append(tried, &a.files[i]); len(tried) == probes {
				break
			}
		}
	}
	if len(tried) == 0 {
		return nil
	}
	if password == "" {
		return fault.Field("password", "The zip is protected with a password.").
			WithHint("Enter the password that was chosen when the zip was made.")
	}
	var err error
	for _, a.password = range spellings(password) {
		if err = a.probe(tried); !errors.Is(err, errPassword) {
			return err
		}
	}
	return err
}

func (a *Archive) probe(files []*File) error {
	for _, f := range files {
		packed, err := a.section(f)
		if err != nil {
			return err
		}
		if f.cipherKind == cipherAES {
			_, err = openAES(f, packed, a.password)
		} else {
			_, err = openZipCrypto(f, packed, a.password)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func spellings(password string) []string {
	out := []string{password}
	for _, page := range []*charmap.Charmap{charmap.CodePage437, charmap.CodePage850, charmap.Windows1252} {
		if s, err := page.NewEncoder().String(password); err == nil && s != password {
			out = append(out, s)
		}
	}
	return out
}

// errPassword is the cause of every refusal of a password.
var errPassword = errors.New("archive: wrong password")

func wrongPassword(f *File) error {
	text := "The password does not open the zip entry " + quote(f.Name) + "."
	return &fault.Error{Kind: fault.Invalid, Text: text, Fields: map[string]string{"password": text}, Cause: errPassword,
		Hint: "Check the password; capital and small letters differ."}
}

// zipCrypto is PKWARE's traditional cipher (APPNOTE 6.1). It is weak (a known
// plaintext of 12 bytes opens it), so it is read for the sake of old exports and
// never written.
type zipCrypto struct {
	r    io.Reader
	keys [3]uint32
}

func newZipCrypto(r io.Reader, password string) *zipCrypto {
	z := &zipCrypto{r: r, keys: [3]uint32{0x12345678, 0x23456789, 0x34567890}}
	for i := range len(password) {
		z.update(password[i])
	}
	return z
}

func crcByte(crc uint32, b byte) uint32 { return crc32.IEEETable[byte(crc)^b] ^ crc>>8 }

func (z *zipCrypto) update(b byte) {
	z.keys[0] = crcByte(z.keys[0], b)
	z.keys[1] = (z.keys[1]+z.keys[0]&0xff)*134775813 + 1
	z.keys[2] = crcByte(z.keys[2], byte(z.keys[1]>>24))
}

func (z *zipCrypto) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	for i, c := range p[:n] {
		t := uint16(z.keys[2]) | 2
		p[i] = c ^ byte(t*(t^1)>>8)
		z.update(p[i])
	}
	return n, err
}

// openZipCrypto reads the 12 random bytes before the content; the last of them
// tells most wrong passwords.
func openZipCrypto(f *File, packed io.Reader, password string) (io.Reader, error) {
	z := newZipCrypto(packed, password)
	var head [12]byte
	if err := readFull(f, z, head[:]); err != nil {
		return nil, err
	}
	want := byte(f.crc >> 24)
	if f.flags&flagDescriptor != 0 {
		want = byte(f.dosTime >> 8)
	}
	if head[11] != want {
		return nil, wrongPassword(f)
	}
	return z, nil
}

// readFull fills b from the stored bytes of f.
func readFull(f *File, r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken("The encrypted zip entry %s is too short.", quote(f.Name))
	}
	return err
}
