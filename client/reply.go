package synap

// Reply is the answer to one request of a Pipe, valid only while its function runs.
type Reply struct {
	// Err is what the server refused; nil: it worked.
	Err error
	// Found says that there is a Value: the key exists.
	Found bool
	// Value is what a Get found; valid until the function returns.
	Value []byte
	// Payload is the answer to any other request, as of Client.Do.
	Payload any
}
