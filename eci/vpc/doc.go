// Package vpc is the part of the VPC OpenAPI (2016-04-28), and the one call of
// ECS (2014-05-26), by which a container group gets an Elastic IP: requests,
// answers, states and errors, in the style of package eci.
//
// The JSON name of every field is its name on the wire, oddities included:
// answers nest their lists twice (EipAddresses.EipAddress), numbers come as
// texts, and some codes are misspelt. Calls that change a binding are
// asynchronous: an answer says that the cloud has begun, and the state is read
// with DescribeEipAddresses.
//
// The package holds no behaviour beyond predicates and uses only the standard
// library.
package vpc
