import type { AttemptMessage } from "../../contracts/messages/delivery.ts";
import { toMessageFailure } from "../message-failure.ts";
import type { makeAttemptDeliveries } from "./attempts/attempt-deliveries.ts";
import type { HintOutcome } from "./attempts/attempt-types.ts";
import type { CreateOutcome, makeCreateDeliveries } from "./creation/create-deliveries.ts";
import type { makeRunBulkJob } from "./run-bulk-job.ts";
import type { AttemptLane } from "./state/ports.ts";

/** What a message of one of the three queues is. */
export type DeliveryWork =
  | { kind: "event"; body: string }
  | { kind: "attempt"; hint: AttemptMessage }
  | { kind: "job"; jobId: string };

export type WorkOutcome = CreateOutcome | HintOutcome | { kind: "jobRan" };

/** Does what a batch of messages asks for, each kind in one go; answers for each, in order. */
export function makeHandleDeliveryWork(deps: {
  createDeliveries: ReturnType<typeof makeCreateDeliveries>;
  attemptDeliveries: ReturnType<typeof makeAttemptDeliveries>;
  runBulkJob: ReturnType<typeof makeRunBulkJob>;
}) {
  return async (
    works: readonly DeliveryWork[],
    { lane, remainingMs }: { lane: AttemptLane; remainingMs: () => number },
  ): Promise<WorkOutcome[]> => {
    const events = works.flatMap((work) => (work.kind === "event" ? [work.body] : []));
    const hints = works.flatMap((work) => (work.kind === "attempt" ? [work.hint] : []));
    const jobs = works.flatMap((work) => (work.kind === "job" ? [work.jobId] : []));
    const [created, attempted, walked] = await Promise.all([
      events.length > 0 ? deps.createDeliveries(events) : [],
      hints.length > 0 ? deps.attemptDeliveries(lane, hints, remainingMs) : [],
      Promise.all(jobs.map((jobId) => walk(jobId, remainingMs))),
    ]);
    const outcomes = {
      event: created.values(),
      attempt: attempted.values(),
      job: walked.values(),
    };
    return works.map(({ kind }): WorkOutcome => {
      const { value } = outcomes[kind].next() as IteratorResult<WorkOutcome, undefined>;
      return value ?? { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no outcome" };
    });
  };

  async function walk(jobId: string, remainingMs: () => number): Promise<WorkOutcome> {
    try {
      await deps.runBulkJob(jobId, remainingMs);
      return { kind: "jobRan" };
    } catch (error) {
      return toMessageFailure(error);
    }
  }
}
