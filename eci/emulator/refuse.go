package emulator

import (
	"fmt"
	"net/http"

	"github.com/eci-vnode/eci-vnode/eci"
)

// refuse makes the answer of a call that is not served.
func refuse(status int, code, format string, args ...any) *eci.Error {
	return &eci.Error{HTTPStatus: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(param, format string, args ...any) *eci.Error {
	return refuse(http.StatusBadRequest, eci.CodeInvalidParameter,
		"The specified parameter %s is not valid: %s.", param, fmt.Sprintf(format, args...))
}

func missing(param string) *eci.Error {
	return refuse(http.StatusBadRequest, eci.CodeMissingParameter,
		"The input parameter %s that is mandatory for processing this request is not supplied.", param)
}

func notFound(id string) *eci.Error {
	return refuse(http.StatusNotFound, eci.CodeNotFound, "The specified container group %s does not exist.", id)
}

func throttled() *eci.Error {
	return refuse(http.StatusBadRequest, eci.CodeThrottling, "Request was denied due to request throttling, please try again later.")
}

func noStock(zone string) *eci.Error {
	return refuse(http.StatusForbidden, eci.CodeNoStock,
		"The requested resource is sold out in the specified zone %s; try other types of resources or other regions and zones.", zone)
}
