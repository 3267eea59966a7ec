package request

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/randfill"
	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/emulator"
	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

// maxSeed keeps the fuzzer from spending its time on shrinking big files.
const maxSeed = 4 << 10

// goldenPods are the pods of all goldens.
func goldenPods(f *testing.F) []*corev1.Pod {
	f.Helper()
	var pods []*corev1.Pod
	for _, in := range append(mustGlob(f, "testdata/*.in.yaml"), mustGlob(f, "../../examples/*.yaml")...) {
		if info, err := os.Stat(in); err == nil && info.Size() < maxSeed {
			pods = append(pods, mustReadDocuments(f, in).pods...)
		}
	}
	if len(pods) < 250 {
		f.Fatalf("only %d seeds", len(pods))
	}
	return pods
}

// FuzzFromPod gives arbitrary pods in YAML.
func FuzzFromPod(f *testing.F) {
	for _, pod := range goldenPods(f) {
		text, err := yaml.Marshal(pod)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	cloud := newDryCloud(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		pod := &corev1.Pod{}
		if isCheap(text) && yaml.Unmarshal(text, pod) == nil {
			checkArbitrary(t, cloud, pod)
		}
	})
}

// isCheap reports whether the decoders of YAML and of quantities, which are not
// under test here, take the text without end: aliases and exponents multiply. The
// API server has decoded a pod before this room gets it; hostilePod makes such
// quantities without the decoder.
func isCheap(text []byte) bool {
	return !bytes.ContainsRune(text, '&') && !longExponent.Match(text)
}

var longExponent = regexp.MustCompile(`[eE][-+]?[0-9]{3}`)

// FuzzFromFilledPod replaces one part of a good pod by an arbitrary one, which
// gets further than whole pods of noise.
func FuzzFromFilledPod(f *testing.F) {
	seeds := goldenPods(f)
	for i := range seeds {
		f.Add(uint16(i), uint8(i), []byte("seed of the noise"))
	}
	cloud := newDryCloud(f)
	f.Fuzz(func(t *testing.T, seed uint16, part uint8, noise []byte) {
		pod := seeds[int(seed)%len(seeds)].DeepCopy()
		fillPart(pod, part, noise)
		checkArbitrary(t, cloud, pod)
	})
}

func fillPart(pod *corev1.Pod, part uint8, noise []byte) {
	filler := randfill.NewFromGoFuzz(noise).NilChance(0.8).NumElements(0, 2).MaxDepth(7)
	if len(pod.Spec.Containers) == 0 {
		pod.Spec.Containers = []corev1.Container{{Name: "a", Image: "a"}}
	}
	container := &pod.Spec.Containers[int(part)%len(pod.Spec.Containers)]
	parts := []any{&pod.Spec, container, &container.Env, &container.Resources, &container.VolumeMounts, &container.Ports,
		&container.SecurityContext, &container.LivenessProbe, &container.Lifecycle, &container.Command, &pod.Spec.Volumes,
		&pod.Spec.SecurityContext, &pod.Spec.DNSConfig, &pod.Spec.HostAliases, &pod.ObjectMeta, &pod.Spec.Overhead}
	if n := int(part) % (len(parts) + 1); n < len(parts) {
		filler.Fill(parts[n])
		return
	}
	rows := Annotations()
	var value string
	filler.Fill(&value)
	pod.Annotations = map[string]string{rows[len(noise)%len(rows)].Key: value}
}

// dryCloud is a strict emulator that is asked, and makes no group.
type dryCloud struct {
	client *openapi.Client
	region string
}

func newDryCloud(f *testing.F) *dryCloud {
	f.Helper()
	cfg := emulator.DefaultConfig()
	return &dryCloud{client: newCloud(f, cfg), region: cfg.Region}
}

// check wants the cloud to take the request, which a dry run answers by an error
// of its own.
func (c *dryCloud) check(t *testing.T, req *eci.CreateContainerGroupRequest) {
	t.Helper()
	dry := *req
	dry.DryRun = ptr.To(true)
	// The places are those of the node, not of the emulator.
	dry.RegionID, dry.ZoneID, dry.VSwitchID, dry.SecurityGroupID, dry.PrivateIPAddress = c.region, "", "", "", ""
	_, err := c.client.CreateContainerGroup(t.Context(), &dry)
	var answer *eci.Error
	errors.As(err, &answer)
	if answer != nil && answer.Code == eci.CodeInvalidCPUMemory && isOfUnknownSize(req.InstanceType) {
		return // only the cloud knows what such a type holds
	}
	if answer == nil || answer.Code != eci.CodeDryRunOperation {
		t.Errorf("the cloud refuses the request: %v", err)
	}
}

// isOfUnknownSize says whether a type is in the list whose name does not tell its
// memory.
func isOfUnknownSize(instanceTypes string) bool {
	return slices.ContainsFunc(splitList(instanceTypes), func(item string) bool { return isECSType(item) && ecsSize(item).Memory == 0 })
}

// checkArbitrary wants an error of one of the two kinds, or a request that the
// cloud could take.
func checkArbitrary(t *testing.T, cloud *dryCloud, pod *corev1.Pod) {
	t.Helper()
	pod.UID = "uid"
	documents := &documents{configMaps: map[string]*corev1.ConfigMap{"m": {Data: map[string]string{"k": "v"}}}}
	var req *eci.CreateContainerGroupRequest
	var err error
	objects := documents.objectsFor(pod)
	fuzzbounds.Check(t, func() { req, err = FromPod(pod, objects, testConfig()) })
	if err != nil {
		checkPaths(t, pod, err)
	}
	switch {
	case err == nil:
		checkInvariants(t, req)
		cloud.check(t, req)
	case !IsRefused(err) && !IsMissingObject(err):
		t.Errorf("an error of no kind: %v", err)
	case err.Error() == "":
		t.Error("an error that says nothing")
	}
}
