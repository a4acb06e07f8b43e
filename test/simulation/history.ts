import { readRequestItem } from "../../shared/adapters/dynamo/request-item.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { type FaultKind, instanceFaultKinds, type Struck } from "./engine/faults.ts";
import type { Published } from "./services/eventbridge.ts";
import type { Item } from "./services/expressions.ts";

/** A webhook that a provider has sent, each time that it sent it. */
export interface SentWebhook {
  /** The same for each copy. */
  id: string;
  /** The provider's id of the request that it is about. */
  providerRequestId: string;
  /** It tells the outcome of a request. */
  isEnd: boolean;
  body: string;
  atMs: number;
  status: number;
}

/** A call of a client to the API. */
export interface ApiCallMade {
  key: string;
  /** `conflict`: the key of an earlier call with another body. `recur`: makes a recurring request. */
  what: "accept" | "cancel" | "conflict" | "recur" | "delete";
  /** The batch that the request is part of. */
  batchKey?: string;
  accountId: string;
  fromMs: number;
  untilMs: number;
  status: number;
  body: string;
}

/** A call to a provider that submits something. */
export interface Submission {
  accountId: string;
  action: string;
  fromMs: number;
  untilMs: number;
  /** The worker that made it. */
  by: string;
  /** The provider has taken it, whether or not its answer arrived. */
  isApplied: boolean;
  /** What the worker was told. */
  answer: number | "notSent" | "incomplete";
  providerRequestId: string | undefined;
  /** How its job ends, if it is applied. */
  isSuccess?: boolean;
  /** The provider has cancelled it. */
  isCancelled?: true;
  params: Item;
}

/** A POST to a client's endpoint. */
export interface Post {
  webhookId: string;
  body: string;
  fromMs: number;
  untilMs: number;
  by: string;
  status: number | undefined;
}

/** A write of an item. */
export interface Written {
  table: string;
  atMs: number;
  by: string;
  after: Item | undefined;
  before: Item | undefined;
}

/** Everything that the checks know of a run. */
export interface History {
  webhooks: SentWebhook[];
  calls: ApiCallMade[];
  submissions: Submission[];
  posts: Post[];
  published: Published[];
  writes: Written[];
  deadLetters: { queue: string; body: string }[];
  /** The messages of recurring schedules, each time that one fired. */
  firings: { body: string; atMs: number }[];
  /** The messages of recurring schedules, each time that one was set. */
  schedulesSet: { body: string; atMs: number }[];
  invocations: { name: string; fromMs: number; untilMs: number; end: "ok" | "error" | "killed" }[];
  struck: readonly Struck[];
  /** By how much the clock of each instance is ahead, in milliseconds. */
  skewsMs: Map<string, number>;
  /** One line for each thing that happened: the trace of the run. */
  trace: string[];
}

export const emptyHistory = (): History => ({
  webhooks: [],
  calls: [],
  submissions: [],
  posts: [],
  published: [],
  writes: [],
  deadLetters: [],
  firings: [],
  schedulesSet: [],
  invocations: [],
  struck: [],
  skewsMs: new Map(),
  trace: [],
});

const confusing: readonly FaultKind[] = instanceFaultKinds;

/** Whether one of these faults struck an instance in this time. */
function wasStruck({ struck }: History, instance: string, fromMs: number, untilMs: number) {
  return struck.some(
    (fault) =>
      fault.instance === instance &&
      confusing.includes(fault.kind) &&
      fault.atMs >= fromMs &&
      fault.atMs <= untilMs,
  );
}

/** When the invocation began in which an instance did something at this time. */
export function invocationStart(
  { invocations }: Pick<History, "invocations">,
  instance: string,
  atMs: number,
): number {
  let startMs = 0;
  for (const { name, fromMs } of invocations) {
    if (name === instance && fromMs <= atMs && fromMs > startMs) startMs = fromMs;
  }
  return startMs;
}

/** When that invocation ended; never for one that was ended by Lambda, which may be frozen and go on. */
export function invocationEnd(
  { invocations }: Pick<History, "invocations">,
  instance: string,
  atMs: number,
): number {
  const startMs = invocationStart({ invocations }, instance, atMs);
  const own = invocations.find(({ name, fromMs }) => name === instance && fromMs === startMs);
  return own === undefined || own.end === "killed" ? Number.POSITIVE_INFINITY : own.untilMs;
}

/**
 * Whether an instance was struck in the invocation in which it did something at this time, until
 * another time at most.
 */
export function wasStruckIn(
  history: History,
  { by, atMs, untilMs }: { by: string; atMs: number; untilMs: number },
): boolean {
  const endMs = Math.min(untilMs, invocationEnd(history, by, atMs));
  return wasStruck(history, by, invocationStart(history, by, atMs), endMs);
}

const requestOfItem = new WeakMap<Item, RequestRecord>();

/** The request in an item as it was written. */
export function requestIn(item: Item): RequestRecord {
  let request = requestOfItem.get(item);
  if (!request) {
    request = readRequestItem(item).request;
    requestOfItem.set(item, request);
  }
  return request;
}

/** A write of a request: what it was, and what it is. */
export interface RequestWritten {
  atMs: number;
  by: string;
  before: RequestRecord | undefined;
  after: RequestRecord;
}

const isRequest = (item: Item | undefined): item is Item => String(item?.id).startsWith("rq_");

/** The writes of requests, in order. */
export const requestWrites = ({ writes }: Pick<History, "writes">): RequestWritten[] =>
  writes.flatMap(({ table, atMs, by, before, after }) =>
    table === "requests" && isRequest(after)
      ? [{ atMs, by, before: before && requestIn(before), after: requestIn(after) }]
      : [],
  );
