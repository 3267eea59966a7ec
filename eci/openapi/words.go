package openapi

import "github.com/eci-vnode/eci-vnode/eci"

// maxWords bounds how many texts are remembered, maxWord how long they are, in
// bytes: what is longer is hardly the same in many groups.
const (
	maxWords = 4096
	maxWord  = 256
)

// words are texts that the states of many groups have in common, such as those of
// a state, an image, or a second: each is kept once.
type words map[string]string

// compact makes a decoded state as small as it can be: a decoder leaves room for
// four elements in every list, and a text of its own for every value.
func (w words) compact(s *eci.ContainerGroupStatus) {
	p := &s.PodStatus
	p.PodIPs, p.Conditions, p.ContainerStatuses = exact(p.PodIPs), exact(p.Conditions), exact(p.ContainerStatuses)
	w.share(&s.Namespace, &s.Annotations, &s.Status, &p.Phase, &p.HostIP, &p.QOSClass, &p.StartTime)
	for i := range p.PodIPs {
		if p.PodIPs[i].IP == p.PodIP {
			p.PodIPs[i].IP = p.PodIP
		}
	}
	for i := range p.Conditions {
		c := &p.Conditions[i]
		w.share(&c.Type, &c.Status, &c.LastTransitionTime, &c.Reason)
	}
	for i := range p.ContainerStatuses {
		c := &p.ContainerStatuses[i]
		w.share(&c.Name, &c.Image, &c.ImageID)
		w.shareState(&c.State)
		w.shareState(&c.LastState)
	}
}

func (w words) shareState(s *eci.ContainerStatusState) {
	if s.Waiting != nil {
		w.share(&s.Waiting.Reason)
	}
	if s.Running != nil {
		w.share(&s.Running.StartedAt)
	}
	if s.Terminated != nil {
		w.share(&s.Terminated.Reason, &s.Terminated.StartedAt, &s.Terminated.FinishedAt)
	}
}

func (w words) share(texts ...*string) {
	for _, text := range texts {
		if len(*text) > maxWord {
			continue
		}
		known, ok := w[*text]
		if !ok {
			if len(w) >= maxWords {
				clear(w)
			}
			known = *text
			w[known] = known
		}
		*text = known
	}
}

// exact is list without spare room.
func exact[T any](list []T) []T {
	if len(list) == cap(list) {
		return list
	}
	return append(make([]T, 0, len(list)), list...)
}
