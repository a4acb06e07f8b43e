import { validateHeaderName, validateHeaderValue } from "node:http";
import * as z from "zod/mini";
import { simulatedProvider } from "./simulated-provider.ts";

const FOR_CALLS = ["status", "effect", "hang"];
const ONE_CONTENT = "only one of body, patch and bodyBase64 can be given";

const text = () => z.string().check(z.minLength(1));
const milliseconds = () => z.number().check(z.gte(0), z.lte(366 * 24 * 60 * 60 * 1_000));
const json = () => z.record(z.string(), z.unknown());

const headers = z
  .record(z.string(), z.union([z.string(), z.array(z.string())]))
  .check(z.refine(areHeaders, "must be names and values of HTTP headers"));

/** The three ways to say what a body is; at most one of them is given. */
const content = {
  /** A JSON value, or a string that is sent as it is. */
  body: z.optional(z.unknown()),
  /** Merged into the simulator's own body as by RFC 7396: null removes a member. */
  patch: z.optional(json()),
  bodyBase64: z.optional(z.base64()),
};

/** What a call or webhook must have for a script to apply; an absent member matches everything. */
const match = z.strictObject({
  provider: z.optional(simulatedProvider),
  method: z.optional(text()),
  /** Without the query. `*` stands for any characters. */
  path: z.optional(text()),
  /** We-Link: the last segment of the path. Linked API: the `actionType` of a top-level action. */
  action: z.optional(text()),
  account: z.optional(text()),
  /** The id that the provider assigned. */
  requestId: z.optional(text()),
  /** The status that the simulator itself would answer, or that its webhook has. */
  state: z.optional(text()),
  /** The `type` of a Linked API webhook. */
  type: z.optional(text()),
  /** A text in the body of the call or webhook. */
  contains: z.optional(text()),
});

export type Match = z.output<typeof match>;

const extraWebhook = z
  .strictObject({
    ...content,
    headers: z.optional(headers),
    encoding: z.optional(z.enum(["gzip", "deflate", "br"])),
    bom: z.optional(z.boolean()),
    /** Business milliseconds after the webhook that the script applies to. */
    afterMs: z._default(milliseconds(), 0),
  })
  .check(z.refine(hasOneContent, ONE_CONTENT));

/**
 * Replaces what the simulator would answer or send. The first script of the list
 * that matches and is not used up applies.
 */
export const script = z
  .strictObject({
    /** `call` is every call to a provider, also one that the simulator does not handle. */
    on: z.enum(["submission", "poll", "cancel", "call", "webhook"]),
    match: z._default(match, {}),
    /** Maximum number of uses. Absent: unlimited. */
    times: z.optional(z.int().check(z.gte(1, "must be at least 1; `drop` suppresses"))),
    /** Number of matches that the script leaves to the scripts after it first. */
    skip: z._default(z.int().check(z.gte(0)), 0),
    ...content,
    status: z.optional(z.int().check(z.gte(200), z.lte(599))),
    headers: z.optional(headers),
    encoding: z.optional(z.enum(["gzip", "deflate", "br"])),
    /** Begins the body with a byte order mark. */
    bom: z.optional(z.boolean()),
    /** Real milliseconds before an answer, business milliseconds before a webhook. */
    delayMs: z.optional(milliseconds()),
    /** Closes the connection without an answer, or within the body; suppresses a webhook. */
    drop: z.optional(z.union([z.boolean(), z.literal("mid-body")])),
    /** Leaves the connection open without an answer. */
    hang: z.optional(z.boolean()),
    /**
     * Whether the call is carried out beside the scripted answer. Absent: if the
     * answer is 2xx or is withheld.
     */
    effect: z.optional(z.boolean()),
    /** Further webhooks. */
    extra: z.optional(z.array(extraWebhook)),
  })
  .check(
    z.refine(hasOneContent, ONE_CONTENT),
    z.refine(
      (of) => of.on !== "webhook" || !FOR_CALLS.some((name) => name in of),
      `${FOR_CALLS.join(", ")} are not for webhooks`,
    ),
    z.refine(
      (of) => of.on !== "webhook" || of.drop !== "mid-body",
      "drop of a webhook must be true or false",
    ),
    z.refine((of) => of.on === "webhook" || of.extra === undefined, "extra is for webhooks only"),
    z.refine(
      (of) => of.on === "webhook" || of.match.type === undefined,
      "match.type is for webhooks only",
    ),
  );

export type Script = z.output<typeof script>;

/** What a script says about a body. */
export type ScriptedContent = Pick<
  Script,
  "body" | "patch" | "bodyBase64" | "headers" | "encoding" | "bom"
>;

function hasOneContent(of: { body?: unknown; patch?: unknown; bodyBase64?: unknown }): boolean {
  return [of.body, of.patch, of.bodyBase64].filter((one) => one !== undefined).length <= 1;
}

function areHeaders(of: Readonly<Record<string, string | string[]>>): boolean {
  try {
    for (const [name, values] of Object.entries(of)) {
      validateHeaderName(name);
      for (const value of [values].flat()) validateHeaderValue(name, value);
    }
    return true;
  } catch {
    return false;
  }
}
