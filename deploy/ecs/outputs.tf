output "address" {
  description = "The load balancer's name: let the shop's own name point there."
  value       = aws_lb.souk.dns_name
}

output "migrate" {
  description = "What `aws ecs run-task` is given to bring the databases up to date."
  value       = aws_ecs_task_definition.migrate.arn
}

output "node_group" {
  description = "The security group of the nodes; the stores have to let it in."
  value       = aws_security_group.node.id
}
