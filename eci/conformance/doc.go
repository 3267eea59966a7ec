// Package conformance is the contract of the cloud that this project relies on,
// as a suite of tests: Run drives any Client through it, against the emulator or
// against the real cloud, and so keeps the emulator honest.
//
// What the documents leave open is not asked: where two answers are possible,
// both pass. Every wait has a deadline and looks for a condition. Each run marks
// its groups with a tag of its own and deletes them at its end, also when tests
// fail.
//
// The package uses package eci and the standard library only: it never knows
// how a Client encodes, signs or sends.
package conformance
