package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/keys/wire"
)

func request() wire.Request {
	return wire.Request{ID: 7, Call: wire.CallSealedUnwrap, Compact: true, Args: wire.Args{
		Ticket: &wire.Ticket{
			Tenant: "demo", Subject: 3, Session: "s", Action: "reveal", Object: 12, Kind: "password", Field: "password", Version: 2, Time: 1_700_000_000_000,
			AuthLevel: 2, Reason: "r", AuditSeq: 9, AuditLeaf: [32]byte{31: 1}, Bulk: true,
		},
		Items:     []wire.Item{{Header: []byte("header"), Recipient: wire.Recipient{Type: 0x12, KeyID: []byte("id"), Generation: 4, Wrapped: []byte("wrapped")}}},
		Ephemeral: []byte("point"),
	}}
}

func response() wire.Response {
	return wire.Response{ID: 7, Compact: true, Result: &wire.Result{Keys: []wire.Secret{[]byte("one"), []byte("two")}}}
}

func frame(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := wire.Write(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCompactForm: the bytes are those of doc/formats/key-protocol.md.
func TestCompactForm(t *testing.T) {
	for want, v := range map[string]any{
		"0000009d" + "01" + "02" + "0000000000000007" +
			"0464656d6f" + "0173" + "0672657665616c" + "0870617373776f7264" + "0870617373776f7264" + "0172" +
			"0000000000000003" + "000000000000000c" + "0000018bcfe56800" + "0000000000000002" + "0000000000000009" +
			"00000002" + strings.Repeat("00", 31) + "01" + "01" +
			"0005706f696e74" + "0001" + "0006686561646572" + "0012" + "00026964" + "00000004" + "000777726170706564": request(),
		"00000015" + "02" + "0000000000000007" + "0002" + "00036f6e65" + "000374776f": response(),
	} {
		if got := hex.EncodeToString(frame(t, v)); got != want {
			t.Errorf("%T is\n%s, want\n%s", v, got, want)
		}
	}
}

func TestBothFormsSayTheSame(t *testing.T) {
	for _, compact := range []bool{true, false} {
		q, r := request(), response()
		q.Compact, r.Compact = compact, compact
		if (frame(t, q)[4] == '{') == compact {
			t.Errorf("compact %v is not what was written", compact)
		}
		var gotQ wire.Request
		if err := wire.Read(bytes.NewReader(frame(t, q)), &gotQ); err != nil || !reflect.DeepEqual(gotQ, q) {
			t.Errorf("%+v came back as %+v, %v", q, gotQ, err)
		}
		var gotR wire.Response
		if err := wire.Read(bytes.NewReader(frame(t, r)), &gotR); err != nil || !reflect.DeepEqual(gotR, r) {
			t.Errorf("a response came back with id %d, %d keys, compact %v, %v", gotR.ID, len(gotR.Result.Keys), gotR.Compact, err)
		}
	}
}

// TestWhatHasNoCompactForm is written as JSON, whoever asks for the other.
func TestWhatHasNoCompactForm(t *testing.T) {
	long := request()
	long.Args.Ticket.Action = strings.Repeat("x", 300)
	for name, v := range map[string]any{
		"another call":  wire.Request{Call: wire.CallStatus, Compact: true},
		"no ticket":     wire.Request{Call: wire.CallUnwrap, Compact: true},
		"a long action": long,
		"an error":      wire.Response{Compact: true, Error: &wire.Error{Kind: "denied"}},
		"no keys":       wire.Response{Compact: true, Result: &wire.Result{}},
	} {
		if b := frame(t, v); b[4] != '{' {
			t.Errorf("%s: %q", name, b)
		}
	}
}

// TestBatch: several requests in one frame, and their answers, come back as they were;
// one alone is written as ever.
func TestBatch(t *testing.T) {
	q := request()
	q.Args.Ephemeral, q.Args.Items[0].Header = []byte{}, []byte{}
	if out := frame(t, wire.Batch{q}); !bytes.Equal(out, frame(t, q)) {
		t.Errorf("one alone is %x", out)
	}
	asked := wire.Batch{q, request()}
	out := frame(t, asked)
	if want := "0302" + fmt.Sprintf("%08x", len(frame(t, q))-4) + hex.EncodeToString(frame(t, q)[4:]); !strings.HasPrefix(hex.EncodeToString(out[4:]), want) {
		t.Errorf("the frame is %x", out)
	}
	var got wire.Batch
	if err := wire.Read(bytes.NewReader(out), &got); err != nil || !reflect.DeepEqual(got[1], asked[1]) || len(got) != 2 || got[0].ID != 7 {
		t.Errorf("%+v came back as %+v, %v", asked, got, err)
	}
	refused := wire.Response{ID: 8, Error: &wire.Error{Kind: "denied", Text: "No."}}
	var answers wire.Answers
	if err := wire.Read(bytes.NewReader(frame(t, wire.Answers{response(), refused})), &answers); err != nil || !reflect.DeepEqual(answers, wire.Answers{response(), refused}) {
		t.Errorf("answers came back as %v, %v", answers, err)
	}
	many := make(wire.Batch, wire.MaxTogether+1)
	for i := range many {
		many[i] = request()
	}
	json := request()
	json.Compact = false
	for name, v := range map[string]any{"too many": many, "none": wire.Batch{}, "one of JSON": wire.Batch{request(), json}} {
		if err := wire.Read(bytes.NewReader(frame(t, v)), &got); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := 1; n < len(out)-4; n++ {
		cut := append(binary.BigEndian.AppendUint32(nil, uint32(n)), out[4:4+n]...)
		if err := wire.Read(bytes.NewReader(cut), &got); !fault.Is(err, fault.Invalid) {
			t.Errorf("cut off behind %d bytes: %v", n, err)
		}
	}
}

// TestCompactFormIsStrict: whatever is cut off, added or unknown is refused.
func TestCompactFormIsStrict(t *testing.T) {
	again := func(p []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...) }
	refused := func(name string, p []byte, v any) {
		t.Helper()
		if err := wire.Read(bytes.NewReader(again(p)), v); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	q, r := frame(t, request())[4:], frame(t, response())[4:]
	for n := 1; n < len(q); n++ {
		refused("a request cut off", q[:n], &wire.Request{})
	}
	for n := 1; n < len(r); n++ {
		refused("a response cut off", r[:n], &wire.Response{})
	}
	refused("a request with more", append(bytes.Clone(q), 0), &wire.Request{})
	refused("a response with more", append(bytes.Clone(r), 0), &wire.Response{})
	refused("a request for a response", q, &wire.Response{})
	refused("a response for a request", r, &wire.Request{})
	other := bytes.Clone(q)
	other[1] = 3
	refused("an unknown call", other, &wire.Request{})
	bulk := bytes.Index(q, []byte("\x01\x01\x00\x05point")) + 1
	other = bytes.Clone(q)
	other[bulk] = 2
	refused("neither bulk nor not", other, &wire.Request{})
	refused("no keys", []byte{2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0}, &wire.Response{})
}

// FuzzFrame: what is understood is written again as it was.
func FuzzFrame(f *testing.F) {
	f.Add(frame(f, request()))
	f.Add(frame(f, wire.Request{}))
	f.Add(frame(f, wire.Batch{request(), request()}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var several wire.Batch
		if err := wire.Read(bytes.NewReader(b), &several); err != nil {
			return
		}
		if len(several) > 1 {
			if out := frame(t, several); !bytes.Equal(out, b[:len(out)]) {
				t.Fatalf("%x came back as %x", b, out)
			}
			return
		}
		q := several[0]
		out := frame(t, q)
		if q.Compact && !bytes.Equal(out, b[:len(out)]) {
			t.Fatalf("%x came back as %x", b, out)
		}
		var again wire.Request
		if err := wire.Read(bytes.NewReader(out), &again); err != nil || again.ID != q.ID || again.Call != q.Call {
			t.Fatalf("%+v came back as %+v, %v", q, again, err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(frame(f, response()))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r wire.Response
		if err := wire.Read(bytes.NewReader(b), &r); err != nil || !r.Compact {
			return
		}
		if out := frame(t, r); !bytes.Equal(out, b[:len(out)]) {
			t.Fatalf("%x came back as %x", b, out)
		}
	})
}
