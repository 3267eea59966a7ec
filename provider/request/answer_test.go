package request

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

func TestEscapedBytes_IsTheLengthThatEncodersWrite(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	alphabet := []rune("\x00\x1f\t\n\"\\<>& az\x7fü世\u2028\u2029\U0001F600\uFFFD")
	for range 1000 {
		var text strings.Builder
		for range rng.IntN(30) {
			text.WriteRune(alphabet[rng.IntN(len(alphabet))])
		}
		if rng.IntN(4) == 0 {
			text.WriteByte(0xff)
		}
		written, err := json.Marshal(text.String())
		if err != nil {
			t.Fatal(err)
		}
		// Some control characters have a short form, which is not counted on.
		if got := escapedBytes(text.String(), math.MaxInt); got < len(written) || got > len(written)+4*strings.Count(text.String(), "\n")+4*strings.Count(text.String(), "\t")+6 {
			t.Errorf("%q has %d bytes, want %d", text.String(), got, len(written))
		}
	}
}

func TestCheckAnswer_RefusesAGroupThatCouldNotBeReadBack(t *testing.T) {
	for name, tc := range map[string]struct {
		text    string
		refused bool
	}{
		"nearly too long":             {strings.Repeat("x", maxAnswerBytes-1000), false},
		"too long":                    {strings.Repeat("x", maxAnswerBytes), true},
		"too many control characters": {strings.Repeat("\x01", maxAnswerBytes/6), true},
		"fewer control characters":    {strings.Repeat("\x01", maxAnswerBytes/6-1000), false},
	} {
		tr := &translator{req: &eci.CreateContainerGroupRequest{Containers: []eci.Container{{ContainerBase: eci.ContainerBase{Args: []string{tc.text}}}}}}
		tr.checkAnswer()
		if got := len(tr.refusals) > 0; got != tc.refused {
			t.Errorf("%s: refused %v, want %v", name, got, tc.refused)
		}
	}
}
