package httpwire

import "bytes"

// The content types of answers.
const (
	typeJSON  = "application/json"
	typePack  = "application/msgpack"
	typeText  = "text/plain; charset=utf-8"
	typeBytes = "application/octet-stream"
)

// bodyEncoding reads a Content-Type. JSON goes by application/json and application/*+json.
func bodyEncoding(contentType []byte) (encoding, bool) {
	if string(contentType) == typeJSON {
		return encodingJSON, true
	}
	if i := bytes.IndexByte(contentType, ';'); i >= 0 {
		contentType = trim(contentType[:i])
	}
	switch {
	case equalFold(contentType, "application/json"):
		return encodingJSON, true
	case equalFold(contentType, "application/msgpack"),
		equalFold(contentType, "application/x-msgpack"),
		equalFold(contentType, "application/vnd.msgpack"):
		return encodingPack, true
	}
	const app, suffix = "application/", "+json"
	ok := len(contentType) > len(app)+len(suffix) &&
		equalFold(contentType[:len(app)], app) &&
		equalFold(contentType[len(contentType)-len(suffix):], suffix)
	return encodingJSON, ok
}

// eachWeighted visits the elements of a header such as "a;q=0.5, b" with their weights in
// thousandths, 1000 when not given.
func eachWeighted(header []byte, visit func(word []byte, weight int)) {
	for len(header) > 0 {
		item := header
		if i := bytes.IndexByte(header, ','); i >= 0 {
			item, header = header[:i], header[i+1:]
		} else {
			header = nil
		}
		weight := 1000
		word, rest, _ := bytes.Cut(item, []byte{';'})
		for len(rest) > 0 {
			var param []byte
			param, rest, _ = bytes.Cut(rest, []byte{';'})
			if param = trim(param); len(param) > 2 && param[0]|0x20 == 'q' && param[1] == '=' {
				weight = quality(param[2:])
			}
		}
		visit(trim(word), weight)
	}
}

// quality reads a weight of 0 to 1 with up to three digits; nonsense counts as 0.
func quality(b []byte) int {
	if len(b) == 0 || b[0] != '0' && b[0] != '1' || len(b) > 5 || len(b) > 1 && b[1] != '.' {
		return 0
	}
	w := int(b[0]-'0') * 1000
	for i, scale := 2, 100; i < len(b); i, scale = i+1, scale/10 {
		if b[i] < '0' || b[i] > '9' {
			return 0
		}
		w += int(b[i]-'0') * scale
	}
	return min(w, 1000)
}

// answerEncoding chooses the language of the answer: what Accept names, else the language of a
// MessagePack body, else the configured one. "*/*" names nothing.
func answerEncoding(accept []byte, body, standard encoding) encoding {
	if body == encodingPack {
		standard = encodingPack
	}
	if len(accept) == 0 || string(accept) == "*/*" {
		return standard
	}
	best, choice := 0, standard
	eachWeighted(accept, func(word []byte, weight int) {
		e, named := bodyEncoding(word)
		if named && weight > best {
			best, choice = weight, e
		}
	})
	return choice
}

// codings of answers, in the order of preference.
type coding uint8

const (
	codingNone coding = iota
	codingGzip
	codingZstd
)

// answerCoding chooses a compression that Accept-Encoding offers; zstd when it is as welcome.
func answerCoding(acceptEncoding []byte) coding {
	gzip, zstd, any := -1, -1, -1
	eachWeighted(acceptEncoding, func(word []byte, weight int) {
		switch {
		case equalFold(word, "gzip"), equalFold(word, "x-gzip"):
			gzip = weight
		case equalFold(word, "zstd"):
			zstd = weight
		case string(word) == "*":
			any = weight
		}
	})
	if gzip < 0 { // a star stands for what is not named; clients that send it know gzip
		gzip = any
	}
	switch {
	case zstd > 0 && zstd >= gzip:
		return codingZstd
	case gzip > 0:
		return codingGzip
	}
	return codingNone
}
