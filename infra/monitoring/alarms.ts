import { Duration } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { type IMetric, MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { FunctionName } from "../../shared/contracts/env.ts";
import {
  type MetricName,
  metricDimension,
  metricNamespace,
  metrics,
} from "../../shared/contracts/metrics.ts";

/** What the alarms look at. */
export interface Monitored {
  api: HttpApi;
  functions: Record<FunctionName, IFunction>;
  inboundQueue: IQueue;
  inboundDeadLetters: IQueue;
  scheduleDeadLetters: IQueue;
}

export interface AlarmRule {
  /** The condition; also the name of its page in `docs/runbooks/`. */
  id: string;
  metric: (of: Monitored) => IMetric;
  /** It goes off above this number, or below it where `below` is set. */
  threshold: number;
  below?: true;
  /** Datapoints that must be over the threshold, out of how many. Default: 1 of 1. */
  datapoints?: { bad: number; of: number };
  /** Set where silence is itself the fault. */
  missingIsBad?: true;
  /** `page`: somebody loses something now. `ticket`: within the working day. */
  severity: "page" | "ticket";
  /** What a person loses while it lasts. */
  impact: string;
}

const minute = { period: Duration.minutes(1) };
const fiveMinutes = { period: Duration.minutes(5) };

export const alarmCatalogue: readonly AlarmRule[] = [
  {
    id: "ingest-5xx",
    metric: ({ api }) => api.metricServerError({ ...fiveMinutes, statistic: "Sum" }),
    threshold: 0,
    datapoints: { bad: 2, of: 3 },
    severity: "page",
    impact: "Webhooks are turned away; each is lost when the provider has used up its own retries.",
  },
  {
    id: "signature-failures",
    metric: () => custom(metrics.SignatureRejected, "ingest"),
    threshold: 5,
    severity: "page",
    impact:
      "Webhooks with the right address and a wrong signature are refused: results come late, or somebody knows a secret address.",
  },
  {
    id: "quarantine-not-empty",
    metric: () => custom(metrics.Quarantined, "ingest"),
    threshold: 0,
    severity: "ticket",
    impact:
      "Webhooks were acked and kept aside because their signature failed; none becomes an event until a person has found out why.",
  },
  {
    id: "inbound-queue-age",
    metric: ({ inboundQueue }) =>
      inboundQueue.metricApproximateAgeOfOldestMessage({ ...minute, statistic: "Maximum" }),
    threshold: 300,
    datapoints: { bad: 3, of: 3 },
    severity: "page",
    impact: "Events reach the bus more than five minutes after the provider sent them.",
  },
  {
    id: "inbound-dlq-not-empty",
    metric: ({ inboundDeadLetters }) => waiting(inboundDeadLetters),
    threshold: 0,
    severity: "page",
    impact:
      "Webhooks that were acked are parked and reach nobody until they are redriven; after 14 days they are gone.",
  },
  {
    id: "consume-errors",
    metric: ({ functions }) => functions.consume.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { bad: 2, of: 3 },
    severity: "ticket",
    impact: "Whole batches of webhooks fail and are tried again, so their events come late.",
  },
  {
    id: "dedupe-conflict",
    metric: () => custom(metrics.DedupeConflict, "consume"),
    threshold: 0,
    severity: "ticket",
    impact:
      "A provider sent two different bodies under one id; only the first became an event, so a subscriber may miss the second.",
  },
  {
    id: "publish-failures",
    metric: () =>
      new MathExpression({
        ...fiveMinutes,
        label: "Publishes that failed",
        expression: "FILL(consume, 0) + FILL(reconcile, 0)",
        usingMetrics: {
          consume: custom(metrics.PublishFailed, "consume"),
          reconcile: custom(metrics.PublishFailed, "reconcile"),
        },
      }),
    threshold: 0,
    datapoints: { bad: 2, of: 3 },
    severity: "page",
    impact: "Events wait in the outbox and reach subscribers late.",
  },
  {
    id: "reconcile-not-running",
    metric: ({ functions }) => functions.reconcile.metricInvocations(fiveMinutes),
    threshold: 1,
    below: true,
    missingIsBad: true,
    severity: "page",
    impact: "What a crash left unpublished stays unpublished.",
  },
  {
    id: "reconcile-errors",
    metric: ({ functions }) => functions.reconcile.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { bad: 2, of: 3 },
    severity: "ticket",
    impact: "What a crash left unpublished may stay unpublished.",
  },
  {
    id: "schedule-dlq-not-empty",
    metric: ({ scheduleDeadLetters }) => waiting(scheduleDeadLetters),
    threshold: 0,
    severity: "ticket",
    impact: "Sweeps were not started; what a crash left unpublished came or comes late.",
  },
  {
    id: "api-errors",
    metric: ({ functions }) => functions.api.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { bad: 2, of: 3 },
    severity: "ticket",
    impact:
      "Clients cannot read their events or change their connections; webhooks are not affected.",
  },
  {
    id: "function-throttles",
    metric: ({ functions }) =>
      new MathExpression({
        ...fiveMinutes,
        label: "Throttled invocations",
        expression: "FILL(ingest, 0) + FILL(consume, 0) + FILL(api, 0) + FILL(reconcile, 0)",
        usingMetrics: {
          ingest: functions.ingest.metricThrottles(fiveMinutes),
          consume: functions.consume.metricThrottles(fiveMinutes),
          api: functions.api.metricThrottles(fiveMinutes),
          reconcile: functions.reconcile.metricThrottles(fiveMinutes),
        },
      }),
    threshold: 0,
    severity: "ticket",
    impact:
      "The account's Lambda concurrency is used up: webhooks are turned away and events come late.",
  },
];

function waiting(queue: IQueue): IMetric {
  return queue.metricApproximateNumberOfMessagesVisible({ ...minute, statistic: "Maximum" });
}

function custom(metricName: MetricName, service: FunctionName): Metric {
  return new Metric({
    ...fiveMinutes,
    namespace: metricNamespace,
    metricName,
    dimensionsMap: { [metricDimension]: service },
    statistic: "Sum",
  });
}
