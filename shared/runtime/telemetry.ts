import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { LogMessage } from "../contracts/log-messages.ts";
import { type durations, metricNamespace, type metrics } from "../contracts/metrics.ts";

/** The only fields that a log line may carry: ids, codes, sizes and times, never content. */
export interface LogFields {
  code?: string;
  detail?: string;
  connectionId?: string;
  /** In which form a signature was seen: what may be pinned on the connection. */
  form?: string;
  /** How a message ended that has no log message of its own. */
  outcome?: string;
  eventId?: string;
  keyId?: string;
  messageId?: string;
  requestId?: string;
  deliveryId?: string;
  webhookId?: string;
  count?: number;
  bytes?: number;
  published?: number;
  held?: number;
  failed?: number;
  joined?: number;
  ticked?: number;
  polled?: number;
  timedOut?: number;
  unknown?: number;
  unpublished?: number;
  messagesSent?: number;
  restartedJobs?: number;
  pausedAccounts?: number;
  pausedConnections?: number;
  error?: Error;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Telemetry {
  log(level: LogLevel, message: LogMessage, fields?: LogFields): void;
  count(metric: keyof typeof metrics, value?: number): void;
  /** A duration; of several in one invocation, CloudWatch has each. */
  seconds(metric: keyof typeof durations, value: number): void;
  /** Writes the metrics; once per invocation. */
  flush(): void;
}

/** Logs as JSON and metrics in the embedded format, with the one dimension `service`. */
export function makeTelemetry(functionName: string): Telemetry {
  const logger = new Logger({ serviceName: functionName });
  const metric = new Metrics({ namespace: metricNamespace, serviceName: functionName });
  let counted = false;
  return {
    log: (level, message, { error, ...fields } = {}) =>
      logger[level](message, { ...fields, ...(error ? { error } : {}) }),
    count: (name, value = 1) => {
      counted = true;
      metric.addMetric(name, MetricUnit.Count, value);
    },
    seconds: (name, value) => {
      counted = true;
      metric.addMetric(name, MetricUnit.Seconds, value);
    },
    flush: () => {
      if (counted) metric.publishStoredMetrics();
      counted = false;
    },
  };
}
