# Alarms and a dashboard in CloudWatch, for shops without a Prometheus: the invariants, and the two promises as far as the
# load balancer can tell. docs/runbooks has a page for each.

locals {
  balancer = { LoadBalancer = aws_lb.souk.arn_suffix }
  # What must be 0, or below a line. The shop verifies its books once an hour; a key that signs tokens may be a year old.
  invariants = {
    oversold   = { metric = "souk_oversold_units", above = 0, minutes = 1, page = "oversold" }
    books      = { metric = "souk_audit_violations", above = 0, minutes = 1, page = "books" }
    payments   = { metric = "souk_payments_unreconciled_oldest_seconds", above = 600, minutes = 2, page = "payments-unreconciled" }
    deadletter = { metric = "souk_bus_dead_letters", above = 0, minutes = 5, page = "dead-letters" }
    signingkey = { metric = "souk_signing_key_age_seconds", above = 31536000, minutes = 5, page = "signing-key" }
  }
}

resource "aws_cloudwatch_metric_alarm" "invariant" {
  for_each            = local.invariants
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "docs/runbooks/${each.value.page}.md"
  namespace           = "Souk"
  metric_name         = each.value.metric
  dimensions          = { job = "souk" }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = each.value.minutes
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
  ok_actions          = var.alarm_topics
}

resource "aws_cloudwatch_metric_alarm" "outbox" {
  for_each            = toset(["orders-outbox", "identity-outbox"])
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "docs/runbooks/outbox-lag.md"
  namespace           = "Souk"
  metric_name         = "souk_outbox_lag_seconds"
  dimensions          = { job = "souk", outbox = each.key }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 60
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
  ok_actions          = var.alarm_topics
}

# Nobody scrapes, or nothing runs: then no other alarm can fire.
resource "aws_cloudwatch_metric_alarm" "silent" {
  alarm_name          = "${var.name}-silent"
  alarm_description   = "docs/runbooks/down.md"
  namespace           = "Souk"
  metric_name         = "souk_ready"
  dimensions          = { job = "souk" }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topics
  ok_actions          = var.alarm_topics
}

# Availability, 99.9 % of 30 days: the same two pairs of windows as in Prometheus that fit into a day.
locals {
  burn_rates = {
    fast = { rate = 14.4, long = 3600, short = 300 }
    slow = { rate = 6, long = 21600, short = 1800 }
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = merge([
    for name, burn in local.burn_rates : {
      "${name}-long"  = { rate = burn.rate, period = burn.long }
      "${name}-short" = { rate = burn.rate, period = burn.short }
    }
  ]...)
  alarm_name          = "${var.name}-errors-${each.key}"
  alarm_description   = "docs/runbooks/availability.md"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.rate * 0.001
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "share"
    expression  = "IF(all > 0, (FILL(ours, 0) + FILL(theirs, 0)) / all, 0)"
    label       = "Share of requests that failed"
    return_data = true
  }
  dynamic "metric_query" {
    for_each = {
      all    = "RequestCount"
      ours   = "HTTPCode_Target_5XX_Count"
      theirs = "HTTPCode_ELB_5XX_Count"
    }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = local.balancer
        stat        = "Sum"
        period      = each.value.period
      }
    }
  }
}

resource "aws_cloudwatch_dashboard" "souk" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [
      for place, widget in [
        { title = "Requests", metrics = [["AWS/ApplicationELB", "RequestCount", "LoadBalancer", aws_lb.souk.arn_suffix]], stat = "Sum" },
        { title = "Failed", metrics = [
          ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "LoadBalancer", aws_lb.souk.arn_suffix],
          ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "LoadBalancer", aws_lb.souk.arn_suffix],
        ], stat = "Sum" },
        { title = "Time to answer, p99", metrics = [["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", aws_lb.souk.arn_suffix]], stat = "p99" },
        { title = "Ready nodes", metrics = [["Souk", "souk_ready", "job", "souk"]], stat = "Sum" },
        { title = "Must be 0", metrics = [
          ["Souk", "souk_oversold_units", "job", "souk"],
          ["Souk", "souk_audit_violations", "job", "souk"],
          ["Souk", "souk_bus_dead_letters", "job", "souk"],
        ], stat = "Maximum" },
        { title = "Oldest unfinished payment, s", metrics = [["Souk", "souk_payments_unreconciled_oldest_seconds", "job", "souk"]], stat = "Maximum" },
        { title = "Outbox, s", metrics = [
          ["Souk", "souk_outbox_lag_seconds", "job", "souk", "outbox", "orders-outbox"],
          ["Souk", "souk_outbox_lag_seconds", "job", "souk", "outbox", "identity-outbox"],
        ], stat = "Maximum" },
        { title = "Processor, %", metrics = [["AWS/ECS", "CPUUtilization", "ClusterName", var.name, "ServiceName", var.name]], stat = "Average" },
      ] :
      {
        type   = "metric"
        x      = 12 * (place % 2)
        y      = 6 * floor(place / 2)
        width  = 12
        height = 6
        properties = {
          title   = widget.title
          metrics = widget.metrics
          stat    = widget.stat
          period  = 60
          region  = data.aws_region.current.name
          view    = "timeSeries"
        }
      }
    ]
  })
}
