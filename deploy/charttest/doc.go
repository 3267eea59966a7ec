// Package charttest renders the Helm chart beside it and holds the result
// against the manifest. It is a module of its own, which keeps Helm out of the
// programs.
package charttest
