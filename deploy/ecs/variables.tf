variable "name" {
  description = "What everything here is called."
  type        = string
  default     = "souk"
}

variable "image" {
  description = "The shop's image, by its digest: a tag can be moved."
  type        = string
}

variable "agent_image" {
  description = "The CloudWatch agent's image."
  type        = string
  default     = "public.ecr.aws/cloudwatch-agent/cloudwatch-agent:1.300049.1b929"
}

variable "vpc_id" {
  description = "Where the nodes are."
  type        = string
}

variable "vpc_cidr" {
  description = "Its addresses: the load balancer is among them, and only what it says of clients is believed."
  type        = string
}

variable "public_subnets" {
  description = "For the load balancer, in two zones at least."
  type        = list(string)
}

variable "private_subnets" {
  description = "For the nodes, in two zones at least, with a way out (NAT, or endpoints for ECR, logs and secrets)."
  type        = list(string)
}

variable "certificate_arn" {
  description = "The certificate of the load balancer."
  type        = string
}

variable "public_url" {
  description = "Where the shop is seen from outside, as https://shop.example."
  type        = string
}

variable "log_bucket" {
  description = "The bucket for the load balancer's access logs; its policy must let the balancer write."
  type        = string
}

variable "kms_key_arn" {
  description = "Encrypts the logs."
  type        = string
}

variable "secrets" {
  description = "Settings with secrets in them, by name, as ARNs of Secrets Manager: SOUK_DB and SOUK_REDIS__SECRET at least."
  type        = map(string)
}

variable "nodes" {
  description = "Nodes that always run."
  type        = number
  default     = 2
}

variable "nodes_max" {
  description = "Nodes that may run when there is much to do; the database must have room for them."
  type        = number
  default     = 6
}

variable "cpu" {
  description = "Of a task, in 1/1024 of a processor."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "Of a task, in MiB."
  type        = number
  default     = 2048
}

variable "alarm_topics" {
  description = "Topics of SNS that are told of alarms."
  type        = list(string)
  default     = []
}
