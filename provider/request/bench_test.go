package request

import "testing"

// BenchmarkTranslate shows what one pod costs; explain translates thousands.
func BenchmarkTranslate(b *testing.B) {
	documents := mustReadDocuments(b, "testdata/probes-and-hooks.in.yaml")
	pod := documents.pods[0]
	objects := documents.objectsFor(pod)
	for b.Loop() {
		if _, err := Translate(pod, objects, documents.config); err != nil {
			b.Fatal(err)
		}
	}
}
