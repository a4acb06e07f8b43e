import type { FunctionName } from "../../shared/contracts/env.ts";
import { limits } from "../../shared/contracts/limits.ts";
import { durations, metrics } from "../../shared/contracts/metrics.ts";
import {
  age,
  custom,
  customSum,
  fiveMinutes,
  repeatedFailures,
  sum,
  waiting,
} from "./alarm-metrics.ts";
import type { AlarmRule } from "./alarm-rule.ts";
import { deliveryAlarms } from "./delivery-alarms.ts";

export const alarmCatalogue: readonly AlarmRule[] = [
  {
    id: "ingest-5xx",
    metric: ({ api }) => api.metricServerError({ ...fiveMinutes, statistic: "Sum" }),
    threshold: 0,
    datapoints: { breaching: 2, evaluated: 3 },
    severity: "page",
    impact: "Webhooks are rejected; each is lost when the provider gives up its retries.",
  },
  {
    id: "signature-failures",
    metric: ({ stack }) => custom(stack, metrics.SignatureRejected, "ingest"),
    threshold: 5,
    severity: "page",
    impact:
      "Webhooks with the right URL and a wrong signature are rejected: results are late, or somebody knows a secret URL.",
  },
  {
    id: "quarantine-not-empty",
    metric: ({ stack }) => custom(stack, metrics.Quarantined, "ingest"),
    threshold: 0,
    severity: "ticket",
    impact:
      "Webhooks that failed verification were acked and stored; none becomes an event until a person releases it.",
  },
  {
    id: "created-at-replaced",
    metric: ({ stack }) => custom(stack, metrics.CreatedAtReplaced, "ingest"),
    threshold: 5,
    severity: "ticket",
    impact:
      "A provider's webhooks have times that cannot be used; their events have the time of receipt, by which they may sort wrongly.",
  },
  {
    id: "inbound-queue-age",
    metric: ({ inbound }) => age(inbound.queue),
    threshold: 300,
    datapoints: { breaching: 3, evaluated: 3 },
    severity: "page",
    impact: "Events reach the bus more than five minutes after the provider sent them.",
  },
  {
    id: "inbound-dlq-not-empty",
    metric: ({ inbound }) => waiting(inbound.deadLetters),
    threshold: 0,
    severity: "page",
    impact:
      "Acked webhooks are in the dead-letter queue and are not published until they are redriven; after 14 days they are lost.",
  },
  {
    id: "consume-errors",
    metric: ({ functions }) => functions.consume.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { breaching: 2, evaluated: 3 },
    severity: "ticket",
    impact: "Whole batches of webhooks fail and are retried, so their events are late.",
  },
  {
    id: "consume-message-failures",
    metric: ({ stack }) => custom(stack, metrics.MessageFailed, "consume"),
    ...repeatedFailures,
    severity: "page",
    impact:
      "Webhooks fail to become events again and again: the events are late, and after 8 receives wait in the dead-letter queue.",
  },
  {
    id: "dedupe-conflict",
    metric: ({ stack }) => custom(stack, metrics.DedupeConflict, "consume"),
    threshold: 0,
    severity: "ticket",
    impact:
      "A provider sent two different bodies under one id; only the first became an event, so subscribers may miss the second.",
  },
  {
    id: "submit-queue-age",
    metric: ({ submit }) => age(submit.queue),
    threshold: limits.maxSqsDelaySeconds + 300,
    datapoints: { breaching: 3, evaluated: 3 },
    severity: "page",
    impact: "Requests that are due are sent minutes late.",
  },
  {
    id: "submit-dlq-not-empty",
    metric: ({ submit }) => waiting(submit.deadLetters),
    threshold: 0,
    severity: "page",
    impact:
      "Work on some accounts failed repeatedly; their requests wait, and end FAILED after their queue timeout. Firings of recurring requests are lost unless they are redriven within `idempotencyHours`.",
  },
  {
    id: "submit-errors",
    metric: ({ functions }) => functions.submit.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { breaching: 2, evaluated: 3 },
    severity: "page",
    impact:
      "Requests are not sent; one that was being sent when its worker crashed becomes UNKNOWN.",
  },
  {
    id: "submit-message-failures",
    metric: ({ stack }) => custom(stack, metrics.MessageFailed, "submit"),
    ...repeatedFailures,
    severity: "page",
    impact:
      "Work on accounts fails again and again: their requests wait, and end FAILED after their queue timeout.",
  },
  {
    id: "submit-failures",
    metric: ({ stack }) => custom(stack, metrics.SubmitFailed, "submit"),
    threshold: 5,
    severity: "ticket",
    impact:
      "Requests end FAILED without having been carried out; their clients must submit them again.",
  },
  {
    id: "request-unknown",
    metric: ({ stack }) => customSum(stack, metrics.RequestUnknown, ["submit", "reconcile"]),
    threshold: 0,
    severity: "ticket",
    impact:
      "It is unknown whether a request was carried out. Its account waits, and unless it is settled the request ends FAILED.",
  },
  {
    id: "request-timeouts",
    metric: ({ stack }) => customSum(stack, metrics.RequestTimedOut, ["submit", "reconcile"]),
    threshold: 0,
    severity: "ticket",
    impact:
      "Requests ended FAILED because of a time limit; their clients have no result, or a late one.",
  },
  {
    id: "lane-age",
    metric: ({ stack }) => custom(stack, durations.LaneWait, "submit", "Maximum"),
    threshold: 43_200,
    severity: "ticket",
    impact:
      "A request at the head of an account's lane has waited for more than twelve hours in which hours, limits and pauses allowed it; after `queueTimeoutSeconds` of that time it ends FAILED and is never sent.",
  },
  {
    id: "connection-paused",
    metric: ({ stack }) => customSum(stack, metrics.ConnectionPaused, ["submit", "reconcile"]),
    threshold: 0,
    severity: "page",
    impact:
      "The provider rejects a connection's credentials: nothing is sent on it until a person sets new ones.",
  },
  {
    id: "account-paused",
    metric: ({ stack }) =>
      customSum(stack, metrics.AccountPaused, ["submit", "consume", "reconcile"]),
    threshold: 0,
    severity: "ticket",
    impact:
      "An account must log in or is restricted: its requests wait until a login succeeds or a person resumes it.",
  },
  {
    id: "late-result",
    metric: ({ stack }) => custom(stack, metrics.LateResult, "consume"),
    threshold: 0,
    severity: "ticket",
    impact:
      "A request that its client sees as FAILED or CANCELLED was carried out; submitting it again would repeat it.",
  },
  {
    id: "unclear-report",
    metric: ({ stack }) =>
      customSum(stack, metrics.UnclearReport, ["consume", "submit", "reconcile"]),
    threshold: 0,
    severity: "ticket",
    impact:
      "A provider uses a word that Ackwire does not know, or contradicts itself; a request that it is about may wait for its end until its time limit.",
  },
  {
    id: "schedule-failures",
    metric: ({ stack }) => custom(stack, metrics.ScheduleFailed, "api"),
    threshold: 0,
    severity: "ticket",
    impact:
      "Scheduled requests were accepted without a schedule: they join their lanes up to 150 seconds late, because the sweep does the work of their schedules.",
  },
  {
    id: "request-schedule-dlq-not-empty",
    metric: ({ requestScheduleDeadLetters }) => waiting(requestScheduleDeadLetters),
    threshold: 0,
    severity: "ticket",
    impact:
      "Scheduled requests join their lanes up to 150 seconds late, because the sweep does the work of their schedules; firings of recurring requests are lost unless they are redriven within `idempotencyHours`.",
  },
  {
    id: "publish-failures",
    metric: ({ stack }) =>
      customSum(stack, metrics.PublishFailed, ["consume", "submit", "reconcile"]),
    threshold: 0,
    datapoints: { breaching: 2, evaluated: 3 },
    severity: "page",
    impact: "Events wait in the outbox and reach subscribers late.",
  },
  ...deliveryAlarms,
  {
    id: "reconcile-not-running",
    metric: ({ functions }) => functions.reconcile.metricInvocations(fiveMinutes),
    threshold: 1,
    below: true,
    treatMissingAsBreaching: true,
    severity: "page",
    impact:
      "The work of crashed workers remains undone; nothing is polled or timed out, and deliveries miss every attempt that is more than 15 minutes away.",
  },
  {
    id: "reconcile-errors",
    metric: ({ functions }) => functions.reconcile.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { breaching: 2, evaluated: 3 },
    severity: "ticket",
    impact:
      "The work of crashed workers may remain undone: unpublished events, requests that are not polled or ended, deliveries without their next attempt.",
  },
  {
    id: "schedule-dlq-not-empty",
    metric: ({ scheduleDeadLetters }) => waiting(scheduleDeadLetters),
    threshold: 0,
    severity: "ticket",
    impact:
      "Sweeps did not run; recovery, polls, time limits and later attempts of deliveries are late.",
  },
  {
    id: "api-errors",
    metric: ({ functions }) => functions.api.metricErrors(fiveMinutes),
    threshold: 0,
    datapoints: { breaching: 2, evaluated: 3 },
    severity: "page",
    impact:
      "Clients cannot submit requests, read results and events, or change anything; webhooks are not affected.",
  },
  {
    id: "internal-errors",
    metric: ({ stack, functions }) =>
      customSum(stack, metrics.InternalError, Object.keys(functions) as FunctionName[]),
    threshold: 0,
    severity: "ticket",
    impact:
      "A bug makes calls or messages fail; they are retried, and a message that fails again and again is moved to a dead-letter queue.",
  },
  {
    id: "function-throttles",
    metric: ({ functions }) =>
      sum(
        "Throttled invocations",
        Object.fromEntries(
          Object.entries(functions).map(([name, one]) => [name, one.metricThrottles(fiveMinutes)]),
        ),
      ),
    threshold: 0,
    severity: "ticket",
    impact:
      "The account's Lambda concurrency is used up: webhooks and requests are rejected, and events, submissions and deliveries are late.",
  },
];
