package main

import (
	"context"
	"fmt"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/provider/check"
)

// identityTimeout bounds the question who the caller is, which nothing waits for.
const identityTimeout = 10 * time.Second

// logIdentity writes once which identity this program has, also when the cloud
// cannot be asked.
func logIdentity(ctx context.Context, source *openapi.Source) {
	logger := log.G(ctx).WithField("credentials", source.Place())
	if unused := source.Unused(); len(unused) > 0 {
		logger.WithField("unused", unused).Warn("credentials are configured in more than one place; only the first is used")
	}
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	who, err := source.Identity(ctx)
	if err != nil {
		logger.WithError(err).Info("these credentials are used; the cloud could not be asked whose they are")
		return
	}
	logger.WithFields(log.Fields{"account": who.AccountID, "arn": who.ARN}).Info("this is who calls the cloud")
}

// logRenewals tells of temporary credentials that could not be renewed: calls go
// on with those of before until they expire.
func logRenewals(ctx context.Context) func(error) {
	return func(err error) {
		if err != nil {
			log.G(ctx).WithError(err).Warn("renewing the credentials failed; will try again")
		}
	}
}

// identityOf returns the identity that check shows.
func identityOf(source *openapi.Source) func(context.Context) check.Identity {
	return func(ctx context.Context) check.Identity {
		out := check.Identity{Place: source.Place(), Unused: source.Unused()}
		ctx, cancel := context.WithTimeout(ctx, identityTimeout)
		defer cancel()
		who, err := source.Identity(ctx)
		if out.Err = err; err == nil {
			out.Caller = fmt.Sprintf("%s of account %s", who.ARN, who.AccountID)
		}
		return out
	}
}
