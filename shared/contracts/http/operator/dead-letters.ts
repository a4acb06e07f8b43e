import * as z from "zod/mini";
import { accepted, named, ok, text, time } from "../parts.ts";
import { change, look, type OperatorOperation, why } from "./operation.ts";

/** Messages that could not be processed. */

const deadLetter = named(
  "DeadLetter",
  z.object({
    messageId: z.string(),
    sentAt: z.optional(time).check(z.describe("When it first came into its queue; real time.")),
    receives: z.int(),
    bytes: z.int(),
    about: z.string().check(z.describe("What the message asks for, as a sentence.")),
    clientId: z.optional(z.string()),
    connectionId: z.optional(z.string()),
    subjectId: z
      .optional(z.string())
      .check(z.describe("A request, delivery or event: `find` takes it.")),
  }),
);

const deadLetterWithBody = named(
  "DeadLetterWithBody",
  z.extend(deadLetter, {
    body: z.string().check(z.describe("The message as it is in the queue: save it before a drop.")),
    decoded: z
      .optional(z.string())
      .check(z.describe("The webhook in it, where it has one and it is text.")),
  }),
);

const queueParams = z.strictObject({ queue: text(64) });
const messageParams = z.extend(queueParams, { messageId: text(128) });

const withMessage = { params: messageParams, problems: [404, 409] } as const;

export const deadLetterOperations = {
  listDeadLetterQueues: {
    ...look,
    operationId: "listDeadLetterQueues",
    path: "/v1/operator/dead-letters",
    summary: "Lists the dead-letter queues with the number of their messages",
    answer: ok(
      "Every dead-letter queue",
      z.object({
        items: z.array(
          z.object({
            queue: z.string(),
            messages: z.int(),
            inFlight: z.int(),
            isRedrivable: z
              .boolean()
              .check(
                z.describe("`false`: they come from no queue to which they can be moved back."),
              ),
            maxRedriven: z
              .optional(z.int())
              .check(z.describe("One redrive moves about so many at most; absent: all.")),
          }),
        ),
      }),
    ),
    problems: [],
  },
  listDeadLetters: {
    ...look,
    operationId: "listDeadLetters",
    path: "/v1/operator/dead-letters/{queue}/messages",
    summary: "Looks at up to 50 dead letters; they stay in the queue",
    params: queueParams,
    deadlineMs: 25_000,
    answer: ok(
      "Those that the queue gave; in no order",
      z.object({ items: z.array(deadLetter), messages: z.int() }),
    ),
    problems: [404],
  },
  getDeadLetter: {
    ...look,
    operationId: "getDeadLetter",
    path: "/v1/operator/dead-letters/{queue}/messages/{messageId}",
    summary: "Returns one dead letter with its body, to look at or to save",
    params: messageParams,
    deadlineMs: 25_000,
    answer: ok("The dead letter", deadLetterWithBody),
    problems: [404],
  },
  redriveDeadLetters: {
    ...change,
    operationId: "redriveDeadLetters",
    path: "/v1/operator/dead-letters/{queue}/redrive",
    summary: "Moves the messages of a dead-letter queue back to where they came from",
    scope: "operate",
    params: queueParams,
    answer: accepted(
      "They are being moved",
      z.object({
        queue: z.string(),
        messages: z.int().check(z.describe("How many. Others may remain: see `maxRedriven`.")),
      }),
    ),
    problems: [404, 409],
  },
  redriveDeadLetter: {
    ...change,
    ...withMessage,
    operationId: "redriveDeadLetter",
    path: "/v1/operator/dead-letters/{queue}/messages/{messageId}/redrive",
    summary: "Moves one message back to where it came from",
    scope: "operate",
    deadlineMs: 25_000,
    answer: ok("It is moved", z.object({ messageId: z.string() })),
  },
  dropDeadLetter: {
    ...change,
    ...withMessage,
    operationId: "dropDeadLetter",
    path: "/v1/operator/dead-letters/{queue}/messages/{messageId}/drop",
    summary: "Deletes one dead letter for good",
    scope: "admin",
    deadlineMs: 25_000,
    body: z.strictObject({ why }),
    answer: ok("It is deleted", z.object({ messageId: z.string() })),
  },
} as const satisfies Record<string, OperatorOperation>;

export type DeadLetterView = z.output<typeof deadLetter>;
