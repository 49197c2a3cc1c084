# Snapwarden's functions, as deploy/snapwarden.yaml has them. The policies are the same files.

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  is_apply = var.mode == "Apply"
  chosen = {
    all                    = ["creator", "offsiter", "manager"]
    "creator-and-offsiter" = ["creator", "offsiter"]
    creator                = ["creator"]
    offsiter               = ["offsiter"]
    manager                = ["manager"]
  }
  of_function = {
    creator = {
      what    = "makes the snapshots that are due"
      tick    = var.creator_tick
      timeout = var.creator_timeout_seconds
      regions = var.regions
      more = {
        SNAPWARDEN_RETENTION_DAYS = tostring(var.retention_days)
        SNAPWARDEN_SCHEDULE       = var.backup_schedule
      }
    }
    offsiter = {
      what    = "copies snapshots to another Region and removes sources whose copies are proven"
      tick    = var.offsiter_tick
      timeout = var.offsiter_timeout_seconds
      regions = var.regions
      more    = {}
    }
    manager = {
      what    = "deletes what has expired"
      tick    = var.manager_tick
      timeout = var.manager_timeout_seconds
      regions = var.manager_regions
      more = {
        SNAPWARDEN_RETENTION_DAYS = tostring(var.retention_days)
        SNAPWARDEN_SCHEDULE       = var.backup_schedule
        SNAPWARDEN_GRACE_DAYS     = tostring(var.grace_days)
        SNAPWARDEN_CLOSING_DAYS   = tostring(var.closing_days)
      }
    }
  }
  functions   = { for name, function in local.of_function : name => function if contains(local.chosen[var.functions], name) }
  has_creator = contains(keys(local.functions), "creator")
  has_manager = contains(keys(local.functions), "manager")
  own_topic   = var.alarm_topic_arn == ""
  topic       = local.own_topic ? aws_sns_topic.alarms[0].arn : var.alarm_topic_arn
  bucket      = var.code_bucket_per_region ? "${var.code_bucket}-${data.aws_region.current.name}" : var.code_bucket
  boundary    = var.permissions_boundary_arn == "" ? null : var.permissions_boundary_arn
}

resource "aws_sns_topic" "alarms" {
  count        = local.own_topic ? 1 : 0
  name         = "${var.name}-alarms"
  display_name = "${var.name} alarms"
}

resource "aws_sns_topic_policy" "alarms" {
  count = local.own_topic ? 1 : 0
  arn   = aws_sns_topic.alarms[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms[0].arn
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "alarms" {
  count     = local.own_topic && var.alarm_email != "" ? 1 : 0
  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_iam_role" "tick" {
  name_prefix          = "${var.name}-tick-"
  permissions_boundary = local.boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "tick" {
  name = "tick"
  role = aws_iam_role.tick.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Invoke"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = [for function in aws_lambda_function.function : function.arn]
    }]
  })
}

resource "aws_iam_role" "function" {
  for_each             = local.functions
  name_prefix          = "${var.name}-${each.key}-"
  permissions_boundary = local.boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "log" {
  for_each = local.functions
  name     = "log"
  role     = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Log"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
    }]
  })
}

resource "aws_iam_role_policy" "job" {
  for_each = local.functions
  name     = each.key
  role     = aws_iam_role.function[each.key].id
  policy   = replace(file("${path.module}/../policies/${each.key}.json"), "arn:aws:", "arn:${data.aws_partition.current.partition}:")
}

resource "aws_iam_role_policy" "keys" {
  count = contains(keys(local.functions), "offsiter") ? 1 : 0
  name  = "keys"
  role  = aws_iam_role.function["offsiter"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "KeysForEncryptedCopies"
        Effect = "Allow"
        Action = [
          "kms:Decrypt",
          "kms:DescribeKey",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ]
        Resource  = var.kms_key_arns
        Condition = { StringLike = { "kms:ViaService" = "ec2.*.amazonaws.com" } }
      },
      {
        Sid      = "GrantsForEncryptedCopies"
        Effect   = "Allow"
        Action   = "kms:CreateGrant"
        Resource = var.kms_key_arns
        Condition = {
          StringLike = { "kms:ViaService" = "ec2.*.amazonaws.com" }
          Bool       = { "kms:GrantIsForAWSResource" = "true" }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.functions
  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_days
}

resource "aws_lambda_function" "function" {
  for_each                       = local.functions
  function_name                  = "${var.name}-${each.key}"
  description                    = "Snapwarden: ${each.value.what}"
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  s3_bucket                      = local.bucket
  s3_key                         = "${var.code_prefix}${each.key}.zip"
  role                           = aws_iam_role.function[each.key].arn
  memory_size                    = var.memory_megabytes
  timeout                        = each.value.timeout
  reserved_concurrent_executions = var.reserved_concurrency == "" ? -1 : tonumber(var.reserved_concurrency)

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  environment {
    variables = merge({
      SNAPWARDEN_MODE    = local.is_apply ? "apply" : "dry-run"
      SNAPWARDEN_REGIONS = each.value.regions
      SNAPWARDEN_METRICS = var.all_metrics ? "all" : "few"
    }, each.value.more)
  }
}

# No retries, here nor in the schedule: the next tick looks again, and a retry at once could make things twice.
resource "aws_lambda_function_event_invoke_config" "no_retries" {
  for_each                     = local.functions
  function_name                = aws_lambda_function.function[each.key].function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

resource "aws_scheduler_schedule" "tick" {
  for_each                     = local.functions
  name                         = "${var.name}-${each.key}"
  description                  = "Ticks of ${var.name}-${each.key}"
  schedule_expression          = each.value.tick
  schedule_expression_timezone = var.tick_timezone

  flexible_time_window {
    mode                      = var.tick_window_minutes == 0 ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = var.tick_window_minutes == 0 ? null : var.tick_window_minutes
  }

  target {
    arn      = aws_lambda_function.function[each.key].arn
    role_arn = aws_iam_role.tick.arn
    input    = "{}"

    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "error" {
  for_each            = local.functions
  alarm_name          = "${var.name}-${each.key}-error"
  alarm_description   = "The ${each.key} failed or could not start. docs/operations.md: Error"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.function[each.key].function_name }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
}

resource "aws_cloudwatch_metric_alarm" "silence" {
  for_each            = local.functions
  alarm_name          = "${var.name}-${each.key}-silence"
  alarm_description   = "The ${each.key} has not run for three hours. docs/operations.md: Silence"
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = aws_lambda_function.function[each.key].function_name }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 3
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
}

resource "aws_cloudwatch_metric_alarm" "findings" {
  for_each            = local.functions
  alarm_name          = "${var.name}-${each.key}-findings"
  alarm_description   = "The ${each.key} saw something that a person should look at. docs/operations.md: Findings"
  namespace           = "Snapwarden"
  metric_name         = "Findings"
  dimensions          = { Function = aws_lambda_function.function[each.key].function_name }
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
}

resource "aws_cloudwatch_metric_alarm" "held_back" {
  count               = local.has_manager ? 1 : 0
  alarm_name          = "${var.name}-manager-held-back"
  alarm_description   = "Deletes wait for a person's approval. docs/operations.md: Held back"
  namespace           = "Snapwarden"
  metric_name         = "HeldBack"
  dimensions          = { Function = aws_lambda_function.function["manager"].function_name }
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
}

resource "aws_cloudwatch_metric_alarm" "nothing_selected" {
  count               = local.has_creator && var.expect_selected ? 1 : 0
  alarm_name          = "${var.name}-nothing-selected"
  alarm_description   = "The creator finds no volume to back up. docs/operations.md: Nothing selected"
  namespace           = "Snapwarden"
  metric_name         = "Selected"
  dimensions          = { Function = aws_lambda_function.function["creator"].function_name }
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
}

resource "aws_cloudwatch_metric_alarm" "backup_late" {
  count               = local.has_creator && local.is_apply ? 1 : 0
  alarm_name          = "${var.name}-backup-late"
  alarm_description   = "A volume has no completed backup that its schedule asks for. docs/operations.md: Backup late"
  namespace           = "Snapwarden"
  metric_name         = "BackupLate"
  dimensions          = { Function = aws_lambda_function.function["creator"].function_name }
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic]
  ok_actions          = [local.topic]
}

output "functions" {
  description = "The names of the functions."
  value       = { for name, function in aws_lambda_function.function : name => function.function_name }
}

output "alarm_topic" {
  description = "The topic that the alarms are sent to."
  value       = local.topic
}
