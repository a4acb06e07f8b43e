import { limits } from "../../shared/contracts/limits.ts";
import { metrics } from "../../shared/contracts/metrics.ts";
import { age, custom, customSum, fiveMinutes, waiting } from "./alarm-metrics.ts";
import type { AlarmRule } from "./alarm-rule.ts";

/** The alarms about deliveries, in the order in which an event travels to a webhook. */
export const deliveryAlarms: readonly AlarmRule[] = [
  {
    id: "event-feed-failures",
    metric: ({ eventFeed }) => eventFeed.metricFailedInvocations(fiveMinutes),
    threshold: 0,
    severity: "page",
    impact: "Events are on the bus, but no webhook receives them until they are redriven.",
  },
  {
    id: "fanout-queue-age",
    metric: ({ fanout }) => age(fanout.queue),
    threshold: 300,
    datapoints: { breaching: 3, evaluated: 3 },
    severity: "page",
    impact: "Every webhook receives events more than five minutes late.",
  },
  {
    id: "fanout-dlq-not-empty",
    metric: ({ fanout }) => waiting(fanout.deadLetters),
    threshold: 0,
    severity: "page",
    impact:
      "Events without a delivery are in the dead-letter queue: their subscribers miss them until they are redriven; after 14 days they are lost.",
  },
  {
    id: "attempts-queue-age",
    metric: ({ attempts }) => age(attempts.queue),
    threshold: 300,
    datapoints: { breaching: 3, evaluated: 3 },
    severity: "page",
    impact: "Webhooks with a fast endpoint receive events more than five minutes late.",
  },
  {
    id: "attempts-dlq-not-empty",
    metric: ({ attempts }) => waiting(attempts.deadLetters),
    threshold: 0,
    severity: "ticket",
    impact:
      "Some deliveries failed within Ackwire repeatedly; they are late, or only in the dead-letter queue.",
  },
  {
    id: "retries-queue-age",
    metric: ({ retries }) => age(retries.queue),
    threshold: limits.maxSqsDelaySeconds + 900,
    datapoints: { breaching: 3, evaluated: 3 },
    severity: "ticket",
    impact:
      "Retries, resends and recoveries are late, and so are all deliveries to slow endpoints.",
  },
  {
    id: "retries-dlq-not-empty",
    metric: ({ retries }) => waiting(retries.deadLetters),
    threshold: 0,
    severity: "ticket",
    impact:
      "Some deliveries, recoveries or ends of webhooks failed within Ackwire repeatedly; the sweep retries them late.",
  },
  {
    id: "deliver-errors",
    metric: ({ functions }) => functions.deliver.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { breaching: 2, evaluated: 3 },
    severity: "page",
    impact:
      "Webhooks are late, or sent twice: a delivery that was being sent when its worker crashed is sent again.",
  },
  {
    id: "deliver-message-failures",
    metric: ({ stack }) => custom(stack, metrics.MessageFailed, "deliver"),
    // The fan-out queue delivers a message that fails every 240 s in the end: once in each period.
    threshold: 0,
    datapoints: { breaching: 3, evaluated: 3 },
    severity: "page",
    impact:
      "Events or deliveries fail within Ackwire again and again: webhooks receive them late, and in the end only after a redrive.",
  },
  {
    id: "delivery-failures",
    metric: ({ stack }) => customSum(stack, metrics.DeliveryFailed, ["deliver", "reconcile"]),
    threshold: 0,
    severity: "page",
    impact:
      "Deliveries failed permanently: their subscribers miss these events until they are resent.",
  },
  {
    id: "webhook-breaker-open",
    metric: ({ stack }) => custom(stack, metrics.BreakerOpened, "deliver"),
    threshold: 0,
    severity: "ticket",
    impact:
      "A webhook's endpoint fails repeatedly: its deliveries are postponed, and fail permanently unless it recovers in time.",
  },
  {
    id: "webhook-disabled",
    metric: ({ stack }) => custom(stack, metrics.WebhookDisabled, "deliver"),
    threshold: 0,
    severity: "ticket",
    impact:
      "A webhook's endpoint answered 410 and receives nothing any more; missed events can be recovered.",
  },
];
