import { Duration } from "aws-cdk-lib";
import { type IMetric, MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { FunctionName } from "../../shared/contracts/env.ts";
import {
  type MetricName,
  metricDimensions,
  metricNamespace,
} from "../../shared/contracts/metrics.ts";

const minute = { period: Duration.minutes(1) };
export const fiveMinutes = { period: Duration.minutes(5) };

/**
 * When an alarm on failed messages of `consume` and `submit` is raised. SQS delivers a failed message again after one to four
 * minutes: one that fails once or twice does not raise the alarm, and one that always fails raises
 * it long before its queue moves it to the dead letters. The age of the oldest message does not
 * show it: SQS leaves a message out of the age after its third receive
 * (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>).
 */
export const repeatedFailures = { threshold: 1, datapoints: { breaching: 2, evaluated: 3 } };

/** Seconds for which the oldest message has been in the queue. */
export function age(queue: IQueue): IMetric {
  return queue.metricApproximateAgeOfOldestMessage({ ...minute, statistic: "Maximum" });
}

/** Messages that could be received. */
export function waiting(queue: IQueue): IMetric {
  return queue.metricApproximateNumberOfMessagesVisible({ ...minute, statistic: "Maximum" });
}

/** What a function counts itself. */
export function custom(
  stack: string,
  metricName: MetricName,
  service: FunctionName,
  statistic: "Sum" | "Maximum" = "Sum",
): Metric {
  return new Metric({
    ...fiveMinutes,
    namespace: metricNamespace,
    metricName,
    dimensionsMap: metricDimensions(stack, service),
    statistic,
  });
}

/** What several functions count themselves. */
export function customSum(
  stack: string,
  metricName: MetricName,
  services: readonly FunctionName[],
): IMetric {
  return sum(
    metricName,
    Object.fromEntries(services.map((service) => [service, custom(stack, metricName, service)])),
  );
}

/** A function that is idle has no data: without `FILL` the sum would have none either. */
export function sum(label: string, usingMetrics: Record<string, IMetric>): IMetric {
  const expression = Object.keys(usingMetrics)
    .map((id) => `FILL(${id}, 0)`)
    .join(" + ");
  return new MathExpression({ ...fiveMinutes, label, expression, usingMetrics });
}
