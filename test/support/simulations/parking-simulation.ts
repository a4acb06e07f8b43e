import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { CallResult } from "../../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { Killed, PROVIDER_REQUEST_ID, purposeOf } from "../payloads/provider-payloads.ts";
import { makeRequestSimulation } from "./request-simulation.ts";

const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** An outcome, and its content: two with the same number are equal. */
export interface ParkedOutcome {
  isSuccess: boolean;
  n: number;
}

/** What the provider does with the one workflow that it gets. Times count from the submission. */
export interface ParkingPlan {
  provider: "linked-api" | "we-link";
  startsMs: number;
  endsMs: number;
  outcome: ParkedOutcome;
  /** When the provider gives no usable answer, and how. */
  silences?: readonly { fromMs: number; untilMs: number; as: "hang" | "error" | "absent" }[];
  /** Webhooks, true or not, that arrive at these times. */
  webhooks?: readonly { atMs: number; report: "started" | ParkedOutcome }[];
  /** The provider ends the workflow right before it is asked to cancel it. */
  endsOnCancel?: true;
  /** Whether a workflow that runs can be cancelled there. */
  cancelsRunning?: boolean;
  /** Numbers of operations (writes, calls, publications) during or after which the process is killed. */
  kills?: readonly number[];
  /** How late each run of the sweep is, up to a minute. */
  latenessMs?: number;
}

export interface ParkingCall {
  purpose: "submit" | "poll" | "cancel" | "input";
  /** From the submission. */
  atMs: number;
  /** What the provider said; `silent` where it gave no usable answer. */
  said: string;
  /** The process was killed before it knew the answer. */
  isLost?: true;
}

/** One request and a provider that parks it. The use cases are the real ones. */
export function makeParkingSimulation(plan: ParkingPlan) {
  const { silences = [], kills = [], latenessMs = 0 } = plan;
  const isLinkedApi = plan.provider === "linked-api";
  const webhooks = [...(plan.webhooks ?? [])].sort((one, other) => one.atMs - other.atMs);
  const calls: ParkingCall[] = [];
  const published: { id: string; type: string; data: Record<string, unknown> }[] = [];
  /** The records of all writes. */
  const writes: RequestRecord[] = [];
  let submittedMs = 0;
  let cancelledMs: number | undefined;
  let hasEndedOnCancel = false;
  let isSubmitted = false;
  /** Counted from the submission on. */
  let operations = 0;
  /** The outcomes that webhooks have brought. */
  const outcomes: ParkedOutcome[] = [];

  const sinceMs = () => simulation.clock.businessMs() - submittedMs;

  /** What the provider itself would say about the workflow now. */
  function state(): "pending" | "running" | "ended" | "cancelled" {
    if (cancelledMs !== undefined) return "cancelled";
    if (hasEndedOnCancel) return "ended";
    if (sinceMs() < plan.startsMs) return "pending";
    return sinceMs() < plan.endsMs ? "running" : "ended";
  }

  /** Performs an operation, unless the process is killed before it or after it. */
  async function operation<Result>(perform: () => Result): Promise<Result> {
    operations++;
    const isKilled = isSubmitted && kills.includes(operations);
    if (isKilled && operations % 2 === 0) throw new Killed();
    const result = perform();
    if (isKilled) throw new Killed();
    return result;
  }

  function exchange(call: ProviderHttpCall): CallResult {
    const purpose = purposeOf(call);
    if (purpose === "submit") {
      submittedMs = simulation.clock.businessMs();
      calls.push({ purpose, atMs: 0, said: "accepted" });
      const id = isLinkedApi
        ? { success: true, result: { workflowId: PROVIDER_REQUEST_ID, workflowStatus: "pending" } }
        : { requestId: PROVIDER_REQUEST_ID };
      return answered(200, id);
    }
    const atMs = sinceMs();
    const silence = silences.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
    if (silence) {
      calls.push({ purpose, atMs, said: "silent" });
      if (silence.as === "hang") return { kind: "incomplete", reason: "TIMEOUT" };
      return answered(silence.as === "error" ? 500 : 404, {});
    }
    const said = purpose === "cancel" ? cancel() : state();
    calls.push({ purpose, atMs, said, ...(kills.includes(operations) && { isLost: true }) });
    if (purpose === "cancel") {
      return answered(200, { success: true, result: { cancelled: said === "cancelled" } });
    }
    return answered(200, isLinkedApi ? linkedApiAnswer() : weLinkAnswer());
  }

  function cancel(): "cancelled" | "refused" {
    hasEndedOnCancel = plan.endsOnCancel === true;
    const now = state();
    const mayCancel = now === "pending" || (now === "running" && plan.cancelsRunning === true);
    if (mayCancel) cancelledMs = sinceMs();
    return mayCancel || now === "cancelled" ? "cancelled" : "refused";
  }

  function linkedApiAnswer(): object {
    const of = (result: object) => ({ success: true, result });
    switch (state()) {
      case "pending":
        return of({ workflowStatus: "pending", pendingReason: "outsideWorkingHours" });
      case "running":
        return of({ workflowStatus: "running" });
      case "cancelled":
        return of({ workflowStatus: "failed", failure: { reason: "cancelled", message: "c" } });
      default: {
        const { isSuccess } = plan.outcome;
        const outcome = linkedApiOutcome(plan.outcome);
        return of({ workflowStatus: isSuccess ? "completed" : "failed", ...outcome });
      }
    }
  }

  function weLinkAnswer(): object {
    const words = { pending: "QUEUED", running: "PROCESSING", ended: "", cancelled: "CANCELLED" };
    const word = words[state()];
    return word === "" ? weLinkOutcome(plan.outcome) : { status: word };
  }

  const simulation = makeRequestSimulation({
    provider: plan.provider,
    onWrite: (after) => {
      writes.push(after);
      operations++;
      if (isSubmitted && kills.includes(operations)) throw new Killed();
    },
    onLook: async () => undefined,
    exchange: (call) => operation(() => exchange(call)),
    publish: (events) =>
      operation(() => {
        for (const { id, type, envelope } of events) {
          const { data } = JSON.parse(envelope);
          published.push({ id, type, data });
        }
        return true;
      }),
  });

  function passTo(atMs: number): void {
    const ms = Math.max(0, atMs - simulation.clock.businessMs());
    simulation.clock.passBusiness(ms);
    simulation.clock.passReal(ms);
  }

  /** When the sweep has something to do; `undefined` when it has nothing. */
  function nextSweepMs(): number | undefined {
    const { dueMs, sweepAtRealMs } = simulation.now();
    const realAheadMs = simulation.clock.realMs() - simulation.clock.businessMs();
    const times = [dueMs, sweepAtRealMs && sweepAtRealMs - realAheadMs];
    const known = times.filter((time) => time !== undefined);
    // The sweep runs once a minute.
    const minute = simulation.clock.businessMs() + SECOND_MS;
    return known.length === 0 ? undefined : Math.max(minute, Math.min(...known) + latenessMs);
  }

  return {
    calls,
    published,
    writes,
    outcomes,
    state,
    sinceMs,
    /** Writes, calls and publications so far. */
    operations: () => operations,
    now: () => simulation.now(),

    /** Accepts and submits the request. */
    async submit(): Promise<void> {
      const action = isLinkedApi ? "st.sendMessage" : "connect";
      await simulation.accept({ action, params: {} }, 1);
      // A worker that was killed is followed by another one.
      for (let worker = 0; calls.length === 0; worker++) {
        if (worker > 10) throw new Error("the request is not submitted");
        await simulation.work();
      }
      operations = 0;
      isSubmitted = true;
    },

    /** Lets time pass until this time after the submission, or until nothing more happens. */
    async runUntil(untilMs: number): Promise<void> {
      for (let step = 0; step < 1_000; step++) {
        const webhook = webhooks[0];
        const redeliveryMs =
          simulation.webhooksLeft() > 0
            ? simulation.clock.businessMs() + MINUTE_MS
            : Number.POSITIVE_INFINITY;
        const webhookMs = webhook ? submittedMs + webhook.atMs : Number.POSITIVE_INFINITY;
        const sweepMs = nextSweepMs() ?? Number.POSITIVE_INFINITY;
        const nextMs = Math.min(webhookMs, sweepMs, redeliveryMs);
        if (!Number.isFinite(Math.min(nextMs, untilMs))) return;
        if (nextMs > submittedMs + untilMs) return passTo(submittedMs + untilMs);
        passTo(nextMs);
        if (nextMs === redeliveryMs) await simulation.redeliverWebhooks();
        else if (webhook && nextMs === webhookMs) {
          webhooks.shift();
          if (webhook.report !== "started") outcomes.push(webhook.report);
          await simulation.webhook(webhookBody(webhook.report));
        } else await simulation.sweep();
      }
      throw new Error("the request goes on for ever");
    },
  };

  function webhookBody(report: "started" | ParkedOutcome): object {
    if (!isLinkedApi) {
      const request_id = PROVIDER_REQUEST_ID;
      if (report === "started") return { status: "PROCESSING", request_id };
      return { ...weLinkOutcome(report), request_id };
    }
    const type = report === "started" ? "workflow.started" : "workflow.completed";
    const status = report === "started" ? "running" : report.isSuccess ? "completed" : "failed";
    const { completion, ...failed } = report === "started" ? {} : linkedApiOutcome(report);
    const result = report === "started" ? {} : { result: completion ?? failed };
    const data = { workflowId: PROVIDER_REQUEST_ID, accountId: "account", status, ...result };
    const createdAt = new Date(simulation.clock.businessMs()).toISOString();
    return { id: `${type}:${PROVIDER_REQUEST_ID}`, type, createdAt, data };
  }
}

function linkedApiOutcome({ isSuccess, n }: ParkedOutcome): {
  completion?: object;
  failure?: object;
} {
  return isSuccess
    ? { completion: { actionType: "st.sendMessage", success: true, data: { n } } }
    : { failure: { reason: "no", message: `text ${n}` } };
}

function weLinkOutcome({ isSuccess, n }: ParkedOutcome): object {
  return isSuccess
    ? { status: "SUCCESS", result: { n } }
    : { status: "FAILED", error: "PROXY_ERROR", message: `text ${n}` };
}

function answered(status: number, body: object): CallResult {
  const answer = { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
  return { kind: "answered", answer };
}
