import * as z from "zod/mini";
import { providerId } from "../../providers.ts";
import { named, ok, paging, time } from "../parts.ts";
import { look, type OperatorOperation, ofClient, operatorScope, whose } from "./operation.ts";

/** What the first page of the console shows, and its parts. */

const count = z.int().check(z.gte(0));

const traffic = named(
  "Traffic",
  z.object({
    since: time.check(z.describe("The last hour, in business time.")),
    requestsAccepted: count,
    eventsStored: count,
    deliveriesCreated: count,
    delivered: count.check(z.describe("Of the deliveries that were created in this hour.")),
    deliveriesFailed: count.check(z.describe("Of the deliveries that were created in this hour.")),
    buckets: z
      .array(
        z.object({
          at: time,
          requests: count,
          events: count,
          delivered: count,
          failed: count,
        }),
      )
      .check(z.describe("Twelve of five minutes each, oldest first.")),
    isComplete: z
      .boolean()
      .check(z.describe("`false`: there was too much to count, and the numbers are lower bounds.")),
  }),
);

/** What needs a person, most urgent first. */
export const needKinds = z.enum([
  "connection_paused",
  "connection_without_credentials",
  "webhooks_refused",
  "webhooks_quarantined",
  "webhook_failing",
  "webhook_disabled",
  "account_paused",
  "dead_letters",
  "lane_stuck",
  "request_unknown",
  "action_incomplete",
]);

const need = named(
  "Need",
  z.object({
    kind: needKinds,
    severity: z.enum(["page", "ticket"]),
    title: z.string().check(z.describe("What is wrong, as a sentence.")),
    cause: z.string(),
    toDo: z.string().check(z.describe("What to do, as a sentence.")),
    since: z.optional(time),
    count: z.optional(count).check(z.describe("How many wait, or were refused.")),
    clientId: z.optional(z.string()),
    /** What it is about: what `find` takes, or the name of a queue. */
    subject: z.object({
      kind: z.enum(["connection", "webhook", "account", "queue", "request", "action"]),
      id: z.string(),
      connectionId: z.optional(z.string()).check(z.describe("Of an account.")),
    }),
  }),
);

const lane = named(
  "Lane",
  z.object({
    ...whose,
    provider: providerId,
    connectionId: z.string(),
    accountId: z.string(),
    waiting: count,
    isHeld: z.boolean().check(z.describe("A request of the account is being carried out.")),
    oldestRequestId: z.optional(z.string()),
    oldestSince: z.optional(time).check(z.describe("When its oldest waiting request joined.")),
    nextSubmissionNotBefore: z.optional(time),
    dueAt: z.optional(time).check(z.describe("When it is to be worked next.")),
    isStuck: z
      .boolean()
      .check(z.describe("It was to be worked more than five minutes ago, and was not.")),
    pausedBecause: z.optional(z.string()),
    pausedUntil: z.optional(time),
  }),
);

const queue = named(
  "Queue",
  z.object({
    name: z.string(),
    waiting: count,
    inFlight: count,
    delayed: count,
    deadLetters: count,
    deadLetterQueue: z.optional(z.string()).check(z.describe("Its name for `/dead-letters`.")),
  }),
);

const alarms = named(
  "Alarms",
  z.object({
    isAvailable: z.boolean(),
    reason: z.optional(z.string()).check(z.describe("Why there are none to show.")),
    items: z.array(
      z.object({
        name: z.string(),
        state: z.enum(["OK", "ALARM", "INSUFFICIENT_DATA"]),
        severity: z.enum(["page", "ticket"]),
        description: z.string(),
        since: z.optional(time),
        reason: z.optional(z.string()),
        runbook: z.optional(z.string()),
      }),
    ),
  }),
);

const me = named(
  "Me",
  z.object({
    kind: z.enum(["operator", "portal"]),
    name: z.string(),
    scope: z.optional(operatorScope).check(z.describe("Of an operator key.")),
    clientId: z.optional(z.string()).check(z.describe("The one client of a portal link.")),
    clientName: z.optional(z.string()),
    expiresAt: z.optional(time),
    stack: z.string(),
    version: z.string(),
    now: time.check(z.describe("Business time.")),
    speed: z.number().check(z.describe("Business seconds in a real second; 1 but in a local run.")),
    isLocal: z.boolean(),
  }),
);

export const overviewOperations = {
  getMe: {
    ...look,
    operationId: "getMe",
    path: "/v1/operator/me",
    summary: "Returns who calls, and which stack answers",
    isInPortal: true,
    answer: ok("The caller", me),
    problems: [],
  },
  getOverview: {
    ...look,
    operationId: "getOverview",
    path: "/v1/operator/overview",
    summary:
      "Returns the last hour's traffic, what needs a person, the longest lanes and the queues",
    isInPortal: true,
    query: z.strictObject(ofClient),
    answer: ok(
      "The overview; some seconds old at most. A portal link sees its client's, without queues",
      named(
        "Overview",
        z.object({
          at: time,
          traffic,
          needsYou: z.array(need),
          lanes: z.array(lane).check(z.describe("The oldest first, ten at most.")),
          hasAllLanes: z
            .boolean()
            .check(z.describe("`false`: more is due than was looked at: lanes may be missing.")),
          queues: z.array(queue),
          clients: count,
          isComplete: z
            .boolean()
            .check(z.describe("`false`: there are more clients than were looked at.")),
        }),
      ),
    ),
    problems: [404],
  },
  listLanes: {
    ...look,
    operationId: "listLanes",
    path: "/v1/operator/lanes",
    summary: "Lists the accounts whose requests wait, the oldest wait first",
    isInPortal: true,
    query: z.strictObject({ limit: paging.limit, ...ofClient }),
    answer: ok(
      "Up to `limit` of them, some seconds old at most",
      z.object({
        items: z.array(lane),
        isComplete: z
          .boolean()
          .check(z.describe("`false`: more is due than was looked at: lanes may be missing.")),
      }),
    ),
    problems: [404],
  },
  listQueues: {
    ...look,
    operationId: "listQueues",
    path: "/v1/operator/queues",
    summary: "Lists the queues with their dead letters",
    answer: ok("Every queue", z.object({ items: z.array(queue) })),
    problems: [],
  },
  listAlarms: {
    ...look,
    operationId: "listAlarms",
    path: "/v1/operator/alarms",
    summary: "Lists the stack's alarms, those that are on first",
    answer: ok("The alarms", alarms),
    problems: [],
  },
  getSettings: {
    ...look,
    operationId: "getSettings",
    path: "/v1/operator/settings",
    summary: "Returns the settings of the stack as the functions read them",
    answer: ok(
      "The settings",
      z.object({
        items: z.array(
          z.object({
            name: z.string(),
            value: z.union([z.number(), z.string()]),
            isDefault: z.boolean(),
          }),
        ),
      }),
    ),
    problems: [],
  },
} as const satisfies Record<string, OperatorOperation>;

export type TrafficView = z.output<typeof traffic>;
export type NeedView = z.output<typeof need>;
export type LaneView = z.output<typeof lane>;
export type AlarmsView = z.output<typeof alarms>;
