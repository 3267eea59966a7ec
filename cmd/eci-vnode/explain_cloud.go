package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/explain"
)

// priceAsker is the call that tells prices.
type priceAsker interface {
	DescribeContainerGroupPrice(context.Context, *eci.DescribeContainerGroupPriceRequest) (*eci.DescribeContainerGroupPriceResponse, error)
}

// creator is the call that makes groups.
type creator interface {
	CreateContainerGroup(context.Context, *eci.CreateContainerGroupRequest) (*eci.CreateContainerGroupResponse, error)
}

// livePrices asks the cloud once for each size.
type livePrices struct {
	cloud  priceAsker
	region string
	// known are the answers by the question, as JSON. The lock is held while the
	// cloud is asked, so that it is asked once.
	lock  sync.Mutex
	known map[string]explain.Price
}

func newLivePrices(cloud priceAsker, region string) *livePrices {
	return &livePrices{cloud: cloud, region: region, known: map[string]explain.Price{}}
}

// Source says that the prices are today's.
func (l *livePrices) Source() string { return "asked of the cloud now, for " + l.region }

// PriceOf asks for what the group is billed, with the discounts of the account.
// A refusal is not the pod's fault: the price is then not known.
func (l *livePrices) PriceOf(ctx context.Context, req *eci.CreateContainerGroupRequest) (explain.Price, error) {
	ask := priceRequest(req)
	key, err := json.Marshal(ask)
	if err != nil {
		return explain.Price{}, err
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	if price, asked := l.known[string(key)]; asked {
		return price, nil
	}
	resp, err := l.cloud.DescribeContainerGroupPrice(ctx, ask)
	var price explain.Price
	switch {
	case eci.IsInvalid(err) || eci.IsNoStock(err):
		price.Note = "the cloud tells no price: " + err.Error()
	case err != nil:
		return price, fmt.Errorf("asking for the price: %w", err)
	default:
		price = priceOf(resp.PriceInfo)
	}
	l.known[string(key)] = price
	return price, nil
}

func priceRequest(req *eci.CreateContainerGroupRequest) *eci.DescribeContainerGroupPriceRequest {
	ask := &eci.DescribeContainerGroupPriceRequest{
		RequestMeta: req.RequestMeta, ZoneID: req.ZoneID, EphemeralStorage: req.EphemeralStorage,
		SpotStrategy: req.SpotStrategy, SpotPriceLimit: req.SpotPriceLimit,
	}
	ask.InstanceType, ask.CPU, ask.Memory = explain.FirstSize(req)
	if len(req.ComputeCategory) > 0 {
		ask.ComputeCategory = req.ComputeCategory[0]
	}
	if req.SpotDuration != nil {
		ask.SpotDuration = ptr.To(int32(*req.SpotDuration))
	}
	return ask
}

// priceOf turns the price per second into one per hour. A spot price is per
// hour already; of several zones the dearest counts.
func priceOf(info eci.PriceInfo) explain.Price {
	const secondsPerHour = 3600
	price := explain.Price{
		Hour:     secondsPerHour * cmp.Or(info.Price.TradePrice, info.Price.OriginalPrice),
		Currency: info.Price.Currency,
	}
	var zones []string
	dearest := 0.0
	for _, spot := range info.SpotPrices.SpotPrice {
		dearest = max(dearest, spot.SpotPrice)
		zones = append(zones, spot.ZoneID)
	}
	if dearest > 0 {
		price.Hour = dearest
		price.Note = "spot price of now, the highest of " + strings.Join(zones, ", ")
	}
	return price
}

// dryRun asks the cloud whether it would make the group, and makes none.
func dryRun(cloud creator) func(context.Context, *eci.CreateContainerGroupRequest) error {
	return func(ctx context.Context, req *eci.CreateContainerGroupRequest) error {
		ask := *req
		ask.DryRun = ptr.To(true)
		_, err := cloud.CreateContainerGroup(ctx, &ask)
		return err
	}
}
