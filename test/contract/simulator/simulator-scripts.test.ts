import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  MINUTE_MS,
  type SimulatorFixture,
  startSimulatorFixture,
  weLinkHeaders,
} from "./simulator-fixture.ts";

let simulator: SimulatorFixture;
beforeEach(async () => {
  simulator = await startSimulatorFixture();
});
afterEach(() => simulator.close());

const message = { actionType: "st.sendMessage", personUrl: "p", text: "t" };
const connect = (accountId = "a") => simulator.weLink("connect", { accountId, profile_id: "p" });
const poll = (request_id: unknown) => simulator.weLink("get_response", { request_id });

async function script(...scripts: object[]): Promise<void> {
  expect(await simulator.behave({ scripts })).toMatchObject({ status: 200 });
}

async function used(): Promise<number[]> {
  const { body } = await simulator.call("/_control/scripts");
  return (body.scripts as { used: number }[]).map((one) => one.used);
}

async function workflow(): Promise<string> {
  const { body } = await simulator.linkedApi("POST", "/workflows", message);
  return (body.result as { workflowId: string }).workflowId;
}

describe("Scripted answers to submissions", () => {
  test("An error answer has the scripted status, headers and body, and the call has no effect", async () => {
    const body = { status: "ACCOUNT_RESTRICTED", message: "r" };
    await script({
      on: "submission",
      status: 400,
      headers: { "Retry-After": "7" },
      body,
      times: 1,
    });
    const answer = await connect();
    expect(answer).toMatchObject({ status: 400, body });
    expect(answer.headers.get("retry-after")).toBe("7");
    expect(await simulator.submissions()).toMatchObject([{ status: 400, path: "/api/v1/connect" }]);
    expect((await connect()).body).toEqual({ requestId: expect.stringMatching(/^wl-/) });
    await expect.poll(() => simulator.arrivals).toHaveLength(1);
    expect(await used()).toEqual([1]);
  });

  test("A numeric id in the answer is the id of the request", async () => {
    await script({ on: "submission", body: { requestId: 12345 }, times: 1 });
    expect((await connect()).body).toEqual({ requestId: 12345 });
    await expect.poll(() => simulator.arrivals).toMatchObject([{ request_id: "12345" }]);
    expect((await poll("12345")).body).toMatchObject({ status: "SUCCESS", requestId: "12345" });
    expect(await simulator.submissions()).toMatchObject([{ providerRequestId: "12345" }]);
  });

  test("An answer without an id takes effect", async () => {
    await script({ on: "submission", patch: { requestId: null }, times: 1 });
    expect(await connect()).toMatchObject({ status: 200, body: {} });
    await expect.poll(() => simulator.arrivals).toMatchObject([{ status: "SUCCESS" }]);
  });

  test("A script may say whether the call takes effect", async () => {
    await script(
      { on: "submission", status: 503, effect: true, times: 1 },
      { on: "submission", body: { requestId: "lost" }, effect: false, times: 1 },
    );
    expect((await connect()).status).toBe(503);
    await expect.poll(() => simulator.arrivals).toHaveLength(1);
    expect((await connect()).body).toEqual({ requestId: "lost" });
    expect((await poll("lost")).status).toBe(404);
  });

  test("A delayed answer comes after the webhook", async () => {
    await script({ on: "submission", delayMs: 300 });
    const answer = connect();
    await expect.poll(() => simulator.arrivals).toHaveLength(1);
    const { requestId } = (await answer).body;
    expect(simulator.arrivals).toMatchObject([{ request_id: requestId }]);
  });

  test.each([
    ["without an answer", { drop: true }],
    ["in the middle of the body", { drop: "mid-body" }],
  ])("A connection is closed %s and the call takes effect", async (_name, more) => {
    await script({ on: "submission", ...more });
    await expect(connect()).rejects.toThrow();
    await expect.poll(() => simulator.arrivals).toHaveLength(1);
  });

  test("A connection that hangs gets no answer", async () => {
    await script({ on: "submission", hang: true });
    const signal = AbortSignal.timeout(100);
    const body = { accountId: "a" };
    await expect(
      simulator.weLink("connect", body, { headers: weLinkHeaders, signal }),
    ).rejects.toThrow(/timeout/);
  });
});

describe("Scripted answers to other calls", () => {
  test("A status of one's choice is answered with the id of the request", async () => {
    const body = { status: "STARTED", requestId: "{requestId}", message: "at {now}" };
    await script({ on: "poll", match: { provider: "we-link" }, body });
    const { requestId } = (await connect()).body;
    expect((await poll(requestId)).body).toEqual({
      status: "STARTED",
      requestId,
      message: expect.stringMatching(/^at \d{4}-.*Z$/),
    });
  });

  test("A patch changes the simulator's own answer: Linked API's status without workflowId", async () => {
    await script({
      on: "poll",
      match: { state: "completed" },
      patch: { result: { workflowId: null } },
    });
    const id = await workflow();
    await expect
      .poll(async () => (await simulator.linkedApi("GET", `/workflows/${id}`)).body)
      .toEqual({
        success: true,
        result: { workflowStatus: "completed", completion: expect.anything() },
      });
  });

  test("A pending workflow has a reason", async () => {
    await simulator.behave({
      delayMs: [60 * MINUTE_MS, 60 * MINUTE_MS],
      scripts: [{ on: "poll", patch: { result: { pendingReason: "outsideWorkingHours" } } }],
    });
    const id = await workflow();
    const { body } = await simulator.linkedApi("GET", `/workflows/${id}`);
    expect(body).toMatchObject({
      result: { workflowStatus: "pending", pendingReason: "outsideWorkingHours" },
    });
  });

  test("A cancel call and a call that the simulator does not handle are answered by scripts", async () => {
    await script(
      { on: "cancel", status: 409, body: { success: false } },
      {
        on: "call",
        match: { method: "post", path: "/admin/*" },
        body: { success: true, result: [] },
      },
    );
    const id = await workflow();
    expect((await simulator.linkedApi("DELETE", `/workflows/${id}`)).status).toBe(409);
    const answer = await simulator.linkedApi("POST", "/admin/limits.get", {});
    expect(answer).toMatchObject({ status: 200, body: { success: true, result: [] } });
    expect((await simulator.linkedApi("GET", "/admin/limits.get")).status).toBe(404);
  });

  test("A body is sent compressed, with a byte order mark, as text or as bytes", async () => {
    await script(
      {
        on: "poll",
        match: { requestId: "1" },
        body: { status: "SUCCESS" },
        encoding: "gzip",
        bom: true,
      },
      {
        on: "poll",
        match: { requestId: "2" },
        body: '{"status":1.0}',
        headers: { "Content-Type": "text/html" },
      },
      { on: "poll", match: { requestId: "3" }, bodyBase64: gzipSync("{}").toString("base64") },
    );
    const raw = async (request_id: string) => {
      const response = await fetch(`${simulator.url()}/api/v1/get_response`, {
        method: "POST",
        headers: weLinkHeaders,
        body: JSON.stringify({ request_id }),
      });
      return { headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
    };
    const first = await raw("1");
    expect(first.headers.get("content-encoding")).toBe("gzip");
    expect(first.bytes.toString("hex")).toBe(
      Buffer.from('\uFEFF{"status":"SUCCESS"}').toString("hex"),
    );
    const second = await raw("2");
    expect(second.headers.get("content-type")).toBe("text/html");
    expect(second.bytes.toString()).toBe('{"status":1.0}');
    expect((await raw("3")).bytes).toEqual(gzipSync("{}"));
  });
});

describe("Which script applies", () => {
  test("The first script that matches and is not used up applies, after the matches that it skips", async () => {
    const answer = (requestId: string) => ({ body: { requestId }, effect: false });
    await script(
      {
        on: "submission",
        match: { account: "a", action: "connect" },
        skip: 1,
        times: 1,
        ...answer("1"),
      },
      { on: "submission", match: { contains: '"profile_id":"p"' }, times: 1, ...answer("2") },
      { on: "call", ...answer("3") },
    );
    const ids = [];
    for (const account of ["b", "a", "a", "a"]) ids.push((await connect(account)).body.requestId);
    expect(ids).toEqual(["2", "3", "1", "3"]);
    expect(await used()).toEqual([1, 1, 2]);
    expect((await simulator.linkedApi("POST", "/workflows", message)).body).toEqual({
      requestId: "3",
    });
  });

  test("Linked API's actions are the types of the actions at the top level", async () => {
    await script({ on: "submission", match: { action: "st.sendMessage" }, status: 500, body: {} });
    expect((await simulator.linkedApi("POST", "/workflows", [message])).status).toBe(500);
    const other = { ...message, actionType: "st.openPersonPage" };
    expect((await simulator.linkedApi("POST", "/workflows", other)).status).toBe(200);
  });

  test("The uses are counted across a restart, and anew when the behaviour is replaced", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "ackwire-scripts-"));
    const durable = await startSimulatorFixture(dataDir);
    try {
      const scripts = [{ on: "submission", times: 1, status: 500, body: {} }];
      const status = async () => (await durable.weLink("connect", { accountId: "a" })).status;
      await durable.behave({ scripts });
      expect(await status()).toBe(500);
      await durable.restart();
      expect(await status()).toBe(200);
      await durable.behave({ scripts });
      expect(await status()).toBe(500);
    } finally {
      await durable.close();
      rmSync(dataDir, { recursive: true });
    }
  });
});

describe("Scripted webhooks", () => {
  test("A webhook has the scripted status and a signature", async () => {
    await script({ on: "webhook", patch: { status: "CONNECTION_SENT" } });
    const { requestId } = (await connect()).body;
    await expect.poll(() => simulator.arrivals).toHaveLength(1);
    expect(simulator.arrivals[0]).toEqual({
      status: "CONNECTION_SENT",
      request_id: requestId,
      result: { connected: true, profile_id: "p" },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test("A thin webhook has no result", async () => {
    await script({
      on: "webhook",
      match: { type: "workflow.completed", account: "acc-1", state: "completed" },
      patch: { data: { result: null } },
    });
    await workflow();
    await expect.poll(() => simulator.arrivals).toHaveLength(3);
    const completed = simulator.arrivals.find(({ type }) => type === "workflow.completed");
    expect(completed?.data).not.toHaveProperty("result");
    expect(completed?.data).toHaveProperty("workflowId");
  });

  test("Extra webhooks contradict the own one, which is late", async () => {
    await script({
      on: "webhook",
      delayMs: 10 * MINUTE_MS,
      extra: [
        { body: { status: "FAILED", request_id: "{requestId}", error: "PROXY_ERROR" } },
        { afterMs: 20 * MINUTE_MS, patch: { result: { connected: false } } },
      ],
    });
    const { requestId } = (await connect()).body;
    await expect.poll(() => simulator.arrivals).toHaveLength(3);
    expect(simulator.arrivals).toMatchObject([
      { status: "FAILED", request_id: requestId, error: "PROXY_ERROR", hash: expect.anything() },
      { status: "SUCCESS", request_id: requestId, result: { connected: true } },
      { status: "SUCCESS", request_id: requestId, result: { connected: false } },
    ]);
  });

  test("A webhook is suppressed", async () => {
    await script({ on: "webhook", match: { action: "connect" }, drop: true });
    await connect();
    await expect.poll(used).toEqual([1]);
    await connect();
    await expect.poll(used).toEqual([2]);
    expect(simulator.arrivals).toEqual([]);
    expect(simulator.store().collection("simulator-webhooks").entries()).toEqual([]);
  });

  test("A text is sent as it is, without a signature", async () => {
    await script({ on: "webhook", body: '{"status":"SUCCESS", "request_id":"{requestId}"}' });
    const { requestId } = (await connect()).body;
    await expect
      .poll(() => simulator.arrivals)
      .toEqual([{ status: "SUCCESS", request_id: requestId }]);
  });

  test("A webhook sent by hand follows no script", async () => {
    await script({ on: "webhook", drop: true });
    const body = { status: "SUCCESS", requestId: "by-hand" };
    await simulator.call("/_control/send", { method: "POST", body: { provider: "we-link", body } });
    await expect.poll(() => simulator.arrivals).toMatchObject([body]);
  });
});

describe("Validation", () => {
  test.each([
    [{ on: "submit" }, /scripts\.0\.on/],
    [{ on: "poll", times: 0 }, /scripts\.0\.times: must be at least 1/],
    [{ on: "poll", status: 99 }, /scripts\.0\.status/],
    [{ on: "poll", body: {}, patch: {} }, /scripts\.0: only one of body, patch and bodyBase64/],
    [{ on: "poll", bodyBase64: "?" }, /scripts\.0\.bodyBase64/],
    [{ on: "poll", headers: { "a b": "c" } }, /scripts\.0\.headers: must be names and values/],
    [{ on: "poll", extra: [] }, /scripts\.0: extra is for webhooks only/],
    [{ on: "poll", match: { type: "workflow.created" } }, /match\.type is for webhooks only/],
    [{ on: "webhook", status: 200 }, /status, effect, hang are not for webhooks/],
    [{ on: "webhook", drop: "mid-body" }, /drop of a webhook must be true or false/],
    [{ on: "webhook", match: { accountId: "a" } }, /scripts\.0\.match: .*accountId/],
    [{ on: "poll", delay: 1 }, /scripts\.0: .*delay/],
  ])("The script %j is refused with a reason", async (one, reason) => {
    const { status, body } = await simulator.behave({ scripts: [one] });
    expect({ status, error: body.error }).toEqual({
      status: 400,
      error: expect.stringMatching(reason),
    });
  });
});

describe("Actions that the documents do not name", () => {
  test("We-Link refuses an unknown action as a path that does not exist", async () => {
    expect(await simulator.weLink("conect", { accountId: "a" })).toMatchObject({
      status: 404,
      body: { status: "NOT_FOUND", message: "Cannot POST /api/v1/conect" },
    });
    expect(await simulator.submissions()).toMatchObject([{ status: 404 }]);
  });

  test.each([
    { actionType: "st.nope" },
    { actionType: "sendMessage" },
    { actionType: "st.sendMessage.x" },
    // biome-ignore lint/suspicious/noThenProperty: Linked API names the field so
    [{ ...message, then: [{ actionType: "st.nope" }] }],
  ])("Linked API refuses the definition %j as an invalid workflow", async (definition) => {
    const answer = await simulator.linkedApi("POST", "/workflows", definition);
    expect(answer).toMatchObject({
      status: 400,
      body: { success: false, error: { type: "invalidWorkflow" } },
    });
  });

  test("The behaviour adds actions", async () => {
    await simulator.behave({ actions: ["conect", "st.nope"] });
    expect((await simulator.weLink("conect", { accountId: "a" })).status).toBe(200);
    const workflows = { actionType: "st.nope" };
    expect((await simulator.linkedApi("POST", "/workflows", workflows)).status).toBe(200);
  });

  test("We-Link's account calls are answered at once", async () => {
    expect((await simulator.weLink("get_all_ln_accounts", {})).body).toEqual([
      { accountId: expect.any(String), email: expect.any(String) },
    ]);
    expect((await simulator.weLink("me", { accountId: "a" })).body).toMatchObject({
      status: "SUCCESS",
      result: { first_name: "Jane" },
    });
    expect(await simulator.submissions()).toEqual([]);
  });
});

test("The example in the documentation is accepted", async () => {
  const document = readFileSync(new URL("../../../docs/local-run.md", import.meta.url), "utf8");
  const [, json = ""] = document.match(/-d '(\{"scripts":\[[^']*\]\})'/) ?? [];
  const { status, body } = await simulator.behave(JSON.parse(json));
  expect({ status, scripts: body.scripts }).toEqual({ status: 200, scripts: expect.any(Array) });
});
