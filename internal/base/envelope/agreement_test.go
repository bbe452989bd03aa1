package envelope_test

import (
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/base/envelope"
)

// What is sealed with an agreement made ahead is opened like anything else; an
// agreement serves once.
func TestAgreement(t *testing.T) {
	for _, suite := range []envelope.KeySuite{envelope.Hybrid, rsaSuite()} {
		key, err := envelope.GenerateKey(suite, 1)
		if err != nil {
			t.Fatal(err)
		}
		a, err := key.Public.Agree()
		if err != nil {
			t.Fatal(err)
		}
		if said := fmt.Sprintf("%v %+v %#v", a, a, a); strings.Contains(said, "classic") {
			t.Errorf("it prints %s", said)
		}
		header, data := []byte("header"), make([]byte, envelope.KeySize)
		data[3] = 7
		r, err := a.Wrap(header, data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := envelope.Unwrap(key, r, header)
		if err != nil || string(got) != string(data) {
			t.Errorf("%v: %x, %v", suite, got, err)
		}
		if _, err := envelope.Unwrap(key, r, []byte("another")); err == nil {
			t.Errorf("%v: it opens under another header", suite)
		}
		if _, err := a.Wrap(header, data); (err == nil) != (suite == rsaSuite()) {
			t.Errorf("%v, used twice: %v", suite, err)
		}
	}
}
