//go:build !linux

package main

import (
	"errors"
	"strings"
)

func crowd(*strings.Builder, options) error { return errors.New("a crowd needs epoll: Linux only") }
