import * as z from "zod/mini";
import { named, text, time } from "./parts.ts";

/** Seconds, or a duration of ISO 8601 without years and months; its value is checked later. */
const duration = z.union([z.number().check(z.gte(0)), text(64)]);

/** `dependsOn` of a new request. */
export const dependency = z
  .strictObject({
    requestId: text(128).check(z.describe("An earlier request of the same account.")),
    on: z
      .enum(["succeeded", "event"])
      .check(
        z.describe("`succeeded`: the earlier request succeeds; `event`: the provider reports it."),
      ),
    event: z
      .exactOptional(
        z.enum(["connection.accepted", "message.reply", "CONNECTION_ACCEPTED", "MESSAGE_REPLY"]),
      )
      .check(z.describe("With `on: event`: its type, or the provider's name of it.")),
    within: duration.check(
      z.describe("Until when it must happen, from now on: seconds, or a duration such as P14D."),
    ),
    after: z
      .exactOptional(duration)
      .check(
        z.describe("Delay between that and this request: seconds, or a duration such as P3D."),
      ),
    unless: z
      .exactOptional(z.literal("message.reply"))
      .check(z.describe("The request is not sent after such an event about the sequence.")),
  })
  .check(
    z.refine(({ on, event }) => (on === "event") === (event !== undefined), {
      path: ["event"],
      error: 'must be given with on "event", and only then',
    }),
  );

export type DependencyInput = z.output<typeof dependency>;

/** `dependsOn` of a stored request. */
export const dependencyView = named(
  "Dependency",
  z.object({
    requestId: z.string(),
    on: z.enum(["succeeded", "event"]),
    event: z.optional(z.enum(["connection.accepted", "message.reply"])),
    until: time.check(z.describe("When the request ends unless the condition is met by then.")),
    afterSeconds: z.number(),
    unless: z.optional(z.literal("message.reply")),
    metAt: z.optional(time).check(z.describe("When the condition was met.")),
  }),
);

export type DependencyView = z.output<typeof dependencyView>;
