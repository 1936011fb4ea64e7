package vfs

// Memory is files in memory.
type Memory struct{}
