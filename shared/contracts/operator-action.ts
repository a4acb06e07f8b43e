import * as z from "zod/mini";

/** The EventBridge `source` of operator actions: no rule for clients' events matches it. */
export const OPERATOR_SOURCE = "ackwire.operator";

/** The EventBridge `detail-type` of an operator action. */
export const OPERATOR_ACTION = "operator.action";

const time = z.iso.datetime();

/**
 * A change that a person made, by the operator API, a portal link or the admin command. It names
 * ids and settings, and never a secret or a body.
 */
export const auditRecord = z.object({
  id: z.string().check(z.describe("au_ and 32 hexadecimal digits.")),
  at: time.check(z.describe("When it was begun.")),
  who: z.string().check(z.describe("operator:<key id>, portal:<client> or cli:<user>.")),
  whoName: z.optional(z.string()).check(z.describe("The name of the operator key.")),
  action: z.string().check(z.describe("The operation, such as resumeConnection.")),
  target: z
    .record(z.string(), z.string())
    .check(z.describe("The ids that name what was changed, such as connectionId.")),
  clientId: z.optional(z.string()),
  details: z.optional(z.record(z.string(), z.unknown())),
  why: z.optional(z.string()),
  outcome: z
    .enum(["done", "refused", "failed", "incomplete"])
    .check(
      z.describe(
        "`refused`: nothing was changed; `failed`: an error, and it may have been changed; `incomplete`: its process ended before it could say.",
      ),
    ),
  code: z.optional(z.string()).check(z.describe("Of a refusal or a failure.")),
  created: z
    .optional(z.record(z.string(), z.string()))
    .check(z.describe("The ids of what was created, such as keyId.")),
  finishedAt: z.optional(time),
});

export type AuditRecord = z.output<typeof auditRecord>;

/** The `detail` of an operator action on the bus. */
export const operatorAction = z.object({
  id: z.string().check(z.describe("The same if it is published twice.")),
  type: z.literal(OPERATOR_ACTION),
  createdAt: time,
  clientId: z.optional(z.string()).check(z.describe("Absent: it was about no client.")),
  data: auditRecord,
});

export type OperatorAction = z.output<typeof operatorAction>;
