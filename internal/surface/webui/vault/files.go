package vault

import (
	"net/http"
	"strconv"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// numbers reads those of a vault and of a file in it.
func (v *visit) numbers() (id.ID, int64, error) {
	n, err := v.ID("id")
	if err != nil {
		return 0, 0, err
	}
	file, ok := id.Parse(v.R.PathValue("file"))
	if !ok {
		return 0, 0, gate.Missing()
	}
	return n, int64(file), nil
}

// fetch sends the sealed bytes of a file.
func (v *visit) fetch() error {
	n, file, err := v.numbers()
	if err != nil {
		return err
	}
	in, err := v.Vaults.Fetch(v.R.Context(), v.Caller, n, file)
	if err != nil {
		return err
	}
	defer in.Close()
	v.W.Header().Set("Content-Type", "application/octet-stream")
	v.W.Header().Set("Content-Disposition", `attachment; filename="sealed-`+strconv.FormatInt(file, 10)+`"`)
	http.ServeContent(v.W, v.R, "", time.Time{}, in)
	return nil
}

// send takes the sealed bytes of a file.
func (v *visit) send() error {
	n, file, err := v.numbers()
	if err != nil {
		return err
	}
	if err := v.Vaults.Send(v.R.Context(), v.Caller, n, file, v.R.Body); err != nil {
		return err
	}
	return web.JSON(v.W, 200, struct{}{})
}
