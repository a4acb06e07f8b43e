import { resolveSettings } from "../../infra/settings.ts";
import type { Result } from "../goals/results.ts";
import { readCounts } from "./counts.ts";
import {
  byReach,
  hotKeys,
  type Inputs,
  type Need,
  needsOfEvents,
  needsOfSchedules,
  PROVIDER_SECONDS,
  reachOf,
} from "./model.ts";
import { quotas } from "./quotas.ts";

/** Events a second. */
const RATES = [1, 100, 10_000];
/** Requests that are scheduled for the same minute, each of another account. */
const SCHEDULES = 100_000;

/** A load, and the limit that it meets first. */
export interface ScaleLoad {
  name: string;
  first: Need | undefined;
  /** How the load compares with the limit. */
  text: string;
  /** Events or requests a second that the limit allows. */
  reach: number;
}

/** @throws Error if the result has no counts */
export function scaleInputs(counted: Result): Inputs {
  return {
    events: readCounts(counted, "events"),
    deliveries: readCounts(counted, "deliveries"),
    requests: readCounts(counted, "requests"),
    settings: resolveSettings(),
  };
}

export function scaleLoads(inputs: Inputs): ScaleLoad[] {
  const [event] = byReach(needsOfEvents(inputs));
  const [schedule] = byReach(needsOfSchedules(inputs));
  const reach = event ? reachOf(event) : Number.NaN;
  const due = schedule ? reachOf(schedule) : Number.NaN;
  return [
    ...RATES.map((rate) => ({
      name: rate === 1 ? "1 event a second" : `${number(rate)} events a second`,
      first: event,
      text:
        rate < reach
          ? `not met; ${percent(rate / reach)} of it is used`
          : `met at ${number(reach)}: the load is ${(rate / reach).toFixed(1)} times as high`,
      reach,
    })),
    {
      name: `${number(SCHEDULES)} requests scheduled for 09:00`,
      first: schedule,
      text: `met at ${number(due)} a second: the last is submitted ${duration(SCHEDULES / due)} after 09:00`,
      reach: due,
    },
  ];
}

/** Returns `docs/scale.md`. */
export function scaleDocument(counted: Result, inputs: Inputs): string {
  const { settings } = inputs;
  const hot = hotKeys(inputs);
  const { machine, measuredAt } = counted;
  return `# Scale

Which limit a load meets first, how it is raised, and how long that takes. Written by
\`node bench/scale.ts --write\` from the units that \`npm run bench -- P5\` counted
(${measuredAt.slice(0, 10)}, ${machine.cores} cores, Node ${machine.node.slice(1)}), the default
settings, and the default quotas of us-east-1 on 29 November 2026. Units are counts. Durations
of functions, from which the limits of concurrency follow, are those of that machine, with emulators
and other work (load average ${counted.loadAverage}): on AWS these limits are met later. Nothing here
was measured on AWS.

An event is a webhook of about 900 bytes that matches no request and is delivered to one endpoint.
Loads are even: over many clients, accounts and endpoints.

| Load | First limit | | Remedy | Lead time |
|---|---|---|---|---|
${scaleLoads(inputs)
  .map((load) =>
    row([load.name, load.first?.name, load.text, load.first?.remedy, load.first?.leadTime]),
  )
  .join("\n")}

## Limits of events

By the rate at which each is met.

| Limit | Value | Of it, one event a second | Met at, events a second | 1 | 100 | 10,000 | Remedy | Lead time |
|---|---|---|---|---|---|---|---|---|
${byReach(needsOfEvents(inputs))
  .map((need) =>
    row([
      need.name,
      need.limit.toLocaleString("en"),
      each(need.each),
      number(reachOf(need)),
      ...RATES.map((rate) => percent(rate / reachOf(need))),
      need.remedy,
      need.leadTime,
    ]),
  )
  .join("\n")}

SQS has no limit of requests for standard queues; a queue has at most 120,000 messages in flight.
Lambda adds 1,000 concurrent executions of a function in 10 seconds, and 300 batches of a queue in a
minute: messages of a load that grows faster wait in their queue. An invocation of \`ingest\` is
refused instead, and the provider repeats its webhook.

## A peak of schedules

${number(SCHEDULES)} requests are scheduled for 09:00, each of another account. A provider answers a
submission in ${PROVIDER_SECONDS * 1_000} ms (an assumption).

| Limit | Value | Of it, one request a second | Requests a second | All are through after | Remedy | Lead time |
|---|---|---|---|---|---|---|
${byReach(needsOfSchedules(inputs))
  .map((need) =>
    row([
      need.name,
      need.limit.toLocaleString("en"),
      each(need.each),
      number(reachOf(need)),
      duration(SCHEDULES / reachOf(need)),
      need.remedy,
      need.leadTime,
    ]),
  )
  .join("\n")}

Before: one client is accepted at \`clientRequestsPerSecond\` (${settings.clientRequestsPerSecond} a
second), so that its ${number(SCHEDULES)} requests take
${duration(SCHEDULES / settings.clientRequestsPerSecond)}, and AWS creates
${number(quotas.createSchedule.limit)} schedules a second. A request without a schedule is found by
\`reconcile\` instead.

## One hot account, one hot client

A partition of DynamoDB takes ${number(quotas.partition.limit)} write units a second, and one key is
in one partition: more capacity of the table does not help. A table with a local index, as the
requests table is, also keeps all of a key in one partition for ever.

| Key | Limit | Most a second | What happens then |
|---|---|---|---|
${[
  [
    "one account",
    `its pace: ${settings.paceMinSeconds} to ${settings.paceMaxSeconds} s between submissions`,
    hot.paceOfAccount.toFixed(3),
    `requests wait in the lane, ${number(settings.accountWaitingLimit)} at most (\`accountWaitingLimit\`), then 429`,
  ],
  [
    "one account",
    `its partition: ${hot.laneUnits.toFixed(1)} write units of a request, from accept to end`,
    number(hot.requestsOfAccount),
    "writes are repeated by the SDK, then 503; a batch of 1,000 requests of one account is accepted in parts",
  ],
  [
    "one client",
    "`clientRequestsPerSecond`",
    number(settings.clientRequestsPerSecond),
    "429; other clients are not affected",
  ],
  [
    "one client, requests",
    "its partition of `Requests/byClient`",
    number(hot.requestsOfClient),
    "the API answers 503; other clients' writes are throttled too, because a full index throttles its table",
  ],
  [
    "one client, events",
    "its partition of `Events/byClient`",
    number(hot.eventsOfClient),
    "the inbound queue grows, for all clients; webhooks are acked meanwhile",
  ],
  [
    "one client, deliveries",
    "its partition of `Deliveries/byClient`",
    number(hot.deliveriesOfClient),
    "the attempts queue grows, for all clients",
  ],
  [
    "one endpoint",
    "`deliveryWorkersPerEndpoint` × `deliveryPostsPerWorker`",
    `${number(settings.deliveryWorkersPerEndpoint * settings.deliveryPostsPerWorker)} POSTs at the same time`,
    "deliveries wait in the queue; other endpoints are not affected",
  ],
]
  .map(row)
  .join("\n")}
`;
}

const row = (cells: readonly unknown[]) => `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
const percent = (share: number) => (share < 0.01 ? "< 1 %" : `${number(share * 100)} %`);
const number = (value: number) =>
  Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 2 });
const each = (value: number) => String(Number(value.toPrecision(2)));

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  return seconds < 7_200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
