import { limits } from "../../shared/contracts/limits.ts";
import { metrics } from "../../shared/contracts/metrics.ts";
import { age, custom, customSum, fiveMinutes, waiting } from "./alarm-metrics.ts";
import type { AlarmRule } from "./alarm-rule.ts";

/** What the alarm catalogue has about deliveries, in the order in which an event travels to a webhook. */
export const deliveryAlarms: readonly AlarmRule[] = [
  {
    id: "event-feed-failures",
    metric: ({ eventFeed }) => eventFeed.metricFailedInvocations(fiveMinutes),
    threshold: 0,
    severity: "page",
    impact: "Events are on the bus, and no webhook is told of them until they are redriven.",
  },
  {
    id: "fanout-queue-age",
    metric: ({ fanout }) => age(fanout.queue),
    threshold: 300,
    datapoints: { bad: 3, of: 3 },
    severity: "page",
    impact: "Every webhook is told of events more than five minutes late.",
  },
  {
    id: "fanout-dlq-not-empty",
    metric: ({ fanout }) => waiting(fanout.deadLetters),
    threshold: 0,
    severity: "page",
    impact:
      "Events are parked of which no delivery was made: their subscribers miss them until they are redriven; after 14 days they are gone.",
  },
  {
    id: "attempts-queue-age",
    metric: ({ attempts }) => age(attempts.queue),
    threshold: 300,
    datapoints: { bad: 3, of: 3 },
    severity: "page",
    impact: "Webhooks that answer promptly are told of events more than five minutes late.",
  },
  {
    id: "attempts-dlq-not-empty",
    metric: ({ attempts }) => waiting(attempts.deadLetters),
    threshold: 0,
    severity: "ticket",
    impact: "Some deliveries failed within Ackwire again and again; the sweep makes them late.",
  },
  {
    id: "retries-queue-age",
    metric: ({ retries }) => age(retries.queue),
    threshold: limits.maxSqsDelaySeconds + 900,
    datapoints: { bad: 3, of: 3 },
    severity: "ticket",
    impact:
      "Retries, resends and recoveries are made late, and so are all deliveries to endpoints that are slow.",
  },
  {
    id: "retries-dlq-not-empty",
    metric: ({ retries }) => waiting(retries.deadLetters),
    threshold: 0,
    severity: "ticket",
    impact:
      "Some deliveries, recoveries or ends of webhooks failed within Ackwire again and again; the sweep makes them late.",
  },
  {
    id: "deliver-errors",
    metric: ({ functions }) => functions.deliver.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { bad: 2, of: 3 },
    severity: "page",
    impact:
      "Webhooks come late, or twice: what was being sent when its worker ended is sent again.",
  },
  {
    id: "delivery-failures",
    metric: () => customSum(metrics.DeliveryFailed, ["deliver", "reconcile"]),
    threshold: 0,
    severity: "page",
    impact:
      "Deliveries failed for good: their subscribers miss these events until somebody resends them.",
  },
  {
    id: "webhook-breaker-open",
    metric: () => custom(metrics.BreakerOpened, "deliver"),
    threshold: 0,
    severity: "ticket",
    impact:
      "A webhook's endpoint fails again and again: its deliveries are held back, and fail for good unless it is mended in time.",
  },
  {
    id: "webhook-disabled",
    metric: () => custom(metrics.WebhookDisabled, "deliver"),
    threshold: 0,
    severity: "ticket",
    impact:
      "A webhook's endpoint answered 410 and is told nothing any more; what it misses can be recovered.",
  },
];
