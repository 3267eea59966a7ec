package request

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Bounds of the text of a quantity. resource.ParseQuantity writes out all digits
// of a number, so that the ten characters 1e-2000000000 keep it busy for hours.
const (
	// maxQuantityText is longer than any quantity that the API server writes.
	maxQuantityText = 64
	// maxQuantityExponent is larger than that of any quantity in range: the
	// smallest is 1n, the largest below 10E.
	maxQuantityExponent = 64
)

var errQuantityRange = errors.New("quantities are below 9223372036854775807")

// ParseQuantity parses a quantity in time that does not depend on its value. It
// is the only way in which text that somebody else wrote may become a quantity.
func ParseQuantity(text string) (resource.Quantity, error) {
	if err := CheckQuantityText(text); err != nil {
		return resource.Quantity{}, err
	}
	quantity, err := resource.ParseQuantity(text)
	if err == nil && quantityProblem(quantity) != "" {
		return resource.Quantity{}, errQuantityRange
	}
	return quantity, err
}

// CheckQuantityText returns an error for text that would be costly to parse.
func CheckQuantityText(text string) error {
	if len(text) > maxQuantityText {
		return fmt.Errorf("a quantity has at most %d characters", maxQuantityText)
	}
	at := strings.LastIndexAny(text, "eE")
	if at < 0 || at == len(text)-1 {
		return nil // a suffix such as E and Ei is not an exponent
	}
	exponent, err := strconv.Atoi(text[at+1:])
	if errors.Is(err, strconv.ErrRange) || err == nil && (exponent > maxQuantityExponent || exponent < -maxQuantityExponent) {
		return errQuantityRange
	}
	return nil
}

// quantityProblem returns why arithmetic with the quantity would be wrong or
// costly, or "". The API server takes exponents of any size.
func quantityProblem(quantity resource.Quantity) string {
	if amount := amountOf(quantity); math.Abs(amount) >= math.MaxInt64 {
		return errQuantityRange.Error()
	}
	return ""
}

// amountOf returns the quantity as a number. Zero is zero with any exponent.
func amountOf(quantity resource.Quantity) float64 {
	if quantity.IsZero() {
		return 0
	}
	return quantity.AsApproximateFloat64()
}
