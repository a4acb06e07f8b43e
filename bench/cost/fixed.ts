import type { BilledUnit } from "../../local/aws/billing/billed-units.ts";
import type { StackTemplate } from "../run/bench-run.ts";
import type { PricedItem } from "./prices.ts";

const DAYS = 30;
const SECONDS = DAYS * 86_400;
const SWEEPS = SECONDS / 60;
/**
 * Lambda polls the queue of an event source mapping with five long polls of 20 s at least:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */
const POLLERS = 5;
const POLL_SECONDS = 20;

/**
 * Returns what a month of 30 days is billed when nothing happens: alarms, composite ones too, metrics, dashboards and
 * secrets of the template, the polls of its queues, and the sweeps.
 *
 * @param metrics the number of custom metrics
 */
export function fixedUnits(
  { Resources }: StackTemplate,
  of: { idlePerSweep: readonly BilledUnit[]; metrics: number },
): { item: PricedItem; units: number }[] {
  const all = Object.values(Resources);
  const count = (type: string) => all.filter(({ Type }) => Type === type).length;
  const alarms = all.filter(({ Type }) => Type === "AWS::CloudWatch::Alarm");
  const polls = (count("AWS::Lambda::EventSourceMapping") * POLLERS * SECONDS) / POLL_SECONDS;
  return [
    { item: "cloudwatch.alarm", units: alarms.flatMap(statisticsIn).length },
    { item: "cloudwatch.compositeAlarm", units: count("AWS::CloudWatch::CompositeAlarm") },
    { item: "cloudwatch.metric", units: of.metrics },
    { item: "cloudwatch.dashboard", units: count("AWS::CloudWatch::Dashboard") },
    { item: "secrets.secret", units: count("AWS::SecretsManager::Secret") },
    { item: "sqs.emptyReceive", units: polls },
    ...of.idlePerSweep.map(({ item, units }) => ({ item, units: units * SWEEPS })),
  ];
}

interface Metric {
  Namespace: string;
  MetricName: string;
  Dimensions?: { Name: string; Value: unknown }[];
}

/** The metrics of an alarm's expression, each of which is billed. */
function statisticsIn({ Properties = {} }: StackTemplate["Resources"][string]): Metric[] {
  const metrics = Properties.Metrics as { MetricStat?: { Metric: Metric } }[] | undefined;
  if (!metrics) return [Properties as unknown as Metric];
  return metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
}

const nameOf = (namespace: string, name: string, dimensions: readonly (readonly unknown[])[]) =>
  JSON.stringify([namespace, name, dimensions]);

/** Returns the custom metrics that alarms watch. Each is billed while functions write it. */
export function metricsIn({ Resources }: StackTemplate): string[] {
  return Object.values(Resources)
    .filter(({ Type }) => Type === "AWS::CloudWatch::Alarm")
    .flatMap(statisticsIn)
    .filter(({ Namespace }) => !Namespace.startsWith("AWS/"))
    .map(({ Namespace, MetricName, Dimensions = [] }) =>
      nameOf(
        Namespace,
        MetricName,
        Dimensions.map(({ Name, Value }) => [Name, Value]),
      ),
    );
}

interface EmbeddedMetrics {
  CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[];
}

/** Returns the custom metrics in the lines of a log: one for each name and set of dimensions. */
export function metricsInLog(log: string): string[] {
  return log.split("\n").flatMap((line) => {
    const start = line.indexOf("{");
    if (start < 0 || !line.includes('"_aws"')) return [];
    const fields = JSON.parse(line.slice(start)) as Record<string, unknown> & {
      _aws: EmbeddedMetrics;
    };
    return fields._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
      Dimensions.flatMap((names) => {
        const values = names.map((name) => [name, fields[name]]);
        return Metrics.map(({ Name }) => nameOf(Namespace, Name, values));
      }),
    );
  });
}
