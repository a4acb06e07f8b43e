import fc from "fast-check";
import { expect, test } from "vitest";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import type { ProviderAnswer } from "../../shared/core/providers/provider-client.ts";
import { withProviderUpdate } from "../../shared/core/requests/state/provider-update.ts";
import {
  isTerminal,
  type RequestRecord,
  type StoredText,
} from "../../shared/core/requests/state/record.ts";
import { viewOf } from "../../shared/core/requests/state/request-view.ts";
import { extendResultDeadline } from "../../shared/core/requests/state/result-deadline.ts";
import { applySubmissionOutcome } from "../../shared/core/requests/state/submission-transitions.ts";
import { getAsLinkedApi } from "../../shared/providers/linked-api/dialect-handlers.ts";
import { getAsWeLink } from "../../shared/providers/we-link/dialect-handlers.ts";
import { weLink } from "../../shared/providers/we-link/pack.ts";
import { PROVIDER_REQUEST_ID } from "../support/payloads/provider-payloads.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";
import { webhookOf as toWebhook } from "../support/payloads/webhooks.ts";
import { runs } from "../support/runs/runs.ts";

/**
 * What a provider says by webhooks, polls and the answer to the submission, in any order and
 * spelling. The words are those of the specifications and of providers' users, written down
 * here a second time: the packs' tables must agree with them.
 */

type Meaning = "completed" | "failed" | "prompt" | "progress" | "unknown";

type Known = "we-link" | "linked-api";

const words: Readonly<Record<Known, Readonly<Record<Meaning, readonly string[]>>>> = {
  "we-link": {
    completed: ["SUCCESS", "COMPLETED", "CONNECTION_SENT", "SEARCH_COMPLETED", "PROFILE_DATA"],
    failed: ["FAILED", "CONNECTION_FAILED", "WRONG_PASSWORD", "STATUS_429", "PROFILE_NOT_FOUND"],
    prompt: ["PIN_REQUIRED", "LOGIN_PIN_REQUIRED"],
    progress: ["QUEUED", "IN_QUEUE", "PENDING", "PROCESSING", "IN_PROGRESS", "STARTED", "ACCEPTED"],
    unknown: ["REVIEWING", "NOT_SENT", "HMM", "PARTIALLY_COMPLETED", "HOLD_ON"],
  },
  "linked-api": {
    completed: ["completed"],
    failed: ["failed"],
    prompt: [],
    progress: ["pending", "running", "in_progress", "queued", "started"],
    unknown: ["paused", "reviewing", "archived"],
  },
};

interface Report {
  by: "webhook" | "poll";
  meaning: Meaning;
  status: string;
  /** The content: two reports with the same word and number are equal. */
  n: number;
}

const spelling = fc.constantFrom<((word: string) => string)[]>(
  (word) => word,
  (word) => word.toLowerCase(),
  (word) => word.toUpperCase(),
  (word) => ` ${word} `,
  (word) => word.replaceAll("_", "-"),
  (word) => word.replaceAll("_", " "),
);

const reportOf = (provider: Known): fc.Arbitrary<Report> => {
  const known = Object.entries(words[provider]).flatMap(([meaning, list]) =>
    list.map((word) => ({ meaning: meaning as Meaning, word })),
  );
  const isEnd = ({ meaning }: { meaning: Meaning }) =>
    meaning === "completed" || meaning === "failed";
  // Ends are rare, so that sequences go on.
  const word = fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...known.filter(isEnd)) },
    { weight: 3, arbitrary: fc.constantFrom(...known.filter((one) => !isEnd(one))) },
  );
  return fc
    .record({
      by: fc.constantFrom("webhook" as const, "poll" as const),
      word,
      spelling,
      n: fc.nat({ max: 2 }),
    })
    .map(({ by, word: { meaning, word: text }, spelling: spell, n }) => {
      return { by, meaning, status: spell(text), n };
    });
};

const sequence = fc.constantFrom<Known[]>("we-link", "linked-api").chain((provider) =>
  fc.record({
    provider: fc.constant(provider),
    reports: fc.array(reportOf(provider), { minLength: 1, maxLength: 7 }),
    answered: fc.option(
      reportOf(provider).filter(({ meaning }) => meaning !== "prompt"),
      { nil: undefined },
    ),
  }),
);

const json = (body: object): ProviderAnswer => ({
  status: 200,
  headers: {},
  body: Buffer.from(JSON.stringify(body)),
});

const contentOf = ({ meaning, n }: Report) => {
  if (meaning === "completed") return { result: { n } };
  return meaning === "failed" ? { message: `text ${n}` } : { message: `still ${n}` };
};

function webhookOf(provider: ProviderId, report: Report): object {
  if (provider === "we-link") {
    return { status: report.status, request_id: PROVIDER_REQUEST_ID, ...contentOf(report) };
  }
  const { status, meaning, n } = report;
  // Progress has an event of its own; a status that nobody knows comes as an end.
  const type = meaning === "progress" ? "workflow.started" : "workflow.completed";
  const result = meaning === "failed" ? { failure: { reason: "no", message: `text ${n}` } } : { n };
  return {
    id: `${type}:${PROVIDER_REQUEST_ID}`,
    type,
    createdAt: "2026-06-25T12:00:00.000Z",
    data: { workflowId: PROVIDER_REQUEST_ID, accountId: "account", status, result },
  };
}

function pollOf(provider: ProviderId, report: Report): ProviderAnswer {
  if (provider === "we-link") return json({ status: report.status, ...contentOf(report) });
  const { status: workflowStatus, meaning, n } = report;
  const failure = { reason: "no", message: `text ${n}` };
  const outcome = meaning === "failed" ? { failure } : { completion: { n } };
  const isEnd = meaning === "failed" || meaning === "completed";
  return json({ success: true, result: { workflowStatus, ...(isEnd ? outcome : {}) } });
}

/** The answer to the submission: an id, and for We-Link a status beside it. */
function submissionOf(provider: ProviderId, answered: Report | undefined): ProviderAnswer {
  if (provider === "we-link") {
    const status = answered ? { status: answered.status, ...contentOf(answered) } : {};
    return json({ requestId: PROVIDER_REQUEST_ID, ...status });
  }
  return json({ success: true, result: { workflowId: PROVIDER_REQUEST_ID } });
}

/** Small texts are in the request itself. */
const texts = {
  store: async (_: string, inline: string) => ({ inline }),
  open: async (text: StoredText) => ("inline" in text ? text.inline : ""),
};

const owner = newOwner();
const startMs = Date.UTC(2026, 5, 25, 12);

/** Reads each report as the pack does, and applies it to the request as consume, submit and reconcile do. */
function play({ provider, reports, answered }: Sequence) {
  const { client, parseWebhook } = providerPacks[provider];
  const context = { nowMs: startMs, nowRealMs: startMs, rules: requestRules };
  const action = provider === "we-link" ? "connect" : "st.sendConnectionRequest";
  const published: FinalEvent[] = [];
  let request = requestRecord({ ...owner, provider }, { action, status: "SUBMITTING" });
  /** Stores the request and publishes its outbox. @returns the number of events */
  const store = (changed: RequestRecord): number => {
    const events = changed.outbox.map(({ id, type, envelope }) => ({
      id,
      type,
      clientId: owner.clientId,
      envelope: "inline" in envelope ? envelope.inline : "",
    }));
    published.push(...events);
    request = { ...changed, outbox: [], version: changed.version + 1 };
    return events.length;
  };
  const submission = client.readSubmission(submissionOf(provider, answered), action);
  const of = { provider: client, nextSubmissionNotBeforeMs: startMs };
  store(applySubmissionOutcome(request, submission, context, of).request);
  /** What has been said, in the order in which it was heard. */
  const heard: Meaning[] = [];
  if (provider === "we-link" && answered) heard.push(answered.meaning);
  const counts = { webhooks: 0, events: 0, duplicates: 0, kept: 0 };
  for (const report of reports) {
    context.nowMs += 1_000;
    if (report.by === "poll") {
      // A request that has ended is not polled.
      if (isTerminal(request)) continue;
      const outcome = client.readPoll(PROVIDER_REQUEST_ID, pollOf(provider, report));
      heard.push(report.meaning);
      if (outcome.kind === "waiting") {
        store(extendResultDeadline(request, outcome, context));
        continue;
      }
      if (outcome.kind !== "update") throw new Error(`a poll was ${outcome.kind}`);
      const update = { event: outcome.event, isCurrentState: true };
      store(withProviderUpdate(request, update, context, client).request);
      continue;
    }
    const wasOpen = !isTerminal(request);
    const event = parseWebhook(toWebhook(webhookOf(provider, report)));
    const result = withProviderUpdate(request, { event }, context, client);
    heard.push(report.meaning);
    counts.webhooks++;
    const events = store(result.request);
    expect(events).toBeLessThanOrEqual(1);
    if (events > 0) counts.events++;
    else if (result.verdict === "late") counts.kept++;
    else counts.duplicates++;
    if (result.verdict === "unrecognised" && wasOpen) {
      // The provider is asked for what nobody understood, and the report is kept.
      expect(request.dueMs).toBe(context.nowMs);
      expect(request.unclearReports?.at(-1)).toMatchObject({ status: report.status });
    }
    if (result.verdict === "late") {
      expect(JSON.stringify(request.lateResult)).toContain(String(report.n));
    }
  }
  return { request, published, heard, counts };
}

type Sequence = typeof sequence extends fc.Arbitrary<infer Value> ? Value : never;

test("poll, webhook, bus and API tell the same end, and only a word that means an end is one", async () => {
  const ends = { SUCCEEDED: 0, FAILED: 0, open: 0, unclear: 0, late: 0 };
  await fc.assert(
    fc.asyncProperty(sequence, async (of) => {
      const { request, published, heard, counts } = play(of);
      const end = heard.find((meaning) => meaning === "completed" || meaning === "failed");
      const view = await viewOf(request, texts);
      const completed = published.filter(({ type }) => type === "workflow.completed");

      // Each authentic webhook is an event, a duplicate, or kept on the request.
      const { webhooks, events, duplicates, kept } = counts;
      expect(events + duplicates + kept).toBe(webhooks);
      // A word that nobody knows is shown, once for each content.
      const unclear = view.unclearReports ?? [];
      const unrecognised = published.filter(({ type }) => type === "event.unrecognised");
      expect(unclear).toHaveLength(unrecognised.length);

      if (end === undefined) {
        expect(["RUNNING", "ACTION_REQUIRED"]).toContain(view.status);
        expect([completed, view.result, view.error]).toEqual([[], undefined, undefined]);
        ends.open++;
      } else {
        const status = end === "completed" ? "SUCCEEDED" : "FAILED";
        expect(view.status).toBe(status);
        expect(completed).toHaveLength(1);
        const envelope = completed[0]?.envelope ?? "";
        const { data } = JSON.parse(envelope);
        expect(data.status).toBe(end);
        expect(data.error).toEqual(view.error);
        expect(data.result).toEqual(view.result && JSON.parse(view.result));
        const requests = { find: async () => ({ request: view }) } as never;
        const id = view.requestId;
        const linked = JSON.parse(
          await getAsLinkedApi(requests, { clientId: "cl_1", workflowId: id }),
        );
        expect(linked.result.workflowStatus).toBe(end);
        const polled = JSON.parse(
          await getAsWeLink(requests, { clientId: "cl_1", body: { request_id: id } }),
        );
        const write = weLink.webhookFormat?.payloads["workflow.completed"];
        const told = write?.({ envelope, hashFormat: "hmac-hex", secret: "s" }) ?? "{}";
        const { hash: _, ...members } = JSON.parse(told);
        // The answer of a poll and the webhook have the same members.
        expect(polled).toEqual(members);
        ends[status]++;
      }
      if (unclear.length > 0) ends.unclear++;
      if (view.lateResult !== undefined) ends.late++;
    }),
    runs(10_000),
  );
  for (const [end, count] of Object.entries(ends)) {
    expect([end, count]).toEqual([end, expect.toSatisfy((n) => n >= 50)]);
  }
});
