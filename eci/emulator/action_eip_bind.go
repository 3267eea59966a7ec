package emulator

import (
	"net/http"
	"slices"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

func (e *Emulator) associateEIPAddress(c *call, r *vpc.AssociateEIPAddressRequest) (*vpc.Done, *eci.Error) {
	return once(e, c, r.ClientToken, func() (*vpc.Done, *eci.Error) {
		a, err := e.findEIP(r.AllocationID)
		if err != nil {
			return nil, err
		}
		g, err := e.checkAssociate(a, r)
		if err != nil {
			return nil, err
		}
		if value(r.DryRun) {
			return nil, refuse(http.StatusBadRequest, eci.CodeDryRunOperation, "Request validation has been passed with DryRun flag set.")
		}
		e.bind(a, g)
		return &vpc.Done{}, nil
	})
}

// checkAssociate returns the group behind the ENI.
func (e *Emulator) checkAssociate(a *eip, r *vpc.AssociateEIPAddressRequest) (*group, *eci.Error) {
	switch {
	case r.InstanceID == "":
		return nil, missing("InstanceId")
	case r.InstanceType != vpc.InstanceTypeENI:
		return nil, refuse(http.StatusBadRequest, vpc.CodeInstanceTypeUnknown, "The specified value of InstanceType %q is not supported: groups have network interfaces.", r.InstanceType)
	case r.Mode != "" && r.Mode != "NAT":
		return nil, invalid("Mode", "only NAT is emulated")
	case a.status != vpc.StatusAvailable:
		return nil, incorrectEIPStatus(a)
	}
	g := e.groupOfENI(r.InstanceID)
	switch {
	case g == nil:
		return nil, refuse(http.StatusNotFound, vpc.CodeAssociateNotFound, "The specified network interface %s does not exist.", r.InstanceID)
	case r.PrivateIPAddress != "" && r.PrivateIPAddress != g.address.String():
		return nil, refuse(http.StatusBadRequest, vpc.CodeParameterMismatch, "The private IP address is not one of the network interface.")
	case e.eipOf(g) != nil:
		return nil, refuse(http.StatusBadRequest, vpc.CodeDuplicated, "The specified network interface has an EIP already.")
	}
	return g, nil
}

func (e *Emulator) unassociateEIPAddress(c *call, r *vpc.UnassociateEIPAddressRequest) (*vpc.Done, *eci.Error) {
	return once(e, c, r.ClientToken, func() (*vpc.Done, *eci.Error) {
		a, err := e.findEIP(r.AllocationID)
		switch {
		case err != nil:
			return nil, err
		case a.status != vpc.StatusInUse:
			return nil, incorrectEIPStatus(a)
		case r.InstanceID != "" && r.InstanceID != a.instanceID:
			return nil, refuse(http.StatusBadRequest, vpc.CodeUnassociateNotFound, "The EIP is not bound to the specified instance.")
		}
		e.unbind(a)
		return &vpc.Done{}, nil
	})
}

func (e *Emulator) addCommonBandwidthPackageIP(c *call, r *vpc.AddCommonBandwidthPackageIPRequest) (*vpc.Done, *eci.Error) {
	return once(e, c, r.ClientToken, func() (*vpc.Done, *eci.Error) {
		a, err := e.findInPackage(r.BandwidthPackageID, r.IPInstanceID)
		if err != nil {
			return nil, err
		}
		if a.pkg != "" {
			return nil, refuse(http.StatusBadRequest, vpc.CodeAlreadyInPackage, "The specified EIP is in a bandwidth package already.")
		}
		a.pkg = r.BandwidthPackageID
		return &vpc.Done{}, nil
	})
}

func (e *Emulator) removeCommonBandwidthPackageIP(c *call, r *vpc.RemoveCommonBandwidthPackageIPRequest) (*vpc.Done, *eci.Error) {
	return once(e, c, r.ClientToken, func() (*vpc.Done, *eci.Error) {
		a, err := e.findInPackage(r.BandwidthPackageID, r.IPInstanceID)
		if err != nil {
			return nil, err
		}
		if a.pkg != r.BandwidthPackageID {
			return nil, refuse(http.StatusNotFound, vpc.CodeNotInPackage, "The specified EIP is not in the bandwidth package.")
		}
		a.pkg = ""
		return &vpc.Done{}, nil
	})
}

func (e *Emulator) findInPackage(pkg, id string) (*eip, *eci.Error) {
	switch {
	case pkg == "":
		return nil, missing("BandwidthPackageId")
	case id == "":
		return nil, missing("IpInstanceId")
	case !slices.Contains(e.cfg.BandwidthPackages, pkg):
		return nil, refuse(http.StatusNotFound, vpc.CodePackageNotFound, "The specified bandwidth package %s does not exist.", pkg)
	case e.eips.byID[id] == nil:
		return nil, refuse(http.StatusNotFound, vpc.CodeNotInPackage, "The specified EIP %s does not exist.", id)
	}
	return e.eips.byID[id], nil
}
