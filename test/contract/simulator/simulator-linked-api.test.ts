import { LinkedApi } from "@linkedapi/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { linkedApi as pack } from "../../../shared/providers/linked-api/pack.ts";
import { webhookOf } from "../../support/payloads/webhooks.ts";
import {
  linkedApiHeaders,
  MINUTE_MS,
  type SimulatorFixture,
  startSimulatorFixture,
} from "./simulator-fixture.ts";

let simulator: SimulatorFixture;
beforeEach(async () => {
  simulator = await startSimulatorFixture();
});
afterEach(() => simulator.close());

async function submit(body: unknown): Promise<string> {
  const answer = await simulator.linkedApi("POST", "/workflows", body);
  const result = { workflowId: expect.stringMatching(/^wf-/) };
  expect(answer).toMatchObject({ status: 200, body: { success: true, result } });
  return (answer.body.result as { workflowId: string }).workflowId;
}

const ask = async (id: string) =>
  (await simulator.linkedApi("GET", `/workflows/${id}`)).body.result as Record<string, unknown>;
const cancel = (id: string) => simulator.linkedApi("DELETE", `/workflows/${id}`);

const message = { actionType: "st.sendMessage", personUrl: "p", text: "t", label: "mine" };

test("A workflow sends webhooks when it is created, started and completed", async () => {
  const workflowId = await submit(message);
  await expect.poll(() => simulator.arrivals).toHaveLength(3);
  const completion = { actionType: "st.sendMessage", label: "mine", success: true, data: {} };
  const webhook = (type: string, status: string, more = {}) => ({
    id: `${type}:${workflowId}`,
    type,
    createdAt: expect.stringMatching(/Z$/),
    data: { workflowId, accountId: "acc-1", status, ...more },
  });
  expect(simulator.arrivals).toEqual(
    expect.arrayContaining([
      webhook("workflow.created", "pending"),
      webhook("workflow.started", "running"),
      webhook("workflow.completed", "completed", { result: completion }),
    ]),
  );
  for (const webhook of simulator.arrivals) {
    expect(pack.parseWebhook(webhookOf(webhook)).type).toBe(webhook.type);
  }
  expect(await ask(workflowId)).toEqual({ workflowId, workflowStatus: "completed", completion });
});

test("A workflow is pending, running and completed within the delay of the behaviour", async () => {
  await simulator.behave({ delayMs: [0, 20 * MINUTE_MS] });
  const statuses = new Set();
  // The times of the three steps are random: one of these workflows is seen in all of them.
  await expect
    .poll(async () => {
      const id = await submit(message);
      const seen = new Set();
      while (!seen.has("completed")) seen.add((await ask(id)).workflowStatus);
      for (const status of seen) statuses.add(status);
      return [...seen].join();
    })
    .toBe("pending,running,completed");
  expect(statuses.size).toBe(3);
});

describe("Workflow definitions", () => {
  test("The completion of a workflow with several actions is a list", async () => {
    const id = await submit([message, { actionType: "st.checkConnectionStatus" }]);
    await expect
      .poll(async () => (await ask(id)).completion)
      .toMatchObject([
        { actionType: "st.sendMessage", label: "mine" },
        { actionType: "st.checkConnectionStatus", data: { connectionStatus: "notConnected" } },
      ]);
  });

  test("The results of following actions are in the data of their action, in the form of the request", async () => {
    const search = {
      actionType: "st.searchPeople",
      limit: 2,
      // biome-ignore lint/suspicious/noThenProperty: Linked API names the field so
      then: { actionType: "st.openPersonPage" },
    };
    const id = await submit(search);
    const page = { actionType: "st.openPersonPage", success: true };
    await expect
      .poll(async () => (await ask(id)).completion)
      // biome-ignore lint/suspicious/noThenProperty: Linked API names the field so
      .toMatchObject({ data: [{ then: page }, { then: page }] });
  });
});

describe("Requested failures", () => {
  test("A requested failure of an action leaves the workflow completed", async () => {
    const id = await submit({ ...message, personUrl: "fail:personNotFound" });
    const completion = { success: false, error: { type: "personNotFound" }, label: "mine" };
    await expect.poll(() => ask(id)).toMatchObject({ workflowStatus: "completed", completion });
  });

  test("A requested failure of the workflow ends it as failed", async () => {
    const id = await submit({ ...message, personUrl: "fail-workflow:linkedinAccountSignedOut" });
    const failure = { reason: "linkedinAccountSignedOut", message: expect.any(String) };
    await expect.poll(() => ask(id)).toEqual({ workflowId: id, workflowStatus: "failed", failure });
    await expect.poll(() => simulator.arrivals).toHaveLength(3);
    const webhook = simulator.arrivals.find(({ type }) => type === "workflow.completed");
    expect(webhook).toMatchObject({ data: { status: "failed", result: { failure } } });
  });
});

describe("Cancel calls", () => {
  test("A cancel call withdraws the webhooks that are not sent yet", async () => {
    await simulator.behave({ delayMs: [30 * MINUTE_MS, 30 * MINUTE_MS] });
    const id = await submit(message);
    const other = await submit(message);
    expect((await cancel(id)).body).toEqual({ success: true, result: { cancelled: true } });
    expect(simulator.store().collection("simulator-webhooks").entries()).toHaveLength(3);
    await expect.poll(() => simulator.arrivals).toHaveLength(3);
    const arrivedIds = simulator.arrivals.map(
      ({ data }) => (data as { workflowId: string }).workflowId,
    );
    expect(new Set(arrivedIds)).toEqual(new Set([other]));
    expect(await ask(id)).toMatchObject({
      workflowStatus: "failed",
      failure: { reason: "cancelled" },
    });
    // A repeated call, as after a lost response.
    expect((await cancel(id)).body).toEqual({ success: true, result: { cancelled: true } });
  });

  test("A cancel call has no effect on a workflow that has ended", async () => {
    const id = await submit(message);
    await expect.poll(async () => (await ask(id)).workflowStatus).toBe("completed");
    expect((await cancel(id)).body).toEqual({ success: true, result: { cancelled: false } });
  });
});

describe("Error responses of Linked API", () => {
  const { "linked-api-token": token, "identification-token": account } = linkedApiHeaders;
  test.each([
    ["linkedApiTokenRequired", { "identification-token": account }],
    ["identificationTokenRequired", { "linked-api-token": token }],
    ["invalidLinkedApiToken", { ...linkedApiHeaders, "linked-api-token": "refused" }],
    ["invalidIdentificationToken", { ...linkedApiHeaders, "identification-token": "refused" }],
  ])("Invalid credentials are answered 401 %s", async (type, headers) => {
    const answer = await simulator.linkedApi("POST", "/workflows", message, { headers });
    expect(answer).toMatchObject({
      status: 401,
      body: { success: false, error: { type, message: expect.any(String) } },
    });
  });

  test.each([
    ["{"],
    [[]],
    [{}],
    [[message, {}]],
    // biome-ignore lint/suspicious/noThenProperty: Linked API names the field so
    [{ ...message, then: {} }],
  ])("The invalid definition %j is answered 400", async (body) => {
    const answer = await simulator.linkedApi("POST", "/workflows", body);
    expect(answer).toMatchObject({ status: 400, body: { error: { type: "invalidWorkflow" } } });
  });

  test.each(["GET", "DELETE"])("%s of an unknown workflow is answered 404", async (method) => {
    const answer = await simulator.linkedApi(method, "/workflows/wf-none");
    const error = { type: "workflowNotFound", message: expect.any(String) };
    expect(answer).toMatchObject({ status: 404, body: { success: false, error } });
  });
});

test("A token of another form is used as the account id", async () => {
  const headers = { ...linkedApiHeaders, "identification-token": "plain" };
  await simulator.linkedApi("POST", "/workflows", message, { headers });
  expect(await simulator.submissions()).toMatchObject([{ accountId: "plain" }]);
});

describe("The official client", () => {
  const client = () =>
    new LinkedApi({ linkedApiToken: "t", identificationToken: "i", baseUrl: simulator.url() });
  const soon = { pollInterval: 20 };

  test("The official client reads actions without a result and failed actions", async () => {
    const api = client();
    const sent = await api.sendMessage.execute({ personUrl: "p", text: "t" });
    expect(await api.sendMessage.result(sent, soon)).toEqual({ data: undefined, errors: [] });
    const failing = await api.sendConnectionRequest.execute({ personUrl: "fail:alreadyPending" });
    expect(await api.sendConnectionRequest.result(failing, soon)).toMatchObject({
      errors: [{ type: "alreadyPending" }],
    });
  });

  test("The official client reads a status, a person with details, and a search", async () => {
    const api = client();
    const status = await api.checkConnectionStatus.execute({ personUrl: "p" });
    expect((await api.checkConnectionStatus.result(status, soon)).data).toEqual({
      connectionStatus: "notConnected",
    });
    const person = await api.fetchPerson.execute({ personUrl: "p", retrieveSkills: true });
    expect(await api.fetchPerson.result(person, soon)).toMatchObject({
      data: { name: expect.any(String), publicUrl: "p", skills: expect.any(Array) },
      errors: [],
    });
    const search = await api.searchPeople.execute({ term: "x", limit: 2 });
    expect((await api.searchPeople.result(search, soon)).data).toHaveLength(2);
  });

  test("The official client reads a custom workflow and a cancel", async () => {
    await simulator.behave({ delayMs: [30 * MINUTE_MS, 30 * MINUTE_MS] });
    const api = client();
    const custom = await api.customWorkflow.execute(message);
    expect((await api.customWorkflow.result(custom, soon)).data).toMatchObject({ label: "mine" });
    expect(await api.sendMessage.cancel(await api.sendMessage.execute(message))).toBe(true);
  });
});
