package main

import (
	"context"
	"io"

	"strongroom/internal/app"
)

func mcpCommand() *command {
	return &command{
		name: "mcp", short: "let an assistant search and read a server's documentation",
		long: `
Speaks the Model Context Protocol over standard input and output, for an assistant
on this machine that starts it, and passes each call on to a server over HTTPS. It
needs the address of the server and an API key, and no data folder. Assistants that
speak HTTP need no bridge: they use URL/mcp with the key as bearer token.

The assistant sees what the key may see. Make a key of its own for it: read-only,
without passwords, for the organizations it is meant for. Each call is in the audit
trail.

The key is read from the environment, STRONGROOM_KEY, or from a file.

  STRONGROOM_KEY=ITG... strongroom mcp -url https://demo.example.com`,
		run: func(ctx context.Context, p *program, c *command, args []string) error {
			s, _, err := p.parse(c, args, 0, 0)
			if err != nil {
				return err
			}
			if s.mcp.URL == "" {
				return usage{"Say which server to use.", "For example: strongroom mcp -url https://demo.example.com"}
			}
			s.mcp.Key, s.mcp.Version = s.key, version
			return app.MCP(ctx, s.mcp, io.NopCloser(p.in), keepOpen{p.out})
		},
	}
}

// keepOpen is a stream that whoever gave it closes.
type keepOpen struct{ io.Writer }

// Close does nothing.
func (keepOpen) Close() error { return nil }
