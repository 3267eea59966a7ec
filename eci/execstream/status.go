package execstream

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// status is the part of a Kubernetes Status that tells of an exit.
type status struct {
	Status  string `json:"status"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
	Details struct {
		Causes []struct {
			Reason  string `json:"reason"`
			Message string `json:"message"`
		} `json:"causes"`
	} `json:"details"`
}

// parseStatus reads the status that ends a stream of V4 or V5.
func parseStatus(text []byte) (Exit, error) {
	var s status
	if err := json.Unmarshal(text, &s); err != nil {
		return Exit{}, fmt.Errorf("exec stream: the status is no JSON: %w", err)
	}
	if s.Status == "Success" {
		return Exit{Known: true}, nil
	}
	for _, cause := range s.Details.Causes {
		if code, err := strconv.Atoi(cause.Message); err == nil && s.Reason == "NonZeroExitCode" && cause.Reason == "ExitCode" {
			return Exit{Known: true, Code: code}, nil
		}
	}
	if s.Message == "" {
		s.Message = "the server gave no reason"
	}
	return Exit{Failure: strings.ToValidUTF8(s.Message[:min(len(s.Message), maxFailure)], "")}, nil
}
