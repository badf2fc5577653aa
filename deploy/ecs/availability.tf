# Both windows of a pair must say so.
resource "aws_cloudwatch_composite_alarm" "availability" {
  for_each          = local.burn_rates
  alarm_name        = "${var.name}-availability-${each.key}"
  alarm_description = "docs/runbooks/availability.md"
  alarm_actions     = var.alarm_topics
  ok_actions        = var.alarm_topics
  alarm_rule = join(" AND ", [
    for window in ["long", "short"] :
    "ALARM(\"${aws_cloudwatch_metric_alarm.errors["${each.key}-${window}"].alarm_name}\")"
  ])
}
