package eci

// Limits of the command of ExecContainerCommand.
// Source: parameter metadata.
const (
	// MaxExecParts is how many parts Command may have.
	MaxExecParts = 20
	// MaxExecPart is the length of the longest part, in characters.
	MaxExecPart = 256
)

// ExecContainerCommandRequest runs one command in a running container. The call
// only announces it: the command begins when the WebSocketUri of the answer is
// opened, unless Sync.
type ExecContainerCommandRequest struct {
	RequestMeta
	ContainerGroupID string `json:"ContainerGroupId,omitempty"`
	ContainerName    string `json:"ContainerName,omitempty"`
	// Command has at most MaxExecParts parts of MaxExecPart characters each.
	Command JSONList `json:"Command,omitempty"`
	TTY     *bool    `json:"TTY,omitempty"`
	// Stdin is true when unset.
	Stdin *bool `json:"Stdin,omitempty"`
	// Sync runs the command before the answer, which then has its output; TTY
	// must be false and the command not /bin/bash.
	Sync *bool `json:"Sync,omitempty"`
}

// ExecContainerCommandResponse tells where the command waits.
type ExecContainerCommandResponse struct {
	ResponseMeta
	// WebSocketURI has a token that is good once and for a short time (30
	// seconds, by what is said of HTTPURL): it is a secret while it lasts.
	WebSocketURI Secret `json:"WebSocketUri,omitempty"`
	// HTTPURL is a page of the console with a terminal, good for 30 seconds.
	HTTPURL Secret `json:"HttpUrl,omitempty"`
	// SyncResponse is what the command printed, with Sync; no answer has its
	// exit code.
	SyncResponse string `json:"SyncResponse,omitempty"`
}
