package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"strongroom/internal/base/fault"
)

// methodError says which methods an address takes.
type methodError struct{ allow string }

func (e *methodError) Error() string { return "allowed: " + e.allow }

// Status gives the HTTP status of a failure on an HTML page; nil is 200. Invalid
// is 422, 413 where the body was larger than its route takes, and 405 where the
// address takes other methods.
func Status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	if _, ok := errors.AsType[*methodError](err); ok {
		return http.StatusMethodNotAllowed
	}
	switch fault.Of(err) {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Denied:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Throttled:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// RetryAfter sets Retry-After, in whole seconds rounded up, where err says when
// to come back. Mux does it for every failure.
func RetryAfter(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.After <= 0 {
		return
	}
	w.Header().Set("Retry-After", seconds(e.After+time.Second-1))
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// JSON answers v with a status. The answer is never stored: what a page fetches
// by script may be seen once.
func JSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	return JSONAs(w, status, v)
}

// JSONAs is JSON under the content type that the header names already.
func JSONAs(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Length", strconv.Itoa(len(b)+1))
	if h.Get("Cache-Control") == "" {
		NoStore(w)
	}
	w.WriteHeader(status)
	_, err = w.Write(append(b, '\n'))
	return err
}

// SeeOther sends the browser to another page of ours after a form was accepted.
// An address of another site is replaced by the first page.
func SeeOther(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, LocalPath(to, "/"), http.StatusSeeOther)
	return nil
}
