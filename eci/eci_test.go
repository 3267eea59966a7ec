package eci

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestSecretIsRedactedHoweverItIsPrinted(t *testing.T) {
	cred := ImageRegistryCredential{Server: "r.example", UserName: "u", Password: "hunter2"}
	asJSON, err := json.Marshal(cred)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{
		fmt.Sprint(cred), fmt.Sprintf("%v %+v %#v %s %q", cred, cred, cred, cred.Password, cred.Password), string(asJSON),
	} {
		if strings.Contains(printed, "hunter2") {
			t.Errorf("secret leaks in %s", printed)
		}
	}
	if cred.Password.Reveal() != "hunter2" {
		t.Error("Reveal must give the text")
	}
}

func TestOctalModeHasTheOctalDigitsInDecimal(t *testing.T) {
	for perm, want := range map[uint32]string{0o644: "0644", 0o400: "0400", 0o777: "0777", 0: "0000", 0o1755: "1755"} {
		if got := NewOctalMode(perm).String(); got != want {
			t.Errorf("NewOctalMode(%#o) = %s, want %s", perm, got, want)
		}
	}
}

func TestStartTimeIsReadInAllSpellings(t *testing.T) {
	for _, key := range []string{"StartedAtstartedAt", "StartedAt", "startedAt"} {
		var s StateRunning
		if err := json.Unmarshal([]byte(`{"`+key+`":"2026-01-02T03:04:05Z"}`), &s); err != nil {
			t.Fatal(err)
		}
		if s.StartedAt != "2026-01-02T03:04:05Z" {
			t.Errorf("%s: got %q", key, s.StartedAt)
		}
	}
}

func TestErrorsAreAskedThroughPredicates(t *testing.T) {
	type answers struct{ throttled, noStock, quota, notFound, auth, invalid, retryable bool }
	refusal := func(status int, code string) error {
		return fmt.Errorf("creating: %w", &Error{Action: "A", HTTPStatus: status, Code: code})
	}
	for name, tc := range map[string]struct {
		err  error
		want answers
	}{
		"throttling is HTTP 400":       {refusal(400, "Throttling.User"), answers{throttled: true, retryable: true}},
		"daily vCPU is a quota":        {refusal(403, "Throttling.Vcpu.PerDay"), answers{quota: true, retryable: true}},
		"no stock":                     {refusal(403, "OperationDenied.NoStock"), answers{noStock: true, retryable: true}},
		"no address":                   {refusal(403, "InvalidVSwitchId.IpNotEnough"), answers{noStock: true, retryable: true}},
		"any 404 on a group":           {refusal(404, "ContainerGroup.Gone"), answers{notFound: true}},
		"an unknown key is no 404":     {refusal(404, "InvalidAccessKeyId.NotFound"), answers{auth: true}},
		"a duplicated name":            {refusal(400, "InvalidParameter.DuplicatedName"), answers{invalid: true}},
		"an empty account can recover": {refusal(400, "Account.Arrearage"), answers{}},
		"no permission":                {refusal(403, "NoPermission"), answers{auth: true}},
		"a token that is missing":      {refusal(400, "MissingSecurityToken"), answers{auth: true}},
		"a token that has run out":     {refusal(400, "InvalidSecurityToken.Expired"), answers{auth: true}},
		"5xx":                          {refusal(503, "ServiceUnavailable"), answers{retryable: true}},
		"no answer":                    {errors.New("connection reset"), answers{retryable: true}},
		"success":                      {nil, answers{}},
	} {
		got := answers{IsThrottled(tc.err), IsNoStock(tc.err), IsQuotaExceeded(tc.err), IsNotFound(tc.err), IsAuth(tc.err), IsInvalid(tc.err), IsRetryable(tc.err)}
		if got != tc.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tc.want)
		}
	}
}
