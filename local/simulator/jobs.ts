import type { JsonObject } from "../../shared/core/json/json.ts";
import type { DurableStore } from "../durable-store.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";
import type { makeSubmissions, Submission } from "./submissions.ts";
import type { makeWebhookSender, PlannedWebhook } from "./webhook-sender.ts";

/** A status of a job: the answer to status calls from a business time on. */
export interface JobStep {
  atMs: number;
  answer: JsonObject;
}

/** Work that a provider has accepted. All its steps are decided when it is accepted. */
export interface Job {
  /** The id that the provider assigned. */
  id: string;
  provider: SimulatedProvider;
  /** Sorted by time. */
  steps: JobStep[];
  /** Webhooks that a cancel call withdraws. */
  webhookIds: string[];
  /** What scripts can match of its webhooks; absent for a job made by hand. */
  facts?: { actions: string[]; account: string };
  /** Email address of the user, for a login. */
  email?: string;
}

/** The changes that one call makes. */
export interface Change {
  job?: Job;
  webhooks?: readonly PlannedWebhook[];
  /** Webhooks that are not sent any more; a running POST may still finish. */
  cancelledWebhookIds?: readonly string[];
  submission?: Omit<Submission, "seq">;
}

interface NumberedChange extends Omit<Change, "submission"> {
  submission?: Submission;
}

/** Stores the providers' work: jobs, their webhooks, and the list of submissions. */
export function makeJobs(options: {
  store: DurableStore;
  submissions: ReturnType<typeof makeSubmissions>;
  sender: Pick<ReturnType<typeof makeWebhookSender>, "plan" | "cancel">;
}) {
  const { submissions, sender } = options;
  const jobs = options.store.collection<Job>("simulator-jobs");
  const pendingChange = options.store.collection<NumberedChange>("simulator-accepting");

  function apply(change: NumberedChange): void {
    if (change.job) jobs.put(change.job.id, change.job);
    for (const webhook of change.webhooks ?? []) sender.plan(webhook);
    sender.cancel(change.cancelledWebhookIds ?? []);
    if (change.submission) submissions.put(change.submission);
    pendingChange.delete("now");
  }

  return {
    find: (provider: SimulatedProvider, id: string): Job | undefined => {
      const job = jobs.get(id);
      return job?.provider === provider ? job : undefined;
    },

    /**
     * Adds a step to a job, for a webhook that was sent by hand: status calls
     * return the same from then on.
     */
    addStep(provider: SimulatedProvider, id: string, step: JobStep): void {
      const job = jobs.get(id);
      const steps = [...(job?.steps ?? []), step].sort((a, b) => a.atMs - b.atMs);
      jobs.put(id, { webhookIds: [], ...job, id, provider, steps });
    },

    /**
     * Applies a change atomically. It is durable when this returns; a process
     * that is killed earlier has applied all of it or nothing.
     */
    commit(change: Change): void {
      const { submission, ...rest } = change;
      const numbered = submission && { submission: { seq: submissions.nextSeq(), ...submission } };
      const whole = { ...rest, ...numbered };
      pendingChange.put("now", whole);
      apply(whole);
    },

    /** Completes a change that a killed process had begun. Call it before the sender resumes. */
    recover(): void {
      const left = pendingChange.get("now");
      if (left) apply(left);
    },
  };
}

export type Jobs = ReturnType<typeof makeJobs>;

/** Returns the steps of a job that have been reached at a time. */
export function reachedSteps(job: Job, nowMs: number): JobStep[] {
  return job.steps.filter(({ atMs }) => atMs <= nowMs);
}

/** Returns the answer to a status call at a time. */
export function answerAt(job: Job, nowMs: number): JsonObject {
  return reachedSteps(job, nowMs).at(-1)?.answer ?? job.steps[0]?.answer ?? {};
}
