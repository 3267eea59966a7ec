package request

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// maxVariables of a container. Source: OpenAPI metadata.
	maxVariables = 240
	// maxVariableName is in characters. Source: SDK documentation.
	maxVariableName = 128
)

// environment gathers the variables of one container. The order is that of the
// pod: envFrom, then env, then Services. A later definition takes the place of
// an earlier one.
type environment struct {
	t      *translator
	path   *field.Path
	order  []string
	values map[string]value
	// more are the variables that were counted only.
	more int
}

func (t *translator) environment(c corev1.Container, path *field.Path) *environment {
	e := &environment{t: t, path: path, values: map[string]value{}}
	for i, source := range c.EnvFrom {
		e.addSource(source, path.Child("envFrom").Index(i))
	}
	for i, variable := range c.Env {
		e.add(variable, c, path.Child("env").Index(i))
	}
	e.addServices()
	return e
}

// addServices adds the variables of Services. More than ECI takes are counted
// only.
func (e *environment) addServices() {
	for _, link := range e.t.services {
		if _, defined := e.values[link.Name]; defined {
			continue
		}
		if len(e.order) > maxVariables {
			e.more++
			continue
		}
		e.set(link.Name, value{text: link.Value})
	}
}

func (e *environment) set(name string, v value) {
	if _, defined := e.values[name]; !defined {
		e.order = append(e.order, name)
	}
	e.values[name] = v
}

// lookup is what a reference finds: a variable defined before it, or a Service.
func (e *environment) lookup(name string) (value, bool) {
	if v, ok := e.values[name]; ok {
		return v, true
	}
	link, ok := e.t.links[name]
	return value{text: link}, ok
}

// addSource adds all keys of a ConfigMap or Secret. Keys that make no name of a
// variable are passed over with a warning, as the kubelet used to do.
func (e *environment) addSource(source corev1.EnvFromSource, path *field.Path) {
	var data entries
	switch {
	case source.ConfigMapRef != nil:
		ref := source.ConfigMapRef
		if object, ok := e.t.configMap(ref.Name, isTrue(ref.Optional), path.Child("configMapRef", "name")); ok {
			data.texts = object.Data
		}
	case source.SecretRef != nil:
		ref := source.SecretRef
		if object, ok := e.t.secret(ref.Name, isTrue(ref.Optional), path.Child("secretRef", "name")); ok {
			data.bytes = object.Data
		}
	}
	if data.count() > maxSourceKeys {
		e.t.refuse(path, fmt.Sprintf("it has %d keys, and at most %d are read into variables: name the needed ones in env", data.count(), maxSourceKeys))
		return
	}
	e.addKeys(source, data, path)
}

func (e *environment) addKeys(source corev1.EnvFromSource, data entries, path *field.Path) {
	var skipped []string
	if !e.t.spend(keyCost*data.count(), path) {
		return
	}
	for _, key := range data.keys() {
		name := source.Prefix + key
		if !isVariableName(name) {
			skipped = append(skipped, name)
			continue
		}
		content, _ := data.get(key)
		e.put(name, content, source.SecretRef != nil, path)
	}
	if len(skipped) > 0 {
		e.t.warn(ReasonInvalidEnvNames, path, "keys ["+firstOf(skipped)+"] were skipped since ECI does not take them as names of variables")
	}
}

// put defines a variable by a value of a ConfigMap or Secret.
func (e *environment) put(name string, c content, secret bool, path *field.Path) {
	if !e.checkLength(name, c.size(), path) || secret && !e.t.spend(c.size(), path) {
		return
	}
	e.set(name, value{text: c.copied(), secret: secret})
}

// mostNamed is how many names a message lists.
const mostNamed = 20

// firstOf lists names, of many only the first.
func firstOf(names []string) string {
	if len(names) <= mostNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(names[:mostNamed], ", "), len(names)-mostNamed)
}

// add defines one variable of env.
func (e *environment) add(variable corev1.EnvVar, c corev1.Container, path *field.Path) {
	if !isVariableName(variable.Name) {
		e.t.invalid(path.Child("name"), variable.Name, "ECI takes letters, digits and underscores, no leading digit, at most 128")
		return
	}
	if variable.Value != "" || variable.ValueFrom == nil {
		v, embedded, ok := e.t.expand(variable.Value, e.lookup, path.Child("value"))
		if !ok {
			return
		}
		if embedded {
			e.t.refuse(path.Child("value"), "the address of the pod is not known before ECI starts it, and cannot stand inside a text; put it together in the container, or give the pod its address by "+annotationPrefix+"eci-private-ip-address")
			return
		}
		e.set(variable.Name, v)
	} else if v, ok := e.from(variable.ValueFrom, c, path.Child("valueFrom")); ok {
		e.set(variable.Name, v)
	}
	e.checkLength(variable.Name, len(e.values[variable.Name].text), path)
}

// from reads the source of a variable; it is false when there is no value.
func (e *environment) from(source *corev1.EnvVarSource, c corev1.Container, path *field.Path) (value, bool) {
	e.t.check(kindEnvVarSource, source, path)
	switch {
	case source.FieldRef != nil:
		return e.t.fieldValue(source.FieldRef, path.Child("fieldRef", "fieldPath"))
	case source.ResourceFieldRef != nil:
		text, ok := e.t.resourceValue(source.ResourceFieldRef, c, path.Child("resourceFieldRef"))
		return value{text: text}, ok
	case source.ConfigMapKeyRef != nil:
		return e.fromConfigMap(source.ConfigMapKeyRef, path.Child("configMapKeyRef"))
	case source.SecretKeyRef != nil:
		return e.fromSecret(source.SecretKeyRef, path.Child("secretKeyRef"))
	}
	return value{}, source.FileKeyRef == nil
}

func (e *environment) fromConfigMap(ref *corev1.ConfigMapKeySelector, path *field.Path) (value, bool) {
	object, ok := e.t.configMap(ref.Name, isTrue(ref.Optional), path.Child("name"))
	if !ok {
		return value{}, false
	}
	text, ok := object.Data[ref.Key]
	if !ok {
		e.t.absent(Missing{Kind: KindConfigMap, Name: ref.Name, Key: ref.Key, Path: path.String()}, isTrue(ref.Optional), path)
	}
	return value{text: text}, ok
}

func (e *environment) fromSecret(ref *corev1.SecretKeySelector, path *field.Path) (value, bool) {
	object, ok := e.t.secret(ref.Name, isTrue(ref.Optional), path.Child("name"))
	if !ok {
		return value{}, false
	}
	bytes, ok := object.Data[ref.Key]
	if !ok {
		e.t.absent(Missing{Kind: KindSecret, Name: ref.Name, Key: ref.Key, Path: path.String()}, isTrue(ref.Optional), path)
	}
	if !ok || !e.t.spend(len(bytes), path) {
		return value{}, false
	}
	return value{text: string(bytes), secret: true}, true
}

// checkLength refuses a value that is too long. The value itself may be secret
// and stays out of the message.
func (e *environment) checkLength(name string, length int, path *field.Path) bool {
	limit := e.t.cfg.MaxEnvValue
	switch {
	case limit > 0 && length > limit:
		e.t.refuse(path, fmt.Sprintf("the value of %s has %d bytes; ECI documents %d: mount it as a file, or let the operator raise maxEnvValue", name, length, limit))
		return false
	case length > maxText:
		e.t.refuse(path, fmt.Sprintf("the value of %s has %d bytes; Linux takes %d: mount it as a file", name, length, maxText))
		return false
	}
	return true
}

// hides says that a Secret is in the environment.
func (e *environment) hides() bool {
	for _, v := range e.values {
		if v.secret {
			return true
		}
	}
	return false
}

// wire returns the variables as the request carries them.
func (e *environment) wire() []eci.EnvironmentVar {
	if n := len(e.order) + e.more; n > maxVariables {
		e.t.refuse(e.path.Child("env"), fmt.Sprintf("%d variables, %d of them of Services; ECI takes %d: enableServiceLinks: false leaves those out",
			n, len(e.t.links), maxVariables))
	}
	var all []eci.EnvironmentVar
	for _, name := range e.order {
		v := e.values[name]
		variable := eci.EnvironmentVar{Key: name, Value: v.text}
		if v.podIP {
			variable.FieldRef = &eci.FieldRef{FieldPath: eci.FieldPathPodIP}
		}
		all = append(all, variable)
	}
	return all
}

// isVariableName says whether ECI takes the name.
func isVariableName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != "" && len(name) <= maxVariableName
}
