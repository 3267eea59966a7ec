package openapi

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eci-vnode/eci-vnode/eci"
)

// FuzzEncode holds the encoder against another way to the same wire: the JSON
// that encoding/json makes of the request, flattened. The two share no code.
func FuzzEncode(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 1))
		for _, req := range []any{
			&eci.CreateContainerGroupRequest{}, &eci.UpdateContainerGroupRequest{}, &eci.DeleteContainerGroupRequest{},
			&eci.RestartContainerGroupRequest{}, &eci.DescribeContainerGroupsRequest{}, &eci.DescribeContainerGroupStatusRequest{},
			&eci.DescribeContainerGroupEventsRequest{}, &eci.DescribeContainerLogRequest{}, &eci.DescribeRegionsRequest{},
			&eci.DescribeMultiContainerGroupMetricRequest{}, &eci.ListUsageRequest{}, &eci.DescribeContainerGroupPriceRequest{},
		} {
			fillRandom(random, reflect.ValueOf(req).Elem())
			got, err := encode(req)
			if err != nil {
				t.Fatal(err)
			}
			want := mustFlatten(t, req)
			for name, value := range want {
				if value == "***" { // a Secret: JSON does not tell it
					if !strings.HasPrefix(got.values[name], "secret-") {
						t.Errorf("%s: got %q, want the secret", name, got.values[name])
					}
					got.values[name] = "***"
				}
			}
			if diff := cmp.Diff(want, got.values); diff != "" {
				t.Fatalf("%T, seed %d: -want +got:\n%s", req, seed, diff)
			}
		}
	})
}

// fillRandom sets about half of the fields.
func fillRandom(random *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case eci.Secret:
		v.SetString([]string{"", fmt.Sprint("secret-", random.Uint64())}[random.IntN(2)])
		return
	case eci.OctalMode:
		v.Set(reflect.ValueOf(eci.NewOctalMode(random.Uint32())))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillRandom(random, v.Field(i))
		}
	case reflect.Pointer:
		if random.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fillRandom(random, v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(3), 3))
		for i := range v.Len() {
			fillRandom(random, v.Index(i))
		}
	case reflect.String:
		v.SetString([]string{"", "a", "x y&=+*~%/ü", "[\"q\"]<>"}[random.IntN(4)])
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(float64(random.IntN(9)) / 4)
	default:
		v.SetInt(random.Int64N(3) * random.Int64N(1<<31-1) / 2)
	}
}

func mustFlatten(t *testing.T, req any) map[string]string {
	t.Helper()
	text, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	flat := map[string]string{}
	flatten(t, flat, "", tree)
	return flat
}

func flatten(t *testing.T, flat map[string]string, name string, tree any) {
	last := name[strings.LastIndex(name, ".")+1:]
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			if _, referred := node["FieldRef"]; referred && key == "Value" && value == "" {
				continue
			}
			flatten(t, flat, strings.TrimPrefix(name+"."+key, "."), value)
		}
	case []any:
		if last == "ContainerGroupIds" {
			var text strings.Builder
			if err := json.NewEncoder(&text).Encode(node); err != nil {
				t.Fatal(err)
			}
			flat[name] = strings.TrimSpace(text.String())
			return
		}
		for i, value := range node {
			flatten(t, flat, name+"."+strconv.Itoa(i+1), value)
		}
	case json.Number:
		flat[name] = node.String()
		if last == "Mode" || last == "DefaultMode" {
			flat[name] = strings.Repeat("0", 4-len(node.String())) + node.String()
		}
	default:
		flat[name] = fmt.Sprint(node)
	}
}
