package campaign

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// What the pods of the workload name: a pull secret, a secret and a ConfigMap
// that users change, and the tokens of a ServiceAccount.

type kubeSecrets struct {
	typedcorev1.SecretInterface
	i *instance
}

func (k kubeSecrets) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Secret, error) {
	return answer(k.i, "get secret "+name, func() (*corev1.Secret, error) {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid-of-a-secret"}}
		switch name {
		case "registry":
			secret.Type = corev1.SecretTypeDockerConfigJson
			secret.Data = map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"registry.example":{"username":"puller","password":"` + registryPassword + `"}}}`)}
		case "settings":
			secret.Type, secret.Data = corev1.SecretTypeOpaque, map[string][]byte{"token": []byte(secretValue)}
		default:
			return nil, notFound("secrets", name)
		}
		return secret, nil
	})
}

type kubeConfigMaps struct {
	typedcorev1.ConfigMapInterface
	i *instance
}

func (k kubeConfigMaps) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.ConfigMap, error) {
	return answer(k.i, "get configmap "+name, func() (*corev1.ConfigMap, error) {
		if name != "files" {
			return nil, notFound("configmaps", name)
		}
		version := fmt.Sprint(k.i.w.api.filesVersion)
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid-of-a-configmap", ResourceVersion: version},
			Data:       map[string]string{"version": version},
		}, nil
	})
}

type kubeServiceAccounts struct {
	typedcorev1.ServiceAccountInterface
	i *instance
}

// CreateToken makes a token that is another each time, as the real ones are.
func (k kubeServiceAccounts) CreateToken(_ context.Context, name string, req *authenticationv1.TokenRequest, _ metav1.CreateOptions) (*authenticationv1.TokenRequest, error) {
	return answer(k.i, "make a token of "+name, func() (*authenticationv1.TokenRequest, error) {
		k.i.w.api.tokens++
		made := req.DeepCopy()
		made.Status.Token = fmt.Sprintf("%s-%d", tokenValue, k.i.w.api.tokens)
		return made, nil
	})
}

type kubeEvents struct {
	typedcorev1.EventInterface
	i *instance
}

// Create keeps the names alone: the second event of one name is refused.
func (k kubeEvents) Create(_ context.Context, event *corev1.Event, _ metav1.CreateOptions) (*corev1.Event, error) {
	return answer(k.i, "create event "+event.Name, func() (*corev1.Event, error) {
		k.i.w.checkText("event", event.Reason+": "+event.Message)
		if k.i.w.api.events[event.Name] {
			return nil, apierrors.NewAlreadyExists(schema.GroupResource{Resource: "events"}, event.Name)
		}
		k.i.w.api.events[event.Name] = true
		return event, nil
	})
}

func (k kubeEvents) Patch(_ context.Context, name string, _ types.PatchType, _ []byte, _ metav1.PatchOptions, _ ...string) (*corev1.Event, error) {
	return answer(k.i, "count up event "+name, func() (*corev1.Event, error) { return &corev1.Event{}, nil })
}

func notFound(resource, name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: resource}, name)
}
