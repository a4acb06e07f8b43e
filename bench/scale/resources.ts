import type { Settings } from "../../shared/contracts/settings.ts";
import {
  DELIVERY_SHARD_COUNT,
  OUTBOX_SHARD_COUNT,
  REQUEST_SHARD_COUNT,
} from "../../shared/contracts/tables.ts";

/** What bounds how many events, deliveries or requests pass in a second. */
export interface Resource {
  name: string;
  /** How many a second it lets pass. */
  perSecond: number;
  /** How that follows from its quota or setting. */
  because: string;
  remedy: string;
  /** How long the remedy takes. */
  leadTime: string;
  source: string;
}

/** Use of one event that matches no request and is delivered once, by `npm run cost`. */
export interface UsePerEvent {
  /** Write units in the table of events, and in each partition of its index `byClient`. */
  eventsTable: number;
  eventsByClient: number;
  /** Write units in the table of deliveries, and in its indexes `due` and `sweep` together. */
  deliveriesTable: number;
  deliveriesShards: number;
}

/** Quotas of AWS that are the same in every region named. Those of a region are by its name. */
export interface Region {
  name: string;
  apiRequestsPerSecond: number;
  putEventsPerSecond: number;
  invocationsPerSecond: number;
}

export const regions: readonly Region[] = [
  {
    name: "us-east-1",
    apiRequestsPerSecond: 10_000,
    putEventsPerSecond: 10_000,
    invocationsPerSecond: 18_750,
  },
  {
    name: "eu-central-1",
    apiRequestsPerSecond: 10_000,
    putEventsPerSecond: 2_400,
    invocationsPerSecond: 4_500,
  },
];

const CONCURRENCY = 1_000;
const NEW_TABLE_WRITE_UNITS = 4_000;
const TABLE_WRITE_UNITS = 40_000;
const PARTITION_WRITE_UNITS = 1_000;
const SCHEDULER_INVOCATIONS = 1_000;

const aws = "https://docs.aws.amazon.com";
const sources = {
  api: `${aws}/apigateway/latest/developerguide/limits.html`,
  lambda: `${aws}/lambda/latest/dg/gettingstarted-limits.html`,
  eventSource: `${aws}/lambda/latest/dg/services-sqs-scaling.html`,
  tables: `${aws}/amazondynamodb/latest/developerguide/Limits.html`,
  partitions: `${aws}/amazondynamodb/latest/developerguide/bp-partition-key-design.html`,
  bus: `${aws}/eventbridge/latest/userguide/eb-quota.html`,
  scheduler: `${aws}/scheduler/latest/UserGuide/scheduler-quotas.html`,
  setting: "docs/limits.md",
};

const minutes = "minutes: one deployment";
const days = "days: a request to AWS Support through Service Quotas";
const next = "a release: it is not a setting";

/** @param durationsMs of one invocation with a full batch; measure them on your stage */
export function eventResources(
  settings: Settings,
  region: Region,
  { use, durationsMs }: { use: UsePerEvent; durationsMs: Readonly<Record<string, number>> },
): Resource[] {
  const perConcurrency = (concurrency: number, batch: number, name: string) =>
    (concurrency * batch * 1_000) / (durationsMs[name] ?? 1);
  const concurrencies = [
    { name: "consume", setting: "consumeMaxConcurrency", batch: settings.consumeBatchSize },
    { name: "deliver", setting: "deliverMaxConcurrency", batch: 10 },
  ] as const;
  return [
    {
      name: "requests a second of one route of the API",
      perSecond: settings.apiThrottleRate,
      because: `setting apiThrottleRate: ${settings.apiThrottleRate}`,
      remedy: "raise apiThrottleRate, up to the account's quota",
      leadTime: minutes,
      source: sources.setting,
    },
    {
      name: "requests a second of API Gateway, of the account",
      perSecond: region.apiRequestsPerSecond,
      because: `quota: ${region.apiRequestsPerSecond}`,
      remedy: "request a higher quota",
      leadTime: days,
      source: sources.api,
    },
    {
      name: "concurrent executions of ingest, of the account",
      perSecond: perConcurrency(CONCURRENCY, 1, "ingest"),
      because: `quota: ${CONCURRENCY} for all functions of the account (a new account may have fewer)`,
      remedy: "request a higher quota",
      leadTime: days,
      source: sources.lambda,
    },
    ...concurrencies.map(({ name, setting, batch }) => ({
      name: `concurrent executions of ${name}`,
      perSecond: perConcurrency(settings[setting], batch, name),
      because: `setting ${setting}: ${settings[setting]}, batches of ${batch}`,
      remedy: `raise ${setting} (at most 1,000)`,
      leadTime: minutes,
      source: sources.eventSource,
    })),
    {
      name: "write units of the table of events, when it is new",
      perSecond: NEW_TABLE_WRITE_UNITS / use.eventsTable,
      because: `${NEW_TABLE_WRITE_UNITS} units; ${use.eventsTable} for each event`,
      remedy:
        "set warm throughput, or let the load grow to twice the former peak within 30 minutes",
      leadTime: minutes,
      source: sources.tables,
    },
    {
      name: "write units of the table of events",
      perSecond: TABLE_WRITE_UNITS / use.eventsTable,
      because: `quota: ${TABLE_WRITE_UNITS}; ${use.eventsTable} for each event`,
      remedy: "request a higher quota",
      leadTime: days,
      source: sources.tables,
    },
    {
      name: "events of one client",
      perSecond: PARTITION_WRITE_UNITS / use.eventsByClient,
      because: `${PARTITION_WRITE_UNITS} units of a partition of the index byClient`,
      remedy: "divide the client in two, or shard the index",
      leadTime: next,
      source: sources.partitions,
    },
    {
      name: "events that the bus does not take, in the index of the outbox",
      perSecond: (PARTITION_WRITE_UNITS * OUTBOX_SHARD_COUNT) / 2,
      because: `${OUTBOX_SHARD_COUNT} partitions; one unit to enter and one to leave`,
      remedy: "none is needed: the queue keeps the messages until the writes succeed",
      leadTime: "none",
      source: sources.partitions,
    },
    {
      name: "entries of PutEvents",
      perSecond: region.putEventsPerSecond,
      because: `quota of ${region.name}: ${region.putEventsPerSecond}`,
      remedy: "request a higher quota",
      leadTime: days,
      source: sources.bus,
    },
    {
      name: "targets that the bus invokes",
      perSecond: region.invocationsPerSecond,
      because: `quota of ${region.name}: ${region.invocationsPerSecond}; above it the bus delays`,
      remedy: "request a higher quota",
      leadTime: days,
      source: sources.bus,
    },
    {
      name: "write units of the table of deliveries, when it is new",
      perSecond: NEW_TABLE_WRITE_UNITS / use.deliveriesTable,
      because: `${NEW_TABLE_WRITE_UNITS} units; ${use.deliveriesTable} for each delivery`,
      remedy:
        "set warm throughput, or let the load grow to twice the former peak within 30 minutes",
      leadTime: minutes,
      source: sources.tables,
    },
    {
      name: "deliveries, by the partitions of the indexes due and sweep",
      perSecond: (PARTITION_WRITE_UNITS * DELIVERY_SHARD_COUNT) / use.deliveriesShards,
      because: `${DELIVERY_SHARD_COUNT} partitions; ${use.deliveriesShards} units for each delivery`,
      remedy: "raise DELIVERY_SHARD_COUNT",
      leadTime: next,
      source: sources.partitions,
    },
    {
      name: "deliveries to one endpoint that answers in 100 ms",
      perSecond: settings.deliveryWorkersPerEndpoint * settings.deliveryPostsPerWorker * 10,
      because: `${settings.deliveryWorkersPerEndpoint} workers with ${settings.deliveryPostsPerWorker} POSTs each, while it is not known to be fast`,
      remedy: "raise deliveryWorkersPerEndpoint or deliveryPostsPerWorker",
      leadTime: minutes,
      source: sources.setting,
    },
  ];
}

/** What bounds a peak of scheduled requests that are due at one moment. */
export function peakResources(
  settings: Settings,
  { unitsPerJoin, joinMs }: { unitsPerJoin: number; joinMs: number },
): Resource[] {
  return [
    {
      name: "invocations of EventBridge Scheduler",
      perSecond: SCHEDULER_INVOCATIONS,
      because: `quota: ${SCHEDULER_INVOCATIONS}`,
      remedy: "request a higher quota; spread the scheduled times",
      leadTime: days,
      source: sources.scheduler,
    },
    {
      name: "concurrent executions of submit",
      perSecond: (settings.submitMaxConcurrency * settings.submitBatchSize * 1_000) / joinMs,
      because: `setting submitMaxConcurrency: ${settings.submitMaxConcurrency}, batches of ${settings.submitBatchSize}`,
      remedy: "raise submitMaxConcurrency (at most 1,000)",
      leadTime: minutes,
      source: sources.eventSource,
    },
    {
      name: "write units of the table of requests, when it is new",
      perSecond: NEW_TABLE_WRITE_UNITS / unitsPerJoin,
      because: `${NEW_TABLE_WRITE_UNITS} units; ${unitsPerJoin} for each request that joins its lane`,
      remedy: "set warm throughput before the peak",
      leadTime: minutes,
      source: sources.tables,
    },
    {
      name: "partitions of the indexes due and sweep of the requests",
      perSecond: (PARTITION_WRITE_UNITS * REQUEST_SHARD_COUNT) / 2,
      because: `${REQUEST_SHARD_COUNT} partitions of each kind of work; an entry leaves and one enters`,
      remedy: "raise REQUEST_SHARD_COUNT",
      leadTime: next,
      source: sources.partitions,
    },
  ];
}
