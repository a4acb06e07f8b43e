import { afterAll, beforeAll, expect } from "vitest";
import { type RequestsRun, startRequestsRun } from "../support/runs/requests-run.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Webhooks", sentence by sentence: what it says of workflows that were submitted here. */
const { says, everySentenceHasItsTest } = makeSpecification([
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

says("Instead of polling for a workflow result, register a webhook once.", async () => {
  const workflowId = await start();
  // Nobody asks: the provider's webhook ends the request, and the event tells it.
  const event = await run.event(workflowId, "workflow.completed");
  expect(event.data).toMatchObject({ status: "completed", result: { success: true } });
  expect(await run.stored(workflowId)).toMatchObject({ status: "SUCCEEDED", polls: 0 });
});

says("Fetch the result via the workflow API using data.workflowId.", async () => {
  const { data } = await run.event(await start(), "workflow.completed");
  const { body } = await run.linkedApi("GET", `/workflows/${data.workflowId}`);
  expect(body).toMatchObject({
    success: true,
    result: { workflowStatus: "completed", completion: data.result },
  });
});

says("Cancelled workflows do not emit a webhook.", async () => {
  // A month between the steps: it runs, and has not ended, when it is cancelled.
  const monthMs = 30 * 86_400_000;
  await run.behave({ delayMs: [monthMs, monthMs] });
  const workflowId = await start();
  await run.reaches(workflowId, "RUNNING");
  const { body } = await run.linkedApi("DELETE", `/workflows/${workflowId}`);
  expect(body).toEqual({ success: true, result: { cancelled: true } });
  await run.behave({});
  // What comes after it on the same account shows that nothing more came of it.
  await run.event(await start(), "workflow.completed");
  const told = run.received.filter(({ detail }) => detail.data.requestId === workflowId);
  expect(told.map(({ detail }) => detail.type)).not.toContain("workflow.completed");
  expect((await run.get(workflowId)).status).toBe("CANCELLED");
});

everySentenceHasItsTest();
