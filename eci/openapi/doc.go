// Package openapi turns the typed requests of package eci into signed calls of
// the ECI OpenAPI (and of the few actions of VPC and ECS that give a group an
// Elastic IP), and the answers back into typed responses and errors.
//
// Every call passes through one choke point, Client.call: budget, timeout,
// signature, retry, redaction, observation. Parameters travel in the body of a
// POST over HTTPS; plain HTTP is taken for loopback endpoints only. No error
// ever carries a URL, a parameter or a key.
//
// It is the only package that sees alibaba-cloud-sdk-go, and takes from it the
// signer. It sends with net/http: a shared client of that SDK is a data race,
// knows no context, defaults to HTTP and puts all parameters into the URL. The
// SDK's credential providers are not used either: they fall back from one
// identity to another, send metadata calls through a proxy, tell nobody when a
// key expires, and repeat a failed renewal with every call.
//
// The package never decides what a refusal means for a pod: it repeats only
// what is safe to repeat, and hands the rest to the caller as *eci.Error.
package openapi
