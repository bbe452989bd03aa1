package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// target is a server, asked with a key or as somebody who signed in.
type target struct {
	url  string
	key  string
	http *http.Client
}

func newTarget(url, key string) *target {
	return &target{url: strings.TrimRight(url, "/"), key: key, http: newHTTP()}
}

// browser signs p in and gives a target that asks as her browser does.
func browser(ctx context.Context, address string, p Person) (*target, error) {
	t := newTarget(address, "")
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	t.http.Jar = jar
	form := url.Values{"tenant": {p.Tenant}, "email": {p.Email}, "password": {p.Password}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return t, t.send(r, http.StatusSeeOther, nil)
}

// get asks for path and wants 200. With out the answer's JSON is put there.
func (t *target) get(ctx context.Context, path string, out any, header ...string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+path, nil)
	if err != nil {
		return err
	}
	if out == nil {
		r.Header.Set("Accept-Encoding", "gzip") // as browsers and clients do; it is not unpacked here
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return t.send(r, http.StatusOK, out)
}

// object sends a JSON:API object.
func (t *target) object(ctx context.Context, method, path, kind string, attributes map[string]any, want int, out any) error {
	body, err := json.Marshal(map[string]any{"data": map[string]any{"type": kind, "attributes": attributes}})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, t.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/vnd.api+json")
	return t.send(r, want, out)
}

// send sends r and reads the answer to its end.
func (t *target) send(r *http.Request, want int, out any) error {
	if t.key != "" {
		r.Header.Set("X-Api-Key", t.key)
	}
	resp, err := t.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		say, _ := io.ReadAll(io.LimitReader(resp.Body, 300)) // the status says enough
		return fmt.Errorf("%s %s answered %d instead of %d: %s", r.Method, r.URL.Path, resp.StatusCode, want, say)
	}
	if out != nil {
		return json.NewDecoder(resp.Body).Decode(out)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// document is as much of a JSON:API answer as is needed here.
type document struct {
	Data []struct {
		ID         string
		Attributes map[string]any
	}
}

// ids gives the ids of the first pages of a list.
func (t *target) ids(ctx context.Context, path string, most int) ([]string, error) {
	var out []string
	for page := 1; len(out) < most; page++ {
		var d document
		if err := t.get(ctx, fmt.Sprintf("%s?page[size]=200&page[number]=%d", path, page), &d); err != nil {
			return nil, err
		}
		for _, x := range d.Data {
			out = append(out, x.ID)
		}
		if len(d.Data) < 200 {
			break
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is nothing at %s to measure with", path)
	}
	return out, nil
}
