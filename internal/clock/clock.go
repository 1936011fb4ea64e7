// Package clock is the only place that asks the machine for the time.
//
// Receives: nothing.
// Hands on: milliseconds since the Unix epoch, real or set by a test.
// Never does: sleep, start timers or goroutines.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock tells the time. Implementations are safe for concurrent use.
type Clock interface {
	// Now is the wall clock in milliseconds since the Unix epoch.
	Now() int64
	// Micros is the wall clock in microseconds since the Unix epoch.
	Micros() int64
}

// Real is the machine's clock.
type Real struct{}

// Now is the wall clock in milliseconds since the Unix epoch.
func (Real) Now() int64 { return time.Now().UnixMilli() }

// Micros is the wall clock in microseconds since the Unix epoch.
func (Real) Micros() int64 { return time.Now().UnixMicro() }

// Manual is a clock that stands still until a test moves it.
type Manual struct{ micros atomic.Int64 }

// NewManual starts a manual clock at unixMilli.
func NewManual(unixMilli int64) *Manual {
	m := new(Manual)
	m.micros.Store(unixMilli * 1000)
	return m
}

// Now is the set time in milliseconds since the Unix epoch.
func (m *Manual) Now() int64 { return m.micros.Load() / 1000 }

// Micros is the set time in microseconds since the Unix epoch.
func (m *Manual) Micros() int64 { return m.micros.Load() }

// Advance moves the clock by milliseconds, backwards when negative.
func (m *Manual) Advance(milliseconds int64) { m.micros.Add(milliseconds * 1000) }
