import { type Accounts, type AccountsDeps, makeAccounts } from "../core/administration/accounts.ts";
import type { Clock } from "../core/clock.ts";
import type { MasterKeys } from "../core/crypto/master-keys.ts";
import { type MatchWebhooksDeps, makeMatchWebhooks } from "../core/inbound/match-webhooks.ts";
import {
  type AcceptRequestDeps,
  makeAcceptRequest,
} from "../core/requests/acceptance/accept-request.ts";
import { makeFindStop } from "../core/requests/dependencies/dependency-events.ts";
import { makeSettleDependent } from "../core/requests/dependencies/settle-dependent.ts";
import { makeExplainWaits } from "../core/requests/lanes/explain-waits.ts";
import { makeJoinWhenDue } from "../core/requests/lanes/join-when-due.ts";
import type { LaneHeadDeps } from "../core/requests/lanes/lane-head.ts";
import { type LaneScheduler, makeLaneScheduler } from "../core/requests/lanes/lane-scheduler.ts";
import { makeFireRecurring } from "../core/requests/recurring/fire-recurring.ts";
import type { RecurringStore } from "../core/requests/recurring/ports.ts";
import { makeRequests, type Requests, type RequestsDeps } from "../core/requests/requests.ts";
import {
  type ApplyProviderUpdate,
  makeApplyProviderUpdate,
} from "../core/requests/results/apply-provider-update.ts";
import { makeCancelBeforeTimeout } from "../core/requests/results/cancel-before-timeout.ts";
import { makePollDueRequests } from "../core/requests/results/poll-due-requests.ts";
import { makePollRequest } from "../core/requests/results/poll-request.ts";
import type { CorrelationStore } from "../core/requests/state/correlation-ports.ts";
import type { DecisionContext } from "../core/requests/state/decision-context.ts";
import type { IdempotencyStore } from "../core/requests/state/idempotency-store.ts";
import type { LaneStore } from "../core/requests/state/lane-ports.ts";
import type {
  ReferenceStore,
  RequestStore,
  SubmitQueue,
  TextStore,
} from "../core/requests/state/ports.ts";
import {
  makePublishOutboxes,
  type PublishOutboxes,
} from "../core/requests/state/publish-outboxes.ts";
import type { RequestRules } from "../core/requests/state/request-rules.ts";
import { makeRequestWriter } from "../core/requests/state/request-writer.ts";
import { makeHandleSubmitMessages } from "../core/requests/submission/handle-submit-messages.ts";
import type { SendCallDeps } from "../core/requests/submission/send-call.ts";
import { makeSendInput } from "../core/requests/submission/send-input.ts";
import { makeSubmitRequest } from "../core/requests/submission/submit-request.ts";
import { makeWorkLane } from "../core/requests/submission/work-lane.ts";
import { makeSweepRequests, type SweepRequests } from "../core/requests/sweep-requests.ts";
import type { TracingDeps } from "../core/tracing/derived-ids.ts";
import { providerClients } from "../providers/provider-clients.ts";
import type { PublishPorts } from "./event-ports.ts";
import type { PausingProviderPorts, ProviderPorts } from "./provider-ports.ts";

/**
 * The use cases of requests, composed once from their ports. Functions pass
 * adapters, tests pass stores in memory, and the CLI passes both.
 */

/** How long (business) a lane waits for its wake-up message before the sweep recovers it. */
const WAKE_UP_GRACE_MS = 30_000;

/** The shortest grace in real time, however fast business time passes. */
const WAKE_UP_GRACE_REAL_MS = 2_000;

/** What every use case of requests needs. */
export interface RequestPorts {
  requests: RequestStore;
  lanes: LaneStore;
  references: ReferenceStore;
  correlations: CorrelationStore;
  texts: TextStore;
  submitQueue: SubmitQueue;
  clock: Clock;
  /** Business seconds per real second. */
  speed: number;
  rules: RequestRules;
  /** Logs an error that does no harm, because the sweep or a later call completes the work. */
  onNonFatalError: (error: unknown) => void;
}

/** What `submit` needs in addition. */
export interface SubmissionPorts
  extends RequestPorts,
    PublishPorts,
    PausingProviderPorts,
    Pick<SendCallDeps, "isTracing" | "tracesProviders">,
    Pick<LaneHeadDeps, "onAbandoned"> {
  /** Returns the master keys, the one that sealed this text among them. @throws DEPENDENCY_DOWN */
  masterKeys: (sealed: string) => Promise<MasterKeys>;
  /** Returns a new owner of leases. */
  newOwner: () => string;
  /** From 0 to 1. */
  random: () => number;
  recurring: Pick<RecurringStore, "find">;
  idempotency: IdempotencyStore;
  randomHex: (bytes: number) => string;
}

/** What `consume` needs in addition to join webhooks with requests. */
export interface JoinPorts extends RequestPorts, PublishPorts, TracingDeps {
  requeueLater: MatchWebhooksDeps["requeueLater"];
}

/** What `reconcile` needs in addition, and the limits of one run. */
export interface RequestSweepPorts extends RequestPorts, PublishPorts, PausingProviderPorts {
  /** Most entries of one query. */
  limit: number;
  /** Most calls to one provider. */
  maxPolls: number;
}

/** What `api` needs in addition to serve the clients' requests. */
export type ClientRequestPorts = RequestPorts &
  ProviderPorts &
  Pick<
    RequestsDeps,
    | "idempotency"
    | "schedules"
    | "rates"
    | "accountDirectory"
    | "connectionIdsOf"
    | "events"
    | "masterKeys"
    | "randomHex"
    | "isTracing"
  >;

/** What the administration of accounts needs. */
export type AccountPorts = Pick<
  RequestPorts,
  "lanes" | "submitQueue" | "clock" | "speed" | "rules" | "onNonFatalError"
> &
  Pick<AccountsDeps, "store" | "masterKeys" | "randomHex">;

/** Composes what `submit` does with a batch of messages. */
export function composeSubmission(ports: SubmissionPorts): {
  handleSubmitMessages: ReturnType<typeof makeHandleSubmitMessages>;
} {
  const parts = withCommonParts(ports);
  const settleDependent = makeSettleDependent(parts);
  const submitRequest = makeSubmitRequest({ ...parts, findStop: makeFindStop(parts) });
  const acceptRequest = makeAcceptRequest({
    ...parts,
    ...acceptanceOfFirings,
    settleDependent,
    explainWaits: makeExplainWaits(parts),
  });
  return {
    handleSubmitMessages: makeHandleSubmitMessages({
      ...parts,
      joinWhenDue: makeJoinWhenDue(parts),
      settleDependent,
      fireRecurring: makeFireRecurring({ ...parts, acceptRequest }),
      workLane: makeWorkLane({ ...parts, submitRequest }),
      sendInput: makeSendInput({ ...parts, submitRequest }),
      publishOutboxes: makePublishOutboxes(parts),
    }),
  };
}

/**
 * What accepting the request of a firing needs less than a call of a client: its connection and
 * account were checked when the recurring request was stored, and it has no time of its own.
 */
const acceptanceOfFirings: Pick<
  AcceptRequestDeps,
  "rates" | "accountDirectory" | "schedules" | "masterKeys"
> = {
  masterKeys: async () => {
    throw new Error("A recurring request has no params with secrets");
  },
  rates: { tryConsume: async () => true },
  accountDirectory: {
    connectionIdOf: async ({ connectionId = "" }) => connectionId,
    requireAccount: async () => undefined,
    registerAccountIfNew: async () => undefined,
  },
  schedules: { create: async () => undefined, delete: async () => undefined },
};

/**
 * Composes how `consume` joins webhooks with the requests that they belong to. `consume` calls
 * `matchWebhooks` only; simulations call its two parts on their own too.
 */
export function composeJoin(ports: JoinPorts): {
  matchWebhooks: ReturnType<typeof makeMatchWebhooks>;
  applyProviderUpdate: ApplyProviderUpdate;
  publishOutboxes: PublishOutboxes;
} {
  const parts = withCommonParts(ports);
  const applyProviderUpdate = makeApplyProviderUpdate(parts);
  const publishOutboxes = makePublishOutboxes(parts);
  return {
    matchWebhooks: makeMatchWebhooks({ ...parts, applyProviderUpdate, publishOutboxes }),
    applyProviderUpdate,
    publishOutboxes,
  };
}

/** Composes the sweep of requests and lanes. */
export function composeRequestSweep(ports: RequestSweepPorts): {
  sweepRequests: SweepRequests;
} {
  const parts = withCommonParts(ports);
  const publishOutboxes = makePublishOutboxes(parts);
  const applyProviderUpdate = makeApplyProviderUpdate(parts);
  const pollRequest = makePollRequest({ ...parts, publishOutboxes, applyProviderUpdate });
  const pollDueRequests = makePollDueRequests({ ...parts, pollRequest });
  return {
    sweepRequests: makeSweepRequests({
      ...parts,
      publishOutboxes,
      joinWhenDue: makeJoinWhenDue(parts),
      settleDependent: makeSettleDependent(parts),
      pollDueRequests,
      cancelBeforeTimeout: makeCancelBeforeTimeout({ ...parts, pollRequest }),
    }),
  };
}

/** Composes what clients may do with their requests. */
export function composeClientRequests(ports: ClientRequestPorts): Requests {
  const parts = withCommonParts(ports);
  return makeRequests({ ...parts, settleDependent: makeSettleDependent(parts) });
}

/** Composes the administration of accounts: pace, limits, pause and identification token. */
export function composeAccounts(ports: AccountPorts): Accounts {
  const { pace, defaultPreset } = ports.rules;
  return makeAccounts({
    ...ports,
    stagePace: { ...pace, defaultPreset },
    providerClients,
    laneScheduler: composeLaneScheduler(ports),
  });
}

/** The parts that several use cases share, in addition to their ports. */
function withCommonParts<Ports extends RequestPorts>(ports: Ports) {
  const { requests, texts } = ports;
  return {
    ...ports,
    providerClients,
    writer: makeRequestWriter({ requests, texts }),
    laneScheduler: composeLaneScheduler(ports),
    context: makeDecisionContext(ports),
  };
}

/** Makes the function that reads the times and rules of a decision. */
export function makeDecisionContext(
  ports: Pick<RequestPorts, "clock" | "rules">,
): () => DecisionContext {
  const { clock, rules } = ports;
  return () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), rules });
}

/** Composes how messages wake up lanes. */
export function composeLaneScheduler(
  ports: Pick<RequestPorts, "lanes" | "submitQueue" | "clock" | "speed" | "onNonFatalError">,
): LaneScheduler {
  const { lanes, submitQueue, clock, speed, onNonFatalError } = ports;
  // A message takes real time too, even when business time is sped up.
  const graceMs = Math.max(WAKE_UP_GRACE_MS, WAKE_UP_GRACE_REAL_MS * speed);
  return makeLaneScheduler({
    lanes,
    submitQueue,
    nowMs: clock.businessMs,
    graceMs,
    onNonFatalError,
  });
}
