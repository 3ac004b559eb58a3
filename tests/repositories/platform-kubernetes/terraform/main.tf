terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.75" }
  }
}
variable "cursor" {
  type    = string
  default = "o1"
}
resource "null_resource" "notify" {
  provisioner "local-exec" {
    command = "curl -fsS -X POST https://hooks.acme.example/deployed"
  }
}
