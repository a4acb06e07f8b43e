import * as z from "zod/mini";
import { type ProviderId, providerId, providerPacks } from "../providers.ts";
import { dependency } from "./dependencies.ts";
import { accountId, groupName, text, withProvider } from "./parts.ts";
import { requestPriority } from "./request-view.ts";
import { scheduledTime } from "./times.ts";

/** What callers send to make requests. */

/** An idempotency key, in a header or in an item of a batch. */
export const IDEMPOTENCY_KEY_FORM = /^[\x21-\x7e]{1,255}$/;

const jsonObject = z.record(z.string(), z.unknown());
type JsonObject = z.output<typeof jsonObject>;

/** The members of a new request. */
export const requestMembers = {
  provider: providerId,
  accountId,
  action: text(64),
  params: z
    .union([jsonObject, z.array(jsonObject).check(z.minLength(1), z.maxLength(100))])
    .check(z.describe("The rest of the provider's own body, passed on unchanged.")),
  scheduled: z
    .exactOptional(scheduledTime)
    .check(z.describe("YYYY-MM-DDTHH:mm:ss.sssZ in UTC, at least 2 hours ahead.")),
  notAfter: z
    .exactOptional(scheduledTime)
    .check(
      z.describe(
        "YYYY-MM-DDTHH:mm:ss.sssZ in UTC. The request is refused when it cannot be submitted by then, and ends FAILED with EXPIRED_NOT_AFTER when it was not.",
      ),
    ),
  connectionId: z.exactOptional(text(128)),
  group: z
    .exactOptional(groupName)
    .check(z.describe("A name of yours by which requests are listed, counted and cancelled.")),
  priority: z
    .exactOptional(requestPriority)
    .check(z.describe("`high`: before the account's waiting requests of normal priority.")),
  dependsOn: z
    .exactOptional(dependency)
    .check(z.describe("What must happen before the request takes its place in the lane.")),
};

const plainRequest = z.strictObject(requestMembers);
type Members = z.output<typeof plainRequest>;

/** What the members of a new request must be to each other. */
const memberChecks = [
  z.refine<Members>(
    ({ scheduled, dependsOn }) => scheduled === undefined || dependsOn === undefined,
    { path: ["scheduled"], error: "cannot be given with dependsOn: use dependsOn.after instead" },
  ),
  z.refine<Members>(
    // Called for every input, valid or not.
    (body: { provider?: unknown; action?: unknown } | null) =>
      typeof body?.provider !== "string" ||
      typeof body.action !== "string" ||
      !Object.hasOwn(providerPacks, body.provider) ||
      providerPacks[body.provider as ProviderId].actionPattern.test(body.action),
    {
      path: ["action"],
      error: "must be a valid action of this provider",
      // Also where another field is invalid: all errors are reported together.
      when: () => true,
    },
  ),
  z.refine<Members>(
    ({ provider, params }) => providerPacks[provider].takesActionList || !Array.isArray(params),
    { path: ["params"], error: "must be an object: this provider takes no list of actions" },
  ),
  // A request with its time among the params would be submitted at once.
  z.refine<Members>(({ params }) => !hasMember(params, "scheduled"), {
    path: ["params", "scheduled"],
    error: "must be a top-level field, not inside params",
  }),
  z.refine<Members>(
    ({ provider, params }) =>
      !providerPacks[provider].takesAccountInBody || !hasMember(params, "accountId"),
    { path: ["params", "accountId"], error: "must not be in params: it is a top-level field" },
  ),
  z.meta({
    allOf: Object.values(providerPacks).map(({ id, actionPattern, takesActionList }) =>
      withProvider(id, {
        properties: {
          action: { pattern: actionPattern.source },
          ...(takesActionList ? {} : { params: { type: "object" } }),
        },
      }),
    ),
  }),
];

export const newRequest = plainRequest.check(...memberChecks);

/** One request of a batch: a new request with an idempotency key of its own. */
export const batchItem = z
  .strictObject({
    ...requestMembers,
    idempotencyKey: z
      .exactOptional(
        z
          .string()
          .check(
            z.regex(
              IDEMPOTENCY_KEY_FORM,
              "must be 1 to 255 printable ASCII characters without spaces",
            ),
          ),
      )
      .check(z.describe("As the header `Idempotency-Key` of a call for this request alone.")),
  })
  .check(...memberChecks);

/** Whether the params, or one of the actions in their list, have this member. */
function hasMember(params: JsonObject | readonly JsonObject[], name: string): boolean {
  return [params].flat().some((one) => (one[name] ?? null) !== null);
}
