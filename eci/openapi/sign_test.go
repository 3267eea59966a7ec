package openapi

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"

	"github.com/eci-vnode/eci-vnode/eci"
)

// The SDK signs a request of its own; its time and nonce put into ours must give
// its signature.
func TestTheSignatureIsThatOfTheSDK(t *testing.T) {
	for name, token := range map[string]string{"access key": "", "STS": "tok+en/=="} {
		t.Run(name, func(t *testing.T) {
			theirs := requests.NewCommonRequest()
			theirs.Method, theirs.Version, theirs.ApiName = "POST", eci.Version, eci.ActionListUsage
			theirs.AcceptFormat = "JSON"
			theirs.FormParams["RegionId"] = "cn-x"
			theirs.FormParams["Text"] = "a b+c*d~e/f%&=ü\n"
			theirs.TransToAcsRequest()
			given := credentials.NewStaticSTSCredentialsProvider("id", "secret", token)
			if err := auth.Sign(theirs, nil, "cn-x", given); err != nil {
				t.Fatal(err)
			}
			ours := map[string]string{}
			for _, part := range []map[string]string{theirs.GetQueryParams(), theirs.FormParams} {
				for key, value := range part {
					ours[key] = value
				}
			}
			want := ours["Signature"]
			delete(ours, "Signature")
			if got := signature(canonical(ours), Credential{AccessKeyID: "id", AccessKeySecret: "secret"}); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestEveryAttemptHasItsOwnNonceAndTheTimeOfTheClock(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("UTC+8", 8*3600))
	nonces := map[string]bool{}
	for range 1000 {
		form, err := url.ParseQuery(sign("A", eci.Version, map[string]string{"P": "v"}, Credential{AccessKeyID: "id", AccessKeySecret: "s"}, now))
		if err != nil {
			t.Fatal(err)
		}
		if form.Get("Timestamp") != "2026-01-01T19:04:05Z" || form.Get("P") != "v" || form.Get("Action") != "A" {
			t.Fatalf("got %v", form)
		}
		nonces[form.Get("SignatureNonce")] = true
	}
	if len(nonces) != 1000 {
		t.Errorf("%d nonces of 1000 differ", len(nonces))
	}
}

func BenchmarkSign(b *testing.B) {
	params := map[string]string{}
	for i := range 60 {
		params[fmt.Sprintf("Container.1.EnvironmentVar.%d.Value", i)] = "a value of an environment variable"
	}
	for b.Loop() {
		sign("CreateContainerGroup", eci.Version, params, Credential{AccessKeyID: "id", AccessKeySecret: "secret"}, time.Unix(0, 0))
	}
}
