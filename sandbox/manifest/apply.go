package manifest

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// defaultNamespace is where kubectl puts an object that names no namespace.
const defaultNamespace = "default"

// Cluster is where manifests are applied.
type Cluster struct {
	owner   string
	objects dynamic.Interface
	kinds   meta.RESTMapper
}

// NewCluster connects; the owner is the field manager of what is applied.
func NewCluster(config *rest.Config, owner string) (*Cluster, error) {
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Cluster{
		owner:   owner,
		objects: objects,
		kinds:   restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds)),
	}, nil
}

// Apply makes the cluster hold the objects, in order.
func (c *Cluster) Apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	for _, object := range objects {
		resource, err := c.resource(object)
		if err != nil {
			return err
		}
		_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: c.owner, Force: true})
		if err != nil {
			return fmt.Errorf("apply %s: %w", Title(object), err)
		}
	}
	return nil
}

// Title names an object as kubectl does, such as pod/nginx.
func Title(object *unstructured.Unstructured) string {
	return fmt.Sprintf("%s/%s", strings.ToLower(object.GetKind()), object.GetName())
}

func (c *Cluster) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := c.kinds.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, fmt.Errorf("find the resource of %s: %w", Title(object), err)
	}
	resource := c.objects.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return resource, nil
	}
	namespace := object.GetNamespace()
	if namespace == "" {
		namespace = defaultNamespace
	}
	return resource.Namespace(namespace), nil
}
