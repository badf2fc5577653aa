# For `cargo xtask deploy` only: sends Terraform to a moto on this machine instead of AWS, with what the module needs
# from elsewhere made there. It is copied beside a copy of deploy/ecs.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
  endpoints {
    acm                    = "http://127.0.0.1:5555"
    applicationautoscaling = "http://127.0.0.1:5555"
    cloudwatch             = "http://127.0.0.1:5555"
    ec2                    = "http://127.0.0.1:5555"
    ecs                    = "http://127.0.0.1:5555"
    elbv2                  = "http://127.0.0.1:5555"
    iam                    = "http://127.0.0.1:5555"
    logs                   = "http://127.0.0.1:5555"
    sts                    = "http://127.0.0.1:5555"
  }
}

resource "aws_vpc" "test" {
  cidr_block = "10.1.0.0/16"
}

resource "aws_acm_certificate" "test" {
  domain_name       = "shop.example"
  validation_method = "DNS"
}

resource "aws_subnet" "test" {
  count             = 2
  vpc_id            = aws_vpc.test.id
  cidr_block        = "10.1.${count.index}.0/24"
  availability_zone = element(["eu-central-1a", "eu-central-1b"], count.index)
}

module "souk" {
  source          = "./souk"
  image           = "example.com/souk@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  vpc_id          = aws_vpc.test.id
  vpc_cidr        = aws_vpc.test.cidr_block
  public_subnets  = aws_subnet.test[*].id
  private_subnets = aws_subnet.test[*].id
  certificate_arn = aws_acm_certificate.test.arn
  public_url      = "https://shop.example"
  log_bucket      = "shop-logs"
  kms_key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  secrets = {
    SOUK_DB            = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:souk-db"
    SOUK_REDIS__SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:souk-redis"
  }
}
