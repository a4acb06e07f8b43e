import type { Settings } from "../../shared/contracts/settings.ts";
import {
  DELIVERY_SHARD_COUNT,
  OUTBOX_SHARD_COUNT,
  REQUEST_SHARD_COUNT,
} from "../../shared/contracts/tables.ts";
import type { Count } from "./counts.ts";
import { type Limit, quotas, settingLimit } from "./quotas.ts";

/** The counts of one event that matches no request, one delivery and one request. */
export interface Inputs {
  events: readonly Count[];
  deliveries: readonly Count[];
  requests: readonly Count[];
  settings: Settings;
}

/** A limit, and how much of it one event a second, or one request, needs. */
export interface Need extends Limit {
  /** Of the limit's unit. */
  each: number;
}

/** Shards of an index, each of which is one partition. */
const shards: Readonly<Record<string, number>> = {
  "Events/outbox": OUTBOX_SHARD_COUNT,
  "Requests/due": REQUEST_SHARD_COUNT,
  "Requests/sweep": REQUEST_SHARD_COUNT,
  "Deliveries/due": DELIVERY_SHARD_COUNT,
  "Deliveries/sweep": DELIVERY_SHARD_COUNT,
};

/** Targets of an event on the bus: the rule of the deliveries, and that of the archive. */
const TARGETS_OF_AN_EVENT = 2;
/** A provider's answer to a submission, which a local simulator gives at once. */
export const PROVIDER_SECONDS = 0.3;
/** Messages of a batch of `submit`, `consume` and `deliver` under load. */
const BATCH = 10;

const sum = (counts: readonly Count[], isOne: (count: Count) => boolean): number =>
  counts.filter(isOne).reduce((total, { units }) => total + units, 0);

const invocations = (counts: readonly Count[], name: string) =>
  sum(counts, ({ item, caller }) => item === "lambda.request" && caller === name);

/** Seconds in which a function is busy for one. */
function busySeconds(counts: readonly Count[], name: string, { settings }: Inputs): number {
  const memoryMib = settings[`${name}MemoryMib` as keyof Settings];
  const gbSeconds = sum(
    counts,
    ({ item, caller }) => item === "lambda.gbSecond" && caller === name,
  );
  return gbSeconds / (Number(memoryMib) / 1_024);
}

/** Write units of each table and each index, by name. */
function writeUnits(counts: readonly Count[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { item, resource, units: of } of counts) {
    if (item === "dynamodb.write") units.set(resource, (units.get(resource) ?? 0) + of);
  }
  return units;
}

/** The limits of tables and indexes for these writes. A sharded index has a partition for each shard. */
function tableNeeds(counts: readonly Count[]): Need[] {
  const units = [...writeUnits(counts)];
  const most = units.toSorted(([, one], [, other]) => other - one)[0];
  const sharded = units.flatMap(([name, each]): Need[] => {
    const count = shards[name];
    if (count === undefined) return [];
    return [
      {
        name: `DynamoDB: ${count} partitions of the index \`${name}\`, 1,000 write units a second each`,
        limit: count * quotas.partition.limit,
        remedy: "more shards (`shared/contracts/tables.ts`)",
        leadTime: "a release",
        each,
      },
    ];
  });
  if (!most) return sharded;
  const [name, each] = most;
  return [
    { ...quotas.newTable, name: `${quotas.newTable.name} (\`${name}\`)`, each },
    { ...quotas.table, name: `${quotas.table.name} (\`${name}\`)`, each },
    ...sharded,
  ];
}

/** What one event a second needs that comes in and is delivered to one endpoint. */
export function needsOfEvents(inputs: Inputs): Need[] {
  const { events, deliveries, settings } = inputs;
  const both = [...events, ...deliveries];
  const functions = ["ingest", "consume", "deliver"];
  const seconds = (name: string) => busySeconds(both, name, inputs);
  return [
    {
      ...settingLimit("requests a second of a route", {
        ...{ limit: settings.apiThrottleRate, setting: "apiThrottleRate", most: 10_000 },
      }),
      each: 1,
    },
    { ...quotas.httpApi, each: 1 },
    {
      ...quotas.lambdaConcurrency,
      each: functions.reduce((total, name) => total + seconds(name), 0),
    },
    { ...quotas.lambdaRequests, each: invocations(both, "ingest") },
    {
      ...settingLimit("batches of webhooks at the same time", {
        ...{ limit: settings.consumeMaxConcurrency, setting: "consumeMaxConcurrency", most: 1_000 },
      }),
      each: seconds("consume"),
    },
    {
      ...settingLimit("batches of events and of first attempts at the same time", {
        // The events queue and the attempts queue have the same function, and a limit each.
        ...{ limit: 2 * settings.deliverMaxConcurrency, setting: "deliverMaxConcurrency" },
        most: 1_000,
      }),
      each: seconds("deliver"),
    },
    { ...quotas.putEvents, each: 1 },
    { ...quotas.busInvocations, each: TARGETS_OF_AN_EVENT },
    ...tableNeeds(both),
  ];
}

/** What one request needs that was scheduled and is due: limits per second, for one a second. */
export function needsOfSchedules(inputs: Inputs): Need[] {
  const { requests, settings } = inputs;
  const submitting = requests.filter(({ caller }) => caller === "submit");
  const batchSeconds = busySeconds(submitting, "submit", inputs) + PROVIDER_SECONDS / BATCH;
  return [
    { ...quotas.scheduleInvocations, each: 1 },
    {
      ...settingLimit("batches of submissions at the same time", {
        ...{ limit: settings.submitMaxConcurrency, setting: "submitMaxConcurrency", most: 1_000 },
      }),
      each: batchSeconds,
    },
    { ...quotas.lambdaConcurrency, each: batchSeconds },
    { ...quotas.putEvents, each: 2 },
    ...tableNeeds(submitting),
  ];
}

/** Sorted by the load at which the limit is met, the lowest first. */
export function byReach(needs: readonly Need[]): Need[] {
  return needs.filter(({ each }) => each > 0).toSorted((a, b) => reachOf(a) - reachOf(b));
}

/** The events or requests a second that the limit allows. */
export const reachOf = ({ limit, each }: Need): number => limit / each;

/** One account or one client that has all of the load. */
export function hotKeys({ events, deliveries, requests, settings }: Inputs) {
  const perKey = (counts: readonly Count[], names: readonly string[]) => {
    const units = writeUnits(counts);
    return names.reduce((total, name) => total + (units.get(name) ?? 0), 0);
  };
  const laneUnits = perKey(requests, ["Requests", "Requests/queue"]);
  const paceSeconds = (settings.paceMinSeconds + settings.paceMaxSeconds) / 2;
  return {
    laneUnits,
    /** Requests a second of one account that its partition allows. */
    requestsOfAccount: quotas.partition.limit / laneUnits,
    /** Requests a second of one account that its pace allows. */
    paceOfAccount: 1 / paceSeconds,
    eventsOfClient: quotas.partition.limit / perKey(events, ["Events/byClient"]),
    deliveriesOfClient: quotas.partition.limit / perKey(deliveries, ["Deliveries/byClient"]),
    requestsOfClient: quotas.partition.limit / perKey(requests, ["Requests/byClient"]),
  };
}
