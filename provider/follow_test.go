package provider

import (
	"slices"
	"testing"
)

func TestAFollowedLogLosesAndDoublesNoLine(t *testing.T) {
	var mark logMark
	const t1, t2, t3, t4 = "2026-01-02T03:04:05.9Z ", "2026-01-02T03:04:06.1Z ", "2026-01-02T03:04:06.12Z ", "2026-01-02T03:04:07Z "
	reads := []struct{ content, why string }{
		{t1 + "a\n" + t2 + "b\n" + t2 + "c\n", "first read"},
		{t2 + "b\n" + t2 + "c\n" + t2 + "d\n" + t3 + "e\n", "a read that overlaps, with a new line of an old time"},
		{t3 + "e\n", "nothing new"},
		{"", "nothing at all"},
		{t3 + "e\n" + t3 + "e\n", "the same text twice at one time is two lines"},
		{t4 + "f", "no newline at the end"},
	}
	want := [][]string{{t1 + "a", t2 + "b", t2 + "c"}, {t2 + "d", t3 + "e"}, nil, nil, {t3 + "e"}, {t4 + "f"}}
	for i, read := range reads {
		if got := mark.fresh(read.content); !slices.Equal(got, want[i]) {
			t.Errorf("%s: got %q, want %q", read.why, got, want[i])
		}
	}
}
