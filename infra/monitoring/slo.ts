import { Duration } from "aws-cdk-lib";
import { type IMetric, MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import { durations } from "../../shared/contracts/metrics.ts";
import type { Settings } from "../../shared/contracts/settings.ts";
import { custom } from "./alarm-metrics.ts";
import type { AlarmRule, Monitored } from "./alarm-rule.ts";

/** What users may rely on, measured on every call, submission or delivery. */
export interface Slo {
  id: "ack" | "submit" | "first-post";
  /** For people, with the bound. */
  title: (settings: Settings) => string;
  /** The percentage of all in a window that missed it; no data, or 0, in a window with few of them. */
  missed: (of: Monitored, settings: Settings, window: Duration) => IMetric;
}

/** In a window with fewer, one that is missed would be a large part of all. */
const MIN_COUNT = 10;

export const slos: readonly Slo[] = [
  {
    id: "ack",
    title: ({ sloAckMs }) => `Answered without 5xx within ${sloAckMs} ms`,
    missed: ({ api }, { sloAckMs }, period) =>
      new MathExpression({
        period,
        label: "ack",
        expression: `IF(n >= ${MIN_COUNT}, 100 * FILL(failed, 0) / n + 100 - within, 0)`,
        usingMetrics: {
          n: api.metricCount({ period, statistic: "Sum" }),
          failed: api.metricServerError({ period, statistic: "Sum" }),
          within: api.metricLatency({ period, statistic: `PR(:${sloAckMs})` }),
        },
      }),
  },
  {
    id: "submit",
    title: ({ sloSubmitSeconds }) => `Submitted within ${sloSubmitSeconds} s of its time`,
    missed: ({ stack }, { sloSubmitSeconds }, period) =>
      missedBy(custom(stack, durations.DueToSubmitted, "submit"), sloSubmitSeconds, period),
  },
  {
    id: "first-post",
    title: ({ sloFirstPostSeconds }) =>
      `First POST within ${sloFirstPostSeconds} s of the delivery`,
    missed: ({ stack }, { sloFirstPostSeconds }, period) =>
      missedBy(custom(stack, durations.EventToFirstPost, "deliver"), sloFirstPostSeconds, period),
  },
];

/** The percentage of a duration's values above a bound in seconds. */
function missedBy(metric: ReturnType<typeof custom>, seconds: number, period: Duration): IMetric {
  return new MathExpression({
    period,
    label: metric.metricName,
    expression: `IF(n >= ${MIN_COUNT}, 100 - within, 0)`,
    usingMetrics: {
      n: metric.with({ period, statistic: "SampleCount" }),
      within: metric.with({ period, statistic: `PR(:${seconds})` }),
    },
  });
}

/** An alarm that is raised while the error budget is used up too fast in both of two windows. */
export interface BurnRateRule extends Pick<AlarmRule, "id" | "severity" | "impact"> {
  slo: Slo;
  /** How many times faster than over the whole period of the objective. */
  factor: number;
  /** The long window shows that it matters, the short one that it goes on. */
  windows: { long: Duration; short: Duration };
}

/**
 * Google's windows for an objective over 30 days: 2 % of its budget in an hour, 5 % in six hours
 * (<https://sre.google/workbook/alerting-on-slos/>).
 */
const burns = [
  {
    name: "fast",
    severity: "page",
    factor: 14.4,
    windows: { long: Duration.hours(1), short: Duration.minutes(5) },
    share: "2 % of the month's error budget was used up in an hour",
  },
  {
    name: "slow",
    severity: "ticket",
    factor: 6,
    windows: { long: Duration.hours(6), short: Duration.minutes(30) },
    share: "5 % of the month's error budget was used up in six hours",
  },
] as const;

const impacts: Record<Slo["id"], string> = {
  ack: "Webhooks and requests are answered late or not at all",
  submit: "Requests are sent to providers later than their time",
  "first-post": "Webhooks receive events late",
};

export const burnRateCatalogue: readonly BurnRateRule[] = slos.flatMap((slo) =>
  burns.map(({ name, severity, factor, windows, share }) => ({
    id: `slo-${slo.id}-${name}`,
    severity,
    impact: `${impacts[slo.id]}: ${share}.`,
    slo,
    factor,
    windows,
  })),
);

/** The percentage of misses above which the budget burns by this factor. */
export function burnThreshold({ factor }: BurnRateRule, { sloTargetPerMille }: Settings): number {
  return Math.round(factor * (1_000 - sloTargetPerMille) * 10) / 100;
}
