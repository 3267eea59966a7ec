package eip

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"

	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// records keeps the PodEIP resources.
type records struct {
	client dynamic.Interface
	node   string
}

func newRecords(client dynamic.Interface, node string) *records {
	return &records{client: client, node: node}
}

// errNoRecords says that a fixed address has nowhere to be written down.
var errNoRecords = errors.New("an address that outlives its pod needs the PodEIP resource: install it from deploy/eci-vnode.yaml")

// collectable says whether there can be records.
func (s *records) collectable() bool { return s.client != nil }

func (s *records) of(namespace string) dynamic.ResourceInterface {
	return s.client.Resource(PodEIPs()).Namespace(namespace)
}

// get returns the record of the pods of that name, nil for none.
func (s *records) get(ctx context.Context, namespace, name string) (*PodEIP, error) {
	if s.client == nil {
		return nil, nil
	}
	object, err := s.of(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading PodEIP %s/%s: %w", namespace, name, err)
	}
	return fromUnstructured(object)
}

// keeps says whether a record keeps the EIP for pods to come.
func (s *view) keeps(ctx context.Context, namespace, name, allocationID string) (bool, error) {
	record, err := s.get(ctx, namespace, name)
	return record != nil && !record.isDeleting() && record.Spec.AllocationID == allocationID, err
}

// keep writes down that the EIP is that of the pods of this name, before it is
// bound.
func (s *view) keep(ctx context.Context, pod Pod, a *vpc.EIPAddress, now time.Time) error {
	if s.client == nil {
		return errNoRecords
	}
	record, err := s.get(ctx, pod.Object.Namespace, pod.Object.Name)
	if err != nil {
		return err
	}
	fresh := record == nil
	if fresh {
		record = &PodEIP{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Object.Namespace, Name: pod.Object.Name}}
	}
	if record.isDeleting() {
		return nil
	}
	before := *record.deepCopy()
	metav1.SetMetaDataAnnotation(&record.ObjectMeta, annotationController, controllerName)
	metav1.SetMetaDataAnnotation(&record.ObjectMeta, annotationNode, s.node)
	record.Finalizers = []string{Finalizer}
	record.Spec = PodEIPSpec{AllocationID: a.AllocationID, BandwidthPackageID: pod.Want.Package, AllocationType: allocationTypeOf(pod.Want)}
	switch {
	case fresh:
		record, err = s.write(ctx, record, s.create)
		if apierrors.IsNotFound(err) {
			return errNoRecords
		}
	case !equality.Semantic.DeepEqual(before, *record):
		record, err = s.write(ctx, record, s.update)
	}
	if err != nil {
		return fmt.Errorf("writing PodEIP %s/%s: %w", pod.Object.Namespace, pod.Object.Name, err)
	}
	return s.show(ctx, record, a, pod.Object.Status.PodIP, now)
}

// show brings the status of a record up to date.
func (s *view) show(ctx context.Context, record *PodEIP, a *vpc.EIPAddress, podIP string, now time.Time) error {
	status := PodEIPStatus{
		EIPAddress: a.IPAddress, PrivateIPAddress: podIP, NetworkInterfaceID: a.InstanceID, ISP: a.ISP,
		InternetChargeType: a.InternetChargeType, ResourceGroupID: a.ResourceGroupID, Name: a.Name,
		PoolID: a.PublicIPAddressPoolID, BandwidthPackageID: a.BandwidthPackageID, Status: a.Status,
		PodLastSeen: metav1.NewTime(now.Truncate(time.Second)),
	}
	if equality.Semantic.DeepEqual(record.Status, status) {
		return nil
	}
	record.Status = status
	return s.writeStatus(ctx, record)
}

func (s *view) writeStatus(ctx context.Context, record *PodEIP) error {
	_, err := s.write(ctx, record, func(ctx context.Context, namespace string, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return s.of(namespace).UpdateStatus(ctx, object, metav1.UpdateOptions{})
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status of PodEIP %s/%s: %w", record.Namespace, record.Name, err)
	}
	return nil
}

func (s *records) create(ctx context.Context, namespace string, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return s.of(namespace).Create(ctx, object, metav1.CreateOptions{})
}

func (s *records) update(ctx context.Context, namespace string, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return s.of(namespace).Update(ctx, object, metav1.UpdateOptions{})
}

// remove asks for the end of a record; its finalizer holds it until the EIP is
// given back.
func (s *records) remove(ctx context.Context, record *PodEIP) error {
	err := s.of(record.Namespace).Delete(ctx, record.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(record.UID))})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting PodEIP %s/%s: %w", record.Namespace, record.Name, err)
	}
	return nil
}

// letGo takes the finalizer off.
func (s *view) letGo(ctx context.Context, record *PodEIP) error {
	record.dropFinalizer()
	_, err := s.write(ctx, record, s.update)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("letting PodEIP %s/%s go: %w", record.Namespace, record.Name, err)
	}
	return nil
}

type writer func(ctx context.Context, namespace string, object *unstructured.Unstructured) (*unstructured.Unstructured, error)

func (s *view) write(ctx context.Context, record *PodEIP, write writer) (*PodEIP, error) {
	record.TypeMeta = metav1.TypeMeta{APIVersion: PodEIPs().GroupVersion().String(), Kind: podEIPKind}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(record)
	if err != nil {
		return record, err
	}
	written, err := write(ctx, record.Namespace, &unstructured.Unstructured{Object: content})
	if err != nil {
		return record, err
	}
	made, err := fromUnstructured(written)
	if err != nil {
		return record, err
	}
	s.put(made)
	return made, nil
}

func fromUnstructured(object *unstructured.Unstructured) (*PodEIP, error) {
	record := &PodEIP{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, record); err != nil {
		return nil, fmt.Errorf("PodEIP %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	return record, nil
}

func (p *PodEIP) deepCopy() *PodEIP {
	copied := *p
	p.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	return &copied
}
