import { Failure } from "../../../contracts/failures.ts";
import type { DependencyInput } from "../../../contracts/http/dependencies.ts";
import { InvalidRequest } from "../../input/invalid-request.ts";
import type { CorrelatedType } from "../../providers/correlation.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import { keysOfRequest } from "../state/dependency.ts";
import type { RequestStore } from "../state/ports.ts";
import type { Dependency } from "../state/record.ts";

/** Requests of one sequence. */
const MAX_SEQUENCE = 20;

const eventNames: Readonly<Record<NonNullable<DependencyInput["event"]>, CorrelatedType>> = {
  "connection.accepted": "connection.accepted",
  CONNECTION_ACCEPTED: "connection.accepted",
  "message.reply": "message.reply",
  MESSAGE_REPLY: "message.reply",
};

/**
 * Checks `dependsOn` of a new request and reads its predecessor.
 *
 * @throws REQUEST_INVALID for times that are not allowed; PREDECESSOR_UNKNOWN when the client has
 *   no such request for this account; CONFLICT when its sequence is too long; DEPENDENCY_DOWN
 */
export async function readDependency(
  requests: Pick<RequestStore, "find">,
  { requestId, on, event, within, after = 0, unless }: DependencyInput,
  { clientId, lane }: { clientId: string; lane: string },
  { nowMs, rules }: DecisionContext,
): Promise<Dependency> {
  const withinMs = durationMs(within, "within");
  const afterMs = durationMs(after, "after");
  if (withinMs <= 0) throw refused("within", "must be greater than 0");
  if (withinMs + afterMs > rules.scheduleMaxMs) {
    const days = rules.scheduleMaxMs / 86_400_000;
    throw refused("within", `must be, together with after, at most ${days} days`);
  }
  const predecessor = await requests.find(requestId);
  if (predecessor?.clientId !== clientId || predecessor.lane !== lane) {
    throw new Failure(
      "PREDECESSOR_UNKNOWN",
      "dependsOn.requestId: there is no such request of this account",
    );
  }
  const { dependsOn, createdMs } = predecessor;
  const ancestors = [requestId, ...(dependsOn?.ancestors ?? [])];
  if (ancestors.length >= MAX_SEQUENCE) {
    throw new Failure("CONFLICT", `a sequence has at most ${MAX_SEQUENCE} requests`);
  }
  return {
    requestId,
    on,
    ...(event ? { event: eventNames[event] } : {}),
    untilMs: nowMs + withinMs,
    afterMs,
    ...(unless ? { unless } : {}),
    eventSinceMs: createdMs,
    unlessSinceMs: dependsOn?.unlessSinceMs ?? createdMs,
    ancestors,
    keys: keysOfRequest(predecessor),
  };
}

/** The latest time (business) at which the request joins its lane. */
export function latestStartMs({ untilMs, afterMs }: Dependency): number {
  return untilMs + afterMs;
}

const unitsMs = { W: 604_800_000, D: 86_400_000, H: 3_600_000, M: 60_000, S: 1_000 };

/** Seconds, or a duration of ISO 8601 in weeks, days, hours, minutes and seconds. */
function durationMs(duration: number | string, field: string): number {
  if (typeof duration === "number") return Math.round(duration * 1_000);
  const form =
    /^P(?=.)(?:(\d+)W|(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?)$/;
  const parts = form.exec(duration);
  if (!parts) throw refused(field, "must be a duration such as P14D or PT12H, or seconds");
  const [, ...amounts] = parts;
  return Object.values(unitsMs).reduce(
    (sum, unitMs, index) => sum + Number(amounts[index] ?? 0) * unitMs,
    0,
  );
}

function refused(name: string, message: string): InvalidRequest {
  return new InvalidRequest([{ field: `dependsOn.${name}`, message }]);
}
