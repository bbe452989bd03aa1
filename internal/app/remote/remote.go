// Package remote uses the passwords of a server through its API, with a key, for scripts
// on other machines.
//
// Always true: the key goes to the server that was named and nowhere else, and never in
// the clear but to this machine; a value of a secret is asked for only when it is the one
// that is wanted, so that each reveal in the audit log was one; no value is in an error.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
)

// Server is a server and the key to it.
type Server struct {
	URL    string // https://name.example
	Key    string // of the API
	Reason string // why secrets are revealed; "" for none
	HTTP   *http.Client
}

// KeyFrom reads a key from a file, which must be for its owner's eyes only.
func KeyFrom(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", path).WithHint("Check the name and the rights.")
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fault.New(fault.Invalid, "The file %s with the API key can be read by other users of this machine.", path).WithHint("Take their rights away: chmod 600 %s", path)
	}
	b, err := os.ReadFile(path) // #nosec G304 -- the person who runs the command names it
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", path).WithHint("Check the name and the rights.")
	}
	return strings.TrimSpace(string(b)), nil
}

// Password is a password as the server tells it.
type Password struct {
	ID           string `json:"id"`
	Organization string `json:"organization"`
	Name         string `json:"name"`
	Username     string `json:"username"`
	URL          string `json:"url"`
	Password     string `json:"password,omitempty"` // only when it was asked for
}

// The fields of a password that can be asked for.
const (
	FieldPassword = "password"
	FieldUsername = "username"
	FieldURL      = "url"
)

// Fields are all of them.
func Fields() []string { return []string{FieldPassword, FieldUsername, FieldURL} }

// Value gives a field.
func (p *Password) Value(field string) (string, error) {
	switch field {
	case FieldPassword, "":
		return p.Password, nil
	case FieldUsername:
		return p.Username, nil
	case FieldURL:
		return p.URL, nil
	}
	return "", fault.New(fault.Invalid, "A password has no field %q.", field).WithHint("Use one of these: %s.", strings.Join(Fields(), ", "))
}

type resource struct {
	ID         string `json:"id"`
	Attributes struct {
		Name         string  `json:"name"`
		Organization string  `json:"organization-name"`
		Username     string  `json:"username"`
		URL          string  `json:"url"`
		Password     *string `json:"password"`
	} `json:"attributes"`
}

func (r *resource) password() *Password {
	p := &Password{ID: r.ID, Organization: r.Attributes.Organization, Name: r.Attributes.Name, Username: r.Attributes.Username, URL: r.Attributes.URL}
	if r.Attributes.Password != nil {
		p.Password = *r.Attributes.Password
	}
	return p
}

// pageSize is how many passwords are asked for at once, and mostAnswer the size of an
// answer that is read.
const pageSize, mostAnswer = 500, 64 << 20

// List gives the passwords, without their values: all that the key may see, or those of
// an organization.
func (s *Server) List(ctx context.Context, organization string) (out []*Password, err error) {
	q := url.Values{"sort": {"name"}, "page[size]": {strconv.Itoa(pageSize)}}
	if organization != "" {
		org, err := s.organization(ctx, organization)
		if err != nil {
			return nil, err
		}
		q.Set("filter[organization-id]", org)
	}
	for page := 1; ; page++ {
		q.Set("page[number]", strconv.Itoa(page))
		list, err := s.many(ctx, "/passwords", q)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			out = append(out, r.password())
		}
		if len(list) < pageSize {
			return out, nil
		}
	}
}

func (s *Server) organization(ctx context.Context, name string) (string, error) {
	list, err := s.many(ctx, "/organizations", url.Values{"filter[name]": {name}})
	if err != nil {
		return "", err
	}
	if len(list) != 1 {
		return "", fault.New(fault.NotFound, "There is no organization %q that this key may see, or there are several.", name).WithHint("Check the name, and for which organizations the key is.")
	}
	return list[0].ID, nil
}

// Find gives the id of a password that is named by it, or as ORGANIZATION/NAME.
func (s *Server) Find(ctx context.Context, ref string) (string, error) {
	if _, err := strconv.ParseInt(ref, 10, 64); err == nil {
		return ref, nil
	}
	org, name, ok := strings.Cut(ref, "/")
	if !ok || org == "" || name == "" {
		return "", fault.New(fault.Invalid, "%q names no password.", ref).WithHint("Name it as ORGANIZATION/NAME, or by its id.")
	}
	at, err := s.organization(ctx, org)
	if err != nil {
		return "", err
	}
	list, err := s.many(ctx, "/passwords", url.Values{"filter[organization-id]": {at}, "filter[name]": {name}})
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "", fault.New(fault.NotFound, "There is no password %q in %q that this key may see.", name, org).WithHint("See what there is: strongroom secret ls %q", org)
	}
	if len(list) > 1 {
		var ids []string
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		return "", fault.New(fault.Conflict, "Several passwords of %q are called %q.", org, name).WithHint("Name one by its id: %s.", strings.Join(ids, ", "))
	}
	return list[0].ID, nil
}

// Get gives a password by its id; its secret only when that is wanted, which the server
// records.
func (s *Server) Get(ctx context.Context, id string, secret bool) (*Password, error) {
	var a struct{ Data resource }
	if err := s.ask(ctx, http.MethodGet, "/passwords/"+url.PathEscape(id)+"?show_password="+strconv.FormatBool(secret), nil, &a); err != nil {
		return nil, err
	}
	if secret && a.Data.Attributes.Password == nil {
		return nil, fault.New(fault.Denied, "The server does not tell the secret of %q to this key, or it has none.", a.Data.Attributes.Name).
			WithHint("The key needs the right to passwords. Some passwords want a reason (-reason) or an approval.")
	}
	return a.Data.password(), nil
}

// Put gives a password, by its id, a new secret.
func (s *Server) Put(ctx context.Context, id, secret string) error {
	return s.ask(ctx, http.MethodPatch, "/passwords/"+url.PathEscape(id)+"?show_password=false", map[string]any{"password": secret}, nil)
}

// Create makes a password ORGANIZATION/NAME, and gives its id.
func (s *Server) Create(ctx context.Context, ref, username, address, secret string) (string, error) {
	org, name, ok := strings.Cut(ref, "/")
	if !ok || org == "" || name == "" {
		return "", fault.New(fault.Invalid, "%q names no password.", ref).WithHint("Name it as ORGANIZATION/NAME.")
	}
	at, err := s.organization(ctx, org)
	if err != nil {
		return "", err
	}
	v := map[string]any{"name": name, "organization-id": at, "password": secret}
	if username != "" {
		v["username"] = username
	}
	if address != "" {
		v["url"] = address
	}
	var a struct{ Data resource }
	err = s.ask(ctx, http.MethodPost, "/passwords?show_password=false", v, &a)
	return a.Data.ID, err
}

func (s *Server) many(ctx context.Context, path string, q url.Values) ([]resource, error) {
	var a struct{ Data []resource }
	err := s.ask(ctx, http.MethodGet, path+"?"+q.Encode(), nil, &a)
	return a.Data, err
}

// base checks the address.
func (s *Server) base() (string, error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fault.New(fault.Invalid, "The address of the server is missing or is none.").WithHint("Put it into the environment, such as STRONGROOM_URL=https://demo.example.com")
	}
	host := u.Hostname()
	ip, _ := netip.ParseAddr(host) // a name is no address
	if u.Scheme == "http" && host != "localhost" && !strings.HasSuffix(host, ".localhost") && !ip.IsLoopback() {
		return "", fault.New(fault.Invalid, "The key would go to %s in the clear.", host).WithHint("Use the address that begins with https://")
	}
	if s.Key == "" {
		return "", fault.New(fault.Invalid, "There is no API key.").WithHint("Put it into the environment as STRONGROOM_KEY, or into a file named by -key-file.")
	}
	return u.Scheme + "://" + u.Host + "/api/v1", nil
}

// ask does one request.
func (s *Server) ask(ctx context.Context, method, path string, attributes map[string]any, out any) error {
	at, err := s.base()
	if err != nil {
		return err
	}
	var body io.Reader
	if attributes != nil {
		b, err := json.Marshal(map[string]any{"data": map[string]any{"type": "passwords", "attributes": attributes}})
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, at+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("X-Api-Key", s.Key)
	r.Header.Set("Content-Type", "application/vnd.api+json")
	if s.Reason != "" {
		r.Header.Set("X-Reason", s.Reason)
	}
	c := http.Client{Timeout: time.Minute}
	if s.HTTP != nil {
		c = *s.HTTP
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the key goes nowhere else
	resp, err := c.Do(r)
	if err != nil {
		if bad, ok := errors.AsType[*url.Error](err); ok {
			err = bad.Err // without the address, which may name a password
		}
		return fault.New(fault.Unavailable, "The server cannot be reached: %v.", err).WithHint("Check STRONGROOM_URL and the network.")
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return fault.New(fault.Unavailable, "The server stopped in the middle of its answer.").WithHint("Try again.")
	}
	if resp.StatusCode >= 300 {
		return refused(resp.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fault.New(fault.Unavailable, "What the server answers cannot be read.").WithHint("Check that STRONGROOM_URL is the address of Strongroom.")
	}
	return nil
}

// refused says why the server does not do what it was asked.
func refused(status int, b []byte) error {
	var a struct {
		Errors []struct{ Title, Detail string }
	}
	text := ""
	if json.Unmarshal(b, &a) == nil && len(a.Errors) > 0 {
		if text = a.Errors[0].Detail; text == "" {
			text = a.Errors[0].Title
		}
	}
	switch status {
	case http.StatusUnauthorized:
		return fault.New(fault.Denied, "The server does not take this API key.").WithHint("Check STRONGROOM_KEY, and from which networks the key may be used.")
	case http.StatusForbidden:
		return fault.New(fault.Denied, "The server refuses: %s", or(text, "this key may not do that.")).WithHint("Check STRONGROOM_KEY, what the key may do, and from which networks.")
	case http.StatusNotFound:
		return fault.New(fault.NotFound, "There is no such password, or the key may not see it.").WithHint("See what there is: strongroom secret ls")
	}
	return fault.New(fault.Invalid, "The server refuses: %s", or(text, "it answers "+strconv.Itoa(status)+"."))
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
