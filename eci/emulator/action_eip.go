package emulator

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
)

// maxBandwidth is in Mbit/s, by charge type.
func maxBandwidth(chargeType string) int64 {
	if chargeType == vpc.PayByTraffic {
		return 200
	}
	return 500
}

// bandwidthText is a number of Mbit/s as the VPC has it, "" for none.
func bandwidthText(mbits int32) string {
	if mbits == 0 {
		return ""
	}
	return strconv.Itoa(int(mbits))
}

func (c *checker) bandwidth(text, chargeType string) {
	if text == "" {
		return
	}
	n, err := strconv.ParseInt(text, 10, 32)
	c.that(err == nil && n >= 1 && n <= maxBandwidth(chargeType), "Bandwidth", "%q is not 1 to %d Mbit/s", text, maxBandwidth(chargeType))
}

func (e *Emulator) allocateEIPAddress(c *call, r *vpc.AllocateEIPAddressRequest) (*vpc.AllocateEIPAddressResponse, *eci.Error) {
	if err := checkAllocate(r); err != nil {
		return nil, err
	}
	return once(e, c, r.ClientToken, func() (*vpc.AllocateEIPAddressResponse, *eci.Error) {
		a, err := e.newEIP(*r)
		if err != nil {
			return nil, err
		}
		return &vpc.AllocateEIPAddressResponse{EIPAddress: a.address, AllocationID: a.id, ResourceGroupID: r.ResourceGroupID}, nil
	})
}

func checkAllocate(r *vpc.AllocateEIPAddressRequest) *eci.Error {
	c := &checker{}
	c.token(r.ClientToken)
	c.tags(r.Tags, eci.MaxTags)
	c.oneOf("Netmode", r.Netmode, "public")
	c.oneOf("InternetChargeType", r.InternetChargeType, vpc.PayByBandwidth, vpc.PayByTraffic)
	c.oneOf("InstanceChargeType", r.InstanceChargeType, vpc.PostPaid, vpc.PrePaid)
	c.oneOf("ISP", r.ISP, "BGP", "BGP_PRO", "ChinaTelecom", "ChinaUnicom", "ChinaMobile", "ChinaTelecom_L2", "ChinaUnicom_L2", "ChinaMobile_L2", "BGP_FinanceCloud")
	c.bandwidth(r.Bandwidth, r.InternetChargeType)
	c.that(r.InstanceChargeType != vpc.PrePaid || r.InternetChargeType != vpc.PayByTraffic, "InternetChargeType", "PrePaid is PayByBandwidth only")
	c.text("Name", r.Name, 1, 128)
	c.text("Description", r.Description, 2, 256)
	return c.err
}

// text takes the empty one too: not sent.
func (c *checker) text(param, text string, low, high int) {
	n := len([]rune(text))
	c.that(text == "" || n >= low && n <= high, param, "it has %d characters, not %d to %d", n, low, high)
}

// findEIP finds the EIP that a call names.
func (e *Emulator) findEIP(id string) (*eip, *eci.Error) {
	if id == "" {
		return nil, missing("AllocationId")
	}
	if a := e.eips.byID[id]; a != nil {
		return a, nil
	}
	return nil, refuse(http.StatusNotFound, vpc.CodeAllocationNotFound, "The specified AllocationId %s does not exist.", id)
}

func incorrectEIPStatus(a *eip) *eci.Error {
	return refuse(http.StatusBadRequest, vpc.CodeIncorrectEIPStatus, "The status %s of the specified EIP does not support this operation.", a.status)
}

func (e *Emulator) releaseEIPAddress(_ *call, r *vpc.ReleaseEIPAddressRequest) (*vpc.Done, *eci.Error) {
	a, err := e.findEIP(r.AllocationID)
	switch {
	case err != nil:
		return nil, err
	case a.status != vpc.StatusAvailable:
		return nil, incorrectEIPStatus(a)
	case a.request.InstanceChargeType == vpc.PrePaid:
		return nil, refuse(http.StatusBadRequest, vpc.CodePrePaid, "A subscription EIP cannot be released.")
	}
	e.dropEIP(a)
	return &vpc.Done{}, nil
}

func (e *Emulator) modifyEIPAddressAttribute(_ *call, r *vpc.ModifyEIPAddressAttributeRequest) (*vpc.Done, *eci.Error) {
	a, err := e.findEIP(r.AllocationID)
	if err != nil {
		return nil, err
	}
	c := &checker{}
	c.bandwidth(r.Bandwidth, a.request.InternetChargeType)
	c.text("Name", r.Name, 2, 128)
	c.text("Description", r.Description, 2, 256)
	if c.err != nil {
		return nil, c.err
	}
	for _, change := range []struct{ from, to *string }{
		{&r.Bandwidth, &a.request.Bandwidth}, {&r.Name, &a.request.Name}, {&r.Description, &a.request.Description},
	} {
		if *change.from != "" {
			*change.to = *change.from
		}
	}
	return &vpc.Done{}, nil
}

// tagResources knows EIPs only. A tag of the same key is overwritten.
func (e *Emulator) tagResources(_ *call, r *vpc.TagResourcesRequest) (*vpc.Done, *eci.Error) {
	c := &checker{}
	c.required("ResourceType", r.ResourceType)
	c.oneOf("ResourceType", r.ResourceType, vpc.ResourceTypeEIP)
	c.that(len(r.ResourceIDs) > 0, "ResourceId", "none is given")
	c.tags(r.Tags, eci.MaxTags)
	if c.err != nil {
		return nil, c.err
	}
	for _, id := range r.ResourceIDs {
		if e.eips.byID[id] == nil {
			return nil, refuse(http.StatusNotFound, vpc.CodeResourceNotFound, "The specified resource %s does not exist.", id)
		}
	}
	for _, id := range r.ResourceIDs {
		a := e.eips.byID[id]
		for _, tag := range r.Tags {
			a.tags = append(slices.DeleteFunc(a.tags, func(old eci.Tag) bool { return old.Key == tag.Key }), tag)
		}
	}
	return &vpc.Done{}, nil
}
