import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { CallResult } from "../../../shared/core/requests/state/ports.ts";
import { running } from "../engine/instance.ts";
import type { Submission } from "../history.ts";
import { callWeights, type PeerDeps, pauseIn, strikeCaller } from "./peer.ts";
import {
  type Answer,
  type Asked,
  asSimulated,
  type Job,
  type JobWebhook,
  type ProviderForm,
  providerForms,
  type SimulatedProvider,
} from "./provider-form.ts";

const answered = (
  { status, body }: Answer,
  headers: Readonly<Record<string, string>> = {},
): CallResult => ({
  kind: "answered",
  answer: { status, headers, body: Buffer.from(JSON.stringify(body)) },
});

/**
 * The providers: they take calls, work through them, and send webhooks with the outcome.
 *
 * @param sendWebhook sends a webhook of a job until it is taken
 */
export function makeProviders(
  deps: PeerDeps & {
    sendWebhook: (job: Job, webhook: JobWebhook) => void;
    /** Whether polls of a job are answered as if it had not ended. */
    isStuck: (job: Job) => boolean;
  },
) {
  const { loop, faults, random, history, sendWebhook, isStuck } = deps;
  const jobs = new Map<string, Job>();

  function accept(
    provider: SimulatedProvider,
    asked: Asked & { kind: "submit" },
    at: Submission,
  ): Answer {
    const form = providerForms[provider];
    const providerRequestId = `${form.idPrefix}-${jobs.size + 1}`;
    const isSuccess = random.chance(0.8);
    // One job of three has ended before anything else happens in its lane.
    const takesMs = random.chance(0.3) ? random.int(5, 1_000) : random.int(50, 60_000);
    const endMs = loop.nowMs() + takesMs;
    const { accountId, body } = asked;
    const job: Job = {
      ...{ provider, providerRequestId, accountId, body, endMs, isSuccess },
      startMs: provider === "we-link" ? loop.nowMs() : random.int(loop.nowMs(), endMs),
      cancelledMs: undefined,
    };
    jobs.set(providerRequestId, job);
    at.isApplied = true;
    at.providerRequestId = providerRequestId;
    at.isSuccess = isSuccess;
    // Dropped webhooks are found by polls.
    const fault = faults.draw("provider.webhook", { timeout: 10, reorder: 20 });
    if (fault === "reorder") job.startMs = job.endMs = loop.nowMs();
    const webhooks = fault === "timeout" ? [] : form.webhooksOf(job);
    for (const [n, webhook] of webhooks.entries()) {
      // One of several can be dropped by itself.
      const isDropped = n > 0 && faults.draw("provider.webhook", { timeout: 10 }) !== undefined;
      if (isDropped) continue;
      loop.at(webhook.atMs, () => {
        if (job.cancelledMs === undefined) sendWebhook(job, webhook);
      });
    }
    return form.accepted(job);
  }

  /** Cancels a job that has not begun; now and then the provider reports that as an outcome. */
  function cancel(form: ProviderForm, job: Job | undefined): Answer {
    if (job && job.cancelledMs === undefined && loop.nowMs() < job.startMs) {
      job.cancelledMs = loop.nowMs();
      for (const one of history.submissions) {
        if (one.providerRequestId === job.providerRequestId) one.isCancelled = true;
      }
      const webhook = random.chance(0.3) ? form.webhookOfCancel(job) : undefined;
      if (webhook) loop.after(random.int(0, 3_000), () => sendWebhook(job, webhook));
    }
    return form.cancelled({
      isKnown: job !== undefined,
      isCancelled: job?.cancelledMs !== undefined,
    });
  }

  function jobOf(provider: SimulatedProvider, id: string): Job | undefined {
    const job = jobs.get(id);
    return job?.provider === provider ? job : undefined;
  }

  function carryOut(provider: SimulatedProvider, asked: Asked, at: Submission | undefined): Answer {
    const form = providerForms[provider];
    if (asked.kind === "submit") {
      if (!at) throw new Error("a submission is not in the history");
      return accept(provider, asked, at);
    }
    const job = jobOf(provider, asked.id);
    if (asked.kind === "cancel") return cancel(form, job);
    const nowMs = loop.nowMs();
    const seen = job && isStuck(job) ? { ...job, endMs: Number.POSITIVE_INFINITY } : job;
    return form.state(asked.id, seen, nowMs);
  }

  return async (id: ProviderId, call: ProviderHttpCall, timeoutMs: number): Promise<CallResult> => {
    const provider = asSimulated(id);
    const form = providerForms[provider];
    const asked = form.read(call);
    if (!form.isAuthorised(call)) throw new Error(`a call to ${provider} has no credentials`);
    const instance = running.getStore();
    const fault = faults.draw(`provider.${asked.kind}`, callWeights, instance?.name);
    if (fault === "partial") return { kind: "notSent", reason: "ECONNREFUSED" };
    strikeCaller(fault, instance, deps);
    await pauseIn(loop, instance, random.int(5, 60));
    const at = asked.kind === "submit" ? begun(asked, instance?.name ?? "") : undefined;
    const result = await answer();
    if (at) {
      at.untilMs = loop.nowMs();
      if (result.kind === "answered") at.answer = result.answer.status;
    }
    return result;

    async function answer(): Promise<CallResult> {
      if (fault === "throttle") {
        return answered({ status: 429, body: {} }, { "retry-after": "20" });
      }
      if (fault === "error") return answered(form.internalError);
      const isLost = fault === "timeout" || fault === "timeout-applied";
      const taken = fault === "timeout" ? undefined : carryOut(provider, asked, at);
      if (fault === "crash-after" && instance) instance.isDead = true;
      const slowMs = random.int(2_000, timeoutMs - 500);
      const takesMs = random.chance(0.2) ? random.int(400, 3_000) : random.int(20, 400);
      await pauseIn(loop, instance, isLost ? timeoutMs : fault === "slow" ? slowMs : takesMs);
      if (isLost || !taken) return { kind: "incomplete", reason: "TIMEOUT" };
      return answered(taken);
    }
  };

  /** Adds a submission to the history. */
  function begun({ accountId, action, body }: Asked & { kind: "submit" }, by: string): Submission {
    const at: Submission = {
      ...{ accountId, action, by, params: body },
      fromMs: loop.nowMs(),
      untilMs: Number.POSITIVE_INFINITY,
      isApplied: false,
      answer: "incomplete",
      providerRequestId: undefined,
    };
    history.submissions.push(at);
    return at;
  }
}
