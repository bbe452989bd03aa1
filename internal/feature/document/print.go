package document

import (
	"context"
	"io"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/attachment"
)

// mostPicture is the size in bytes of the largest picture that is printed.
const mostPicture = 32 << 20

// Pictures gives the images of documents to who prints them (paper.Book): those
// that the caller may see. The function must not be called within a transaction.
func Pictures(files *attachment.Store, c *access.Caller) func(ctx context.Context, src string) ([]byte, error) {
	return func(ctx context.Context, src string) ([]byte, error) {
		image, ok := strings.CutPrefix(src, "/documents/images/")
		n, isID := id.Parse(image)
		if !ok || !isID {
			return nil, gate.Missing()
		}
		f, content, err := files.Open(ctx, c, n)
		if err != nil {
			return nil, err
		}
		defer content.Close()
		if f.Size > mostPicture {
			return nil, fault.New(fault.Invalid, "The picture is too large to be printed.")
		}
		return io.ReadAll(io.LimitReader(content, mostPicture))
	}
}
