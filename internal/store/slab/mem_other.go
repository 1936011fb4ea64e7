//go:build unix && !linux

package slab

import "math"

func adviseHuge([]byte) {}

func adviseSmall([]byte) {}

func collapseHuge([]byte) bool { return false }

func spaceLimit() int64 { return math.MaxInt64 }
