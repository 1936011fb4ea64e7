package report

// What the tests of this package see beside what others do.
var (
	HumanMicros = humanMicros
	HumanCount  = humanCount
)
