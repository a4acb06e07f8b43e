import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { LogMessage } from "../contracts/log-messages.ts";
import {
  type durations,
  metricDimensions,
  metricNamespace,
  type metrics,
} from "../contracts/metrics.ts";

/** The fields that a log line may have: ids, codes, sizes and times, and no content. */
export interface LogFields {
  code?: string;
  detail?: string;
  connectionId?: string;
  clientId?: string;
  provider?: string;
  /** The form of a signature, which can be pinned on the connection. */
  form?: string;
  /** The outcome of a message for which there is no log message. */
  outcome?: string;
  eventId?: string;
  keyId?: string;
  messageId?: string;
  requestId?: string;
  /** API Gateway's id of the call, which its access log has as `requestId`. */
  apiRequestId?: string;
  deliveryId?: string;
  webhookId?: string;
  count?: number;
  bytes?: number;
  published?: number;
  held?: number;
  failed?: number;
  joined?: number;
  wokenLanes?: number;
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
  /**
   * Adds a duration. CloudWatch receives each of several in one invocation.
   *
   * @param about fields of the line with the metrics: not dimensions, which would be metrics of
   *   their own
   */
  seconds(metric: keyof typeof durations, value: number, about?: LogFields): void;
  /** Writes the metrics; once per invocation. */
  flush(): void;
}

/**
 * Writes JSON log lines, and metrics in the embedded metric format.
 *
 * @param stack the name of the stack, so that stages in one account have metrics of their own
 */
export function makeTelemetry(functionName: string, stack: string): Telemetry {
  const logger = new Logger({ serviceName: functionName });
  const metric = new Metrics({
    namespace: metricNamespace,
    serviceName: functionName,
    defaultDimensions: metricDimensions(stack, functionName),
  });
  let counted = false;
  return {
    log: (level, message, { error, ...fields } = {}) =>
      logger[level](message, { ...fields, ...(error ? { error } : {}) }),
    count: (name, value = 1) => {
      counted = true;
      metric.addMetric(name, MetricUnit.Count, value);
    },
    seconds: (name, value, about = {}) => {
      counted = true;
      for (const [field, text] of Object.entries(about)) metric.addMetadata(field, String(text));
      metric.addMetric(name, MetricUnit.Seconds, value);
    },
    flush: () => {
      if (counted) metric.publishStoredMetrics();
      counted = false;
    },
  };
}
