//go:build unix && !linux

package slab

func adviseHuge([]byte) {}

func adviseSmall([]byte) {}

func collapseHuge([]byte) bool { return false }
