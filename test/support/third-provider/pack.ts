import { createHmac } from "node:crypto";
import * as z from "zod/mini";
import { Failure } from "../../../shared/contracts/failures.ts";
import { equalSecrets } from "../../../shared/core/crypto/digest.ts";
import type { ProviderPack } from "../../../shared/core/providers/provider-pack.ts";
import { acmeDialect } from "./dialect.ts";
import { acmeRequests } from "./requests.ts";
import { acmeWebhookFormat } from "./webhook-format.ts";

const frame = z.looseObject({
  job: z.string().check(z.minLength(1), z.maxLength(128)),
  state: z.enum(["done", "failed"]),
  output: z.optional(z.unknown()),
});

/** A provider that does not exist. A test adds it to a copy of the repository. */
export const acme: ProviderPack<"acme"> = {
  id: "acme",
  name: "Acme",
  baseUrl: "https://api.acme.example",
  credentialHeaders: ["x-acme-key"],
  requiresWebhookSecret: true,
  signatureHeaders: ["x-acme-signature"],
  actionPattern: /^[a-z]{1,32}$/,

  /** An HMAC of the body in a header, as hex. */
  verify({ headers, text }, { secrets }) {
    const signature = headers["x-acme-signature"] ?? "";
    const isAuthentic = secrets.some((secret) => equalSecrets(signAcme(text, secret), signature));
    return isAuthentic ? { kind: "verified", form: "header" } : { kind: "invalid" };
  },

  parseWebhook({ value }) {
    const read = frame.safeParse(value);
    if (!read.success) throw new Failure("FRAME_INVALID", "must have a job and a state");
    const { job, state, output } = read.data;
    const ids = { workflowId: job, providerRequestId: job, eventType: "UNKNOWN" };
    return {
      type: "workflow.completed",
      providerObjectId: job,
      data:
        state === "done"
          ? { ...ids, status: "completed", result: output }
          : { ...ids, status: "failed", error: { code: "FAILED", message: "The job failed" } },
    };
  },

  client: acmeRequests,
  dialect: acmeDialect,
  webhookFormat: acmeWebhookFormat,
};

export function signAcme(text: string, secret: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}
