// Package failure tells what is wrong in the words of the protocol.
//
// Always true: a failure that is none of ours says nothing of itself, and what is wrong
// with an attribute names it.
package failure

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/base/web"
)

// MaxJSON is the biggest body of JSON, with files in base64, in bytes.
const MaxJSON = 32 << 20

// statusOf gives the status of a failure: what cannot be read is 400, what is
// wrong 422, and an address that takes other methods is one that is not there.
func statusOf(err error) int {
	switch {
	case errors.Is(err, jsonapi.ErrMalformed):
		return http.StatusBadRequest
	case errors.Is(err, jsonapi.ErrMediaType):
		return http.StatusUnsupportedMediaType
	}
	switch s := web.Status(err); s {
	case http.StatusMethodNotAllowed:
		return http.StatusNotFound
	case http.StatusConflict:
		return http.StatusUnprocessableEntity
	default:
		return s
	}
}

// titleOf is the short text for a status.
func titleOf(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Record not found"
	case http.StatusUnprocessableEntity:
		return "Unprocessable entity"
	}
	return http.StatusText(status)
}

// inItem says which object of a body a failure is about.
type inItem struct {
	error
	n int
}

func (e *inItem) Unwrap() error { return e.error }

// At marks a failure with the number of the object it is about, where the body
// holds several.
func At(n int, many bool, err error) error {
	if err == nil || !many {
		return err
	}
	return &inItem{err, n}
}

// Answer answers a failure in the words of the protocol.
func Answer(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	body := jsonapi.AppendErrors(nil, errorsOf(status, err))
	h := w.Header()
	h.Set("Content-Type", jsonapi.MediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="Strongroom"`)
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a broken connection has nobody to tell
	}
}

// hintOf says what to do instead of sending more than a limit.
func hintOf(limit int64) string {
	if limit == MaxJSON {
		return "Send a file of this size as multipart/form-data."
	}
	return "Send it in parts."
}

func errorsOf(status int, err error) []jsonapi.Error {
	say := fault.Say(err)
	if big, ok := errors.AsType[*http.MaxBytesError](err); ok {
		say = fault.New(fault.Invalid, "The body is bigger than %d MiB.", max(1, big.Limit>>20)).WithHint("%s", hintOf(big.Limit))
	}
	title := titleOf(status)
	if len(say.Fields) == 0 {
		return []jsonapi.Error{{Status: status, Title: title, Detail: strings.TrimSpace(say.Text + " " + say.Hint)}}
	}
	prefix := "/data/attributes/"
	if e, ok := errors.AsType[*inItem](err); ok {
		prefix = "/data/" + strconv.Itoa(e.n) + "/attributes/"
	}
	names := make([]string, 0, len(say.Fields))
	for n := range say.Fields {
		names = append(names, n)
	}
	slices.Sort(names)
	var out []jsonapi.Error
	for _, n := range names {
		out = append(out, jsonapi.Error{Status: status, Title: title, Detail: say.Fields[n], Pointer: prefix + jsonapi.Kebab(n)})
	}
	return out
}
