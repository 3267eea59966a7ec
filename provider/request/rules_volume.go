package request

import corev1 "k8s.io/api/core/v1"

// volumeRules are the rows of volumes.
func volumeRules() []Rule {
	return join(
		translated(kindVolume, "name", "emptyDir", "secret", "nfs", "downwardAPI", "configMap", "projected"),
		partly(kindVolume, "where the account is allowed to and the node says so", "hostPath"),
		partly(kindVolume, "disks, NAS and OSS of Alibaba Cloud, and NFS", "persistentVolumeClaim", "ephemeral", "csi", "flexVolume"),
		refused(kindVolume, "ECI mounts no image as a volume; copy the files from an init container", "image"),
		refused(kindVolume, "ECI has no such volume: use nfs", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo",
			"iscsi", "glusterfs", "rbd", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte",
			"azureDisk", "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos"),
		translated(kindProjection, "secret", "downwardAPI", "configMap", "serviceAccountToken"),
		refused(kindProjection, "certificates are not renewed inside a group; use a configMap", "clusterTrustBundle",
			"podCertificate"),
		translated(kindEmptyDir, "medium", "sizeLimit"),
		translated(kindConfigMapVolume, "name", "items", "defaultMode", "optional"),
		translated(kindSecretVolume, "secretName", "items", "defaultMode", "optional"),
		translated(kindDownwardVolume, "items", "defaultMode"),
		translated(kindProjectedVolume, "sources", "defaultMode"),
		translated(kindNFSVolume, "server", "path", "readOnly"),
		translated(kindFlexVolume, "driver", "fsType", "secretRef", "readOnly"),
		partly(kindFlexVolume, "a disk that exists, and a RAM role, need permission; see security.md", "options"),
		translated(kindCSIVolume, "driver", "readOnly", "fsType", "nodePublishSecretRef"),
		partly(kindCSIVolume, "a disk that exists, and a RAM role, need permission; see security.md", "volumeAttributes"),
		translated(kindClaimVolume, "claimName", "readOnly"),
		partly(kindHostPathVolume, "a directory or a file that exists", "path", "type"),
		translated(kindServiceAccountTok, "audience", "expirationSeconds", "path"),
	)
}

// isReadOnlyKind says whether the kubelet mounts this kind read-only whatever
// the mount says.
func isReadOnlyKind(v corev1.Volume) bool {
	return v.ConfigMap != nil || v.Secret != nil || v.Projected != nil || v.DownwardAPI != nil
}
