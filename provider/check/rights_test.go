package check

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// mustReadRights lists what the roles of a manifest grant.
func mustReadRights(t *testing.T, manifest []byte) []string {
	t.Helper()
	var rights []string
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096); ; {
		var role rbacv1.Role // a ClusterRole has the same fields
		if err := decoder.Decode(&role); errors.Is(err, io.EOF) {
			return rights
		} else if err != nil {
			t.Fatal(err)
		}
		if role.Kind == "Role" || role.Kind == "ClusterRole" {
			for _, rule := range role.Rules {
				rights = append(rights, rightsOf(rule, role.Namespace)...)
			}
		}
	}
}

func rightsOf(rule rbacv1.PolicyRule, namespace string) []string {
	var rights []string
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			kind, sub, _ := strings.Cut(resource, "/")
			for _, verb := range rule.Verbs {
				for _, name := range names {
					rights = append(rights, Right{Group: group, Resource: kind, Subresource: sub, Verb: verb, Namespace: namespace, Name: name}.String())
				}
			}
		}
	}
	return rights
}
