package explain

import (
	"bytes"
	"fmt"

	yamlv3 "go.yaml.in/yaml/v3"
)

// Bounds of what is read. A manifest may be somebody else's, such as that of a
// pull request which CI explains.
const (
	// MaxFile is the size of a file. Our own choice.
	MaxFile = 64 << 20
	// maxObject is the size of one object, and of a document once its aliases are
	// replaced. Source: the limit of kube-apiserver for the body of a request,
	// 3 MiB. Certain.
	maxObject = 3 << 20
	// maxParts and maxList are how many objects and lists an object may have in
	// all, and how many of them one list: two bytes of a file become a container
	// of a thousand bytes. The 20 containers of ECI with 240 variables each that
	// name a Secret have 14,400. Our own choice.
	maxParts = 20000
	maxList  = 2000
)

// CheckAliases returns an error when the aliases of a YAML document stand for more
// than an object may have. The decoder counts how many values they add, but not
// how long these are.
func CheckAliases(document []byte) error {
	if !bytes.ContainsRune(document, '&') || !bytes.ContainsRune(document, '*') {
		return nil
	}
	var root yamlv3.Node
	if err := yamlv3.Unmarshal(document, &root); err != nil {
		return err
	}
	if size := (expansion{}).sizeOf(&root); size > maxObject+len(document) {
		return fmt.Errorf("its aliases stand for more than %d bytes: write out what is meant", maxObject)
	}
	return nil
}

// expansion is the size of anchored nodes with their aliases replaced.
type expansion map[*yamlv3.Node]int

// tooLarge is more than any document may have, and small enough to be added up.
const tooLarge = 1 << 40

func (e expansion) sizeOf(node *yamlv3.Node) int {
	if size, known := e[node]; known {
		return size
	}
	e[node] = tooLarge // until it is known, for an anchor may hold itself
	size := 1 + len(node.Value)
	if node.Kind == yamlv3.AliasNode && node.Alias != nil {
		size = e.sizeOf(node.Alias)
	}
	for _, part := range node.Content {
		size = min(size+e.sizeOf(part), tooLarge)
	}
	e[node] = size
	return size
}

// checkParts returns an error when an object of JSON would be much larger in memory
// than in the file.
func checkParts(object []byte) error {
	if len(object) > maxObject {
		return fmt.Errorf("it has %d bytes; Kubernetes takes %d", len(object), maxObject)
	}
	var open []int // for each list that is open, the number of its parts
	parts, quoted := 0, false
	for i := 0; i < len(object); i++ {
		switch c := object[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if n := len(open); n > 0 {
				open[n-1]++
			}
			parts++
			open = append(open, 0)
		case (c == '}' || c == ']') && len(open) > 0:
			if open[len(open)-1] > maxList {
				return fmt.Errorf("a list of it has more than %d parts", maxList)
			}
			open = open[:len(open)-1]
		}
		if parts > maxParts {
			return fmt.Errorf("it has more than %d parts", maxParts)
		}
	}
	return nil
}
