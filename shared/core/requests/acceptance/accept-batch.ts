import { Failure, failures } from "../../../contracts/failures.ts";
import { forEachConcurrent } from "../../for-each-concurrent.ts";
import { InvalidRequest } from "../../input/invalid-request.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { RequestRecord } from "../state/record.ts";
import {
  type AcceptRequestDeps,
  enforceRateLimit,
  findAccount,
  prepareRequest,
} from "./accept-request.ts";
import { collectAccepted } from "./accepted-messages.ts";
import { findBatchKey, itemDigits, type ReservedBatch, reserveBatch } from "./batch-key.ts";
import { isUnderWay, type NewRequest } from "./idempotency.ts";
import { placeDependents } from "./place-dependents.ts";
import { laneId, newRequestId } from "./request-id.ts";
import { shareReads } from "./share-reads.ts";
import {
  joinLane,
  laneFullFailure,
  type PreparedRequest,
  releaseIdempotencyKey,
  storeJoined,
  storeOutsideLane,
} from "./store-request.ts";

export interface NewBatch {
  clientId: string;
  idempotencyKey?: string | undefined;
  /** In order; a failure for one that is not valid. Each may have an idempotency key of its own. */
  items: readonly (NewRequest | Failure)[];
  /** What was sent, by which a repeated call is recognised. */
  body: unknown;
}

/** What became of one item of a batch. */
export type BatchResult = RequestRecord | Failure;

/** Requests that are judged or stored at the same time; an SDK client has 50 connections. */
const CONCURRENCY = 40;

interface Item {
  index: number;
  newRequest: NewRequest;
}

/**
 * Accepts a batch of requests, each as `makeAcceptRequest` does, and shares what can be shared:
 * the reads of connections, accounts and keys, the count against the client's rate, one write per
 * lane for the places of all of its requests, one per request for those that depend on it, and the
 * messages. Each request is stored by a write of its own: it is accepted or refused by itself.
 *
 * The requests of one lane have places in the order of the batch. The first of each lane is
 * stored before the others, so that a worker meets it first.
 *
 * A repeated call with the batch's key, also after a crash or while the first call still runs,
 * returns the same requests, stores those that are missing, and judges again what was refused.
 * The ids of the requests follow from the stored key, so that none is stored twice. The key is
 * known for as long as a request is kept after its end.
 *
 * @returns one result for each item, in order
 * @throws IDEMPOTENCY_CONFLICT, TOO_MANY_REQUESTS, DEPENDENCY_DOWN for the batch as a whole
 */
export function makeAcceptBatch(ownDeps: AcceptRequestDeps) {
  return async (batch: NewBatch): Promise<BatchResult[]> => {
    const { clientId, items: given } = batch;
    const items = given.flatMap((newRequest, index) =>
      newRequest instanceof Failure ? [] : [{ index, newRequest }],
    );
    const key = await findBatchKey(ownDeps, batch);
    await enforceRateLimit(ownDeps, clientId, given.length);
    const accepted = collectAccepted(ownDeps.submitQueue);
    const deps = await shareReads(
      { ...ownDeps, submitQueue: accepted.submitQueue, rates: { tryConsume: async () => true } },
      clientId,
      items.flatMap(({ newRequest }) => newRequest.idempotencyKey ?? []),
    );
    const reserved = key && (await reserveBatch(deps, key, () => lanesOf(deps, given)));
    const results = new Map<number, BatchResult>(
      given.flatMap((one, index) => (one instanceof Failure ? [[index, one]] : [])),
    );
    for (const [index, failure] of repeatedKeys(items)) results.set(index, failure);
    const isOpen = ({ index }: Item) => !results.has(index);
    if (reserved?.isKnown) await addStored(deps, reserved, items.filter(isOpen), results);
    await acceptEach(deps, reserved, items.filter(isOpen), results);
    // Another call with this key may have stored what this call has refused.
    if (reserved) await addStored(deps, reserved, items.filter(isRefused(results)), results);
    for (const result of results.values()) {
      if (!isAnswer(result)) ownDeps.onNonFatalError(result);
    }
    await ownDeps.submitQueue.sendAll(accepted.messages()).catch(ownDeps.onNonFatalError);
    await releaseUnused(deps, reserved, results);
    return given.map((_, index) => results.get(index) ?? unexpected(index));
  };
}

const isRefused =
  (results: ReadonlyMap<number, BatchResult>) =>
  ({ index }: Item): boolean =>
    results.get(index) instanceof Failure;

function unexpected(index: number): never {
  throw new Error(`Item ${index} of the batch has no result`);
}

/** The lane of each item by the batch's own key; empty where the account is not found. */
async function lanesOf(
  deps: Pick<AcceptRequestDeps, "accountDirectory">,
  given: readonly (NewRequest | Failure)[],
): Promise<string[]> {
  const lanes = given.map(() => "");
  await forEachConcurrent([...given.entries()], CONCURRENCY, async ([index, newRequest]) => {
    if (newRequest instanceof Failure || newRequest.idempotencyKey !== undefined) return;
    const account = await findAccount(deps, newRequest).catch(failureOf);
    if (!(account instanceof Failure)) lanes[index] = laneId(account);
  });
  return lanes;
}

/** Adds the requests that a call with the same key has stored already. */
async function addStored(
  { requests }: AcceptRequestDeps,
  reserved: ReservedBatch,
  items: readonly Item[],
  results: Map<number, BatchResult>,
): Promise<void> {
  const ids = new Map(
    items.flatMap(({ index, newRequest }) => {
      const lane = reserved.lanes.get(index);
      if (lane === undefined || newRequest.idempotencyKey !== undefined) return [];
      return [[index, newRequestId(lane, itemDigits(reserved, index))]];
    }),
  );
  if (ids.size === 0) return;
  const stored = await requests.findWithLanes([...ids.values()]);
  for (const [index, id] of ids) {
    const found = stored.get(id)?.request;
    if (found) results.set(index, found);
  }
}

async function acceptEach(
  deps: AcceptRequestDeps,
  reserved: ReservedBatch | undefined,
  items: readonly Item[],
  results: Map<number, BatchResult>,
): Promise<void> {
  const prepared = new Map<number, PreparedRequest>();
  await forEachConcurrent(items, CONCURRENCY, async (item) => {
    const result = await prepare(deps, reserved, item).catch(failureOf);
    if (result instanceof Failure) results.set(item.index, result);
    else if ("storedRequest" in result) results.set(item.index, result.storedRequest);
    else prepared.set(item.index, result);
  });
  const inOrder = [...prepared].sort(([one], [other]) => one - other);
  const isWaiting = ([, { request }]: [number, PreparedRequest]) => request.status === "QUEUED";
  const outside = inOrder.filter((one) => !isWaiting(one));
  const unplaced = await placeDependents(
    deps,
    outside.map(([, one]) => one),
  );
  const lanes = Map.groupBy(inOrder.filter(isWaiting), ([, { request }]) => request.lane);
  const stores = await joinLanes(deps, [...lanes.values()], results);
  const store = async ({ index, run }: Store) => {
    results.set(index, await run().catch(failureOf));
  };
  await forEachConcurrent(
    stores.filter(({ isFirst }) => isFirst),
    CONCURRENCY,
    store,
  );
  const others = [...stores.filter(({ isFirst }) => !isFirst), ...outside.map(storeLater)];
  await forEachConcurrent(others, CONCURRENCY, store);

  function storeLater([index, { request, context }]: [number, PreparedRequest]): Store {
    const refusal = unplaced.get(request.requestId);
    const run = () =>
      refusal ? Promise.reject(refusal) : storeOutsideLane(deps, request, context);
    return { index, isFirst: false, run };
  }
}

/** The write that stores one request. */
interface Store {
  index: number;
  /** Of its lane. */
  isFirst: boolean;
  run: () => Promise<RequestRecord>;
}

async function prepare(
  deps: AcceptRequestDeps,
  reserved: ReservedBatch | undefined,
  { index, newRequest }: Item,
): Promise<PreparedRequest | { storedRequest: RequestRecord }> {
  const hasOwnKey = newRequest.idempotencyKey !== undefined;
  if (!reserved || hasOwnKey) return prepareRequest(deps, newRequest);
  const prepared = await prepareRequest(deps, newRequest, itemDigits(reserved, index));
  if ("storedRequest" in prepared) return prepared;
  const { lane } = prepared.request;
  const knownLane = reserved.lanes.get(index) ?? lane;
  if (knownLane !== lane && isUnderWay(reserved.entry, deps.context())) {
    // The account's connection has changed since.
    throw new Failure(
      "IDEMPOTENCY_CONFLICT",
      "an earlier call with this Idempotency-Key has not ended",
    );
  }
  reserved.lanes.set(index, lane);
  return prepared;
}

/** Takes the places of each lane's requests by one write, and refuses those that have none. */
async function joinLanes(
  deps: AcceptRequestDeps,
  lanes: readonly [number, PreparedRequest][][],
  results: Map<number, BatchResult>,
): Promise<Store[]> {
  const stores: Store[] = [];
  await forEachConcurrent(lanes, CONCURRENCY, async (members) => {
    const requests = members.map(([, { request }]) => request);
    const context = deps.context();
    const joined = await joinLane(deps, requests as [RequestRecord], context).catch(failureOf);
    if (joined instanceof Failure) {
      for (const [index] of members) results.set(index, joined);
      return;
    }
    const places =
      joined === "full"
        ? []
        : Array.from({ length: joined.count }, (_, n) => ({
            ...joined,
            position: joined.position + n,
          }));
    for (const [n, place] of places.entries()) {
      const [index, one] = members[n] ?? unexpected(n);
      const run = () => storeJoined(deps, one.request, place, context);
      stores.push({ index, isFirst: n === 0, run });
    }
    await refuse(members.slice(places.length), context);
  });
  return stores;

  /** There is no place in their lane for these requests. */
  async function refuse(members: readonly [number, PreparedRequest][], context: DecisionContext) {
    const [first] = members;
    if (!first) return;
    const failure = await laneFullFailure(deps, first[1].request.lane, context);
    await forEachConcurrent(members, CONCURRENCY, async ([index, one]) => {
      await releaseIdempotencyKey(deps, one);
      results.set(index, failure);
    });
  }
}

/** Refuses each item whose key an earlier one has: what the key stands for would be open. */
function repeatedKeys(items: readonly Item[]): Map<number, Failure> {
  const first = new Map<string, number>();
  const refused = new Map<number, Failure>();
  for (const { index, newRequest } of items) {
    const { idempotencyKey: key } = newRequest;
    if (key === undefined) continue;
    const other = first.get(key);
    if (other === undefined) first.set(key, index);
    else {
      const message = `is that of requests.${other} too`;
      refused.set(index, new InvalidRequest([{ field: "idempotencyKey", message }]));
    }
  }
  return refused;
}

/** Frees the key of a batch that was refused as a whole, for a mended one. */
async function releaseUnused(
  { idempotency, onNonFatalError }: AcceptRequestDeps,
  reserved: ReservedBatch | undefined,
  results: ReadonlyMap<number, BatchResult>,
): Promise<void> {
  const isUnused = (result: BatchResult) => result instanceof Failure && isAnswer(result);
  if (!reserved || ![...results.values()].every(isUnused)) return;
  await idempotency.releaseReservation(reserved.reservation).catch(onNonFatalError);
}

/** Whether it is certain that the request was stored, or that it was not. */
function isAnswer(result: BatchResult): boolean {
  return !(result instanceof Failure) || failures[result.code].disposition === "refuse";
}

/** @throws what is no failure of the item */
function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  throw error;
}
