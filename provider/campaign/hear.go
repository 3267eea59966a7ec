package campaign

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"k8s.io/apimachinery/pkg/runtime"
)

// logger hears every line that a process logs, with its fields.
type logger struct {
	i      *instance
	fields string
}

func (l logger) line(text string) {
	if l.i.dead {
		return
	}
	l.i.w.checkText("log", text+l.fields)
	if strings.HasPrefix(text, "panic in") && l.i.w.off != Poisoned {
		l.i.w.fail("panic", "%s%s", text, l.fields)
	}
	l.i.w.say("%s    | %s%s", l.i.name, text, l.fields)
}

func (l logger) Debug(args ...any)                 { l.line(fmt.Sprint(args...)) }
func (l logger) Debugf(format string, args ...any) { l.line(fmt.Sprintf(format, args...)) }
func (l logger) Info(args ...any)                  { l.line(fmt.Sprint(args...)) }
func (l logger) Infof(format string, args ...any)  { l.line(fmt.Sprintf(format, args...)) }
func (l logger) Warn(args ...any)                  { l.line(fmt.Sprint(args...)) }
func (l logger) Warnf(format string, args ...any)  { l.line(fmt.Sprintf(format, args...)) }
func (l logger) Error(args ...any)                 { l.line(fmt.Sprint(args...)) }
func (l logger) Errorf(format string, args ...any) { l.line(fmt.Sprintf(format, args...)) }
func (l logger) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (l logger) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (l logger) WithField(key string, value any) log.Logger {
	switch key {
	case "namespace", "uid", "requestID", "stack": // noise in a history, and no place for a secret
		return l
	}
	l.fields += fmt.Sprintf(" %s=%v", key, value)
	return l
}

func (l logger) WithFields(fields log.Fields) log.Logger {
	var with log.Logger = l
	for _, key := range sortedKeys(fields) {
		with = with.WithField(key, fields[key])
	}
	return with
}

func (l logger) WithError(err error) log.Logger { return l.WithField("error", err) }

// recorder hears every event.
type recorder struct{ i *instance }

func (r recorder) Event(_ runtime.Object, _, reason, message string) {
	if r.i.dead {
		return
	}
	r.i.w.checkText("event", reason+": "+message)
	r.i.w.say("%s    event %s: %s", r.i.name, reason, message)
}

func (r recorder) Eventf(object runtime.Object, kind, reason, format string, args ...any) {
	r.Event(object, kind, reason, fmt.Sprintf(format, args...))
}

func (r recorder) AnnotatedEventf(object runtime.Object, _ map[string]string, kind, reason, format string, args ...any) {
	r.Event(object, kind, reason, fmt.Sprintf(format, args...))
}

func sortedKeys(fields log.Fields) []string { return slices.Sorted(maps.Keys(fields)) }
