package plan

import (
	"bytes"
	"math/big"
	"strings"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// Redis adds floats as C long doubles, on amd64 the 80-bit format with a 64-bit mantissa, so that
// 0.1 + 0.2 is 0.3. float64 would answer 0.30000000000000004; big.Float with the same mantissa
// rounds exactly as the hardware does.
const (
	mantissaBits = 64
	maxExponent  = 16384  // of a finite number, with the mantissa in [0.5, 1)
	minExponent  = -16445 // of the smallest denormal
	// maxFloatBytes bounds the spelling of a number, and with it the cost of reading it.
	maxFloatBytes = 5 * 1024
	// fraction is the number of decimals written.
	fraction = 17
)

// IncrFloat adds by, the spelling of a number, to the number under key, an absent key being 0, and
// returns the sum as it is stored. The deadline stays; the value becomes a number to JSON readers.
// Errors: ErrNotFloat, ErrNotFinite.
func IncrFloat(tx *kv.Tx, db uint8, key, by []byte) ([]byte, error) {
	sum := new(big.Float).SetPrec(mantissaBits)
	var deadline int64
	if e, found := tx.Peek(db, key); found {
		old, ok := parseFloat(e.Value())
		if !ok {
			return nil, ErrNotFloat
		}
		sum, deadline = old, e.Deadline()
	}
	delta, ok := parseFloat(by)
	if !ok {
		return nil, ErrNotFloat
	}
	if sum.IsInf() || delta.IsInf() {
		return nil, ErrNotFinite
	}
	if sum.Add(sum, delta); sum.MantExp(nil) > maxExponent {
		return nil, ErrNotFinite
	}
	text := formatFloat(sum)
	tx.Apply(effect.Effect{
		Kind: effect.Set, DB: db, Flags: effect.JSON, Deadline: deadline, Key: key, Value: text,
		Cause: effect.ByIncrByFloat,
	})
	return text, nil
}

func formatFloat(f *big.Float) []byte {
	text := f.Append(nil, 'f', fraction)
	text = bytes.TrimRight(text, "0")
	text = bytes.TrimSuffix(text, []byte("."))
	if string(text) == "-0" {
		return text[1:]
	}
	return text
}

// parseFloat reads what C's strtold accepts, all of b and without leading space, NaN excepted.
// Numbers that are too large, or so small that they would become 0, are refused.
func parseFloat(b []byte) (*big.Float, bool) {
	if len(b) == 0 || len(b) >= maxFloatBytes {
		return nil, false
	}
	text := strings.ToLower(string(b))
	negative := text[0] == '-'
	if negative || text[0] == '+' {
		text = text[1:]
	}
	f := new(big.Float).SetPrec(mantissaBits)
	if text == "inf" || text == "infinity" {
		return f.SetInf(negative), true
	}
	exact, ok := exactDecimal(text)
	if strings.HasPrefix(text, "0x") {
		exact, ok = exactHex(text[2:])
	}
	if !ok {
		return nil, false
	}
	f.SetRat(exact)
	if e := f.MantExp(nil); f.Sign() != 0 && (e > maxExponent || e < minExponent) {
		return nil, false
	}
	if negative {
		f.Neg(f)
	}
	return f, true
}

// exactDecimal reads digits[.digits][e[±]digits].
func exactDecimal(text string) (*big.Rat, bool) {
	mantissa, exponent, ok := splitExponent(text, 'e')
	if !ok {
		return nil, false
	}
	digits, decimals, ok := digitsOf(mantissa, "0123456789")
	if !ok {
		return nil, false
	}
	n, _ := new(big.Int).SetString(digits, 10)
	power, ok := scale(n, exponent-decimals, maxFloatBytes+5000)
	if !ok {
		return nil, false
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
	if power < 0 {
		return new(big.Rat).SetFrac(n, ten), true
	}
	return new(big.Rat).SetInt(n.Mul(n, ten)), true
}

// exactHex reads hexdigits[.hexdigits][p[±]digits], the exponent being one of 2.
func exactHex(text string) (*big.Rat, bool) {
	mantissa, exponent, ok := splitExponent(text, 'p')
	if !ok {
		return nil, false
	}
	digits, decimals, ok := digitsOf(mantissa, "0123456789abcdef")
	if !ok {
		return nil, false
	}
	n, _ := new(big.Int).SetString(digits, 16)
	power, ok := scale(n, exponent-4*decimals, 4*maxFloatBytes+20000)
	if !ok {
		return nil, false
	}
	if power < 0 {
		return new(big.Rat).SetFrac(n, new(big.Int).Lsh(big.NewInt(1), uint(-power))), true
	}
	return new(big.Rat).SetInt(n.Lsh(n, uint(power))), true
}

// scale checks the power that n is to be scaled by: beyond ±limit the result would be out of
// range whatever n is, unless n is 0.
func scale(n *big.Int, power, limit int) (int, bool) {
	if n.Sign() == 0 {
		return 0, true
	}
	return power, -limit < power && power < limit
}

// splitExponent cuts text at mark. Exponents of more digits than matter are clipped.
func splitExponent(text string, mark byte) (mantissa string, exponent int, ok bool) {
	at := strings.IndexByte(text, mark)
	if at < 0 {
		return text, 0, true
	}
	digits := text[at+1:]
	negative := strings.HasPrefix(digits, "-")
	if negative || strings.HasPrefix(digits, "+") {
		digits = digits[1:]
	}
	if digits == "" {
		return "", 0, false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return "", 0, false
		}
		exponent = min(exponent*10+int(c-'0'), 1<<30)
	}
	if negative {
		exponent = -exponent
	}
	return text[:at], exponent, true
}

// digitsOf drops the point of text and says how many digits stood behind it.
func digitsOf(text, alphabet string) (digits string, decimals int, ok bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	digits = whole + fraction
	return digits, len(fraction), digits != "" && strings.Trim(digits, alphabet) == ""
}
