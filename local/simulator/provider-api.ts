import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { JsonAnswer } from "../json-server.ts";
import type { Change } from "./jobs.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";
import type { PlannedWebhook } from "./webhook-sender.ts";

/** A call that arrived at a business time. */
export interface ProviderCall {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Undefined for a body that is not JSON. */
  body: unknown;
  nowMs: number;
}

/** The result of a call. */
export interface Handled {
  answer: JsonAnswer;
  /** Absent for a call that changes nothing. */
  change?: Omit<Change, "submission">;
  providerRequestId?: string;
}

export interface Endpoint {
  /** False for status and cancel calls, which are not listed. */
  isSubmission: boolean;
  accountId: string;
  /** The response to missing or rejected credentials. */
  unauthorised?: JsonAnswer;
  handle(): Handled;
}

/** A simulated provider. */
export interface ProviderApi {
  provider: SimulatedProvider;
  /** Returns undefined for a call that is not one of this provider's. */
  endpoint(call: ProviderCall): Endpoint | undefined;
  /** Error codes for a 429 and a 500. */
  tooManyRequests: string;
  internalError: string;
  /** Builds an error response. */
  failed(status: number, type: string, message: string): JsonAnswer;
  /** Stores the content of a webhook, so that status calls return the same. */
  remember(body: JsonObject, nowMs: number): void;
}

/** Plans a webhook of a job for the connection that gets the provider's webhooks. */
export type PlanWebhook = (
  of: Pick<PlannedWebhook, "webhookId" | "body" | "atMs">,
) => PlannedWebhook;
