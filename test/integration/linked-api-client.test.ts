import { LinkedApi, LinkedApiError } from "@linkedapi/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { WAIT_TIMEOUT_MS } from "../support/wait-timeout.ts";

/** These tests use Linked API's official client; only its `baseUrl` points to Ackwire. */
let run: TestRun;
beforeAll(async () => {
  // The gap between an account's submissions passes in a second or two.
  run = await startTestRun({ speed: 120 });
});
afterAll(() => run.close());

const person = { personUrl: "https://www.linkedin.com/in/jane-doe" };
const waiting = { pollInterval: 250, timeout: WAIT_TIMEOUT_MS };

/** A client of one of the seeded accounts; each account has its own lane. */
function clientOf(account: 0 | 1, given: { linkedApiToken?: string; token?: string } = {}) {
  const accounts = run.seed.accounts.filter(({ provider }) => provider === "linked-api");
  return new LinkedApi({
    linkedApiToken: given.linkedApiToken ?? run.seed.apiKey,
    identificationToken: given.token ?? accounts[account]?.identificationToken ?? "",
    baseUrl: run.addresses.apiUrl,
  });
}

const errorTypeOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof LinkedApiError ? error.type : error),
  );

describe("Operations", () => {
  test("Linked API's client submits, polls and reads an operation", async () => {
    const client = clientOf(0);
    const workflowId = await client.checkConnectionStatus.execute(person);
    expect(workflowId).toMatch(/^rq_[0-9a-f]{44}$/);
    expect(await client.checkConnectionStatus.result(workflowId, waiting)).toEqual({
      data: { connectionStatus: "notConnected" },
      errors: [],
    });
  });

  test("An operation with following actions has their results in its own result", async () => {
    const client = clientOf(1);
    const workflowId = await client.fetchPerson.execute({ ...person, retrieveExperience: true });
    const { data, errors } = await client.fetchPerson.result(workflowId, waiting);
    expect(errors).toEqual([]);
    expect(data).toMatchObject({ name: expect.any(String), experiences: expect.any(Array) });
  });

  test("An operation whose action fails completes with the action's error", async () => {
    const client = clientOf(0);
    const workflowId = await client.sendMessage.execute({ ...person, text: "fail:personNotFound" });
    expect(await client.sendMessage.result(workflowId, waiting)).toMatchObject({
      errors: [{ type: "personNotFound" }],
    });
  });
});

describe("Custom workflows", () => {
  test("A custom workflow of several actions has a completion for each", async () => {
    const client = clientOf(1);
    const workflowId = await client.customWorkflow.execute([
      { actionType: "st.checkConnectionStatus", ...person, label: "first" },
      { actionType: "st.retrieveSSI" },
    ]);
    const { data } = await client.customWorkflow.result(workflowId, waiting);
    expect(data).toMatchObject([
      { actionType: "st.checkConnectionStatus", label: "first", success: true },
      { actionType: "st.retrieveSSI", success: true, data: { ssi: 61 } },
    ]);
    // Ackwire labels the first action that has no label, and takes its label out again.
    expect(data).toEqual([
      expect.objectContaining({ label: "first" }),
      expect.not.objectContaining({ label: expect.anything() }),
    ]);
  });

  test("A custom workflow that fails has the type of its error", async () => {
    const client = clientOf(0);
    const workflowId = await client.customWorkflow.execute({
      actionType: "st.sendMessage",
      text: "fail-workflow:languageNotSupported",
    });
    const result = client.customWorkflow.result(workflowId, waiting);
    expect(await errorTypeOf(result)).toBe("languageNotSupported");
  });

  test("A custom workflow that is cancelled while it waits in its lane is never submitted", async () => {
    const client = clientOf(1);
    const before = await client.customWorkflow.execute({ actionType: "st.retrieveSSI" });
    const workflowId = await client.customWorkflow.execute({
      actionType: "st.retrievePerformance",
      note: "never sent",
    });
    expect(await client.customWorkflow.cancel(workflowId)).toBe(true);
    expect(await errorTypeOf(client.customWorkflow.status(workflowId))).toBe("cancelled");
    await client.customWorkflow.result(before, waiting);
    expect(await client.customWorkflow.cancel(before)).toBe(false);
    const sent = await fetch(`${run.addresses.providerUrl}/_control/submissions`);
    expect(await sent.text()).not.toContain("never sent");
  });
});

describe("Rejected calls", () => {
  test.each([
    ["a wrong key", { linkedApiToken: "ackwire_key_wrong" }, "invalidLinkedApiToken"],
    ["an account that does not exist", { token: "k1.eA.eA" }, "invalidIdentificationToken"],
  ])(
    "A call with %s fails with the error type of Linked API's client",
    async (_name, given, type) => {
      const client = clientOf(0, given);
      expect(await errorTypeOf(client.customWorkflow.execute({ actionType: "st.x" }))).toBe(type);
    },
  );

  test("An invalid workflow and an unknown workflow fail with the error types of Linked API's client", async () => {
    const { customWorkflow } = clientOf(0);
    expect(await errorTypeOf(customWorkflow.execute([]))).toBe("invalidRequestPayload");
    expect(await errorTypeOf(customWorkflow.status("wf-nobody"))).toBe("workflowNotFound");
    expect(await errorTypeOf(customWorkflow.cancel("wf-nobody"))).toBe("workflowNotFound");
  });
});
