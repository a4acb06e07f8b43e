import type { IncomingHttpHeaders } from "node:http";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { JsonAnswer } from "../json-server.ts";
import type { Change, Job } from "./jobs.ts";
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
  /** Only submissions are listed. `other` is a call that is answered at once. */
  kind: "submission" | "poll" | "cancel" | "other";
  accountId: string;
  /** The names of what a submission asks for. */
  actions: readonly string[];
  /** The id that a status or cancel call is about. */
  requestId?: string;
  /** The response to missing or rejected credentials. */
  unauthorised?: JsonAnswer;
  /** Carries out the call. A submission takes `newId` as its id; absent: a random one. */
  handle(newId?: string): Handled;
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
  /** Returns the id in the body of an answer to a submission. */
  idIn(body: unknown): string | undefined;
  /** Returns the status in the body of an answer. */
  stateIn(body: unknown): string | undefined;
  /** Stores the content of a webhook, so that status calls return the same. */
  remember(body: JsonObject, nowMs: number): void;
}

/** Plans a webhook of a job for the connection that gets the provider's webhooks. */
export type PlanWebhook = (
  of: Pick<PlannedWebhook, "webhookId" | "body" | "atMs"> & { job: Pick<Job, "id" | "facts"> },
) => PlannedWebhook;
