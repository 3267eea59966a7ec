// Package eci is the vocabulary of Alibaba Cloud Elastic Container Instance
// (OpenAPI 2018-08-08): the requests, the answers, the states and the errors,
// typed once and shared by the client (eci/openapi), the emulator
// (eci/emulator) and the provider.
//
// The JSON name of every field is its name on the wire, letter case and
// oddities included. In a request a list is flattened from 1
// (Container.1.Name) and a nested struct is dotted
// (Container.1.ReadinessProbe.HttpGet.Path); an answer is plain JSON. A field
// whose Go type is a pointer tells "not sent" from its zero value.
//
// The package holds no behaviour beyond predicates and uses only the standard
// library: it never talks to the network, never logs and knows no Kubernetes.
package eci
