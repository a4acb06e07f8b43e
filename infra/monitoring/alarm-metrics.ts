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
