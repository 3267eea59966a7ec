package eip

import (
	"context"
	"fmt"
	"sync"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// view is what one turn sees of the records: all of them by one list, which is
// made when the first is asked for, or with single each by a call of its own.
type view struct {
	*records
	single bool

	mu     sync.Mutex
	listed bool
	err    error
	found  map[types.NamespacedName]seen
}

// seen is a record, or why it cannot be read.
type seen struct {
	record *PodEIP
	err    error
}

// ofTurn returns the view of one turn.
func (s *records) ofTurn() *view { return &view{records: s, found: map[types.NamespacedName]seen{}} }

// ofOne returns a view for the records of one pod.
func (s *records) ofOne() *view { return &view{records: s, single: true} }

// get returns the record of the pods of that name, nil for none.
func (v *view) get(ctx context.Context, namespace, name string) (*PodEIP, error) {
	if v.single || v.client == nil {
		return v.records.get(ctx, namespace, name)
	}
	if err := v.load(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	one := v.found[types.NamespacedName{Namespace: namespace, Name: name}]
	if one.record == nil {
		return nil, one.err
	}
	return one.record.deepCopy(), one.err
}

// load lists the records once; an error is that of all who ask.
func (v *view) load(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.listed {
		return v.err
	}
	v.listed = true
	objects, err := v.of(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsNotFound(err): // the resource is not installed
		return nil
	case err != nil:
		v.err = fmt.Errorf("listing PodEIPs: %w", err)
		return v.err
	}
	for i := range objects.Items {
		object := &objects.Items[i]
		record, err := fromUnstructured(object)
		if err != nil {
			log.G(ctx).WithError(err).Debug("a PodEIP cannot be read")
			record = nil
		}
		v.found[types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}] = seen{record, err}
	}
	return nil
}

// toCollect returns the records that this node is to collect. What cannot be read
// is nobody's to collect.
func (v *view) toCollect(ctx context.Context) ([]*PodEIP, error) {
	if err := v.load(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var ours []*PodEIP
	for _, one := range v.found {
		if one.record != nil && one.record.isOurs() && !one.record.isDone() && one.record.Annotations[annotationNode] == v.node {
			ours = append(ours, one.record.deepCopy())
		}
	}
	return ours, nil
}

// put remembers what was written in this turn.
func (v *view) put(record *PodEIP) {
	if v.single {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.found[types.NamespacedName{Namespace: record.Namespace, Name: record.Name}] = seen{record: record.deepCopy()}
}
