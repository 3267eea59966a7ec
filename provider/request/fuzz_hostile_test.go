package request

import (
	"math"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

// FuzzHostilePod builds pods that nest, repeat and exponentiate, and wants each
// refused or translated within the bounds of time and memory.
func FuzzHostilePod(f *testing.F) {
	shapes := hostileShapes()
	for i := range shapes {
		f.Add(uint8(i), uint16(24), "a", false)
		f.Add(uint8(i), uint16(math.MaxUint16), "1e-2000000000", true)
	}
	f.Fuzz(func(t *testing.T, shape uint8, n uint16, text string, open bool) {
		if len(text) > 64<<10 {
			return
		}
		cfg := testConfig()
		if open {
			cfg = openConfig()
		}
		pod, objects := hostilePod(shapes[int(shape)%len(shapes)], int(n), text)
		var err error
		fuzzbounds.Check(t, func() { _, err = workOn(pod, objects, cfg) })
		if err != nil && !IsRefused(err) && !IsMissingObject(err) {
			t.Errorf("an error of no kind: %v", err)
		}
		if err != nil && len(err.Error()) > mostPodBytes {
			t.Errorf("the refusal has %d bytes, and would not fit the status of a pod", len(err.Error()))
		}
	})
}

// FuzzParseQuantity wants each text parsed or refused in little time, and what is
// parsed to be what Kubernetes makes of it, and cheap to work with.
func FuzzParseQuantity(f *testing.F) {
	for _, text := range []string{"1", "1e-2000000000", "1e2000000000", "0e2000000000", "-1E-9999999999999999999", "9223372036854775807", "16Ei",
		"1.000000000000000000000001", "1Ki", "100m", "1E", "1e", "e", "", ".", "1e+64", "1e65", strings.Repeat("9", 1<<20)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var quantity resource.Quantity
		var err error
		fuzzbounds.Check(t, func() {
			if quantity, err = ParseQuantity(text); err != nil {
				return
			}
			_, _, _ = quantity.Value(), quantity.MilliValue(), quantity.String()
			_ = quantity.Cmp(*resource.NewQuantity(1, resource.BinarySI))
		})
		if err != nil {
			return
		}
		if want := resource.MustParse(text); want.Cmp(quantity) != 0 {
			t.Errorf("%q is %v, want %v", text, &quantity, &want)
		}
		if amount := amountOf(quantity); math.IsNaN(amount) || math.Abs(amount) >= math.MaxInt64 {
			t.Errorf("%q is %v", text, amount)
		}
	})
}
