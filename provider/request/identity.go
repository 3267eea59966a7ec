package request

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Identity says whose group it is. It lives in the tags of the group, so that
// it survives us, and is read back by recovery and the reaper.
type Identity struct {
	ClusterID string
	NodeName  string
	Namespace string
	// PodName is cut at 128 characters, the length of a tag: match by UID.
	PodName string
	UID     types.UID
}

// Tag keys of an identity, in a namespace of our own.
const (
	TagCluster   = "eci-vnode/cluster"
	TagNode      = "eci-vnode/node"
	TagNamespace = "eci-vnode/namespace"
	TagPod       = "eci-vnode/pod"
	TagUID       = "eci-vnode/uid"
)

// identityTable is the one place that binds the keys to the parts of an
// identity: creates, filters and recovery all go through it.
var identityTable = []struct {
	key  string
	part func(*Identity) *string
}{
	{TagCluster, func(id *Identity) *string { return &id.ClusterID }},
	{TagNode, func(id *Identity) *string { return &id.NodeName }},
	{TagNamespace, func(id *Identity) *string { return &id.Namespace }},
	{TagPod, func(id *Identity) *string { return &id.PodName }},
	{TagUID, func(id *Identity) *string { return (*string)(&id.UID) }},
}

// IdentityFor returns the identity of the group of a pod.
func IdentityFor(pod *corev1.Pod, cfg Config) Identity {
	return Identity{ClusterID: cfg.ClusterID, NodeName: cfg.NodeName, Namespace: pod.Namespace, PodName: pod.Name, UID: pod.UID}
}

// IdentityOf reads the identity out of the tags of a group. It is false when
// cluster, node or UID is missing: such a group is not ours.
func IdentityOf(tags []eci.Tag) (Identity, bool) {
	var id Identity
	for _, tag := range tags {
		for _, row := range identityTable {
			if row.key == tag.Key {
				*row.part(&id) = tag.Value
			}
		}
	}
	return id, id.ClusterID != "" && id.NodeName != "" && id.UID != ""
}

// Tags returns the identity as tags. Parts that are empty are left out, so that
// an identity of only cluster and node makes the filter for all groups of a
// node.
func (id Identity) Tags() []eci.Tag {
	var tags []eci.Tag
	for _, row := range identityTable {
		if value := *row.part(&id); value != "" {
			tags = append(tags, eci.Tag{Key: row.key, Value: strings.ToValidUTF8(value[:min(len(value), maxTagValue)], "")})
		}
	}
	return tags
}

// MayBeCut reports whether the pod name of an identity that was read from tags may be
// the beginning of a longer one: no pod goes by it then.
func (id Identity) MayBeCut() bool { return len(id.PodName) >= maxTagValue }

// FilterTags returns the tags that every group of the node carries.
func FilterTags(cfg Config) []eci.Tag {
	return Identity{ClusterID: cfg.ClusterID, NodeName: cfg.NodeName}.Tags()
}

// ClientToken returns the token that makes attempt number attempt to create the
// group of a pod idempotent: the same two arguments give the same token, at
// most 64 ASCII characters.
func ClientToken(uid types.UID, attempt int) string {
	token := fmt.Sprintf("%s-%d", uid, attempt)
	if len(token) <= eci.MaxClientToken && isPrintable(token) {
		return token
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func isPrintable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// Lengths of a group's name. Source: OpenAPI documentation.
const (
	maxGroupName = 128
	hashLength   = 8
)

// GroupName returns namespace-name as ECI takes it: lower case letters, digits
// and hyphens, at most 128. A name that had to be bent ends in a hash of what
// it was, so that two such names stay apart; ECI itself allows equal names.
func GroupName(namespace, name string) string {
	plain := namespace + "-" + name
	bent := strings.Trim(strings.Map(groupNameRune, strings.ToLower(plain)), "-")
	if bent == plain && len(bent) <= maxGroupName && len(bent) > 1 {
		return bent
	}
	sum := sha256.Sum256([]byte(plain))
	bent = bent[:min(len(bent), maxGroupName-hashLength-1)]
	return strings.TrimLeft(strings.TrimRight(bent, "-")+"-"+hex.EncodeToString(sum[:])[:hashLength], "-")
}

func groupNameRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}
