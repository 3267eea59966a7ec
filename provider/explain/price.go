package explain

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Prices tells what a group costs.
type Prices interface {
	// PriceOf returns the price of the group that the request makes.
	PriceOf(ctx context.Context, req *eci.CreateContainerGroupRequest) (Price, error)
	// Source says where the prices are from, and of when.
	Source() string
}

// Price is what a group costs for an hour.
type Price struct {
	Hour float64
	// Currency is empty when the price is not known; Note then says why.
	Currency string
	// Note is what the figure leaves out, or "".
	Note string
}

// hoursPerMonth is a month of 30 days.
const hoursPerMonth = 30 * 24

// ListPrices are the same for all groups, by size. ECI bills by the second; an
// hour has 3600 of them.
type ListPrices struct {
	// VCPUHour and GiBHour are the prices of one vCPU and one GiB of memory for
	// an hour.
	VCPUHour float64 `json:"vcpuHour"`
	GiBHour  float64 `json:"gibHour"`
	Currency string  `json:"currency"`
	// Origin says whose prices these are, and of when.
	Origin string `json:"origin"`
	// Addresses are the prices of public addresses.
	Addresses AddressPrices `json:"addresses"`
}

// DefaultListPrices are those of the international site. They are old, and
// regions differ. Source: ECI's price page of July 2021, which has USD 0.0000077
// per vCPU and second and USD 0.00000096 per GiB and second.
func DefaultListPrices() ListPrices {
	return ListPrices{VCPUHour: 0.02772, GiBHour: 0.003456, Currency: "USD", Origin: "list price of the international site, July 2021", Addresses: DefaultAddressPrices()}
}

// Validate returns all that is wrong.
func (l ListPrices) Validate() error {
	var errs []error
	if l.VCPUHour < 0 || l.GiBHour < 0 || l.Addresses.hasNegative() {
		errs = append(errs, errors.New("a price is not below 0"))
	}
	if l.Currency == "" {
		errs = append(errs, errors.New("the currency of the prices is missing"))
	}
	return errors.Join(errs...)
}

// Source names the unit prices.
func (l ListPrices) Source() string {
	return fmt.Sprintf("%s: %s %g per vCPU and hour, %g per GiB and hour", l.Origin, l.Currency, l.VCPUHour, l.GiBHour)
}

// PriceOf is the size times the unit prices. An ECS type has a price of its own,
// which is not on the list.
func (l ListPrices) PriceOf(_ context.Context, req *eci.CreateContainerGroupRequest) (Price, error) {
	size, ok := billedSize(req)
	if !ok {
		return Price{Note: "an ECS type has a price of its own, which is not on the list; --live asks for it"}, nil
	}
	return Price{Hour: size.CPU*l.VCPUHour + size.Memory*l.GiBHour, Currency: l.Currency, Note: listNote(req)}, nil
}

// FirstSize is what a group is billed for when there is room: an ECS type, or "",
// and else vCPU and GiB.
func FirstSize(req *eci.CreateContainerGroupRequest) (instanceType string, vcpu, gib float64) {
	if size, known := billedSize(req); known {
		return "", size.CPU, size.Memory
	}
	first, _, _ := strings.Cut(req.InstanceType, ",")
	return strings.TrimSpace(first), 0, 0
}

func listNote(req *eci.CreateContainerGroupRequest) string {
	var notes []string
	if strings.HasPrefix(req.SpotStrategy, "Spot") {
		notes = append(notes, "this is the price without spot; spot follows the market below it")
	}
	if req.EphemeralStorage > 0 {
		notes = append(notes, fmt.Sprintf("%d GiB of extra storage are billed on top", req.EphemeralStorage))
	}
	if _, more, list := strings.Cut(req.InstanceType, ","); list {
		notes = append(notes, "the price is that of the first size; where it is sold out, it is that of "+strings.ReplaceAll(more, ",", ", "))
	}
	if ptr.Deref(req.AutoCreateEIP, false) {
		notes = append(notes, "the EIP is billed on top")
	}
	return strings.Join(notes, "; ")
}
