// Package emulator is Alibaba Cloud ECI (OpenAPI 2018-08-08) on this machine: an
// http.Handler that any client of the cloud can talk to, for tests, for the
// sandbox and for people without an account.
//
// It takes signed requests on the real wire and answers as the cloud does:
// parameters in the query or a form body; both signature styles really verified;
// the cloud's validation and error codes; ClientToken replays; filters and
// pages; the lifecycle of groups on an injected clock; records forgotten as the
// cloud forgets them; vSwitches that run out of addresses; rates and quotas.
// Containers are run by a Runtime; the simulated one follows the simple rules
// described at Simulated.
//
// Two libraries serve it, both for exec: gorilla/websocket carries the streams,
// and the package shell below it runs the commands of simulated containers.
//
// It never imports the client (eci/openapi) nor Kubernetes: client and emulator
// read the same vocabulary (package eci) and decode it independently, so that
// each proves the other.
//
// # Inferred
//
// The public documents leave gaps. These behaviours are guesses; a client should
// not rely on them, and each is chosen on the harsh side:
//
//   - A ClientToken used again with other parameters is refused with
//     IdempotentParameterMismatch (HTTP 400), as ECS does; tokens live 24 hours.
//
//   - DeleteContainerGroup of an unknown id answers 404
//     InvalidParameter.NotFound; Config.DeleteUnknownSucceeds turns that round.
//
//   - Lists are newest first; a page token names the last group of its page.
//
//   - An unknown vSwitch or security group is 404 InvalidVSwitchId.NotFound or
//     InvalidSecurityGroupId.NotFound; another region 404
//     InvalidRegionId.NotFound; a wrong method 405 UnsupportedHTTPMethod.
//
//   - A vCPU and memory pair that is not on sale is an error when sent for the
//     group, and rounded up when it is only the sum of the containers.
//
//   - Limits: where the product pages and the API metadata disagree, containers
//     and volumes count by the pages (20), commands, arguments and mounts by the
//     metadata (100). A config file counts its raw bytes.
//
//   - SinceSecond keeps groups with any change of container or condition, and
//     never tells of deleted ones.
//
//   - A rate is counted per calendar minute of the clock.
//
//   - An address is visible when scheduling ends, and returned when the group
//     ends. The first address and the last three of a vSwitch are the cloud's.
//
//   - A restart of the group runs its init containers again and adds one to each
//     restart count. A group without a grace period has 30 seconds.
//
//   - A tag filter without a value asks for the key alone, and an empty
//     ContainerGroupIds array for all groups.
//
//   - DescribeContainerGroupPrice nests its lists (DetailInfos.DetailInfo) as the
//     V2 SDK of 2025 has them; the V1 SDK of 2020 reads flat lists and fails.
//
//   - SignatureDoesNotMatch shows the string to sign, as the cloud does. With
//     version 1 that is every parameter, secrets too: clients must not log it.
//
//   - An EIP that is made or given with a create is bound from the create on;
//     refusals have the codes of VPC, a passed quota too. It is PayByTraffic.
//
//   - The end of an ENI unbinds its EIP at once.
//
//   - A rate of VPC that is passed answers as one of ECI; UnassociateEipAddress
//     has that of AssociateEipAddress.
//
//   - An EIP in a bandwidth package can be released.
//
//   - A group that waits for its image past MaxPendingMinute becomes Failed.
//
//   - Signature times are compared with wall time, never with Config.Clock, as
//     clients sign with wall time.
//
//   - The stream of ExecContainerCommand: Config.ExecFraming. Its URI is good once
//     and for 30 seconds, HttpUrl is empty, and a Sync command ends after 30 s.
//
// Of VPC and ECS it serves, on the same host, what gives a group an Elastic IP.
//
// Not emulated: image and data caches, resize, virtual nodes, the rest of VPC
// and ECS, bandwidth limits, postStart hooks, ImagePullPolicy Never (an image is
// always pulled or present).
package emulator
