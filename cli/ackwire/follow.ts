import { setTimeout as sleep } from "node:timers/promises";
import type { RecoveryView } from "../../shared/contracts/http/deliveries.ts";
import { callOperation } from "./call-operation.ts";
import type { Place } from "./place.ts";
import type { Progress } from "./progress.ts";

/** What a command that starts long work does until the work is done. */
export interface Following {
  place: Place;
  /** The values with which the operation was called. */
  input: Readonly<Record<string, unknown>>;
  progress: Progress;
  /** Waits between two looks. Default: real time. */
  sleep?: (ms: number) => Promise<unknown>;
}

/** @returns the answer of the last look, which has the form of the first answer */
export type Follow = (answer: unknown, following: Following) => Promise<unknown>;

const LOOK_INTERVAL_MS = 1_000;
/** SQS counts approximately, and is behind by up to a minute. */
const REDRIVE_LOOK_INTERVAL_MS = 3_000;
const REDRIVE_PATIENCE_MS = 120_000;
/** Others cannot receive a message for so long after somebody has looked at it. */
const HIDDEN_MS = 30_000;

/** Waits until every delivery of the period was looked at. */
export const followRecovery: Follow = async (answer, { place, input, progress, ...of }) => {
  let recovery = answer as RecoveryView;
  const { recoveryId } = recovery;
  for (;;) {
    const { examined, recovered, skipped, status } = recovery;
    progress.say(`${examined} examined, ${recovered} are sent again, ${skipped} are not`);
    if (status === "done") return recovery;
    await (of.sleep ?? sleep)(LOOK_INTERVAL_MS);
    const named = { clientId: input.clientId, recoveryId };
    recovery = (await callOperation(place, "getRecovery", named)) as RecoveryView;
  }
};

interface Redriven {
  queue: string;
  messages: number;
}

interface DeadLetterCounts {
  queue: string;
  messages: number;
  inFlight: number;
  maxRedriven?: number;
}

/**
 * Waits until the dead-letter queue is empty. Where one call moves only some of the messages, it
 * calls again until none is left, and adds up what the calls have moved.
 *
 * @throws Error that says how many are left, when their number has stayed the same for two minutes;
 *   CallFailure
 */
export const followRedrive: Follow = async (answer, { place, input, progress, ...of }) => {
  let { messages } = answer as Redriven;
  let movedLast = messages;
  let fewest = Number.POSITIVE_INFINITY;
  let waitedMs = 0;
  for (;;) {
    const { items } = (await callOperation(place, "listDeadLetterQueues")) as {
      items: DeadLetterCounts[];
    };
    const counts = items.find(({ queue }) => queue === input.queue);
    const isInParts = counts?.maxRedriven !== undefined;
    const left = (counts?.messages ?? 0) + (counts?.inFlight ?? 0);
    const moved = `${messages} messages are moved`;
    progress.say(
      isInParts
        ? `${moved}, ${left} are left in ${input.queue}`
        : `${left} of ${messages} messages are left in ${input.queue}`,
    );
    if (left === 0) return { ...(answer as Redriven), messages };
    waitedMs = left < fewest ? 0 : waitedMs + REDRIVE_LOOK_INTERVAL_MS;
    fewest = Math.min(fewest, left);
    if (waitedMs >= REDRIVE_PATIENCE_MS) {
      const rest = isInParts ? `${moved}, and ${left}` : `${left} messages`;
      throw new Error(
        `${rest} are still, or again, in ${input.queue}: \`ackwire dlq show ${input.queue}\` lists them`,
      );
    }
    if (isInParts && (movedLast > 0 || waitedMs % HIDDEN_MS === 0)) {
      const next = (await callOperation(place, "redriveDeadLetters", input)) as Redriven;
      movedLast = next.messages;
      messages += movedLast;
    }
    await (of.sleep ?? sleep)(REDRIVE_LOOK_INTERVAL_MS);
  }
};

/**
 * Calls again until every webhook in quarantine was verified, and adds up the answers.
 *
 * @throws Error when the webhooks that stay take the whole time of a call
 */
export const followRelease: Follow = async (answer, { place, input, progress }) => {
  let last = answer as { released: number; kept: number; isComplete: boolean };
  let { released } = last;
  for (;;) {
    progress.say(`${released} released, ${last.kept} kept`);
    if (last.isComplete) return { ...last, released };
    if (last.released === 0) {
      throw new Error(
        `${released} are released, and more than ${last.kept} fail verification, which takes the whole time of a call: \`npm run admin -- quarantine release\` has no limit of time`,
      );
    }
    last = (await callOperation(place, "releaseQuarantine", input)) as typeof last;
    released += last.released;
  }
};
