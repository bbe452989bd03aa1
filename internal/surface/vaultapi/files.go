package vaultapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/hostproof"
	"strongroom/internal/base/web"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/vault"
)

func fileOf(r *http.Request) (id.ID, int64, error) {
	n, err := number(r)
	if err != nil {
		return 0, 0, err
	}
	file, ok := id.Parse(r.PathValue("file"))
	if !ok {
		return 0, 0, gate.Missing()
	}
	return n, int64(file), nil
}

func (s *Server) fetch(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
	n, file, err := fileOf(r)
	if err != nil {
		return err
	}
	in, err := s.Vaults.Fetch(r.Context(), c, n, file)
	if err != nil {
		return err
	}
	defer in.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, in)
	return nil
}

func (s *Server) send(w http.ResponseWriter, r *http.Request, c *access.Caller) error {
	n, file, err := fileOf(r)
	if err != nil {
		return err
	}
	if err := s.Vaults.Send(r.Context(), c, n, file, r.Body); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct{}{})
}

// AddFile seals size bytes of r and adds them to an item as a file with this name.
func (c *Client) AddFile(ctx context.Context, v *Vault, item *Item, name, mediaType string, size int64, r io.Reader) (*Item, error) {
	list, err := item.Content.Files()
	if err != nil {
		return nil, err
	}
	f := hostproof.File{Number: c.unused(v), Name: name, Type: mediaType, Size: size, Since: item.leaf.Version + 1}
	if len(list) >= hostproof.MostFiles || size > hostproof.MostFileSize {
		return nil, fault.New(fault.Invalid, "An item has at most %d files, each of at most %d MiB.", hostproof.MostFiles, hostproof.MostFileSize>>20)
	}
	if err := c.sendFile(ctx, v, item.Number, &f, r); err != nil {
		return nil, err
	}
	content, err := item.Content.WithFiles(append(list, f))
	if err != nil {
		return nil, err
	}
	return c.put(ctx, v, item, content, vault.Write{Attach: []vault.Attachment{{Item: item.Number, File: f.Number}}})
}

// sendFile seals r and sends it at the same time.
func (c *Client) sendFile(ctx context.Context, v *Vault, item int64, f *hostproof.File, r io.Reader) error {
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := v.vault.SealFile(out, item, f, r)
		out.CloseWithError(err)
		done <- err
	}()
	err := c.bytes(ctx, http.MethodPost, c.filePath(v.ID, f.Number), in, hostproof.SealedSize(f.Size), nil)
	_ = in.CloseWithError(io.ErrClosedPipe) // the sealing ends in any case
	if sealed := <-done; err == nil && sealed != nil {
		return sealed
	}
	return err
}

// FetchFile writes a file of an item to w. What was written is to be used only when
// there is no error.
func (c *Client) FetchFile(ctx context.Context, v *Vault, item *Item, f hostproof.File, w io.Writer) error {
	return c.bytes(ctx, http.MethodGet, c.filePath(v.ID, f.Number), nil, 0, func(sealed io.Reader) error {
		return v.vault.OpenFile(w, item.Number, &f, sealed)
	})
}

// RemoveFile takes a file away from an item.
func (c *Client) RemoveFile(ctx context.Context, v *Vault, item *Item, f hostproof.File) (*Item, error) {
	list, err := item.Content.Files()
	if err != nil {
		return nil, err
	}
	content, err := item.Content.WithFiles(slices.DeleteFunc(list, func(x hostproof.File) bool { return x.Number == f.Number }))
	if err != nil {
		return nil, err
	}
	return c.put(ctx, v, item, content, vault.Write{Detach: []int64{f.Number}})
}

func (c *Client) filePath(n id.ID, file int64) string {
	return "vaults/" + n.String() + "/files/" + strconv.FormatInt(file, 10)
}

// beside reads a sealed file that lies beside an emergency file, as an export has them.
func (c *Client) beside(path string, read func(io.Reader) error) error {
	vaultN, file, ok := strings.Cut(strings.TrimPrefix(path, "vaults/"), "/files/")
	if read == nil || !ok {
		return fault.New(fault.Invalid, "An emergency file is not written.").WithHint("Use the server with -url when it is there again.")
	}
	in, err := os.Open(filepath.Join(filepath.Dir(c.File), "files", vaultN+"-"+file)) // #nosec G304 -- two numbers, beside the file that the person names
	if err != nil {
		return fault.Wrap(err, fault.NotFound, "This file of an item is not beside the emergency file.").WithHint("An export of the whole tenant has it in the folder files. Otherwise use the server with -url.")
	}
	defer in.Close()
	return read(in)
}

// bytes sends or fetches what is no JSON.
func (c *Client) bytes(ctx context.Context, method, path string, body io.Reader, size int64, read func(io.Reader) error) error {
	if c.File != "" {
		return c.beside(path, read)
	}
	at, err := c.address()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, at+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		r.ContentLength = size
	}
	r.Header.Set("Authorization", "Bearer "+c.Key)
	r.Header.Set("Content-Type", "application/octet-stream")
	h := c.client()
	h.Timeout = 0 // of any size; the context ends it
	resp, err := h.Do(r)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "The server at %s cannot be reached: %v.", c.URL, err).WithHint("Look at the address.")
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound && read != nil:
		return lied("The server does not have a file that this item lists.")
	case resp.StatusCode != http.StatusOK:
		return refusal(json.NewDecoder(io.LimitReader(resp.Body, 1<<20)), resp)
	case read != nil:
		return read(resp.Body)
	}
	return nil
}
