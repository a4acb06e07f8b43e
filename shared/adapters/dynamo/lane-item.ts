import * as z from "zod/mini";
import { providerId } from "../../contracts/providers.ts";
import { type Lane, type LanePause, PAUSED_BY_CLIENT } from "../../core/requests/state/record.ts";

/** The sort key of a lane's own item, beside its requests. */
export const LANE_ID = "#lane";

/**
 * The attributes keep the names that they were first stored under. `lastPlace` is the lane's
 * `lastPosition`, `waiting` its `waitingCount`, `nextMs` its `nextSubmissionNotBeforeMs`, and
 * `dueAt` its `sweepDueMs`.
 */
const item = z.object({
  lane: z.string(),
  clientId: z.string(),
  provider: providerId,
  connectionId: z.string(),
  accountId: z.string(),
  lastPlace: z._default(z.number(), 0),
  waiting: z._default(z.number(), 0),
  nextMs: z._default(z.number(), 0),
  dueAt: z.optional(z.number()),
  /** A pause until a login succeeds. It takes precedence over a pause until a time. */
  stop: z.optional(z.object({ reason: z.string() })),
  /** A pause by the client. It takes precedence over the others. */
  halt: z.optional(z.object({ reason: z.string() })),
  /** A pause until a time. */
  pause: z.optional(z.object({ reason: z.string(), untilMs: z.number() })),
  owner: z.optional(z.string()),
  leaseUntilRealMs: z.optional(z.number()),
  releasedBy: z.optional(z.string()),
});

export function readLaneItem(found: unknown): Lane {
  const {
    dueAt,
    halt,
    stop,
    pause,
    lastPlace,
    waiting,
    nextMs,
    releasedBy: _,
    ...lane
  } = item.parse(found);
  return {
    ...lane,
    lastPosition: lastPlace,
    waitingCount: waiting,
    nextSubmissionNotBeforeMs: nextMs,
    sweepDueMs: dueAt,
    pause: halt ?? stop ?? pause,
  };
}

/**
 * Returns the attribute of a kind of pause: by the client, until a login, or until a time.
 * Each ends separately.
 */
export function pauseName({ reason, untilMs }: LanePause) {
  if (reason === PAUSED_BY_CLIENT) return "halt";
  return untilMs === undefined ? "stop" : "pause";
}

export function pauseItem({ reason, untilMs }: LanePause) {
  return untilMs === undefined ? { reason } : { reason, untilMs };
}
