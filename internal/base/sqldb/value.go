package sqldb

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
)

// bindings turns arguments into int64, float64, string, []byte or nil.
func bindings(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		v, err := binding(a)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		out[i] = v
	}
	return out, nil
}

func binding(a any) (any, error) {
	switch v := a.(type) {
	case nil, int64, float64:
		return a, nil
	case string: // SQLite would store anything, PostgreSQL would not
		if !utf8.ValidString(v) || strings.IndexByte(v, 0) >= 0 {
			return nil, fault.New(fault.Invalid, "A text holds characters that cannot be stored.")
		}
		return v, nil
	case int:
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case []byte:
		if v == nil {
			return nil, nil
		}
		return v, nil
	case time.Time:
		return nil, fmt.Errorf("a time.Time is not stored: give Unix milliseconds")
	case driver.Valuer:
		u, err := v.Value()
		if err != nil {
			return nil, err
		}
		if _, again := u.(driver.Valuer); again {
			return nil, fmt.Errorf("%T gives another valuer", a)
		}
		return binding(u)
	}
	return reflected(reflect.ValueOf(a))
}

// reflected handles named types and pointers.
func reflected(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return binding(v.Elem().Interface())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("%d does not fit into 63 bits", v.Uint())
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.String:
		return binding(v.String())
	case reflect.Bool:
		return binding(v.Bool())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return binding(v.Bytes())
		}
	}
	return nil, fmt.Errorf("%s cannot be stored", v.Type())
}

// assign puts a value read from the database (int64, float64, string, []byte
// or nil) where dest points. Nothing is rounded or cut: what does not fit is
// an error, and so is a null without a pointer, *any or sql.Scanner to take it.
func assign(dest, v any) error {
	switch d := dest.(type) {
	case *int64:
		if n, ok := v.(int64); ok {
			*d = n
			return nil
		}
	case *string:
		switch s := v.(type) {
		case string:
			*d = s
			return nil
		case []byte:
			*d = string(s)
			return nil
		}
	case *[]byte:
		switch s := v.(type) {
		case []byte:
			*d = s
			return nil
		case string:
			*d = []byte(s)
			return nil
		case nil:
			*d = nil
			return nil
		}
	case *any:
		*d = v
		return nil
	case sql.Scanner:
		return d.Scan(v)
	}
	p := reflect.ValueOf(dest)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("%T is not a pointer to scan into", dest)
	}
	return assignTo(p.Elem(), v)
}

func assignTo(d reflect.Value, v any) error {
	if d.Kind() == reflect.Pointer {
		if v == nil {
			d.SetZero()
			return nil
		}
		n := reflect.New(d.Type().Elem())
		if err := assign(n.Interface(), v); err != nil {
			return err
		}
		d.Set(n)
		return nil
	}
	if assignBasic(d, v) {
		return nil
	}
	if v == nil {
		return fmt.Errorf("a null does not fit into %s", d.Type())
	}
	return fmt.Errorf("%T does not fit into %s", v, d.Type())
}

func assignBasic(d reflect.Value, v any) bool {
	switch d.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, ok := v.(int64)
		if !ok || d.OverflowInt(n) {
			return false
		}
		d.SetInt(n)
		return true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, ok := v.(int64)
		if !ok || n < 0 || d.OverflowUint(uint64(n)) {
			return false
		}
		d.SetUint(uint64(n))
		return true
	case reflect.Bool:
		n, ok := v.(int64)
		if !ok || n != 0 && n != 1 {
			return false
		}
		d.SetBool(n == 1)
		return true
	case reflect.Float32, reflect.Float64:
		switch n := v.(type) {
		case float64:
			d.SetFloat(n)
			return true
		case int64:
			d.SetFloat(float64(n))
			return true
		}
	case reflect.String:
		s, ok := v.(string)
		if ok {
			d.SetString(s)
		}
		return ok
	case reflect.Slice:
		b, ok := v.([]byte)
		if s, is := v.(string); is {
			b, ok = []byte(s), true
		}
		if ok && d.Type().Elem().Kind() == reflect.Uint8 {
			d.SetBytes(b)
			return true
		}
		if v == nil {
			d.SetZero()
			return true
		}
	}
	return false
}
