package leader

import (
	"context"
	"strings"
	"testing"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

func TestLead_GivesTheLeaseUpAfterAPanicOfTheWork(t *testing.T) {
	utilruntime.ReallyCrash = false
	defer func() { utilruntime.ReallyCrash = true }()
	kube := fake.NewClientset()
	err := Lead(t.Context(), quick("first"), Deps{Client: kube}, func(context.Context) error { panic("injected") })
	if err == nil || !strings.Contains(err.Error(), "injected") || holder(t, kube) != "" {
		t.Errorf("%v, the lease is held by %q", err, holder(t, kube))
	}
}
