package httpwire

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compressor holds the encoders of a handler. EncodeAll of zstd is safe for concurrent use and
// starts no goroutine; gzip writers are pooled.
type compressor struct {
	gzip sync.Pool
	zstd func() *zstd.Encoder
}

func newCompressor() *compressor {
	return &compressor{
		gzip: sync.Pool{New: func() any {
			w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
			return w
		}},
		zstd: sync.OnceValue(func() *zstd.Encoder {
			e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true)) // valid options
			return e
		}),
	}
}

// compress replaces the answer's body where that is wanted, offered and worth it.
func (h *Handler) compress(x *exchange) {
	if !h.options.Compression {
		return
	}
	x.header("Vary", "Accept-Encoding")
	if len(x.body) < h.options.CompressionThreshold || len(x.req.acceptEncoding) == 0 {
		return
	}
	var name string
	switch answerCoding(x.req.acceptEncoding) {
	case codingZstd:
		name = "zstd"
		x.zip = h.encoders.zstd().EncodeAll(x.body, x.zip[:0])
	case codingGzip:
		name = "gzip"
		out := bytes.NewBuffer(x.zip[:0])
		w := h.encoders.gzip.Get().(*gzip.Writer)
		w.Reset(out)
		_, err := w.Write(x.body)
		if end := w.Close(); err == nil {
			err = end
		}
		h.encoders.gzip.Put(w)
		if x.zip = out.Bytes(); err != nil {
			return
		}
	default:
		return
	}
	if len(x.zip) < len(x.body) {
		x.body = x.zip
		x.header("Content-Encoding", name)
	}
}
