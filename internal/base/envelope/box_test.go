package envelope_test

import (
	"bytes"
	"testing"

	"strongroom/internal/base/envelope"
)

func TestBox(t *testing.T) {
	k, err := envelope.Derive(bytes.Repeat([]byte{1}, 32), "fields", "demo", "42")
	if err != nil {
		t.Fatal(err)
	}
	other, err := envelope.Derive(bytes.Repeat([]byte{1}, 32), "fields", "demo4", "2")
	if err != nil || bytes.Equal(k, other) {
		t.Fatal("two names give one key")
	}
	bind := envelope.Bind("row", "42")
	box, err := envelope.SealBox(k, bind, []byte("blue"))
	if err != nil || len(box) != 4+envelope.BoxOverhead {
		t.Fatal(err)
	}
	if got, err := envelope.OpenBox(k, bind, box); err != nil || string(got) != "blue" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := envelope.OpenBox(k, envelope.Bind("row4", "2"), box); err == nil {
		t.Error("opened under another bind")
	}
	if _, err := envelope.OpenBox(other, bind, box); err == nil {
		t.Error("opened with another key")
	}
	for i := range box {
		bad := bytes.Clone(box)
		bad[i] ^= 1
		if _, err := envelope.OpenBox(k, bind, bad); err == nil {
			t.Errorf("byte %d changed and it opened", i)
		}
	}
	if _, err := envelope.Derive([]byte("short"), "x"); err == nil {
		t.Error("a short root was accepted")
	}
}
