package hudu

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"strongroom/internal/base/fault"
)

// client asks Hudu's API, page by page.
type client struct {
	http *http.Client // follows nothing: the key goes to Hudu alone
	base *url.URL
	key  string
	pace *rate.Limiter
}

// Hudu allows 300 requests a minute.
const (
	between  = 210 * time.Millisecond
	burst    = 10
	pageSize = 100
	maxPage  = 64 << 20 // bytes
	tries    = 5
	longest  = 10 * time.Minute // of one file
)

func connect(c *http.Client, pace time.Duration, address, key string) (*client, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, fault.Field("url", "The address of Hudu is not one.").WithHint("Give it as https://name.huducloud.com")
	}
	if key == "" {
		return nil, fault.Field("key", "The API key of Hudu is missing.").WithHint("Make one in Hudu, under Admin, API keys, that may read passwords.")
	}
	u.Path, u.RawQuery, u.Fragment = strings.TrimSuffix(u.Path, "/api/v1"), "", ""
	if pace == 0 {
		pace = between
	}
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Timeout = longest
	return &client{http: &own, base: u, key: key, pace: rate.NewLimiter(rate.Every(pace), burst)}, nil
}

// each calls f with all things of a sort. Hudu says neither how many there are nor which
// page is the last: one that is empty, or begins like the one before, ends it.
func (c *client) each(ctx context.Context, sort string, f func(raw json.RawMessage) error) error {
	var last json.RawMessage
	for page := 1; ; page++ {
		list, err := c.page(ctx, sort, page)
		if err != nil {
			return err
		}
		if len(list) == 0 || bytes.Equal(list[0], last) {
			return nil
		}
		last = list[0]
		for _, raw := range list {
			if err := f(raw); err != nil {
				return err
			}
		}
	}
}

func (c *client) page(ctx context.Context, sort string, page int) ([]json.RawMessage, error) {
	u := *c.base
	u.Path += "/api/v1/" + sort
	u.RawQuery = url.Values{"page": {strconv.Itoa(page)}, "page_size": {strconv.Itoa(pageSize)}}.Encode()
	b, err := c.get(ctx, u.String())
	if err != nil {
		return nil, err
	}
	var envelope map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(b, &list) == nil { // some sorts are a list without anything around it
		return list, nil
	}
	if json.Unmarshal(b, &envelope) == nil && json.Unmarshal(envelope[sort], &list) == nil {
		return list, nil
	}
	return nil, fault.New(fault.Invalid, "What Hudu answers for %s cannot be read.", sort).WithHint("Check that the address is that of Hudu.")
}

// open gives the content of a file. Where Hudu says that it lies elsewhere, that place is
// asked, without the key.
func (c *client) open(ctx context.Context, sort string, t thing) (io.ReadCloser, error) {
	u := *c.base
	u.Path += "/api/v1/" + sort + "/" + url.PathEscape(t.text("numeric_id", "id"))
	u.RawQuery = "download=true"
	a, err := c.ask(ctx, u.String())
	if err != nil {
		return nil, err
	}
	if a.StatusCode == http.StatusOK {
		return a.Body, nil
	}
	a.Body.Close()
	to, err := a.Location()
	if err != nil {
		return nil, fault.New(fault.NotFound, "Hudu does not say where the file is.")
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return nil, err
	}
	if a, err = c.http.Do(q); err != nil {
		return nil, unanswered(err)
	}
	if a.StatusCode != http.StatusOK {
		a.Body.Close()
		return nil, fault.New(fault.NotFound, "The place where Hudu keeps the file answers with the status %d.", a.StatusCode)
	}
	return a.Body, nil
}

func unanswered(err error) error {
	if fault.Is(err, fault.Denied) {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, "Hudu does not answer.").WithHint("Check the address, and that this server may reach it; then import again: it goes on.")
}

// get gives a whole answer.
func (c *client) get(ctx context.Context, address string) ([]byte, error) {
	a, err := c.ask(ctx, address)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "Hudu answers with the status %d.", a.StatusCode).WithHint("Check the address; then import again: it goes on.")
	}
	b, err := io.ReadAll(io.LimitReader(a.Body, maxPage))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "Hudu broke off its answer.").WithHint("Import again: it goes on.")
	}
	return b, nil
}

// ask asks once, and again when Hudu says that it was too often. The answer is what was
// asked for, or says where that is.
func (c *client) ask(ctx context.Context, address string) (*http.Response, error) {
	for try := 1; ; try++ {
		if err := c.pace.Wait(ctx); err != nil {
			return nil, err
		}
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		q.Header.Set("X-Api-Key", c.key)
		q.Header.Set("Accept", "application/json, */*")
		a, err := c.http.Do(q)
		if err != nil {
			return nil, unanswered(err)
		}
		if a.StatusCode == http.StatusOK || a.StatusCode > 300 && a.StatusCode < 400 {
			return a, nil
		}
		a.Body.Close()
		switch {
		case a.StatusCode == http.StatusTooManyRequests && try < tries:
			if err := wait(ctx, a.Header.Get("Retry-After")); err != nil {
				return nil, err
			}
		case a.StatusCode == http.StatusUnauthorized, a.StatusCode == http.StatusForbidden:
			return nil, fault.New(fault.Invalid, "Hudu refuses the API key.").WithHint("Check the key, and what it may read.")
		case a.StatusCode == http.StatusNotFound:
			return nil, fault.New(fault.NotFound, "Hudu knows nothing under the address %s.", q.URL.Path).WithHint("Check the address.")
		default:
			return nil, fault.New(fault.Unavailable, "Hudu answers with the status %d.", a.StatusCode).WithHint("Check the address; then import again: it goes on.")
		}
	}
}

// wait waits as long as Hudu asks for, a minute at most.
func wait(ctx context.Context, after string) error {
	n, err := strconv.Atoi(after)
	if err != nil {
		n = 10
	}
	t := time.NewTimer(time.Duration(min(max(n, 0), 60)) * time.Second)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
