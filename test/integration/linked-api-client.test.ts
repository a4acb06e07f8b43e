import { LinkedApi, LinkedApiError } from "@linkedapi/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PATIENCE_MS } from "../support/patience.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";

/** Linked API's own client, pointed at Ackwire: nothing of it is changed but its `baseUrl`. */
let run: TestRun;
beforeAll(async () => {
  // The gap between an account's submissions passes in a second or two.
  run = await startTestRun({ speed: 120 });
});
afterAll(() => run.close());

const person = { personUrl: "https://www.linkedin.com/in/jane-doe" };
const waiting = { pollInterval: 250, timeout: PATIENCE_MS };

/** Each account has a lane of its own. */
function clientOf(account: 0 | 1, given: { linkedApiToken?: string; token?: string } = {}) {
  const accounts = run.seed.accounts.filter(({ provider }) => provider === "linked-api");
  return new LinkedApi({
    linkedApiToken: given.linkedApiToken ?? run.seed.apiKey,
    identificationToken: given.token ?? accounts[account]?.identificationToken ?? "",
    baseUrl: run.addresses.apiUrl,
  });
}

const failing = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof LinkedApiError ? error.type : error),
  );

describe("an operation", () => {
  test("is submitted, polled and read", async () => {
    const client = clientOf(0);
    const workflowId = await client.checkConnectionStatus.execute(person);
    expect(workflowId).toMatch(/^rq_[0-9a-f]{44}$/);
    expect(await client.checkConnectionStatus.result(workflowId, waiting)).toEqual({
      data: { connectionStatus: "notConnected" },
      errors: [],
    });
  });

  test("with actions that follow has their results in its own", async () => {
    const client = clientOf(1);
    const workflowId = await client.fetchPerson.execute({ ...person, retrieveExperience: true });
    const { data, errors } = await client.fetchPerson.result(workflowId, waiting);
    expect(errors).toEqual([]);
    expect(data).toMatchObject({ name: expect.any(String), experiences: expect.any(Array) });
  });

  test("whose action fails completes with its error", async () => {
    const client = clientOf(0);
    const workflowId = await client.sendMessage.execute({ ...person, text: "fail:personNotFound" });
    expect(await client.sendMessage.result(workflowId, waiting)).toMatchObject({
      errors: [{ type: "personNotFound" }],
    });
  });
});

describe("a workflow of one's own", () => {
  test("of several actions has a completion for each", async () => {
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
  });

  test("that fails says why", async () => {
    const client = clientOf(0);
    const workflowId = await client.customWorkflow.execute({
      actionType: "st.sendMessage",
      text: "fail-workflow:languageNotSupported",
    });
    const result = client.customWorkflow.result(workflowId, waiting);
    expect(await failing(result)).toBe("languageNotSupported");
  });

  test("that waits in its account's lane is cancelled, and never sent", async () => {
    const client = clientOf(1);
    const before = await client.customWorkflow.execute({ actionType: "st.retrieveSSI" });
    const workflowId = await client.customWorkflow.execute({
      actionType: "st.retrievePerformance",
      note: "never sent",
    });
    expect(await client.customWorkflow.cancel(workflowId)).toBe(true);
    expect(await failing(client.customWorkflow.status(workflowId))).toBe("cancelled");
    await client.customWorkflow.result(before, waiting);
    expect(await client.customWorkflow.cancel(before)).toBe(false);
    const sent = await fetch(`${run.addresses.providerUrl}/_control/submissions`);
    expect(await sent.text()).not.toContain("never sent");
  });
});

describe("what is refused", () => {
  test.each([
    ["a wrong key", { linkedApiToken: "ackwire_key_wrong" }, "invalidLinkedApiToken"],
    ["an account that is none", { token: "k1.eA.eA" }, "invalidIdentificationToken"],
  ])("%s is told in the client's own words", async (_name, given, type) => {
    const client = clientOf(0, given);
    expect(await failing(client.customWorkflow.execute({ actionType: "st.x" }))).toBe(type);
  });

  test("so are a bad workflow and one that is nobody's", async () => {
    const { customWorkflow } = clientOf(0);
    expect(await failing(customWorkflow.execute([]))).toBe("invalidRequestPayload");
    expect(await failing(customWorkflow.status("wf-nobody"))).toBe("workflowNotFound");
    expect(await failing(customWorkflow.cancel("wf-nobody"))).toBe("workflowNotFound");
  });
});
