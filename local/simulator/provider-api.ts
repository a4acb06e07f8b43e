import type { IncomingHttpHeaders } from "node:http";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { JsonAnswer } from "../json-server.ts";
import type { Change } from "./jobs.ts";
import type { PlannedWebhook } from "./webhook-sender.ts";

/** A call as it came, at a business time. */
export interface ProviderCall {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** `undefined` where it is no JSON. */
  body: unknown;
  nowMs: number;
}

/** What a provider makes of a call. */
export interface Handled {
  answer: JsonAnswer;
  /** Absent where the call changes nothing. */
  change?: Omit<Change, "submission">;
  providerRequestId?: string;
}

export interface Endpoint {
  /** Questions and cancels are not listed. */
  isSubmission: boolean;
  accountId: string;
  /** The refusal where credentials are missing or not taken. */
  unauthorised?: JsonAnswer;
  handle(): Handled;
}

/** One simulated provider. */
export interface ProviderApi {
  provider: ProviderId;
  /** `undefined` where the call is none of this provider's. */
  endpoint(call: ProviderCall): Endpoint | undefined;
  /** Its names for a 429 and a 500. */
  tooManyRequests: string;
  internalError: string;
  /** How it says that something went wrong. */
  failed(status: number, type: string, message: string): JsonAnswer;
  /** Keeps what a webhook says, so that a question about it is answered alike. */
  remember(body: JsonObject, nowMs: number): void;
}

/** A webhook of a job, where the connection's webhooks go. */
export type PlanWebhook = (
  of: Pick<PlannedWebhook, "webhookId" | "body" | "atMs">,
) => PlannedWebhook;
