package eci

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal by the cloud: its code, message and request id, with the
// HTTP status. It never carries parameters or URLs.
type Error struct {
	Action     string
	HTTPStatus int
	Code       string
	Message    string
	RequestID  string
	// Unanswered says that an earlier try of the same call may have reached the
	// cloud and got no answer.
	Unanswered bool
}

// Error says what was attempted, what the cloud answered and by which id its
// support can find the call.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s: %s (HTTP %d, request %s)", e.Action, e.Code, e.Message, e.HTTPStatus, e.RequestID)
}

// ErrAnswerTooLong is the error of a call whose answer was longer than a client reads. Ask for fewer
// things at once.
var ErrAnswerTooLong = errors.New("the answer is too long")

// Codes that the predicates and the emulator name. Source: error lists of the
// OpenAPI metadata; the gateway's own codes are general Alibaba Cloud behaviour.
const (
	CodeSnapshotStatus     = "ImageSnapshot.IncorrectStatus"
	CodeSnapshotNotSupport = "ImageSnapshot.NotSupport"
	CodeThrottling         = "Throttling"
	CodeThrottlingUser     = "Throttling.User"
	CodeThrottlingAPI      = "Throttling.Api"
	CodeThrottlingVCPUDay  = "Throttling.Vcpu.PerDay"
	CodeEIPFlowControl     = "EipPurchaseFlowControl"
	CodeServiceUnavailable = "ServiceUnavailable"
	CodeInternalError      = "InternalError"

	CodeNoStock          = "OperationDenied.NoStock"
	CodeZoneNotOnSale    = "Zone.NotOnSale"
	CodeSpotNotMatched   = "Spot.NotMatched"
	CodeRecommendEmpty   = "RecommendEmpty.InstanceTypeFamilyNotMatched"
	CodeIPNotEnough      = "InvalidVSwitchId.IpNotEnough"
	CodeQuotaExceeded    = "QuotaExceeded"
	CodePrivateIPInUse   = "PrivateIpAddress.Already.InUse"
	CodeDryRunOperation  = "DryRunOperation"
	CodeDryRunSuccess    = "DryRun.Success"
	CodeNoPermission     = "NoPermission"
	CodeForbiddenRAM     = "Forbidden.RAM"
	CodeInvalidAccessKey = "InvalidAccessKeyId.NotFound"
	CodeSignatureInvalid = "SignatureDoesNotMatch"
	CodeNonceUsed        = "SignatureNonceUsed"
	CodeTimestampExpired = "InvalidTimeStamp.Expired"
	CodeInvalidSTSToken  = "InvalidSecurityToken.Expired"
	CodeMissingSTSToken  = "MissingSecurityToken"

	CodeInvalidParameter     = "InvalidParameter"
	CodeNotFound             = "InvalidParameter.NotFound"
	CodeInvalidCPUMemory     = "InvalidParameter.CPU.Memory"
	CodeDuplicatedName       = "InvalidParameter.DuplicatedName"
	CodeDuplicatedVolumeName = "InvalidParameter.DuplicatedVolumeName"
	CodeValueExceeded        = "InvalidParameter.ValueExceeded"
	CodeLengthExceeded       = "InvalidParameter.LengthExceeded"
	CodeMissingParameter     = "MissingParameter"
	CodeInvalidAction        = "InvalidAction.NotFound"
	CodeIncorrectStatus      = "IncorrectStatus"
	CodeIncorrectOperation   = "IncorrectOperation"
	CodeOperationConflict    = "OperationConflict"
	// CodeIdempotentMismatch refuses a ClientToken that was used with other
	// parameters: inferred, as ECS does.
	CodeIdempotentMismatch     = "IdempotentParameterMismatch"
	CodeNoNeedUpdate           = "NoNeedUpdate"
	CodeVSwitchZoneMismatch    = "OperationDenied.VswZoneMisMatch"
	CodeSecurityGroupMismatch  = "OperationDenied.SecurityGroupMisMatch"
	CodeInsufficientBalance    = "InvalidPaymentMethod.InsufficientBalance"
	CodeAccountArrearage       = "Account.Arrearage"
	CodeServiceNotEnabled      = "ServiceNotEnabled"
	CodeEIPInsufficientBalance = "EipPayInsufficientBalance"
)

// CodeOf returns the cloud's code inside err, or "" when err is no refusal.
func CodeOf(err error) string {
	if e := asError(err); e != nil {
		return e.Code
	}
	return ""
}

func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// IsThrottled says that the account's rate was passed: wait and ask again. The
// daily vCPU quota also starts with Throttling but is a quota.
func IsThrottled(err error) bool {
	code := CodeOf(err)
	if code == CodeThrottlingVCPUDay {
		return false
	}
	return code == CodeThrottling || strings.HasPrefix(code, "Throttling.") || code == CodeEIPFlowControl
}

// IsNoStock says that this zone cannot give this size now: another zone or
// another size may.
func IsNoStock(err error) bool {
	switch CodeOf(err) {
	case CodeNoStock, CodeZoneNotOnSale, CodeSpotNotMatched, CodeRecommendEmpty, CodeIPNotEnough:
		return true
	}
	return false
}

// IsQuotaExceeded says that a quota of the account is used up.
func IsQuotaExceeded(err error) bool {
	code := CodeOf(err)
	return code == CodeQuotaExceeded || strings.HasPrefix(code, "QuotaExceeded.") || code == CodeThrottlingVCPUDay
}

// IsNotFound says that the group is unknown. DeleteContainerGroup declares no
// such code, so that any 404 counts.
func IsNotFound(err error) bool {
	e := asError(err)
	return e != nil && e.Code != CodeInvalidAccessKey && e.Code != CodeInvalidAction &&
		(e.HTTPStatus == http.StatusNotFound || e.Code == CodeNotFound)
}

// IsAuth says that the caller was refused: who it is (IsIdentity) or what it may
// do (IsForbidden).
func IsAuth(err error) bool { return IsIdentity(err) || IsForbidden(err) }

// IsIdentity says that the caller's key, signature or token was refused: nothing
// that is asked for is at fault, and a rotated key or a new token heals it.
func IsIdentity(err error) bool {
	code := CodeOf(err)
	switch code {
	case CodeSignatureInvalid, CodeMissingSTSToken:
		return true
	}
	return strings.HasPrefix(code, "InvalidSecurityToken.") || strings.HasPrefix(code, "InvalidAccessKeyId.")
}

// IsForbidden says that the caller is known and lacks the permission.
func IsForbidden(err error) bool {
	code := CodeOf(err)
	return code == CodeNoPermission || strings.HasPrefix(code, "Forbidden.")
}

// IsBeforeToken says that the cloud refused before it looked at the ClientToken:
// for who asks, how often, or when. It tells nothing of what an earlier try with
// the same token has made.
func IsBeforeToken(err error) bool {
	code := CodeOf(err)
	return IsAuth(err) || IsThrottled(err) || code == CodeNonceUsed || code == CodeTimestampExpired
}

// IsTokenTaken says that the ClientToken was used before with other parameters:
// what it made then exists, or did.
func IsTokenTaken(err error) bool { return CodeOf(err) == CodeIdempotentMismatch }

// IsDryRunOK says that a dry run was accepted: the cloud reports that as an
// error.
func IsDryRunOK(err error) bool {
	code := CodeOf(err)
	return code == CodeDryRunOperation || code == CodeDryRunSuccess
}

// IsInvalid says that the request itself is wrong: sent again it fails again.
func IsInvalid(err error) bool {
	e := asError(err)
	if e == nil || IsRetryable(err) || IsAuth(err) || IsDryRunOK(err) || IsNotFound(err) {
		return false
	}
	switch e.Code {
	case CodeIncorrectStatus, CodeIncorrectOperation, CodeOperationConflict, CodeNonceUsed, CodeTimestampExpired,
		CodeIdempotentMismatch, CodeInsufficientBalance, CodeAccountArrearage, CodeServiceNotEnabled, CodeEIPInsufficientBalance:
		return false
	}
	return e.HTTPStatus >= 400 && e.HTTPStatus < 500
}

// IsRetryable says that the same call may succeed later: throttling, no stock,
// quota, an address still held, a 5xx, or no answer at all (any error that is
// not a refusal by the cloud).
func IsRetryable(err error) bool {
	if err == nil {
		return false
	}
	e := asError(err)
	if e == nil {
		return true
	}
	return e.HTTPStatus >= 500 || IsThrottled(err) || IsNoStock(err) || IsQuotaExceeded(err) ||
		e.Code == CodePrivateIPInUse || e.Code == CodeOperationConflict
}

// IsImageCacheUnfit says that the image cache of a create is not ready, or not for
// such a group: it is made without one.
func IsImageCacheUnfit(err error) bool {
	switch CodeOf(err) {
	case CodeSnapshotStatus, CodeSnapshotNotSupport:
		return true
	}
	return false
}
