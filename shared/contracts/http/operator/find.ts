import * as z from "zod/mini";
import { named, ok, text, time } from "../parts.ts";
import { look, type OperatorOperation, ofClient } from "./operation.ts";

/** Anything by its id, with its story. */

export const foundKind = z.enum([
  "request",
  "event",
  "delivery",
  "webhook",
  "connection",
  "client",
  "account",
  "recovery",
  "recurring",
]);

/** One thing that happened, or that is to happen. */
const step = named(
  "Step",
  z.object({
    at: z.optional(time).check(z.describe("Absent while that is not known.")),
    kind: z.enum([
      "accepted",
      "scheduled",
      "joined",
      "waits",
      "sent",
      "answered",
      "webhook",
      "event",
      "delivery",
      "attempt",
      "ended",
      "created",
      "paused",
      "note",
    ]),
    title: z.string(),
    detail: z.optional(z.string()),
    isFailure: z.optional(z.literal(true)),
    isFuture: z.optional(z.literal(true)),
    /** What it is about; `find` takes it. */
    id: z.optional(z.string()),
    idKind: z.optional(foundKind),
  }),
);

const found = named(
  "Found",
  z.object({
    id: z.string(),
    kind: foundKind,
    clientId: z.string(),
    clientName: z.optional(z.string()),
    connectionId: z.optional(z.string()),
    accountId: z.optional(z.string()),
    requestId: z.optional(z.string()),
    status: z.optional(z.string()),
    title: z.string(),
    story: z.array(step).check(z.describe("Oldest first; what is to happen comes last.")),
  }),
);

export const findOperations = {
  find: {
    ...look,
    operationId: "find",
    path: "/v1/operator/find/{id}",
    summary:
      "Finds a request, event, delivery, webhook, connection, client, recovery, account or provider's id, with its story",
    isInPortal: true,
    params: z.strictObject({ id: text(512) }),
    query: z.strictObject(ofClient),
    answer: ok(
      "What has this id: one as a rule, several where several connections know it",
      z.object({ items: z.array(found) }),
    ),
    problems: [404],
  },
} as const satisfies Record<string, OperatorOperation>;

export type FoundView = z.output<typeof found>;
export type StepView = z.output<typeof step>;
