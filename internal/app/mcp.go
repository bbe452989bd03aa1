package app

import (
	"context"
	"io"
	"os"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/surface/mcp"
)

// MCPOptions say where an assistant's bridge leads.
type MCPOptions struct {
	URL     string
	Key     string // or in KeyFile
	KeyFile string
	Version string
}

// MCP lets an assistant on this machine use a server with a key. It needs no data
// folder. It ends when in ends.
func MCP(ctx context.Context, o MCPOptions, in io.ReadCloser, out io.WriteCloser) error {
	if o.KeyFile != "" {
		text, err := os.ReadFile(o.KeyFile)
		if err != nil {
			return fault.Wrap(err, fault.Invalid, "The file with the key cannot be read: %v.", err)
		}
		o.Key = string(text)
	}
	if o.Key = strings.TrimSpace(o.Key); o.Key == "" {
		return fault.New(fault.Invalid, "There is no API key.").WithHint("Put it into the environment as STRONGROOM_KEY, or into a file named by -key-file.")
	}
	return (&mcp.Bridge{URL: o.URL, Key: o.Key, Version: o.Version}).Run(ctx, in, out)
}
