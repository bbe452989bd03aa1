// Package blobtest holds what every blob.Store must do.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/envelope"
	"strongroom/internal/base/fault"
)

// Run checks a store; open must give a new, empty one each time.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	t.Run("texts", func(t *testing.T) { texts(t, open(t)) })
	t.Run("round trip", func(t *testing.T) { roundTrip(t, open(t)) })
	t.Run("well-behaved reader", func(t *testing.T) { wellBehaved(t, open(t)) })
	t.Run("nothing before commit", func(t *testing.T) { beforeCommit(t, open(t)) })
	t.Run("remove", func(t *testing.T) { remove(t, open(t)) })
	t.Run("missing", func(t *testing.T) { absent(t, open(t)) })
	t.Run("refs", func(t *testing.T) { refs(t, open(t)) })
	t.Run("list stops", func(t *testing.T) { listStops(t, open(t)) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, open(t)) })
	t.Run("many at once", func(t *testing.T) { concurrent(t, open(t)) })
}

// Put stores content in one step.
func Put(t testing.TB, s blob.Store, content []byte) blob.Ref {
	t.Helper()
	w, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	ref, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// Get reads an object in one step.
func Get(t testing.TB, s blob.Store, id string) ([]byte, error) {
	t.Helper()
	o, err := s.Open(t.Context(), id)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return io.ReadAll(o)
}

// List gives all ids with their sizes.
func List(t testing.TB, s blob.Store) map[string]int64 {
	t.Helper()
	got := map[string]int64{}
	if err := s.List(t.Context(), func(id string, size int64) error { got[id] = size; return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

// Content gives n bytes that differ everywhere.
func Content(n int) []byte {
	b := make([]byte, n)
	x := uint32(n) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func roundTrip(t *testing.T, s blob.Store) {
	const seg = envelope.SegmentSize
	want := map[string]int64{}
	for _, n := range []int{0, 1, 100, seg - 1, seg, seg + 1, 2 * seg, 2*seg + 1, 5*seg - 1} {
		ref := Put(t, s, Content(n))
		if ref.Size != int64(n) || len(ref.ID) != 32 || len(ref.SHA256) != 64 {
			t.Errorf("%d bytes: ref %+v", n, ref)
		}
		want[ref.ID] = int64(n)
		got, err := Get(t, s, ref.ID)
		if err != nil || !bytes.Equal(got, Content(n)) {
			t.Errorf("%d bytes: %d came back, %v", n, len(got), err)
		}
	}
	if got := List(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("list %v, want %v", got, want)
	}
}

func wellBehaved(t *testing.T, s blob.Store) {
	content := Content(3*envelope.SegmentSize/2 + 7)
	w, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{bytes.NewReader(content)}, make([]byte, 777)); err != nil {
		t.Fatal(err)
	}
	ref, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Open(t.Context(), ref.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if o.Size() != int64(len(content)) {
		t.Errorf("size %d", o.Size())
	}
	if err := iotest.TestReader(o, content); err != nil {
		t.Error(err)
	}
}

func beforeCommit(t *testing.T, s blob.Store) {
	w, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(Content(200_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t, s, w.ID()); !fault.Is(err, fault.NotFound) {
		t.Errorf("half an object opened: %v", err)
	}
	if n := len(List(t, s)); n != 0 {
		t.Errorf("%d objects listed", n)
	}
	w.Abort()
	w.Abort()
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("an aborted writer took more")
	}
	if _, err := w.Commit(); err == nil {
		t.Error("an aborted writer was committed")
	}
	if n := len(List(t, s)); n != 0 {
		t.Errorf("%d objects after abort", n)
	}
	ref := Put(t, s, []byte("kept")) // Put calls Abort after Commit
	if got, err := Get(t, s, ref.ID); err != nil || string(got) != "kept" {
		t.Errorf("abort after commit: %q %v", got, err)
	}
}

func remove(t *testing.T, s blob.Store) {
	a, b := Put(t, s, []byte("a")), Put(t, s, []byte("b"))
	for range 2 { // the second time there is nothing to remove
		if err := s.Remove(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Get(t, s, a.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("removed: %v", err)
	}
	if got, err := Get(t, s, b.ID); err != nil || string(got) != "b" {
		t.Errorf("neighbour: %q %v", got, err)
	}
}

func absent(t *testing.T, s blob.Store) {
	for _, id := range []string{"", "x", "../../../etc/passwd", "00000000000000000000000000000000", "0000000000000000000000000000000G", "ABCDEF00000000000000000000000000"} {
		if _, err := s.Open(t.Context(), id); !fault.Is(err, fault.NotFound) {
			t.Errorf("open %q: %v", id, err)
		}
		if err := s.Remove(t.Context(), id); err != nil {
			t.Errorf("remove %q: %v", id, err)
		}
	}
}

func refs(t *testing.T, s blob.Store) {
	a, b, c := Put(t, s, []byte("same")), Put(t, s, []byte("same")), Put(t, s, []byte("other"))
	if a.ID == b.ID {
		t.Error("two objects have one id")
	}
	if a.SHA256 != b.SHA256 || a.SHA256 == c.SHA256 {
		t.Error("sums do not follow the content")
	}
	const plain = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5" // SHA-256 of "same"
	if a.SHA256 == plain {
		t.Error("the sum is not keyed")
	}
}

func listStops(t *testing.T, s blob.Store) {
	for range 3 {
		Put(t, s, nil)
	}
	stop, calls := errors.New("stop"), 0
	err := s.List(t.Context(), func(string, int64) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func cancelled(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	w, err := s.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := w.Write([]byte("y")); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	if _, err := w.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	if n := len(List(t, s)); n != 0 {
		t.Errorf("%d objects stayed", n)
	}
	if _, err := s.Create(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("create: %v", err)
	}
}

func concurrent(t *testing.T, s blob.Store) {
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			content := Content(10_000 * i)
			w, err := s.Create(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer w.Abort()
			if _, err := w.Write(content); err != nil {
				t.Error(err)
				return
			}
			ref, err := w.Commit()
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := Get(t, s, ref.ID); err != nil || !bytes.Equal(got, content) {
				t.Errorf("object %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	all.Wait()
	if n := len(List(t, s)); n != 16 {
		t.Errorf("%d objects of 16", n)
	}
}

func texts(t *testing.T, s blob.Store) {
	for _, text := range []string{"", "correct horse", "Straße"} {
		id, err := blob.WriteText(t.Context(), s, text)
		if err != nil || (id == "") != (text == "") {
			t.Fatalf("%q is kept as %q, %v", text, id, err)
		}
		if got, err := blob.ReadText(t.Context(), s, id); err != nil || got != text {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}
