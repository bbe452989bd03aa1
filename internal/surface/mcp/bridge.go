package mcp

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"strongroom/internal/base/fault"
)

// Bridge speaks the protocol over a pair of streams, as assistants do with a
// program that they start, and passes every call on to a server. It needs no data
// of the server's but its address and a key.
type Bridge struct {
	URL     string // of the server: https://demo.example.com
	Key     string
	Version string
	HTTP    *http.Client // nil is one of its own
}

// Run serves until in ends or ctx is done. Fault kinds: Invalid for an address,
// Unauthorized and Unavailable when the server cannot be used.
func (b *Bridge) Run(ctx context.Context, in io.ReadCloser, out io.WriteCloser) error {
	at, err := b.address()
	if err != nil {
		return err
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "strongroom-bridge", Version: b.Version}, nil)
	remote, err := client.Connect(ctx, &sdk.StreamableClientTransport{Endpoint: at, HTTPClient: b.client(), DisableStandaloneSSE: true}, nil)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The server at %s did not let the bridge in: %v.", b.URL, err).WithHint("Look at the address, and whether the key is still good.")
	}
	defer remote.Close()
	local, err := b.local(ctx, remote)
	if err != nil {
		return err
	}
	both := newLines(in, out)
	err = local.Run(ctx, &sdk.IOTransport{Reader: both, Writer: both})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// address is where the server answers. A key is not sent in the clear to another
// machine.
func (b *Bridge) address() (string, error) {
	u, err := url.Parse(b.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", fault.New(fault.Invalid, "%q is no address of a server.", b.URL).WithHint("It is like https://demo.example.com")
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	if u.Scheme == "http" && host != "localhost" && !strings.HasSuffix(host, ".localhost") && (ip == nil || !ip.IsLoopback()) {
		return "", fault.New(fault.Invalid, "The key would go to %s in the clear.", host).WithHint("Use the address that begins with https://")
	}
	return u.Scheme + "://" + u.Host + Path, nil
}

func (b *Bridge) client() *http.Client {
	c := http.Client{Timeout: time.Minute}
	if b.HTTP != nil {
		c = *b.HTTP
	}
	c.Transport = &keyed{b.Key, c.Transport}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the key goes nowhere else
	return &c
}

// keyed sends the key with every request.
type keyed struct {
	key  string
	next http.RoundTripper
}

// RoundTrip sends a request.
func (k *keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	next := k.next
	if next == nil {
		next = http.DefaultTransport
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+k.key)
	return next.RoundTrip(r)
}

// local is a server that offers what the remote one offers to this key.
func (b *Bridge) local(ctx context.Context, remote *sdk.ClientSession) (*sdk.Server, error) {
	o := &sdk.ServerOptions{Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}, Resources: &sdk.ResourceCapabilities{}}}
	if r := remote.InitializeResult(); r != nil {
		o.Instructions = r.Instructions
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "strongroom", Title: "Strongroom", Version: b.Version}, o)
	for t, err := range remote.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		s.AddTool(t, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			return remote.CallTool(ctx, &sdk.CallToolParams{Name: r.Params.Name, Arguments: r.Params.Arguments})
		})
	}
	for t, err := range remote.ResourceTemplates(ctx, nil) {
		if err != nil {
			return nil, err
		}
		s.AddResourceTemplate(t, func(ctx context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
			return remote.ReadResource(ctx, &sdk.ReadResourceParams{URI: r.Params.URI})
		})
	}
	return s, nil
}
