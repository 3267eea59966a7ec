package vpc

import (
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Codes of refusals, spelled as the cloud spells them. Source: error lists of
// the VPC documents.
const (
	CodeQuotaExceededEIP     = "QuotaExceeded.Eip"
	CodeInsufficientBalance  = "InsufficientBalance"
	CodeReserveIPFail        = "ReserveIpFail"
	CodeInvalidRegion        = "InvalidRegion.NotSupport"
	CodeInvalidResourceGroup = "InvalidResourceGroupId"
	CodeForbidden            = "Forbbiden"
	CodeIncorrectEIPStatus   = "IncorrectEipStatus"
	CodeIncorrectInstance    = "IncorrectInstanceStatus"
	CodeDuplicated           = "InvalidAssociation.Duplicated"
	CodeBindInstanceHasEIP   = "BIND_INSTANCE_HAVE_PORTMAP_OR_BIND_EIP"
	CodeBindInstanceOwner    = "BIND_INSTANCE_OWENER_ERROR"
	CodeInvalidBindingStatus = "InvalidBindingStatus"
	CodeInstanceTypeUnknown  = "InvalidInstanceType.ValueNotSupported"
	CodeParameterMismatch    = "InvalidParameter.Mismatch"
	CodeOperationDenied      = "OperationDenied"
	CodeAssociateNotFound    = "InvalidInstanId.NotFound"
	CodeUnassociateNotFound  = "InvalidInstanceId.NotFound"
	CodeAllocationNotFound   = "InvalidAllocationId.NotFound"
	CodeParamsNotFound       = "InvalidParams.NotFound"
	CodePrePaid              = "Forbidden.ChargeTypeIsPrepaid"
	CodeTooFrequent          = "TaskConflict.AssociateGlobalAccelerationInstance"
	CodePackageNotFound      = "InvalidBandwidthPackageId.NotFound"
	CodeNotInPackage         = "InvalidIpInstanceId.NotFound"
	CodeAlreadyInPackage     = "InvalidIpInstanceId.AlreadyInBandwidthPackage"
	CodeResourceNotFound     = "InvalidResourceId.NotFound"
)

// IsGone says that the EIP does not exist any more.
func IsGone(err error) bool { return eci.CodeOf(err) == CodeAllocationNotFound }

// IsEIPMoving says that the EIP is not in the state that the call needs: it is
// on its way there, or bound otherwise than thought. Read it and try again.
func IsEIPMoving(err error) bool { return eci.CodeOf(err) == CodeIncorrectEIPStatus }

// IsTargetNotReady says that the ENI cannot be bound yet.
func IsTargetNotReady(err error) bool { return eci.CodeOf(err) == CodeIncorrectInstance }

// IsTargetGone says that the ENI is unknown.
func IsTargetGone(err error) bool {
	switch eci.CodeOf(err) {
	case CodeAssociateNotFound, CodeUnassociateNotFound, CodeParamsNotFound:
		return true
	}
	return false
}

// IsTargetTaken says that the ENI has an EIP already: read back, it may be the
// one that was to be bound.
func IsTargetTaken(err error) bool {
	switch eci.CodeOf(err) {
	case CodeDuplicated, CodeBindInstanceHasEIP:
		return true
	}
	return false
}

// IsQuota says that the account holds as many EIPs as it may.
func IsQuota(err error) bool { return strings.HasPrefix(eci.CodeOf(err), "QuotaExceeded.") }

// IsBalance says that the account cannot pay.
func IsBalance(err error) bool {
	switch eci.CodeOf(err) {
	case CodeInsufficientBalance, eci.CodeInsufficientBalance, eci.CodeAccountArrearage, eci.CodeEIPInsufficientBalance:
		return true
	}
	return false
}

// IsPassing says that the same call may succeed soon.
func IsPassing(err error) bool {
	switch eci.CodeOf(err) {
	case CodeReserveIPFail, eci.CodeOperationConflict, CodeTooFrequent, CodeInvalidBindingStatus:
		return true
	}
	return IsEIPMoving(err) || IsTargetNotReady(err) || eci.IsRetryable(err) && !IsQuota(err)
}

// IsNotInPackage says that a removal from a bandwidth package had nothing to do.
func IsNotInPackage(err error) bool {
	switch eci.CodeOf(err) {
	case CodeNotInPackage, CodePackageNotFound:
		return true
	}
	return false
}

// IsInPackage says that an addition to a bandwidth package had nothing to do.
func IsInPackage(err error) bool { return eci.CodeOf(err) == CodeAlreadyInPackage }
