import { Failure } from "../../contracts/failures.ts";
import type { WaitsFor } from "../../contracts/http/request-view.ts";
import type { ProviderId } from "../../contracts/providers.ts";
import type { RequestStatus } from "../../contracts/statuses.ts";
import type { AccountReader, ConnectionReader } from "../connections/ports.ts";
import { seal } from "../crypto/master-keys.ts";
import type { EventReader } from "../events/read-events.ts";
import { readCursor, writeCursor } from "../input/cursor.ts";
import { makeAcceptBatch, type NewBatch } from "./acceptance/accept-batch.ts";
import { type AcceptRequestDeps, makeAcceptRequest } from "./acceptance/accept-request.ts";
import { type BodyDigest, keyedDigest } from "./acceptance/body-digest.ts";
import { isStored, keyExpiresMs, lookUp, type NewRequest } from "./acceptance/idempotency.ts";
import { isRequestId } from "./acceptance/request-id.ts";
import { makeExpectedEnd } from "./expected-end.ts";
import { type GroupsDeps, makeGroups } from "./groups.ts";
import { makeExplainWaits } from "./lanes/explain-waits.ts";
import { makeRelayCall } from "./relay-call.ts";
import { cancelAtProvider } from "./results/cancel-at-provider.ts";
import { makeResolveRequest, type Resolution } from "./results/resolve-request.ts";
import { cancelRequest } from "./state/endings.ts";
import type { ProviderCalls, ReferenceStore, RequestStore, TextStore } from "./state/ports.ts";
import type { RequestRecord } from "./state/record.ts";
import { transition } from "./state/request-state.ts";
import {
  type RequestView,
  requestJson,
  summaryOf,
  viewOf,
  type Wait,
} from "./state/request-view.ts";
import { hasBeenSubmitted } from "./state/submission-transitions.ts";
import { tellDependents } from "./state/tell-dependents.ts";

export interface RequestsDeps
  extends Omit<AcceptRequestDeps, "explainWaits">,
    Omit<GroupsDeps, "expectedEndOf"> {
  requests: RequestStore;
  texts: TextStore;
  references: ReferenceStore;
  accounts: Pick<AccountReader, "find" | "findUncached">;
  connections: Pick<ConnectionReader, "read" | "readThrottled">;
  calls: ProviderCalls;
  events: EventReader;
  connectionIdsOf: (clientId: string, provider: ProviderId) => Promise<string[]>;
}

/** The store's position in a list: a time, `#`, and a request's id. */
const CURSOR_FORM = /^[^#]{1,32}#rq_[0-9a-f]{44}$/;

export type Requests = ReturnType<typeof makeRequests>;

/**
 * The operations on requests that the native API and both dialects offer to a
 * client. A client cannot see the requests of another one.
 */
export function makeRequests(deps: RequestsDeps) {
  const { requests, writer, texts, context } = deps;
  const explainWaits = makeExplainWaits(deps);
  const acceptRequest = makeAcceptRequest({ ...deps, explainWaits });
  const acceptBatch = makeAcceptBatch({ ...deps, explainWaits });
  const expectedEndOf = makeExpectedEnd({ ...deps, explainWaits });
  const resolveRequest = makeResolveRequest(deps);

  /** @throws NOT_FOUND, also for a request of another client */
  async function findOwned(clientId: string, requestId: string): Promise<RequestRecord> {
    const request = isRequestId(requestId) ? await requests.find(requestId) : undefined;
    if (request?.clientId === clientId) return request;
    throw new Failure("NOT_FOUND", "there is no such request");
  }

  /** A request that cannot be explained now is shown all the same. */
  async function viewWithWait(request: RequestRecord): Promise<RequestView> {
    return viewOf(request, texts, (await waitsIfKnown([request])).get(request.requestId));
  }

  async function waitsIfKnown(of: readonly RequestRecord[]): Promise<ReadonlyMap<string, Wait>> {
    return explainWaits(of).catch((error: unknown) => {
      deps.onNonFatalError(error);
      return new Map<string, Wait>();
    });
  }

  /** Changes a request by a conditional write. @throws NOT_FOUND, and what `decide` throws */
  async function change(
    requestId: string,
    decide: (request: RequestRecord) => RequestRecord | undefined,
  ): Promise<RequestRecord> {
    const changed = await writer.change(requestId, decide);
    if (changed) return changed.request;
    throw new Failure("NOT_FOUND", "there is no such request");
  }

  /** The entry of this key, and the request as it is now if this input was accepted under it. @throws IDEMPOTENCY_CONFLICT when the key belongs to another input */
  async function findInput(clientId: string, key: string, digest: BodyDigest) {
    const entry = await deps.idempotency.find(clientId, key);
    const known = entry && (await lookUp(deps, entry, digest));
    return { entry, continued: isStored(known) ? known : undefined };
  }

  /** Asks the provider to cancel a running request. @throws CONFLICT when it cannot or does not cancel, DEPENDENCY_DOWN without a clear answer */
  async function cancelThere(request: RequestRecord): Promise<void> {
    switch (await cancelAtProvider(deps, request)) {
      case "cancelled":
        return;
      case "paused":
        throw new Failure(
          "CONFLICT",
          "the connection is paused: the provider cannot be asked to cancel",
        );
      case "unknown":
        throw new Failure(
          "DEPENDENCY_DOWN",
          `${request.provider} did not confirm the cancellation`,
        );
      default:
        throw cannotBeCancelled(request);
    }
  }

  /**
   * Cancels a request that was not submitted. A running one is cancelled at the
   * provider first, if the provider offers that. Idempotent.
   *
   * @throws NOT_FOUND, CONFLICT when it can no longer be cancelled, DEPENDENCY_DOWN, also while it
   *   is being submitted: the provider may refuse it, and it waits again then
   */
  async function cancel(clientId: string, requestId: string) {
    const request = await findOwned(clientId, requestId);
    const isWaiting = ["SCHEDULED", "QUEUED", "CANCELLED"].includes(request.status);
    if (!isWaiting) await cancelThere(request);
    const cancelled = await change(requestId, (now) => {
      if (now.status === "CANCELLED") return undefined;
      const stillWaits = now.status === "SCHEDULED" || now.status === "QUEUED";
      if (!stillWaits && (isWaiting || now.status !== "RUNNING")) throw cannotBeCancelled(now);
      return cancelRequest(now, context());
    });
    // A repeated call tells them again; what neither call tells, the sweep finds.
    await tellDependents(deps.submitQueue, [cancelled]).catch(deps.onNonFatalError);
    // A schedule that fires all the same finds the request cancelled.
    if (cancelled.scheduledMs !== undefined && cancelled.joinedMs === undefined) {
      await deps.schedules.delete(requestId).catch(deps.onNonFatalError);
    }
    // By a repeated call too: the one that cancelled it may have died before it did.
    if (hasBeenSubmitted(cancelled)) {
      await deps.laneScheduler.wakeFreedLane(cancelled).catch(deps.onNonFatalError);
    }
    return { requestId, status: "CANCELLED" as const };
  }

  return {
    relay: makeRelayCall(deps),

    /** @throws REQUEST_INVALID, CONFLICT, TOO_MANY_REQUESTS, DEPENDENCY_DOWN */
    async accept(of: NewRequest): Promise<RequestView> {
      return viewWithWait(await acceptRequest(of));
    },

    /** The results in order, and what each accepted request waits for. @throws IDEMPOTENCY_CONFLICT, TOO_MANY_REQUESTS, DEPENDENCY_DOWN */
    async acceptBatch(batch: NewBatch) {
      const results = await acceptBatch(batch);
      const accepted = results.flatMap((result) => (result instanceof Failure ? [] : [result]));
      return { results, waits: await waitsIfKnown(accepted) };
    },

    /** @throws NOT_FOUND, DEPENDENCY_DOWN */
    async get(clientId: string, requestId: string): Promise<RequestView> {
      return viewWithWait(await findOwned(clientId, requestId));
    },

    /** A page as JSON text, newest first. @throws REQUEST_INVALID for a bad cursor, DEPENDENCY_DOWN */
    async list(
      clientId: string,
      query: {
        limit: number;
        cursor?: string;
        accountId?: string;
        status?: RequestStatus;
        waitsFor?: WaitsFor;
        group?: string;
      },
    ): Promise<string> {
      const { limit, cursor, accountId, status, waitsFor, group } = query;
      const of = { list: "requests", clientId } as const;
      const before = cursor === undefined ? undefined : readCursor(of, cursor, CURSOR_FORM);
      const page = await requests.list({ clientId, accountId, status, group, limit, before });
      const waits = await explainWaits(page.requests);
      const items = page.requests
        .map((request) => summaryOf(request, waits.get(request.requestId)))
        .filter((view) => waitsFor === undefined || view.waitsFor === waitsFor)
        .map(requestJson)
        .join(",");
      if (page.before === undefined) return `{"items":[${items}]}`;
      const nextCursor = JSON.stringify(writeCursor(of, page.before));
      return `{"items":[${items}],"nextCursor":${nextCursor}}`;
    },

    cancel,

    groups: makeGroups({ ...deps, expectedEndOf }, cancel),

    /**
     * Stores a person's input for a request in ACTION_REQUIRED and starts its sending.
     * A repeated call with its key returns the request, and sends nothing.
     *
     * @throws NOT_FOUND, CONFLICT when the request waits for no input, or for another one than that
     *   of the key, DEPENDENCY_DOWN
     */
    async continue(
      clientId: string,
      requestId: string,
      input: string,
      idempotencyKey?: string,
    ): Promise<RequestView> {
      const before = await findOwned(clientId, requestId);
      const { provider } = before;
      const master = await deps.masterKeys();
      const key = idempotencyKey;
      const digest = keyedDigest(master, `continue ${requestId} ${input}`);
      const known = key === undefined ? undefined : await findInput(clientId, key, digest);
      if (known?.continued) return viewOf(refuseIfPrompting(known.continued), texts);
      const sealedInput = seal({ masterKeys: master, randomHex: deps.randomHex }, requestId, input);
      const request = await change(requestId, (now) => {
        const isWaiting = now.status === "ACTION_REQUIRED" && now.providerRequestId !== undefined;
        const isInTime = (now.deadlineMs ?? 0) > context().nowMs;
        if (!isWaiting || !isInTime || !deps.providerClients[provider].continuation) {
          throw new Failure("CONFLICT", "the request waits for no input");
        }
        return transition(now, "SUBMITTING", context(), { sealedInput, dueMs: undefined });
      });
      await deps.submitQueue
        .send({ v: 1, kind: "continue", requestId }, { clientId })
        .catch(deps.onNonFatalError);
      if (key !== undefined) {
        const { nowMs, nowRealMs, rules } = context();
        const entry = {
          ...{ clientId, key, requestId, bodySha256: digest.text },
          callId: deps.randomHex(10),
          reservedRealMs: nowRealMs,
          expiresMs: keyExpiresMs(nowMs, rules),
          insteadOf: known?.entry?.requestId,
        };
        // The input is stored. If the key is not, a repeated call is refused as a conflict.
        await deps.idempotency.reserve(entry).catch(deps.onNonFatalError);
      }
      return viewOf(request, texts);
    },

    /** @throws NOT_FOUND, CONFLICT when the outcome is known, DEPENDENCY_DOWN */
    async resolve(clientId: string, requestId: string, as: Resolution): Promise<RequestView> {
      const request = await findOwned(clientId, requestId);
      return viewOf(await resolveRequest(request, as), texts);
    },

    /** The envelope, as JSON text, of the last event of a request that was not made through Ackwire. @throws DEPENDENCY_DOWN */
    async findByProviderId(
      clientId: string,
      provider: ProviderId,
      providerRequestId: string,
    ): Promise<string | undefined> {
      const connectionIds = await deps.connectionIdsOf(clientId, provider);
      const entries = await deps.references.findByProviderIds(
        connectionIds.map((connectionId) => ({ connectionId, providerRequestId })),
      );
      for (const { reference } of entries) {
        if (!reference || "requestId" in reference) continue;
        const event = await deps.events.find(reference.eventId);
        if (event?.clientId === clientId) return event.envelope;
      }
      return undefined;
    },
  };
}

/** Why a request is not cancelled: it was submitted, or that is under way and may still be refused. */
function cannotBeCancelled(request: RequestRecord): Failure {
  if (request.status === "SUBMITTING" && !hasBeenSubmitted(request)) {
    const message = "the request is being submitted at this moment: repeat the call";
    return new Failure("DEPENDENCY_DOWN", message);
  }
  return new Failure("CONFLICT", "the request was submitted and can no longer be cancelled");
}

/** @throws CONFLICT when the request waits for input again: that of a repeated call is not sent twice */
function refuseIfPrompting(request: RequestRecord): RequestRecord {
  if (request.status !== "ACTION_REQUIRED") return request;
  const message =
    "the input of this Idempotency-Key was taken before, and the request waits for input again: send it with a new key";
  throw new Failure("CONFLICT", message);
}
