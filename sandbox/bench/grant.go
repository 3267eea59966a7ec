package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// grantNode gives the account of eci-vnode what the manifest grants by the name of
// its own node, for a node of the bench.
func (s *cluster) grantNode(ctx context.Context, node string) error {
	account := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: metav1.NamespaceSystem, Name: "eci-vnode"}}
	object := metav1.ObjectMeta{Name: "bench-" + node}
	to := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: object.Name}
	}
	cluster := &rbacv1.ClusterRole{ObjectMeta: object, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"nodes"}, ResourceNames: []string{node}, Verbs: []string{"get", "patch"}},
		{APIGroups: []string{""}, Resources: []string{"nodes/status"}, ResourceNames: []string{node}, Verbs: []string{"patch"}},
	}}
	leases := &rbacv1.Role{ObjectMeta: object, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, ResourceNames: []string{node}, Verbs: []string{"get", "update"}},
	}}
	roles := s.client.RbacV1()
	for _, create := range []func() error{
		func() error { _, err := roles.ClusterRoles().Create(ctx, cluster, metav1.CreateOptions{}); return err },
		func() error {
			binding := &rbacv1.ClusterRoleBinding{ObjectMeta: object, Subjects: account, RoleRef: to("ClusterRole")}
			_, err := roles.ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
			return err
		},
		func() error {
			_, err := roles.Roles(corev1.NamespaceNodeLease).Create(ctx, leases, metav1.CreateOptions{})
			return err
		},
		func() error {
			binding := &rbacv1.RoleBinding{ObjectMeta: object, Subjects: account, RoleRef: to("Role")}
			_, err := roles.RoleBindings(corev1.NamespaceNodeLease).Create(ctx, binding, metav1.CreateOptions{})
			return err
		},
	} {
		if err := create(); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}
