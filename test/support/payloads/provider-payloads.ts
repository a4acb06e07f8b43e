import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { CallResult } from "../../../shared/core/requests/state/ports.ts";

/** What the provider reports about a request, by webhook or in answer to a poll. */
export type ProviderReport =
  | ("pending" | "running" | "prompt" | "other prompt" | "success")
  | ("WRONG_PASSWORD" | "STATUS_429");

/** What a poll may return. */
export type PollReport = ProviderReport | "not found" | "error";

/** How a submission's call ends. */
export type CallEnd =
  | ("accepted" | "done" | "error" | "incomplete" | "killed")
  /** These prove that nothing happened. */
  | ("rejected" | "too many" | "refused" | "not sent");

export const provesNothingHappened: readonly CallEnd[] = [
  ...(["rejected", "too many", "refused", "not sent"] as const),
];

/** Kills the worker during its call. */
export class Killed extends Error {
  override message = "killed";
}

/** The provider's id of the only request of these tests. */
export const PROVIDER_REQUEST_ID = "theirs-1";

/** The purpose of a call, by its method and path. */
export function purposeOf({
  method,
  path,
}: ProviderHttpCall): "submit" | "input" | "poll" | "cancel" {
  if (method === "DELETE") return "cancel";
  if (method === "GET" || path.endsWith("/get_response")) return "poll";
  return path.endsWith("/login_code") ? "input" : "submit";
}

/** The body of a webhook; `undefined` when this provider sends no such webhook. */
export function webhookBody(
  provider: ProviderId,
  report: ProviderReport,
  label?: string,
): Record<string, unknown> | undefined {
  if (provider === "we-link") return weLinkBody(report);
  const [type, status] = linkedApiPayload[report] ?? [];
  if (type === undefined) return undefined;
  const completion = {
    actionType: "connect",
    success: true,
    data: {},
    ...(label ? { label } : {}),
  };
  const failure = { reason: report, message: report };
  const result = status === "completed" ? completion : { failure };
  const data = { workflowId: PROVIDER_REQUEST_ID, accountId: "account", status, result };
  return {
    id: `${type}:${PROVIDER_REQUEST_ID}`,
    type,
    createdAt: "2026-06-25T12:00:00.000Z",
    data,
  };
}

export function pollAnswer(provider: ProviderId, report: PollReport): CallResult {
  if (report === "error") return answered(500, {});
  if (report === "not found") return answered(404, {});
  if (provider === "we-link") return answered(200, weLinkBody(report));
  const [, workflowStatus] = linkedApiPayload[report] ?? [];
  if (workflowStatus === undefined) return answered(404, {});
  const completion = { actionType: "connect", success: true, data: {} };
  const failure = { reason: report, message: report };
  const outcome = workflowStatus === "completed" ? { completion } : { failure };
  return answered(200, {
    success: true,
    result: { workflowId: PROVIDER_REQUEST_ID, workflowStatus, ...outcome },
  });
}

/** @throws Killed */
export function callAnswer(provider: ProviderId, end: CallEnd): CallResult {
  const isWeLink = provider === "we-link";
  switch (end) {
    case "accepted":
      return answered(
        200,
        isWeLink
          ? { requestId: PROVIDER_REQUEST_ID }
          : { success: true, result: { workflowId: PROVIDER_REQUEST_ID } },
      );
    case "done":
      // Only We-Link may answer a submission with its result.
      if (!isWeLink) return callAnswer(provider, "accepted");
      return answered(200, {
        status: "SUCCESS",
        requestId: PROVIDER_REQUEST_ID,
        result: { connected: true },
      });
    case "rejected":
      return answered(
        400,
        isWeLink ? { message: "no" } : { success: false, error: { type: "no" } },
      );
    case "too many":
      return answered(429, {});
    case "refused":
      return answered(401, {});
    case "error":
      return answered(500, {});
    case "not sent":
      return { kind: "notSent", reason: "ECONNREFUSED" };
    case "killed":
      throw new Killed();
    default:
      return { kind: "incomplete", reason: "TIMEOUT" };
  }
}

export function cancelAnswer(end: "yes" | "no" | "incomplete"): CallResult {
  if (end === "incomplete") return { kind: "incomplete", reason: "TIMEOUT" };
  return answered(200, { success: true, result: { cancelled: end === "yes" } });
}

function weLinkBody(report: ProviderReport): Record<string, unknown> {
  const request_id = PROVIDER_REQUEST_ID;
  switch (report) {
    case "pending":
      return { status: "QUEUED", request_id };
    case "running":
      return { status: "PROCESSING", request_id };
    case "prompt":
    case "other prompt":
      return { status: "PIN_REQUIRED", request_id, message: report };
    case "success":
      return { status: "SUCCESS", request_id, result: { connected: true } };
    default:
      return { status: "FAILED", request_id, error: report };
  }
}

/** Linked API has no prompts. */
const linkedApiPayload: Readonly<Partial<Record<ProviderReport, [type: string, status: string]>>> =
  {
    pending: ["workflow.created", "pending"],
    running: ["workflow.started", "running"],
    success: ["workflow.completed", "completed"],
    WRONG_PASSWORD: ["workflow.completed", "failed"],
    STATUS_429: ["workflow.completed", "failed"],
  };

function answered(status: number, body: object): CallResult {
  const answer = { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
  return { kind: "answered", answer };
}
