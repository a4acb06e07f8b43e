import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { type LeastLogLevel, logLevels } from "../contracts/log-levels.ts";
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
 * Lambda filters lines too, and takes those without a level for INFO. The metrics are such lines:
 * Lambda must let INFO through, and what is less severe than `LOG_LEVEL` is left out here.
 *
 * @param env the name of the stack, so that stages in one account have metrics of their own, and
 *   the least severe lines that are written
 */
export function makeTelemetry(
  functionName: string,
  { STACK, LOG_LEVEL }: { STACK: string; LOG_LEVEL: LeastLogLevel },
): Telemetry {
  const logger = new Logger({ serviceName: functionName });
  const written = logLevels.slice(logLevels.indexOf(LOG_LEVEL)).map((one) => one.toLowerCase());
  const metric = new Metrics({
    namespace: metricNamespace,
    serviceName: functionName,
    defaultDimensions: metricDimensions(STACK, functionName),
  });
  let counted = false;
  return {
    log: (level, message, { error, ...fields } = {}) => {
      if (!written.includes(level)) return;
      logger[level](message, { ...fields, ...(error ? { error } : {}) });
    },
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
