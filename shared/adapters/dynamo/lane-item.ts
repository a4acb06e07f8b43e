import * as z from "zod/mini";
import { type Category, categories, limitCategories } from "../../contracts/pace.ts";
import { providerId } from "../../contracts/providers.ts";
import { noCounters } from "../../core/requests/state/lane-counters.ts";
import {
  type CategoryTake,
  type Lane,
  type LaneCounters,
  type LanePause,
  PAUSED_BY_CLIENT,
  type SubQueue,
} from "../../core/requests/state/record.ts";

/** The sort key of a lane's own item, beside its requests. */
export const LANE_ID = "#lane";

/**
 * The attributes keep the names that they were first stored under. `lastPlace` is the lane's
 * `lastPosition`, `waiting` its `waitingCount`, `nextMs` its `nextSubmissionNotBeforeMs`,
 * `hasOnlySubQueues` its `isMigratedToSubQueues`, and `dueAt` its `dueMs`.
 */
const timedPause = z.object({
  reason: z.string(),
  untilMs: z.number(),
  isOutage: z.optional(z.literal(true)),
});
const perCategory = <Value extends z.ZodMiniType>(value: Value) =>
  z.partialRecord(z.enum(categories), value);

const perLimit = <Value extends z.ZodMiniType>(value: Value) =>
  z.partialRecord(z.enum(limitCategories), value);

const countersItem = z.object({
  usage: z.object({
    takes: perLimit(z.string()),
    nextMs: perLimit(z.number()),
    takeCounts: perLimit(z.number()),
    lastTakeMs: z.exactOptional(z.number()),
    warmUpStartedMs: z.exactOptional(z.number()),
    latenessMs: z.exactOptional(z.number()),
    latenessCount: z.exactOptional(z.number()),
  }),
  lastTaken: z.optional(z.object({ requestId: z.string(), atMs: z.number() })),
  highInARow: z.number(),
  blocked: perCategory(z.object({ totalMs: z.number(), sinceMs: z.number(), untilMs: z.number() })),
});

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
  pause: z.optional(timedPause),
  budget: z.optional(countersItem),
  subQueues: z._default(z.set(z.string()), new Set()),
  plannedSubQueues: z._default(z.set(z.string()), new Set()),
  hasOnlySubQueues: z._default(z.boolean(), false),
  givenBack: z._default(z.set(z.string()), new Set()),
  wakes: z.optional(z.number()),
  restrictedMs: z.optional(z.number()),
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
    budget: counters = noCounters,
    subQueues,
    plannedSubQueues,
    hasOnlySubQueues,
    givenBack,
    ...lane
  } = item.parse(found);
  return {
    ...lane,
    counters,
    subQueues: readSubQueues(subQueues),
    plannedSubQueues: readSubQueues(plannedSubQueues),
    isMigratedToSubQueues: hasOnlySubQueues,
    givenBack: [...givenBack].flatMap((text) => readTake(text) ?? []),
    categoryPauses: readCategoryPauses(found),
    lastPosition: lastPlace,
    waitingCount: waiting,
    nextSubmissionNotBeforeMs: nextMs,
    dueMs: dueAt,
    pause: halt ?? stop ?? pause,
  };
}

/** The attribute of a pause of this category. */
const categoryPauseName = (category: Category) => `pause_${category}`;

/** The attributes of all pauses. */
export const pauseNames = ["halt", "stop", "pause", ...categories.map(categoryPauseName)];

function readCategoryPauses(found: unknown): Lane["categoryPauses"] {
  const attributes = found as Record<string, unknown>;
  return Object.fromEntries(
    categories.flatMap((category) => {
      const { data } = timedPause.safeParse(attributes[categoryPauseName(category)]);
      return data ? [[category, { ...data, category }]] : [];
    }),
  );
}

/**
 * Returns the attribute of a kind of pause: by the client, until a login, until a time, or of a
 * category. Each ends separately.
 */
export function pauseName({ reason, untilMs, category }: LanePause): string {
  if (category !== undefined) return categoryPauseName(category);
  if (reason === PAUSED_BY_CLIENT) return "halt";
  return untilMs === undefined ? "stop" : "pause";
}

export function pauseItem({ reason, untilMs, isOutage }: LanePause) {
  if (untilMs === undefined) return { reason };
  return { reason, untilMs, ...(isOutage ? { isOutage } : {}) };
}

/** The text that stands for a sub-queue in keys and in the lane's item. */
export const subQueueName = ({ isHigh, category }: SubQueue) => `${isHigh ? "h" : "n"}#${category}`;

const readSubQueues = (names: ReadonlySet<string>) =>
  [...names].flatMap((name) => readSubQueueName(name) ?? []);

export function readSubQueueName(name: string): SubQueue | undefined {
  const [priority, category] = name.split("#");
  return isCategory(category) ? { isHigh: priority === "h", category } : undefined;
}

export const takeText = ({ category, atMs }: CategoryTake) => `${category}@${atMs}`;

function readTake(text: string): CategoryTake | undefined {
  const [category, at] = text.split("@");
  return isCategory(category) && at !== undefined ? { category, atMs: Number(at) } : undefined;
}

function isCategory(text: string | undefined): text is Category {
  return categories.some((category) => category === text);
}

/** The counters without `undefined`, which DynamoDB cannot store. */
export function countersAttribute(counters: LaneCounters): unknown {
  return JSON.parse(JSON.stringify(counters));
}
