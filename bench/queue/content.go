package main

import (
	"bytes"
	"fmt"
)

// A payload is the message's number in 12 digits, its priority in one, and a filler.
const (
	digits  = 12
	minSize = digits + 2
)

// priority of message n: uniform over 0..9, the same in every run.
func priority(n int) int {
	x := uint64(n) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) % 10)
}

// newPayload is a payload of size bytes whose number is filled in by setNumber.
func newPayload(size int) []byte { return bytes.Repeat([]byte("x"), size) }

func setNumber(payload []byte, n int) {
	payload[digits] = byte('0' + priority(n))
	for i := digits - 1; i >= 0; i-- {
		payload[i] = byte('0' + n%10)
		n /= 10
	}
}

// readNumber returns the number of a payload that must look like model.
func readNumber(payload, model []byte) (int, error) {
	if len(payload) != len(model) {
		return 0, fmt.Errorf("a payload of %d bytes comes back as %d", len(model), len(payload))
	}
	n, err := number(payload[:digits])
	if err != nil {
		return 0, err
	}
	if payload[digits] != byte('0'+priority(n)) ||
		!bytes.Equal(payload[digits+1:], model[digits+1:]) {
		return 0, fmt.Errorf("message %d comes back as %q", n, payload)
	}
	return n, nil
}

// each fails unless numbers are 0..n-1, each once.
func each(numbers []int, n int) error {
	seen := make([]bool, n)
	for _, k := range numbers {
		if k >= n || seen[k] {
			return fmt.Errorf("message %d was delivered twice, or never published", k)
		}
		seen[k] = true
	}
	if lost := n - len(numbers); lost > 0 {
		return fmt.Errorf("%d of %d messages are lost", lost, n)
	}
	return nil
}
