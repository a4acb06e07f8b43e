import { afterAll, beforeAll, expect, test } from "vitest";
import { eventOf, startWebhookReceiver, verified } from "../support/fakes/webhook-receiver.ts";
import { type RequestsRun, startRequestsRun } from "../support/runs/requests-run.ts";
import { waitOptions } from "../support/wait-timeout.ts";

/** From Friday 18:00 to Monday 09:00. */
const WEEKEND_MS = 63 * 3_600_000;
const A_YEAR_MS = 365 * 86_400_000;

let run: RequestsRun;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
beforeAll(async () => {
  run = await startRequestsRun({ speed: 14_400, settings: { resultTimeoutSeconds: "86400" } });
  receiver = await startWebhookReceiver();
});
afterAll(async () => {
  await run.close();
  await receiver.close();
});

const parks = {
  match: { provider: "linked-api" as const },
  patch: { result: { pendingReason: "outsideWorkingHours" } },
};

test("a workflow that Linked API parks for 63 hours succeeds without a second submission, and a provider's late answer is told once", async () => {
  const endpoint = receiver.endpoint();
  const { body: webhook } = await run.native<{ secret: string }>("PUT", "/v1/webhook", {
    url: endpoint.url,
    eventTypes: ["workflow.lateResult", "workflow.completed"],
  });

  // We-Link takes the request, and answers nothing any more.
  const scripts = [{ on: "poll" as const, match: { provider: "we-link" as const }, drop: true }];
  await run.behave({ delayMs: [A_YEAR_MS, A_YEAR_MS], scripts: scripts as never });
  const silent = await run.request({ accountId: "silent", action: "connect" });
  const { requestId: silentId } = silent.body;
  const { providerRequestId } = await run.reaches(silentId, "RUNNING");

  await run.behave({
    delayMs: [WEEKEND_MS, WEEKEND_MS],
    scripts: [
      ...scripts,
      { on: "submission", ...parks },
      { on: "poll", ...parks, match: { ...parks.match, state: "pending" } },
    ] as never,
  });
  const account = run.run.seed.accounts.find(({ identificationToken }) => identificationToken);
  const parked = await run.request({
    provider: "linked-api",
    accountId: account?.accountId ?? "",
    action: "st.sendMessage",
    params: { personUrl: "https://example.com/jane", text: "Hi" },
  });
  const { requestId: parkedId } = parked.body;
  const shown = await run.reaches(parkedId, "RUNNING");
  expect(shown.pendingReason).toBe("outsideWorkingHours");
  const asShownBefore = await run.linkedApi("GET", `/workflows/${parkedId}`);
  expect(asShownBefore.body).toMatchObject({
    result: { workflowStatus: "pending", pendingReason: "outsideWorkingHours" },
  });

  const ended = await run.reaches(silentId, "FAILED");
  expect(ended.error?.code).toBe("RESULT_TIMEOUT");
  const finished = await run.reaches(parkedId, "SUCCEEDED");
  expect(finished.pendingReason).toBeUndefined();
  const parkedMs = Date.parse(finished.finishedAt ?? "") - Date.parse(finished.submittedAt ?? "");
  expect(parkedMs).toBeGreaterThanOrEqual(WEEKEND_MS - 60_000);
  const polls = Number((await run.stored(parkedId)).polls);
  expect(polls).toBeGreaterThan(0);
  expect(await run.submissions(account?.accountId)).toHaveLength(1);

  // Now the result comes all the same, twice.
  const send = async () => {
    const body = { status: "SUCCESS", request_id: providerRequestId, result: { connected: true } };
    const { status } = await fetch(`${run.run.addresses.providerUrl}/_control/send`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ provider: "we-link", body }),
    });
    expect(status).toBeLessThan(300);
  };
  await send();
  const late = await run.event(silentId, "workflow.lateResult");
  expect(late.data).toMatchObject({
    workflowId: silentId,
    accountId: "silent",
    action: "connect",
    status: "completed",
    result: { connected: true },
  });
  await send();
  const isLate = ({ body }: { body: string }) => eventOf({ body } as never).type === late.type;
  const [post] = await endpoint.received(1, isLate);
  expect(post && verified(post, webhook.secret)).toMatchObject({ id: late.id, data: late.data });
  const after = await run.get(silentId);
  expect(after).toMatchObject({ status: "FAILED", lateResult: { status: "completed" } });

  // A later request's event has come when a second event of the copy would have.
  await run.behave({});
  const next = await run.request({ accountId: "next", action: "connect" });
  await run.event(next.body.requestId, "workflow.completed");
  const isOfNext = ({ body }: { body: string }) => body.includes(next.body.requestId);
  await endpoint.received(1, isOfNext);
  const told = run.received.filter(({ detail }) => detail.type === late.type);
  expect(new Set(told.map(({ detail }) => detail.id))).toEqual(new Set([late.id]));
  expect(new Set(endpoint.posts.filter(isLate).map(({ id }) => id))).toEqual(new Set([late.id]));
  await expect.poll(() => run.stored(silentId), waitOptions).toMatchObject({ outbox: [] });
});
