package campaign

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// kube is the API server's client of one instance: every call may stop, fail,
// or lose its answer. What the node does not use is nil, and panics.
type kube struct {
	kubernetes.Interface
	typedcorev1.CoreV1Interface
	i *instance
}

func (k kube) CoreV1() typedcorev1.CoreV1Interface { return k }

func (k kube) Pods(string) typedcorev1.PodInterface { return kubePods{i: k.i} }

func (k kube) Secrets(string) typedcorev1.SecretInterface { return kubeSecrets{i: k.i} }

// answer makes one call: act changes the world, unless the call fails before.
func answer[T any](i *instance, verb string, act func() (T, error)) (T, error) {
	var none T
	if err := i.stop(); err != nil {
		return none, err
	}
	if i.w.clock.Now().Before(i.cut) {
		i.w.say("%s  %s: no way there (fault)", i.name, verb)
		return none, errors.New("dial tcp: i/o timeout")
	}
	fault := i.w.faults.takeAPI()
	if fault == apiRefused {
		i.w.say("%s  %s: refused (fault)", i.name, verb)
		return none, apierrors.NewInternalError(errors.New("etcdserver: request timed out"))
	}
	if fault == apiConflict {
		i.w.say("%s  %s: conflict (fault)", i.name, verb)
		return none, apierrors.NewConflict(podResource, "", errors.New("the object has been modified"))
	}
	got, err := act()
	i.w.say("%s  %s: %v%s", i.name, verb, errorOr(err, "ok"), map[bool]string{true: " (answer lost)"}[fault == apiAnswerLost])
	if stopped := i.stop(); stopped != nil {
		return none, stopped
	}
	if fault == apiAnswerLost {
		return none, apierrors.NewTimeoutError("the answer was lost", 1)
	}
	return got, err
}

func (k kube) ConfigMaps(string) typedcorev1.ConfigMapInterface { return kubeConfigMaps{i: k.i} }

func (k kube) ServiceAccounts(string) typedcorev1.ServiceAccountInterface {
	return kubeServiceAccounts{i: k.i}
}

func (k kube) Events(string) typedcorev1.EventInterface { return kubeEvents{i: k.i} }

type kubePods struct {
	typedcorev1.PodInterface
	i *instance
}

func (k kubePods) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Pod, error) {
	return answer(k.i, "get pod "+name, func() (*corev1.Pod, error) {
		pod, err := k.i.w.api.get(name)
		k.i.notePod(pod)
		return pod, err
	})
}

// List is that of the pods of the node: there are no others. Only their UIDs are
// looked at, so that the process does not learn from it which groups they name.
func (k kubePods) List(_ context.Context, o metav1.ListOptions) (*corev1.PodList, error) {
	return answer(k.i, "list pods", func() (*corev1.PodList, error) {
		if o.FieldSelector != "spec.nodeName="+nodeName {
			return nil, apierrors.NewBadRequest("pods are listed by their node here, not by " + o.FieldSelector)
		}
		list := &corev1.PodList{}
		for _, pod := range k.i.w.api.list() {
			list.Items = append(list.Items, *pod.DeepCopy())
		}
		return list, nil
	})
}

func (k kubePods) Patch(_ context.Context, name string, _ types.PatchType, patch []byte, _ metav1.PatchOptions, _ ...string) (*corev1.Pod, error) {
	return answer(k.i, "patch status of "+name, func() (*corev1.Pod, error) {
		w := k.i.w
		pod, err := w.api.patched(name, patch)
		if err != nil {
			return nil, err
		}
		w.checkText("status", string(patch))
		k.i.checkStatus(w.api.pods[name], pod)
		w.checkShown(w.api.pods[name], pod)
		k.i.notePod(pod)
		return w.api.store(pod).DeepCopy(), nil
	})
}

func (k kubePods) Delete(_ context.Context, name string, o metav1.DeleteOptions) error {
	_, err := answer(k.i, "remove pod "+name, func() (none struct{}, err error) {
		pod, err := k.i.w.api.get(name)
		if err != nil {
			return none, err
		}
		if o.Preconditions != nil && *o.Preconditions.UID != pod.UID {
			return none, apierrors.NewConflict(podResource, name, errors.New("the UID in the precondition does not match"))
		}
		if v := o.Preconditions; v != nil && v.ResourceVersion != nil && *v.ResourceVersion != pod.ResourceVersion {
			return none, apierrors.NewConflict(podResource, name, errors.New("the resourceVersion in the precondition does not match"))
		}
		if o.GracePeriodSeconds == nil { // a plain delete: the node evicts
			k.i.w.checkEviction(pod)
			k.i.w.askDelete(pod, *pod.Spec.TerminationGracePeriodSeconds)
			return none, nil
		}
		k.i.checkRemoval(pod)
		k.i.w.api.remove(pod)
		return none, nil
	})
	return err
}

func errorOr(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}
