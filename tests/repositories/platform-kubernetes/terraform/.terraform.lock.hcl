# This file is maintained automatically by "terraform init".
provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.75.1"
  constraints = "~> 5.75"
  hashes      = ["h1:1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6="]
}
