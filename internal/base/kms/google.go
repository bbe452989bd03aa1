package kms

import (
	"context"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"regexp"
	"strconv"

	"strongroom/internal/base/fault"
)

// GoogleMachine is where machines of Google are told who they are.
const GoogleMachine = "http://169.254.169.254"

// Google is a symmetric key of Google Cloud KMS. Credentials are an access token.
type Google struct {
	Access
	Name string // such as projects/P/locations/L/keyRings/R/cryptoKeys/K
}

// Wrap is Key's.
func (k *Google) Wrap(ctx context.Context, plain []byte, bind string) (string, error) {
	var out struct {
		Ciphertext []byte `json:"ciphertext"`
		Sum        string `json:"ciphertextCrc32c"`
	}
	err := k.call(ctx, "encrypt", map[string]any{"plaintext": plain, "plaintextCrc32c": crc(plain), "additionalAuthenticatedData": []byte(bind)}, &out)
	if err == nil && (len(out.Ciphertext) == 0 || out.Sum != crc(out.Ciphertext)) {
		err = odd()
	}
	if err != nil {
		return "", err
	}
	return encode(out.Ciphertext), nil
}

// Unwrap is Key's.
func (k *Google) Unwrap(ctx context.Context, text, bind string) ([]byte, error) {
	b, err := decode(text)
	if err != nil {
		return nil, err
	}
	var out struct {
		Plaintext []byte `json:"plaintext"`
		Sum       string `json:"plaintextCrc32c"`
	}
	if err := k.call(ctx, "decrypt", map[string]any{"ciphertext": b, "ciphertextCrc32c": crc(b), "additionalAuthenticatedData": []byte(bind)}, &out); err != nil {
		return nil, err
	}
	if len(out.Plaintext) == 0 || out.Sum != crc(out.Plaintext) {
		return nil, odd()
	}
	return out.Plaintext, nil
}

// crc is the sum that finds what was damaged on the way, as decimal text.
func crc(b []byte) string {
	return strconv.FormatUint(uint64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))), 10)
}

func (k *Google) call(ctx context.Context, verb string, in, out any) error {
	if !regexp.MustCompile(`^projects/[a-z0-9:.-]+/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+$`).MatchString(k.Name) {
		return fault.New(fault.Invalid, "This is not the name of a key of Google Cloud KMS.").WithHint("It is of the form projects/P/locations/L/keyRings/R/cryptoKeys/K.")
	}
	at, err := k.at("https://cloudkms.googleapis.com", "/v1/"+k.Name+":"+verb)
	if err != nil {
		return err
	}
	h, err := k.bearer(ctx, "/computeMetadata/v1/instance/service-accounts/default/token", http.Header{"Metadata-Flavor": {"Google"}})
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	defer clear(body)
	return k.ask(ctx, at, h, body, out, func(status int, answer []byte) error {
		var why struct {
			Error struct {
				Status string `json:"status"`
			} `json:"error"`
		}
		_ = json.Unmarshal(answer, &why) // what cannot be read has no status
		switch {
		case why.Error.Status == "FAILED_PRECONDITION":
			return off()
		case status == http.StatusUnauthorized, status == http.StatusForbidden:
			return denied()
		case status == http.StatusNotFound:
			return noKey()
		case status == http.StatusBadRequest:
			return notIts()
		}
		return busy(status)
	})
}
