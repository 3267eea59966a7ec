package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// firstShortage and maxShortage bound the time that all pods keep away from a place
	// where one of them found no stock. It doubles each time that the place is tried in
	// vain; the longest is karpenter's time for unavailable offerings.
	firstShortage = firstRetry
	maxShortage   = 3 * time.Minute
	// probeTime is how long the others wait for the pod that tries such a place again.
	probeTime = 30 * time.Second
	// maxScarce bounds how many places are remembered.
	maxScarce = 1000
)

// offering is a place where a group may be made.
type offering struct {
	vSwitch string
	// size is an instance type, or vCPU and GiB; "" is any.
	size string
	spot bool
	// narrow holds the other demands of the pod, such as a spot price or a kind of CPU,
	// or "". A shortage for one pod with such demands is no shortage for others.
	narrow string
}

// scarcity remembers which offerings had no stock, for all pods of the node: without
// it each of many pods would find out by a create of its own, again and again.
type scarcity struct {
	mu     sync.Mutex
	scarce map[offering]shortage
}

// shortage is what the cloud said of an offering.
type shortage struct {
	err *eci.Error
	// tries is how often it was found, each time after the last had ended.
	tries int
	// until is when one pod may try the offering again.
	until time.Time
	// probed reports whether one pod is trying it now.
	probed bool
}

// scarceError is the refusal of another pod, or an earlier one, for which a create is
// not even sent.
type scarceError struct {
	refusal *eci.Error
	until   time.Time
}

func (e *scarceError) Error() string {
	return fmt.Sprintf("no create is sent before %s: %v", e.until.UTC().Format(time.RFC3339), e.refusal)
}

func (e *scarceError) Unwrap() error { return e.refusal }

// note remembers what the answer to a create tells of the places that it asked for: a
// refusal for want of stock is a shortage, and any other answer lets the next pod try.
func (s *scarcity) note(req *eci.CreateContainerGroupRequest, err error, now time.Time) {
	var refusal *eci.Error
	if !eci.IsNoStock(err) || !errors.As(err, &refusal) {
		s.endProbe(req, now)
		return
	}
	for _, o := range offeringsOf(req) {
		if refusal.Code == eci.CodeIPNotEnough {
			o = offering{vSwitch: o.vSwitch}
		}
		s.found(o, refusal, now)
	}
}

// endProbe lets another pod try the places that this request has tried.
func (s *scarcity) endProbe(req *eci.CreateContainerGroupRequest, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.scarce) == 0 {
		return
	}
	for _, o := range offeringsOf(req) {
		for _, key := range []offering{o, {vSwitch: o.vSwitch}} {
			if what, known := s.scarce[key]; known && what.probed {
				what.probed, what.until = false, now
				s.scarce[key] = what
			}
		}
	}
}

// noteGroup remembers that a group could not be placed after its create was accepted.
func (s *scarcity) noteGroup(group *eci.ContainerGroup, narrow string, now time.Time) {
	for _, event := range group.Events {
		if strings.Contains(event.Reason, "NoStock") && group.VSwitchID != "" {
			s.found(offeringOf(group, narrow), &eci.Error{HTTPStatus: 400, Code: eci.CodeNoStock, Message: event.Message}, now)
			return
		}
	}
}

// clear forgets the shortage of the place where a group runs.
func (s *scarcity) clear(group *eci.ContainerGroup, narrow string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.scarce) == 0 {
		return
	}
	o := offeringOf(group, narrow)
	delete(s.scarce, o)
	delete(s.scarce, offering{vSwitch: o.vSwitch})
}

// found notes a shortage. Pods that find the same one together count as one try.
func (s *scarcity) found(o offering, err *eci.Error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, was := s.scarce[o]
	if was && now.Before(known.until) && !known.probed {
		return
	}
	if s.scarce == nil || len(s.scarce) >= maxScarce {
		s.scarce = map[offering]shortage{}
	}
	wait := min(firstShortage<<min(known.tries, 10), maxShortage)
	s.scarce[o] = shortage{err: err, tries: known.tries + 1, until: now.Add(wait)}
}

// avoid returns the request without the places that have no stock, while others are
// left. A request with no other place is a *scarceError, but for one at a time after
// the memory has ended, which tries again for all.
func (s *scarcity) avoid(req *eci.CreateContainerGroupRequest, now time.Time) (*eci.CreateContainerGroupRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.scarce) == 0 {
		return req, nil
	}
	spot, narrow := wantsSpot(req), narrowOf(req)
	vSwitches, sizes := places(req.VSwitchID), places(req.InstanceType)
	isScarce := func(vSwitch, size string) bool {
		_, scarce := s.shortageOf(offering{vSwitch, sizeIn(req, size), spot, narrow}, now)
		return scarce
	}
	vSwitches = slices.DeleteFunc(slices.Clone(vSwitches), func(vSwitch string) bool {
		return !slices.ContainsFunc(sizes, func(size string) bool { return !isScarce(vSwitch, size) })
	})
	sizes = slices.DeleteFunc(slices.Clone(sizes), func(size string) bool {
		return !slices.ContainsFunc(vSwitches, func(vSwitch string) bool { return !isScarce(vSwitch, size) })
	})
	if len(vSwitches) == 0 || len(sizes) == 0 {
		return nil, s.allScarce(req, now)
	}
	s.probe(req, now)
	reduced := *req
	reduced.VSwitchID, reduced.InstanceType = strings.Join(vSwitches, ","), strings.Join(sizes, ",")
	return &reduced, nil
}

// shortageOf returns the shortage of an offering that is in force.
func (s *scarcity) shortageOf(o offering, now time.Time) (shortage, bool) {
	for _, key := range []offering{o, {vSwitch: o.vSwitch}} {
		if what, known := s.scarce[key]; known && now.Before(what.until) {
			return what, true
		}
	}
	return shortage{}, false
}

// allScarce is the error of a request whose every place has no stock, with the time at
// which the first of them may be tried again.
func (s *scarcity) allScarce(req *eci.CreateContainerGroupRequest, now time.Time) error {
	first := shortage{}
	for _, o := range offeringsOf(req) {
		if what, _ := s.shortageOf(o, now); first.err == nil || what.until.Before(first.until) {
			first = what
		}
	}
	return &scarceError{refusal: first.err, until: first.until}
}

// probe lets the others wait where the memory of a shortage has just ended, for the
// request that is about to try the place.
func (s *scarcity) probe(req *eci.CreateContainerGroupRequest, now time.Time) {
	for _, o := range offeringsOf(req) {
		for _, key := range []offering{o, {vSwitch: o.vSwitch}} {
			if what, known := s.scarce[key]; known && !now.Before(what.until) {
				if now.Sub(what.until) > maxShortage {
					delete(s.scarce, key) // nobody has tried it for long
					continue
				}
				what.until, what.probed = now.Add(probeTime), true
				s.scarce[key] = what
			}
		}
	}
}

// offeringsOf returns every place that a request gives to choose from.
func offeringsOf(req *eci.CreateContainerGroupRequest) []offering {
	var out []offering
	for _, vSwitch := range places(req.VSwitchID) {
		for _, size := range places(req.InstanceType) {
			out = append(out, offering{vSwitch, sizeIn(req, size), wantsSpot(req), narrowOf(req)})
		}
	}
	return out
}

// sizeIn is an entry of InstanceType, an ECS type or a size such as 2-4Gi, or else the
// size of the whole group.
func sizeIn(req *eci.CreateContainerGroupRequest, instanceType string) string {
	if instanceType != "" {
		return strings.TrimSuffix(instanceType, "Gi")
	}
	return sizeName(req.CPU, req.Memory)
}

// narrowOf returns what a request asks for beside its size, for offering.narrow.
func narrowOf(req *eci.CreateContainerGroupRequest) string {
	demands := eci.CreateContainerGroupRequest{
		SpotPriceLimit: req.SpotPriceLimit, SpotDuration: req.SpotDuration, StrictSpot: req.StrictSpot,
		CPUArchitecture: req.CPUArchitecture, CPUOptionsCore: req.CPUOptionsCore, CPUOptionsThreadsPerCore: req.CPUOptionsThreadsPerCore,
		CPUOptionsNuma: req.CPUOptionsNuma, ComputeCategory: req.ComputeCategory, GPUDriverVersion: req.GPUDriverVersion,
		EphemeralStorage: req.EphemeralStorage,
	}
	if reflect.ValueOf(demands).IsZero() {
		return ""
	}
	text, _ := json.Marshal(demands) // plain fields cannot fail
	return string(text)
}

// offeringOf returns the place of a group; narrow is narrowOf its request, which the
// cloud does not show.
func offeringOf(group *eci.ContainerGroup, narrow string) offering {
	size := group.InstanceType
	if size == "" {
		size = sizeName(group.CPU, group.Memory)
	}
	return offering{group.VSwitchID, size, factsOf(group).isSpot(), narrow}
}

func sizeName(cpu, memory float64) string {
	return strconv.FormatFloat(cpu, 'g', -1, 64) + "-" + strconv.FormatFloat(memory, 'g', -1, 64)
}
