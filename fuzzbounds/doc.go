// Package fuzzbounds tells tests and fuzz targets how much processor time and
// memory one input may cost.
//
// Check runs a piece of work and fails the test when the work is over its bounds,
// or when it does not end. It measures the processor time of the process, not the
// time on the wall, and gives work that was too slow more tries, so that a busy
// machine does not make a test fail. Only tests import it.
package fuzzbounds
