import type { ProviderId } from "../../shared/contracts/providers.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { DurableStore } from "../durable-store.ts";
import type { makeSubmissions, Submission } from "./submissions.ts";
import type { makeWebhookSender, PlannedWebhook } from "./webhook-sender.ts";

/** What a question about a job is answered from a business time on. */
export interface JobStep {
  atMs: number;
  answer: JsonObject;
}

/** Work that a provider has taken on. Its whole course is drawn when it is accepted. */
export interface Job {
  /** The provider's own id. */
  id: string;
  provider: ProviderId;
  /** In the order of time. */
  steps: JobStep[];
  /** What a cancel takes back. */
  webhookIds: string[];
  /** Who logs in, where that is what the job does. */
  email?: string;
}

/** What one call changes. */
export interface Change {
  job?: Job;
  webhooks?: readonly PlannedWebhook[];
  /** Webhooks that no longer leave; a POST under way may finish. */
  cancelledWebhookIds?: readonly string[];
  submission?: Omit<Submission, "seq">;
}

interface Accepting extends Omit<Change, "submission"> {
  submission?: Submission;
}

/** The providers' work: jobs, the webhooks that tell of them, and the list of submissions. */
export function makeJobs(options: {
  store: DurableStore;
  submissions: ReturnType<typeof makeSubmissions>;
  sender: Pick<ReturnType<typeof makeWebhookSender>, "plan" | "cancel">;
}) {
  const { submissions, sender } = options;
  const jobs = options.store.collection<Job>("simulator-jobs");
  const accepting = options.store.collection<Accepting>("simulator-accepting");

  function carryOut(change: Accepting): void {
    if (change.job) jobs.put(change.job.id, change.job);
    for (const webhook of change.webhooks ?? []) sender.plan(webhook);
    sender.cancel(change.cancelledWebhookIds ?? []);
    if (change.submission) submissions.put(change.submission);
    accepting.delete("now");
  }

  return {
    find: (provider: ProviderId, id: string): Job | undefined => {
      const job = jobs.get(id);
      return job?.provider === provider ? job : undefined;
    },

    /** What was said of a job, whoever asked for it: questions are answered alike from now on. */
    say(provider: ProviderId, id: string, step: JobStep): void {
      const job = jobs.get(id);
      const steps = [...(job?.steps ?? []), step].sort((a, b) => a.atMs - b.atMs);
      jobs.put(id, { webhookIds: [], ...job, id, provider, steps });
    },

    /**
     * Makes a change as a whole: it is durable when this returns, and a process
     * that is killed before has done all of it or nothing.
     */
    commit(change: Change): void {
      const { submission, ...rest } = change;
      const numbered = submission && { submission: { seq: submissions.nextSeq(), ...submission } };
      const whole = { ...rest, ...numbered };
      accepting.put("now", whole);
      carryOut(whole);
    },

    /** Completes the change that a killed run was at. Before the sender resumes. */
    recover(): void {
      const left = accepting.get("now");
      if (left) carryOut(left);
    },
  };
}

export type Jobs = ReturnType<typeof makeJobs>;

/** The steps of a job that have come by a time. */
export function begun(job: Job, nowMs: number): JobStep[] {
  return job.steps.filter(({ atMs }) => atMs <= nowMs);
}

/** What a question about a job is answered at a time. */
export function answerAt(job: Job, nowMs: number): JsonObject {
  return begun(job, nowMs).at(-1)?.answer ?? job.steps[0]?.answer ?? {};
}
