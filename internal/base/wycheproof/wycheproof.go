// Package wycheproof gives tests the vectors of project Wycheproof
// (https://github.com/C2SP/wycheproof), which hold what implementations of
// cryptography got wrong elsewhere.
//
// Always true: a file that holds fewer tests than its reader expects fails the test,
// so that none is passed by being empty. Only tests import it.
package wycheproof

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/hex"
	"encoding/json"
	"testing"
)

//go:embed vectors/*.gz
var vectors embed.FS

// Hex is a string of hexadecimal digits in JSON.
type Hex []byte

// UnmarshalText reads the digits.
func (h *Hex) UnmarshalText(s []byte) error {
	b, err := hex.DecodeString(string(s))
	*h = b
	return err
}

// MarshalText writes the digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// Vector is one test. It has the members of all the kinds of tests; what a kind does
// not have is empty.
type Vector struct {
	ID                         int `json:"tcId"`
	Comment, Result            string
	Flags                      []string
	Key, IV, AAD, Msg, CT, Tag Hex
	Label                      Hex
	IKM, Salt, Info, OKM       Hex
	Size                       int
	Public, Private, Shared    Hex
	Seed, EK, C                Hex
	M                          Hex
	K                          Hex
	Sig                        Hex
	Password, DK               Hex
	IterationCount, DKLen      int
	JWS                        json.RawMessage
}

// Group is what tests have in common.
type Group struct {
	Type                     string
	Comment                  string
	IVSize, KeySize, TagSize int
	PrivateKeyPKCS8          Hex
	PublicKey                struct{ Uncompressed, PK Hex } // of signatures
	Public, Private          json.RawMessage                // keys of JSON Web Signatures
	Tests                    []Vector
}

// Each runs fn for every test of a file, named without _test.json, and demands that
// there are at least so many.
func Each(t testing.TB, name string, least int, fn func(g Group, v Vector)) {
	t.Helper()
	f, err := vectors.Open("vectors/" + name + "_test.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ TestGroups []Group }
	if err := json.NewDecoder(z).Decode(&file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range file.TestGroups {
		for _, v := range g.Tests {
			n++
			fn(g, v)
		}
	}
	if n < least {
		t.Errorf("%s: only %d tests", name, n)
	}
}

// Judge compares what came out with what the vector says. What it calls acceptable may
// go either way.
func (v Vector) Judge(t testing.TB, got, want []byte, err error) {
	t.Helper()
	ok := err == nil && bytes.Equal(got, want)
	if v.Result == "valid" && !ok || v.Result == "invalid" && ok {
		t.Errorf("%d (%s, %v): %s, but got %x, %v", v.ID, v.Comment, v.Flags, v.Result, got, err)
	}
}
