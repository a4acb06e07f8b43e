import { afterAll, beforeAll, expect } from "vitest";
import { type RequestsRun, startRequestsRun } from "../support/runs/requests-run.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Webhooks": the sentences about workflows that are submitted through Ackwire. */
const { states, everySentenceHasItsTest } = makeSpecification([
  "Instead of polling for a workflow result, register a webhook once.",
  "Fetch the result via the workflow API using data.workflowId.",
  "Cancelled workflows do not emit a webhook.",
]);

let run: RequestsRun;
beforeAll(async () => {
  run = await startRequestsRun({ speed: 600, settings: { firstPollSeconds: "86400" } });
});
afterAll(() => run.close());

const action = { actionType: "st.sendMessage", personUrl: "https://example.com/jane", text: "Hi" };

interface Started {
  result: { workflowId: string };
}

async function start(): Promise<string> {
  const { body, status } = await run.linkedApi<Started>("POST", "/workflows", action);
  expect(status).toBe(200);
  return body.result.workflowId;
}

states("Instead of polling for a workflow result, register a webhook once.", async () => {
  const workflowId = await start();
  // The provider's webhook ends the request without a poll, and the event has its result.
  const event = await run.event(workflowId, "workflow.completed");
  expect(event.data).toMatchObject({ status: "completed", result: { success: true } });
  expect(await run.stored(workflowId)).toMatchObject({ status: "SUCCEEDED", polls: 0 });
});

states("Fetch the result via the workflow API using data.workflowId.", async () => {
  const { data } = await run.event(await start(), "workflow.completed");
  const { body } = await run.linkedApi("GET", `/workflows/${data.workflowId}`);
  expect(body).toMatchObject({
    success: true,
    result: { workflowStatus: "completed", completion: data.result },
  });
});

states("Cancelled workflows do not emit a webhook.", async () => {
  // With a month between the steps, the workflow is still running when it is cancelled.
  const monthMs = 30 * 86_400_000;
  await run.behave({ delayMs: [monthMs, monthMs] });
  const workflowId = await start();
  await run.reaches(workflowId, "RUNNING");
  const { body } = await run.linkedApi("DELETE", `/workflows/${workflowId}`);
  expect(body).toEqual({ success: true, result: { cancelled: true } });
  await run.behave({});
  // When a later workflow of the account has completed, an event of this one would have arrived.
  await run.event(await start(), "workflow.completed");
  const events = run.received.filter(({ detail }) => detail.data.requestId === workflowId);
  expect(events.map(({ detail }) => detail.type)).not.toContain("workflow.completed");
  expect((await run.get(workflowId)).status).toBe("CANCELLED");
});

everySentenceHasItsTest();
