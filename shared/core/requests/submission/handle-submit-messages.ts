import { Failure } from "../../../contracts/failures.ts";
import { limits } from "../../../contracts/limits.ts";
import { type SubmitMessage, submitMessage } from "../../../contracts/messages/submit.ts";
import { type MessageFailure, toMessageFailure } from "../../message-failure.ts";
import type { JoinWhenDue } from "../lanes/join-lane.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { RequestStore, SubmitQueue } from "../state/ports.ts";
import type { PublishedOutboxes, PublishOutboxes } from "../state/publish-outboxes.ts";
import type { Lane, RequestRecord } from "../state/record.ts";
import type { SendInput } from "./send-input.ts";
import type { SubmitResult } from "./submit-request.ts";
import type { LaneRunResult, WorkLane } from "./work-lane.ts";

export interface HandleSubmitMessagesDeps {
  requests: RequestStore;
  queue: SubmitQueue;
  laneScheduler: LaneScheduler;
  joinWhenDue: JoinWhenDue;
  workLane: WorkLane;
  sendInput: SendInput;
  publish: PublishOutboxes;
  context: () => DecisionContext;
}

export type MessageOutcome = { kind: "done" } | MessageFailure;

export interface SubmitRun {
  /** One for each message, in order. */
  messages: MessageOutcome[];
  submissions: SubmitResult[];
  /** The longest that the first of a lane has waited (business); 0 where nobody waits. */
  longestWaitMs: number;
  outbox: PublishedOutboxes;
}

/** No message is sent for a later time: the sweep joins the request to its lane. */
const MAX_DELAY_MS = limits.maxSqsDelaySeconds * 1_000;

/**
 * Does what the messages of the submit queue hint at. What one batch causes is
 * published together; a lane that is named twice is worked once.
 */
export const makeHandleSubmitMessages =
  (deps: HandleSubmitMessagesDeps) =>
  async (bodies: readonly string[], remainingMs: () => number): Promise<SubmitRun> => {
    const messages = bodies.map(read);
    const ids = messages.flatMap((message) =>
      message?.kind === "accepted" || message?.kind === "due" ? [message.requestId] : [],
    );
    const found = await deps.requests.findWithLanes([...new Set(ids)]);
    const total: PublishedOutboxes = { published: 0, failures: [] };
    const publish = async (...of: Parameters<PublishOutboxes>) => {
      const { published, failures } = await deps.publish(...of);
      total.published += published;
      total.failures.push(...failures);
    };
    const accepted = messages.flatMap((message) =>
      message?.kind === "accepted" ? (found.get(message.requestId) ?? []) : [],
    );
    await publish(
      [...new Set(accepted)].map(({ request }) => request),
      "accept",
    );

    const works = new Map<string, Promise<LaneRunResult>>();
    /** A lane is worked once, however many messages name it. */
    const dedupeByKey = (key: string, work: () => Promise<LaneRunResult>) => {
      const known = works.get(key) ?? work();
      works.set(key, known);
      return known;
    };
    const settled = await Promise.allSettled(
      messages.map(async (message) => {
        if (!message) throw new Failure("MESSAGE_MALFORMED", "not one of our messages");
        if (message.kind === "continue") {
          await dedupeByKey(message.requestId, () => deps.sendInput(message.requestId));
          return;
        }
        const lane = await laneOf(deps, message, found);
        if (lane === undefined) return;
        const { kind } = await dedupeByKey(lane, () => deps.workLane(lane, remainingMs));
        // Who has the lane may have looked before this request was there.
        if (kind === "busy" && message.kind !== "wakeUp")
          await deps.laneScheduler.ensureWakeUp(lane);
      }),
    );
    const done = (await Promise.allSettled(works.values())).flatMap((work) =>
      work.status === "fulfilled" ? [work.value] : [],
    );
    await publish(done.flatMap(({ changed }) => changed));
    return {
      messages: settled.map(outcomeOf),
      submissions: done.flatMap(({ submissions }) => submissions),
      longestWaitMs: Math.max(0, ...done.map(({ headWaitMs = 0 }) => headWaitMs)),
      outbox: total,
    };
  };

function read(body: string): SubmitMessage | undefined {
  try {
    return submitMessage.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** The lane in which there may be work because of this message. */
async function laneOf(
  deps: HandleSubmitMessagesDeps,
  message: Exclude<SubmitMessage, { kind: "continue" }>,
  found: Map<string, { request: RequestRecord; lane: Lane | undefined }>,
): Promise<string | undefined> {
  if (message.kind === "wakeUp") return message.lane;
  const { request, lane } = found.get(message.requestId) ?? {};
  if (!request) return undefined;
  if (message.kind === "accepted") {
    if (request.status !== "QUEUED") return undefined;
    // Who joined while a worker was just leaving is nobody's concern yet.
    if (message.wakesLane || lane?.sweepDueMs === undefined) return request.lane;
    if (lane.owner !== undefined) await deps.laneScheduler.ensureWakeUp(request.lane);
    return undefined;
  }
  const joined = await deps.joinWhenDue(request);
  if (joined) return joined.processNow ? request.lane : undefined;
  const { status, scheduledMs = 0 } = request;
  const delayMs = scheduledMs - deps.context().nowMs;
  if (status === "SCHEDULED" && delayMs > 0 && delayMs <= MAX_DELAY_MS) {
    await deps.queue.send(message, delayMs);
  }
  return undefined;
}

function outcomeOf(settled: PromiseSettledResult<void>): MessageOutcome {
  return settled.status === "fulfilled" ? { kind: "done" } : toMessageFailure(settled.reason);
}
