package coil

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AddressBlock is a part of an address pool that a node uses.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.metadata.labels['coil\.cybozu\.com/node']`
// +kubebuilder:printcolumn:name="Pool",type=string,JSONPath=`.metadata.labels['coil\.cybozu\.com/pool']`
// +kubebuilder:printcolumn:name="IPv4",type=string,JSONPath=`.ipv4`
// +kubebuilder:printcolumn:name="IPv6",type=string,JSONPath=`.ipv6`
type AddressBlock struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +kubebuilder:validation:Minimum=0
	Index int32   `json:"index"`
	IPv4  *string `json:"ipv4,omitempty"`
	IPv6  *string `json:"ipv6,omitempty"`
}

// AddressPool is a set of subnets from which pods get addresses.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:printcolumn:name="BlockSize Bits",type=integer,JSONPath=`.spec.blockSizeBits`
type AddressPool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec AddressPoolSpec `json:"spec,omitempty"`
}

// AddressPoolSpec is the specification of an AddressPool.
type AddressPoolSpec struct {
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=0
	// +optional
	BlockSizeBits int32 `json:"blockSizeBits"`

	// +kubebuilder:validation:MinItems=1
	Subnets []Subnet `json:"subnets"`
}

// Subnet is a network of IPv4, IPv6 or both.
type Subnet struct {
	IPv4 *string `json:"ipv4,omitempty"`
	IPv6 *string `json:"ipv6,omitempty"`
}

// BlockRequest is a request of a node for a block of a pool.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:subresource:status
type BlockRequest struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   BlockRequestSpec   `json:"spec,omitempty"`
	Status BlockRequestStatus `json:"status,omitempty"`
}

// BlockRequestSpec is the specification of a BlockRequest.
type BlockRequestSpec struct {
	NodeName string `json:"nodeName"`
	PoolName string `json:"poolName"`
}

// BlockRequestStatus is the status of a BlockRequest.
type BlockRequestStatus struct {
	AddressBlockName string                  `json:"addressBlockName,omitempty"`
	Conditions       []BlockRequestCondition `json:"conditions,omitempty"`
}

// BlockRequestCondition is a condition of a BlockRequest.
type BlockRequestCondition struct {
	// +kubebuilder:validation:Enum=Complete;Failed
	Type               string                 `json:"type"`
	Status             corev1.ConditionStatus `json:"status"`
	Reason             string                 `json:"reason,omitempty"`
	Message            string                 `json:"message,omitempty"`
	LastProbeTime      metav1.Time            `json:"lastProbeTime,omitempty"`
	LastTransitionTime metav1.Time            `json:"lastTransitionTime,omitempty"`
}

// Egress is a gateway for pods to destinations outside the cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
type Egress struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   EgressSpec   `json:"spec,omitempty"`
	Status EgressStatus `json:"status,omitempty"`
}

// EgressSpec is the specification of an Egress.
type EgressSpec struct {
	// +kubebuilder:validation:MinItems=1
	Destinations []string `json:"destinations"`

	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +optional
	Replicas int32 `json:"replicas"`

	Strategy *appsv1.DeploymentStrategy `json:"strategy,omitempty"`
	Template *EgressPodTemplate         `json:"template,omitempty"`

	// +kubebuilder:default=ClientIP
	// +kubebuilder:validation:Enum=ClientIP;None
	SessionAffinity corev1.ServiceAffinity `json:"sessionAffinity,omitempty"`

	SessionAffinityConfig *corev1.SessionAffinityConfig `json:"sessionAffinityConfig,omitempty"`
}

// EgressPodTemplate is the template of the pods of an Egress.
type EgressPodTemplate struct {
	Metadata Metadata `json:"metadata,omitempty"`

	Spec corev1.PodSpec `json:"spec,omitempty"`
}

// Metadata is the metadata of the pods of an Egress.
type Metadata struct {
	Annotations map[string]string `json:"annotations,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// EgressStatus is the status of an Egress.
type EgressStatus struct {
	Replicas int32  `json:"replicas,omitempty"`
	Selector string `json:"selector,omitempty"`
}
