// Package execstream is the client's side of the stream behind
// ExecContainerCommand: it turns the WebSocketUri of the answer into stdin,
// stdout, stderr, the size of a terminal and, where the framing has one, an exit
// code.
//
// How the cloud frames the stream is not documented. The only public client
// reads plain text until the server closes (Raw); what Kubernetes speaks over
// WebSockets (V4, V5) is the other candidate. Auto offers the latter in the
// handshake and takes the server's answer.
//
// The package runs no command and retries nothing: a URI is good once. What Raw
// cannot carry (an exit code, the end of stdin) is the caller's to work around.
// Errors never show the URI, whose token is a secret.
package execstream
