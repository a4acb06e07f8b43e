import type { JsonObject } from "../../core/json/json.ts";
import type { ProviderHttpCall } from "../../core/providers/http-call.ts";
import type { ProviderClient } from "../../core/providers/provider-client.ts";
import { isWeLinkAccount } from "./account.ts";
import { readWeLinkPoll, readWeLinkSubmission } from "./answers.ts";
import { weLinkCategoryOf, weLinkLimits } from "./categories.ts";
import { weLinkEventTypeOf } from "./event.ts";
import { weLinkVocabulary } from "./vocabulary.ts";

/** `login_v2` contains a password, `login_code` the code that was sent to the user. */
export const isLogin = (action: string) => action.startsWith("login");

/** Submits requests to We-Link: everything is a `POST` below `/api/v1`. */
export const weLinkRequests: ProviderClient = {
  // We-Link sends no event when it starts a request.
  startsWhenAccepted: true,
  isSecret: isLogin,
  isLogin,
  consequenceOf: weLinkVocabulary.consequenceOf,
  categoryOf: weLinkCategoryOf,
  providerLimits: weLinkLimits,
  isRestriction: (code) => weLinkVocabulary.ruleOf(code)?.isRestriction === true,
  eventTypeOf: weLinkEventTypeOf,

  // The members of the API reference, in any spelling, also with a prefix such as `sender_`.
  correlatedMembers: {
    person: /(profileid|profileurl|publicidentifier)$/,
    conversation: /threadid$/,
  },

  submitCall: ({ accountId, action, params }, credentials) =>
    post(action, { ...params, ...accountMember(accountId) }, credentials),
  readSubmission: readWeLinkSubmission,

  pollCall: (providerRequestId, credentials) =>
    post("get_response", { request_id: providerRequestId }, credentials),
  readPoll: readWeLinkPoll,

  // https://apidocs.we-link.ai/api-reference/authentication/submit-otp
  continuation: {
    promptEventType: "LOGIN_PIN_REQUIRED",
    call: ({ providerRequestId, accountId, input }, credentials) =>
      post(
        "login_code",
        { ...accountMember(accountId), code: input, requestId: providerRequestId },
        credentials,
      ),
  },
};

function accountMember(accountId: string): { accountId?: string } {
  return isWeLinkAccount(accountId) ? { accountId } : {};
}

function post(
  action: string,
  body: JsonObject,
  headers: Readonly<Record<string, string>>,
): ProviderHttpCall {
  const path = `/api/v1/${encodeURIComponent(action)}`;
  return { method: "POST", path, headers, body: JSON.stringify(body) };
}
