package request

import (
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
)

// redacted stands for a text that has something of a Secret in it, as
// eci.Secret prints.
const redacted = "***"

// hidden holds, by container, the names of the variables that have a Secret in
// them, and the words of command lines that do.
type hidden map[string]struct{ variables, words map[string]bool }

func (h hidden) put(container string, variables, words []string) {
	entry, known := h[container]
	if !known {
		entry.variables, entry.words = map[string]bool{}, map[string]bool{}
		h[container] = entry
	}
	for _, name := range variables {
		entry.variables[name] = true
	}
	for _, word := range words {
		entry.words[word] = true
	}
}

// hide marks the variables of a container that have a Secret in them.
func (t *translator) hide(container string, e *environment) {
	for _, name := range e.order {
		if e.values[name].secret {
			t.hidden.put(container, []string{name}, nil)
		}
	}
}

// Shown returns the request as it may be shown: variables and words of command
// lines that hold a Secret, directly or expanded into a text, are ***. What is of
// type eci.Secret prints as *** anyway.
func (t *Translation) Shown() *eci.CreateContainerGroupRequest {
	shown := *t.Request
	shown.InitContainers = slices.Clone(t.Request.InitContainers)
	for i := range shown.InitContainers {
		t.hidden.redact(&shown.InitContainers[i].ContainerBase)
	}
	shown.Containers = slices.Clone(t.Request.Containers)
	for i := range shown.Containers {
		t.hidden.redact(&shown.Containers[i].ContainerBase)
	}
	return &shown
}

// redact gives c lists of its own, so that the request itself stays whole.
func (h hidden) redact(c *eci.ContainerBase) {
	secret := h[c.Name]
	c.EnvironmentVars = slices.Clone(c.EnvironmentVars)
	for i, v := range c.EnvironmentVars {
		if secret.variables[v.Key] {
			c.EnvironmentVars[i].Value = redacted
		}
	}
	for _, words := range []*[]string{&c.Command, &c.Args} {
		*words = slices.Clone(*words)
		for i, word := range *words {
			if secret.words[word] {
				(*words)[i] = redacted
			}
		}
	}
}
