package mfa_test

import (
	"crypto/fips140"
	"encoding/base32"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/secret"
)

// TestCodesOfAnotherProgram: the codes that are asked for are those that oathtool,
// which others wrote, computes from the same key at the same time.
func TestCodesOfAnotherProgram(t *testing.T) {
	bin, err := exec.LookPath("oathtool")
	if err != nil {
		t.Skip("oathtool is not installed")
	}
	source := rand.New(rand.NewPCG(6238, 4226))
	for range 20 {
		raw := make([]byte, 20)
		for i := range raw {
			raw[i] = byte(source.Uint32())
		}
		key := base32.StdEncoding.EncodeToString(raw)
		at := time.Unix(source.Int64N(4_000_000_000), 0).UTC()
		cmd := exec.CommandContext(t.Context(), bin, "--totp", "--base32", "--now", "@"+strconv.FormatInt(at.Unix(), 10), "-")
		cmd.Stdin = strings.NewReader(key + "\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		ours, _, err := secret.Code(key, at)
		if fips140.Enforced() && fault.Is(err, fault.Unavailable) { // SHA-1
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if theirs := strings.TrimSpace(string(out)); ours != theirs {
			t.Errorf("%s at %s: %s here, %s there", key, at, ours, theirs)
		}
	}
}
