# The parameters of deploy/snapwarden.yaml, by the same names and with the same defaults; a test compares the two.

variable "name" {
  type        = string
  default     = "snapwarden"
  description = "What the names of everything begin with: the stack's name."
}

variable "mode" {
  type        = string
  default     = "DryRun"
  description = "DryRun plans and reports. Apply makes, copies and deletes snapshots."

  validation {
    condition     = contains(["DryRun", "Apply"], var.mode)
    error_message = "mode is one of: DryRun, Apply."
  }
}

variable "functions" {
  type        = string
  default     = "all"
  description = "Which functions this stack has. One manager in one Region is enough for an account."

  validation {
    condition     = contains(["all", "creator-and-offsiter", "creator", "offsiter", "manager"], var.functions)
    error_message = "functions is one of: all, creator-and-offsiter, creator, offsiter, manager."
  }
}

variable "regions" {
  type        = string
  default     = ""
  description = "Where creator and offsiter act, separated by commas, or all. Empty means the Region of the stack."
}

variable "manager_regions" {
  type        = string
  default     = ""
  description = "Where the manager acts, separated by commas. Empty means all enabled Regions, since copies live elsewhere."
}

variable "retention_days" {
  type        = number
  default     = 7
  description = "Days that the snapshots of instances without the tag RetentionDays are kept."

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 36500
    error_message = "retention_days is from 1 to 36500."
  }
}

variable "backup_schedule" {
  type        = string
  default     = "daily 03:00"
  description = "The schedule of instances without the tag BackupSchedule."
}

variable "grace_days" {
  type        = number
  default     = 7
  description = "Days for which an earlier policy stays in force after a snapshot was made under another."

  validation {
    condition     = var.grace_days >= 0 && var.grace_days <= 365
    error_message = "grace_days is from 0 to 365."
  }
}

variable "closing_days" {
  type        = number
  default     = 30
  description = "Days for which what there is of a volume that is gone or tagged Backup=No is kept as before."

  validation {
    condition     = var.closing_days >= 0 && var.closing_days <= 365
    error_message = "closing_days is from 0 to 365."
  }
}

variable "code_bucket" {
  type        = string
  description = "The S3 bucket with the functions' zips. Lambda takes code from a bucket in its own Region only."
}

variable "code_bucket_per_region" {
  type        = bool
  default     = false
  description = "Whether there is a bucket for each Region, named CodeBucket, a hyphen and the Region."
}

variable "code_prefix" {
  type        = string
  default     = ""
  description = "What the zips' keys begin with, such as 0.1.0/. Change it to update the code."
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "What the zips were built for."

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture is one of: x86_64, arm64."
  }
}

variable "creator_tick" {
  type        = string
  default     = "rate(15 minutes)"
  description = "When the creator looks. The slots are those of the tags, whenever it looks."
}

variable "offsiter_tick" {
  type        = string
  default     = "rate(10 minutes)"
  description = "When the offsiter looks."
}

variable "manager_tick" {
  type        = string
  default     = "rate(1 hour)"
  description = "When the manager looks."
}

variable "tick_timezone" {
  type        = string
  default     = "UTC"
  description = "The time zone of the three, where they are cron expressions."
}

variable "tick_window_minutes" {
  type        = number
  default     = 0
  description = "EventBridge Scheduler may be late by so many minutes, to spread the load. 0 is punctual."

  validation {
    condition     = var.tick_window_minutes >= 0 && var.tick_window_minutes <= 1440
    error_message = "tick_window_minutes is from 0 to 1440."
  }
}

variable "creator_timeout_seconds" {
  type        = number
  default     = 720
  description = "Shorter than the time between two ticks by three minutes at least."

  validation {
    condition     = var.creator_timeout_seconds >= 60 && var.creator_timeout_seconds <= 900
    error_message = "creator_timeout_seconds is from 60 to 900."
  }
}

variable "offsiter_timeout_seconds" {
  type        = number
  default     = 420
  description = "Shorter than the time between two ticks by three minutes at least."

  validation {
    condition     = var.offsiter_timeout_seconds >= 60 && var.offsiter_timeout_seconds <= 900
    error_message = "offsiter_timeout_seconds is from 60 to 900."
  }
}

variable "manager_timeout_seconds" {
  type        = number
  default     = 900
  description = "Shorter than the time between two ticks by three minutes at least."

  validation {
    condition     = var.manager_timeout_seconds >= 60 && var.manager_timeout_seconds <= 900
    error_message = "manager_timeout_seconds is from 60 to 900."
  }
}

variable "memory_megabytes" {
  type        = number
  default     = 512
  description = "Of each function. docs/operations.md says how much an account needs."

  validation {
    condition     = var.memory_megabytes >= 128 && var.memory_megabytes <= 10240
    error_message = "memory_megabytes is from 128 to 10240."
  }
}

variable "reserved_concurrency" {
  type        = string
  default     = "1"
  description = "1 keeps two runs of a job from overlapping. Empty where the account has none to reserve (docs/deploy.md)."

  validation {
    condition     = contains(["", "1"], var.reserved_concurrency)
    error_message = "reserved_concurrency is 1 or empty."
  }
}

variable "alarm_email" {
  type        = string
  default     = ""
  description = "An address that the alarms are sent to, once it is confirmed."
}

variable "alarm_topic_arn" {
  type        = string
  default     = ""
  description = "An SNS topic that exists, for the alarms, in place of one of the stack's own."
}

variable "expect_selected" {
  type        = bool
  default     = true
  description = "Whether to raise an alarm where no volume is selected. No where an empty Region is as it should be."
}

variable "all_metrics" {
  type        = bool
  default     = false
  description = "Whether every reason and every EC2 call is a metric of its own. CloudWatch bills each."
}

variable "log_days" {
  type        = number
  default     = 90
  description = "How long the functions' logs are kept."

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days is one of: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "kms_key_arns" {
  type        = list(string)
  default     = ["*"]
  description = "KMS keys of encrypted snapshots that are copied, in source and destination Regions."
}

variable "permissions_boundary_arn" {
  type        = string
  default     = ""
  description = "A permissions boundary for the roles, where the account demands one."
}
