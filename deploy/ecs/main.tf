# Nodes of Souk that are all alike on ECS (Fargate), behind an application load balancer. The stores are elsewhere: RDS
# for PostgreSQL in two zones, ElastiCache, NATS. docs/deploy/ecs.md goes through it.

data "aws_region" "current" {}

locals {
  settings = {
    SOUK_HTTP__LISTEN             = "0.0.0.0:8080"
    SOUK_HTTP__OPS_LISTEN         = "127.0.0.1:9090"
    SOUK_HTTP__PUBLIC_URL         = var.public_url
    SOUK_HTTP__SHUTDOWN_DELAY_MS  = "5000"
    SOUK_HTTP__STOP_WAIT_MS       = "20000"
    SOUK_GATEWAY__TRUSTED_PROXIES = jsonencode([var.vpc_cidr])
    SOUK_LIMITS__SHARING__NODES   = tostring(var.nodes)
    SOUK_SHOP__DEMO               = "false"
    SOUK_LOG                      = "json"
  }
  environment = [for name, value in local.settings : { name = name, value = value }]
  secrets     = [for name, arn in var.secrets : { name = name, valueFrom = arn }]

  # Nothing of the image is written to; /tmp is memory.
  shop = {
    image                  = var.image
    essential              = true
    user                   = "65532:65532"
    readonlyRootFilesystem = true
    environment            = local.environment
    secrets                = local.secrets
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.souk.name
        awslogs-region        = data.aws_region.current.name
        awslogs-stream-prefix = "souk"
      }
    }
  }
}

resource "aws_ecs_cluster" "souk" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_cloudwatch_log_group" "souk" {
  name              = "/souk/${var.name}"
  retention_in_days = 365
  kms_key_id        = var.kms_key_arn
}

resource "aws_ecs_task_definition" "souk" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions = jsonencode([
    merge(local.shop, {
      name         = "souk"
      command      = ["serve"]
      portMappings = [{ containerPort = 8080, protocol = "tcp" }]
      # Longer than the delay and the wait of the settings together.
      stopTimeout = 35
      healthCheck = {
        command     = ["CMD", "/souk", "health", "http://127.0.0.1:8080"]
        interval    = 10
        timeout     = 4
        retries     = 3
        startPeriod = 30
      }
    }),
    {
      # Scrapes the shop beside it, and hands the few metrics that alarms need to CloudWatch.
      name                   = "cloudwatch-agent"
      image                  = var.agent_image
      essential              = false
      readonlyRootFilesystem = false
      environment = [
        { name = "CW_CONFIG_CONTENT", value = file("${path.module}/agent.json") },
        { name = "PROMETHEUS_CONFIG_CONTENT", value = file("${path.module}/scrape.yaml") },
      ]
      logConfiguration = local.shop.logConfiguration
    },
  ])
}

# Run it with each new image before the service gets that: aws ecs run-task, as docs/deploy/ecs.md has it.
resource "aws_ecs_task_definition" "migrate" {
  family                   = "${var.name}-migrate"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions = jsonencode([
    merge(local.shop, { name = "migrate", command = ["migrate", "up"] })
  ])
}

resource "aws_ecs_service" "souk" {
  name            = var.name
  cluster         = aws_ecs_cluster.souk.id
  task_definition = aws_ecs_task_definition.souk.arn
  launch_type     = "FARGATE"
  desired_count   = var.nodes

  # A new node first, then an old one goes; a release whose nodes do not become well is taken back.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 30
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.private_subnets
    security_groups  = [aws_security_group.node.id]
    assign_public_ip = false
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.souk.arn
    container_name   = "souk"
    container_port   = 8080
  }
  depends_on = [aws_lb_listener.https]

  lifecycle {
    # The number is the scaling's.
    ignore_changes = [desired_count]
  }
}
