import type { JsonObject } from "../../core/json/json.ts";
import type { ProviderHttpCall } from "../../core/providers/http-call.ts";
import type { ProviderClient } from "../../core/providers/provider-client.ts";
import { readLinkedApiCancel, readLinkedApiPoll, readLinkedApiSubmission } from "./answers.ts";
import { linkedApiCategoryOf } from "./categories.ts";
import { linkedApiEventTypeOf, withoutLabel } from "./result.ts";
import { linkedApiVocabulary } from "./vocabulary.ts";

/**
 * Submits requests to Linked API: `POST /workflows` with one action or a list.
 * https://linkedapi.io/docs/executing-workflows
 */
export const linkedApiRequests: ProviderClient = {
  // Linked API sends `workflow.started`, and a poll answers `running`.
  startsWhenAccepted: false,
  isSecret: () => false,
  isLogin: () => false,
  consequenceOf: linkedApiVocabulary.consequenceOf,
  categoryOf: linkedApiCategoryOf,
  isRestriction: (code) => linkedApiVocabulary.ruleOf(code)?.isRestriction === true,
  eventTypeOf: linkedApiEventTypeOf,

  // `linkedapi` 1.4.7 (PyPI), types/webhooks.py: events of messages and of the network.
  correlatedMembers: { person: /person(hashed)?url$/, conversation: /threadid$/ },

  submitCall: ({ requestId, action, params }, headers) => ({
    method: "POST",
    path: "/workflows",
    headers,
    body: JSON.stringify(workflowOf({ requestId, action, params })),
  }),
  readSubmission: readLinkedApiSubmission,

  pollCall: (workflowId, credentials) => workflow("GET", workflowId, credentials),
  readPoll: readLinkedApiPoll,

  cancel: {
    call: (workflowId, credentials) => workflow("DELETE", workflowId, credentials),
    read: readLinkedApiCancel,
  },

  withoutAddedLabel: withoutLabel,
  requestIdOf: ({ labels = [] }) => labels.find((label) => /^rq_[0-9a-f]{44}$/.test(label)),
};

/** The client's own body; the first action without a label gets our request id as its label. */
function workflowOf(input: {
  requestId: string;
  action: string;
  params: JsonObject | readonly JsonObject[];
}): unknown {
  const [first = {}, ...others] = [input.params].flat();
  const actions: JsonObject[] = [{ actionType: input.action, ...first }, ...others];
  const unlabelled = actions.findIndex(({ label }) => label === undefined);
  const labelled = actions.map((action, n) =>
    n === unlabelled ? { ...action, label: input.requestId } : action,
  );
  return Array.isArray(input.params) ? labelled : labelled[0];
}

function workflow(
  method: "GET" | "DELETE",
  workflowId: string,
  headers: Readonly<Record<string, string>>,
): ProviderHttpCall {
  return { method, path: `/workflows/${pathSegment(workflowId)}`, headers };
}

/** Encodes the id so that it stays one path segment; URL parsers also resolve an encoded dot, unless it is encoded twice. */
function pathSegment(id: string): string {
  const encoded = encodeURIComponent(id.toWellFormed());
  return /^\.*$/.test(encoded) ? `%252E${encoded.length}` : encoded;
}
