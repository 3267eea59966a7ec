# The pod of examples/eip-auto.yaml in HCL: the virtual node reads annotations,
# wherever a manifest comes from.
terraform {
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 2.30"
    }
  }
}

provider "kubernetes" {
  config_path = pathexpand("~/.kube/config")
}

resource "kubernetes_pod_v1" "eip_auto" {
  metadata {
    name = "eip-auto"
    annotations = {
      "k8s.aliyun.com/eci-with-eip"  = "true"
      "k8s.aliyun.com/eip-bandwidth" = "10" # Mbit/s
    }
  }

  spec {
    container {
      name  = "app"
      image = "nginx"
    }
    node_selector = {
      type = "virtual-kubelet"
    }
    toleration {
      key      = "virtual-kubelet.io/provider"
      operator = "Exists"
    }
  }

  lifecycle {
    # The node writes what it did into annotations of its own.
    ignore_changes = [metadata[0].annotations]
  }
}
