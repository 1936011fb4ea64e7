// Package order x
package order
