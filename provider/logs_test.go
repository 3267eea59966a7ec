package provider

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
)

// longLog is a log of more than 1 MB, which takes several reads to pass on, and
// the lines of it.
func longLog(opts api.ContainerLogOpts) (*logCloud, *logCursor, []string) {
	cloud, cursor := newLogCloud(opts)
	cursor.p.store = newStore()
	var lines []string
	for i := range 1000 {
		line := fmt.Sprintf("line %d %s", i, strings.Repeat("x", 3000))
		cloud.now = cloud.now.Add(time.Millisecond)
		cloud.print(line)
		lines = append(lines, line+"\n")
	}
	return cloud, cursor, lines
}

func TestStreamLog_PassesOnLogsLongerThanOneAnswer(t *testing.T) {
	all := func(lines []string) string { return strings.Join(lines, "") }
	for name, tc := range map[string]struct {
		opts api.ContainerLogOpts
		want func(lines []string) string
	}{
		"plain":       {api.ContainerLogOpts{}, all},
		"follow":      {api.ContainerLogOpts{Follow: true}, all},
		"previous":    {api.ContainerLogOpts{Previous: true}, all},
		"tail":        {api.ContainerLogOpts{Tail: 800}, func(lines []string) string { return all(lines[200:]) }},
		"limit bytes": {api.ContainerLogOpts{LimitBytes: 2 << 20}, func(lines []string) string { return all(lines)[:2<<20] }},
		"since": {api.ContainerLogOpts{SinceTime: time.Date(2026, 1, 2, 3, 4, 5, int(101*time.Millisecond), time.UTC)},
			func(lines []string) string { return all(lines[100:]) }},
		"since seconds": {api.ContainerLogOpts{SinceSeconds: 3600}, all},
	} {
		t.Run(name, func(t *testing.T) {
			_, cursor, lines := longLog(tc.opts)
			log, err := cursor.p.streamLog(t.Context(), cursor.at, tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(log)
			if want := tc.want(lines); err != nil || string(text) != want {
				t.Errorf("%d bytes of %d, first difference at %d, %v", len(text), len(want), difference(string(text), want), err)
			}
			if err := log.Close(); err != nil {
				t.Error(err)
			}
			if left := len(cursor.p.logShares.logs); left != 0 {
				t.Errorf("%d logs are kept that nobody follows", left)
			}
		})
	}
}

func TestStreamLog_EndsWithTheContextOfAReaderWhoNeverReads(t *testing.T) {
	_, cursor, _ := longLog(api.ContainerLogOpts{})
	ctx, leave := context.WithCancel(t.Context())
	log, err := cursor.p.streamLog(ctx, cursor.at, api.ContainerLogOpts{})
	if err != nil {
		leave()
		t.Fatal(err)
	}
	leave()
	<-log.(*followReader).ended
	if _, err := io.ReadAll(log); err != nil {
		t.Error(err)
	}
}
