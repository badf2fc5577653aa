# More nodes when there is much to do.

resource "aws_appautoscaling_target" "souk" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.souk.name}/${aws_ecs_service.souk.name}"
  min_capacity       = var.nodes
  max_capacity       = var.nodes_max
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.souk.service_namespace
  scalable_dimension = aws_appautoscaling_target.souk.scalable_dimension
  resource_id        = aws_appautoscaling_target.souk.resource_id
  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 30
    scale_in_cooldown  = 600
    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
