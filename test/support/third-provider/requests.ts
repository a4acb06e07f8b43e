import { isObject } from "../../../shared/core/json/json.ts";
import { bodyOfAnswer, isSuccess } from "../../../shared/core/providers/answer-body.ts";
import type { ProviderClient } from "../../../shared/core/providers/provider-client.ts";

export const acmeRequests: ProviderClient = {
  startsWhenAccepted: true,
  isSecret: () => false,
  isLogin: () => false,
  categoryOf: () => "other",
  isRestriction: () => false,
  consequenceOf: (code) => (code === "HTTP_429" ? "pauseLane" : "end"),
  eventTypeOf: () => "UNKNOWN",

  submitCall: ({ accountId, action, params }, headers) => ({
    method: "POST",
    path: `/jobs/${action}`,
    headers,
    body: JSON.stringify({ account: accountId, params }),
  }),
  readSubmission(answer) {
    const { value } = bodyOfAnswer(answer) ?? {};
    if (!isSuccess(answer) || !isObject(value) || typeof value.job !== "string") {
      return { kind: "unknown", code: `HTTP_${answer.status}` };
    }
    return { kind: "accepted", providerRequestId: value.job };
  },

  pollCall: (job, headers) => ({
    method: "GET",
    path: `/jobs/${encodeURIComponent(job)}`,
    headers,
  }),
  readPoll: (_job, answer) => ({ kind: "failed", code: `HTTP_${answer.status}` }),
};
