package openapi

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// flood is how many bytes a server sends that never ends.
	flood = 1 << 30
	// maxHeld is how much of them may be on the heap.
	maxHeld = 64 << 20
)

func heapInUse() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestCall_HoldsLittleOfAnEndlessAnswer(t *testing.T) {
	piece := bytes.Repeat([]byte("x"), 256<<10)
	for name, answer := range map[string]struct {
		begin  func(http.ResponseWriter)
		tooBig bool
	}{
		"a body":        {begin: func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }, tooBig: true},
		"a text":        {begin: func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"RequestId":"`)) }, tooBig: true},
		"an error":      {begin: func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) }, tooBig: true},
		"a redirect":    {begin: func(w http.ResponseWriter) { w.Header().Set("Location", "/"); w.WriteHeader(http.StatusFound) }, tooBig: true},
		"a long header": {begin: func(w http.ResponseWriter) { w.Header().Set("X-Long", strings.Repeat("x", 1<<20)) }},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			before, most := heapInUse(), uint64(0)
			requests, ended := 0, make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if requests++; requests == 1 {
					defer close(ended)
				}
				answer.begin(w)
				for i := range flood / len(piece) {
					if _, err := w.Write(piece); err != nil {
						return // the client has had enough
					}
					if i%16 == 0 {
						most = max(most, heapInUse())
					}
				}
			}))
			defer server.Close()
			err := list(newClient(t, server.URL, func(c *Config, _ *Deps) { c.MaxAttempts = 1 }), "")
			server.CloseClientConnections()
			<-ended
			if err == nil || errors.Is(err, eci.ErrAnswerTooLong) != answer.tooBig {
				t.Errorf("got %.200v", err)
			}
			if most > before+maxHeld {
				t.Errorf("%d MB were held", (most-before)>>20)
			}
		})
	}
}
