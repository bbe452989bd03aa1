package pagecrypt

import "github.com/ncruces/go-sqlite3/vfs"

// Database seals the pages of a database that lies in f.
func Database(f vfs.File, key []byte, id [16]byte) (vfs.File, error) {
	k, err := derive(key, id)
	return &dbFile{forward: forward{f}, keys: k}, err
}

// Log seals the write-ahead log that lies in f.
func Log(f vfs.File, key []byte, id [16]byte) (vfs.File, error) {
	k, err := derive(key, id)
	return &logFile{forward: forward{f}, keys: k}, err
}

// Unlock tells whether block is a first block under key.
func Unlock(key, block []byte) error { _, err := unlock(key, block); return err }

// First gives the first block of a file.
func First(key []byte, id [16]byte) ([]byte, error) {
	k, err := derive(key, id)
	return k.first(), err
}

// Birth is page 1 of an empty database.
func Birth() []byte { return birth() }
