// Package sdkv2 lets the official V2 SDK of Alibaba Cloud
// (github.com/alibabacloud-go/eci-20180808) be a conformance.Client: a client
// that nobody here wrote, so that the emulator is not proved by our own reading
// of the wire alone.
//
// Requests and answers are copied field by field between package eci and the
// SDK's types by their wire names; encoding, signing and sending are the SDK's.
// It is a module of its own, so that the SDK stays out of the main go.mod, and
// is used by tests only.
package sdkv2
