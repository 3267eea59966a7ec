package provider

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/provider/request"
)

// claims reads the claims of a pod, the volumes that they are bound to, and the
// Secrets that open those, which may be of another namespace.
func (p *Provider) claims(ctx context.Context, pod *corev1.Pod, refs request.Refs, objects *request.Objects) error {
	if len(refs.PersistentVolumeClaims) == 0 {
		return nil
	}
	kube := p.deps.Kube.CoreV1()
	var err error
	objects.PersistentVolumeClaims, err = readAll(ctx, "PersistentVolumeClaim", refs.PersistentVolumeClaims, kube.PersistentVolumeClaims(pod.Namespace).Get, anySize)
	if err != nil {
		return err
	}
	var bound []request.Ref
	for _, ref := range refs.PersistentVolumeClaims {
		if claim := objects.PersistentVolumeClaims[ref.Name]; claim != nil && claim.Spec.VolumeName != "" {
			bound = append(bound, request.Ref{Name: claim.Spec.VolumeName, Path: ref.Path})
		}
	}
	if objects.PersistentVolumes, err = readAll(ctx, "PersistentVolume", bound, kube.PersistentVolumes().Get, anySize); err != nil {
		return err
	}
	for _, claim := range objects.PersistentVolumeClaims {
		// The claim names the volume, which anybody may write who can make a claim; the
		// volume names the claim that it is bound to.
		pv := objects.PersistentVolumes[claim.Spec.VolumeName]
		if pv != nil && (pv.Spec.ClaimRef == nil || pv.Spec.ClaimRef.UID != claim.UID) {
			return fmt.Errorf("PersistentVolume %q is not bound to PersistentVolumeClaim %q, which names it", pv.Name, claim.Name)
		}
	}
	objects.VolumeSecrets, err = p.volumeSecrets(ctx, objects.PersistentVolumes)
	return err
}

func (p *Provider) volumeSecrets(ctx context.Context, volumes map[string]*corev1.PersistentVolume) (map[types.NamespacedName]*corev1.Secret, error) {
	found := map[types.NamespacedName]*corev1.Secret{}
	for _, pv := range volumes {
		name, ok := request.VolumeSecret(pv)
		if !ok || found[name] != nil {
			continue
		}
		secret, err := p.deps.Kube.CoreV1().Secrets(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
		switch {
		case errors.IsNotFound(err):
		case err != nil:
			return nil, fmt.Errorf("reading Secret %s, named by PersistentVolume %s: %w", name, pv.Name, err)
		default:
			found[name] = secret
		}
	}
	return found, nil
}
