import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { identificationToken } from "../../shared/core/administration/identification-token.ts";
import { makeServeApi, type ServeApiDeps } from "../../shared/core/api/serve-api.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { Requests } from "../../shared/core/requests/requests.ts";
import type { RequestView } from "../../shared/core/requests/state/request-view.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const masterKeys = {
  current: "k2",
  keys: new Map([
    ["k1", "1".repeat(32)],
    ["k2", "2".repeat(32)],
  ]),
};
const account = { clientId: "cl_1", accountId: "acc-1" };
const headers = {
  "x-api-key": "key1",
  "x-api-secret": "secret",
  "linked-api-token": "ackwire_key1_secret",
  "identification-token": identificationToken(masterKeys, account),
};

const view = (of: Partial<RequestView> = {}): RequestView => ({
  requestId: "rq_1",
  status: "QUEUED",
  provider: "we-link",
  accountId: "acc-1",
  action: "connect",
  priority: "normal",
  createdAt: "2026-06-25T12:00:00.000Z",
  attempts: 0,
  ...of,
});

/** The API with use cases that record their calls. */
function setUp(given: Partial<Requests> = {}) {
  const called: unknown[][] = [];
  const note =
    (name: string, answer: () => unknown) =>
    async (...args: unknown[]) => {
      called.push([name, ...args]);
      return answer();
    };
  const requests = {
    accept: note("accept", () => view()),
    get: note("get", () => view()),
    cancel: note("cancel", () => ({})),
    continue: note("continue", () => view({ status: "SUBMITTING" })),
    findByProviderId: async () => undefined,
    ...given,
  };
  const key = {
    pk: "key#key1",
    clientId: "cl_1",
    keyId: "key1",
    secretSha256: sha256Hex("secret"),
    createdAt: "2026-06-25T12:00:00.000Z",
  };
  const deps: Partial<ServeApiDeps> = {
    keys: {
      find: async (id) => (id === "key1" ? key : undefined),
      recordUse: async () => undefined,
    },
    masterKeys: async () => masterKeys,
    clock: makeTestClock(),
    onNonFatalError: () => undefined,
  };
  const serve = makeServeApi({ ...deps, requests } as unknown as ServeApiDeps);

  async function call(
    routeKey: string,
    of: { body?: unknown; headers?: object; id?: string } = {},
  ) {
    const [, name] = /\{(\w+)\}/.exec(routeKey) ?? [];
    const [method, template = ""] = routeKey.split(" ");
    const known = ["get_response", "workflows"].some((path) => template.includes(path));
    const action = template.startsWith("/api/v1/") && !known ? template.slice(8) : undefined;
    const event = {
      routeKey: action === undefined ? routeKey : `${method} /api/v1/{action}`,
      headers: { ...headers, ...of.headers },
      pathParameters: action === undefined ? name && { [name]: of.id ?? "rq_1" } : { action },
      body: typeof of.body === "string" ? of.body : JSON.stringify(of.body ?? {}),
    };
    const outcome = await serve(toCall(event as never, new AbortController().signal));
    const { statusCode, body = "", headers: sent } = toResult(outcome);
    return { status: statusCode, text: body, body: JSON.parse(body), headers: sent };
  }
  return { call, called };
}

const notFound = async () => {
  throw new Failure("NOT_FOUND", "there is no such request");
};
const refusing = (code: "CONFLICT" | "TOO_MANY_REQUESTS" | "DEPENDENCY_DOWN") => async () => {
  throw new Failure(code, "the DynamoDB table did not answer");
};
const finding = (envelope: object): Partial<Requests> => ({
  get: notFound,
  findByProviderId: async () => JSON.stringify(envelope),
});

describe("We-Link's POST /api/v1/{action}", () => {
  test("We-Link's submit creates a request for the account in the body", async () => {
    const { call, called } = setUp();
    const scheduled = "2026-06-26T12:00:00.000Z";
    const body = { accountId: "a", scheduled, profile_id: "p", connectionId: "c" };
    const answer = await call("POST /api/v1/connect", {
      body,
      headers: { "idempotency-key": "one" },
    });
    expect([answer.status, answer.text]).toEqual([200, '{"requestId":"rq_1"}']);
    expect(called).toEqual([
      [
        "accept",
        {
          clientId: "cl_1",
          provider: "we-link",
          accountId: "a",
          action: "connect",
          params: { profile_id: "p", connectionId: "c" },
          scheduled,
          idempotencyKey: "one",
        },
      ],
    ]);
  });

  test.each([
    ["an address", { email: "a@example.com" }, /^email:[0-9a-f]{16}$/],
    ["nothing", {}, /^unassigned$/],
    ["no text", { email: 1 }, /^unassigned$/],
  ])(
    "A We-Link call without an account but with %s waits in its own lane",
    async (_name, body, accountId) => {
      const { call, called } = setUp();
      await call("POST /api/v1/login_v2", { body });
      expect(called).toMatchObject([["accept", { accountId: expect.stringMatching(accountId) }]]);
    },
  );

  test("We-Link's submit passes on every digit of a number", async () => {
    const { call, called } = setUp();
    await call("POST /api/v1/connect", {
      body: '{"accountId":"a","n":1.0,"m":123456789012345678901234567890,"o":null}',
    });
    expect(JSON.stringify(called)).toContain(
      '{"n":1.0,"m":123456789012345678901234567890,"o":null}',
    );
  });

  test.each([
    ["accountId", {}],
    ["account_id", {}],
    ["accountID", {}],
    ["AccountId", { accountId: null }],
    ["account_id", { accountId: "a" }],
  ])("The account is understood as %s beside %j, and no lane is shared", async (name, more) => {
    const { call, called } = setUp();
    const body = { ...more, [name]: "a", scheduled: null, profile_id: "p" };
    expect((await call("POST /api/v1/connect", { body })).status).toBe(200);
    const accepted = { accountId: "a", params: { profile_id: "p" }, scheduled: undefined };
    expect(called).toMatchObject([["accept", accepted]]);
  });

  test.each([
    [{ requestId: "rq_1", code: "0123" }, "0123"],
    [{ request_id: "rq_1", code: 4567, accountId: "a" }, "4567"],
    [{ requestID: "rq_1", request_id: null, code: "1", scheduled: null }, "1"],
    ['{"requestId":"rq_1","request_id":"rq_1","code":1.23456e5}', "123456"],
    ['{"requestId":"rq_1","code":123456.0}', "123456"],
  ])("login_code continues the waiting login", async (body, code) => {
    const { call, called } = setUp();
    const answer = await call("POST /api/v1/login_code", { body });
    expect([answer.status, answer.body]).toEqual([200, { requestId: "rq_1" }]);
    expect(called).toEqual([["continue", "cl_1", "rq_1", code, undefined]]);
  });

  test.each([
    ["login_code", {}, "requestId: must be the login's request id; code: must be the code"],
    ["login_code", { requestId: "r", code: "" }, "code: must be the code that was sent"],
    ["connect", { accountId: 1 }, "accountId: must be a string, not a number"],
    ["Connect", {}, "action: is not an action, such as connect"],
    // A misspelt account must not share a lane with the accounts of other calls.
    ["connect", {}, "accountId: is required"],
    ["connect", { account: "a" }, "accountId: is required"],
    ["connect", { acountId: "a", email: "a@example.com" }, "accountId: is required"],
    ["connect", { accountId: "a", account_id: "b" }, "account_id: names another account"],
    ["connect", { account_id: 1 }, "account_id: must be a string, not a number"],
    ["connect", { AccountID: "" }, "AccountID: "],
    ["login_v2", { account_id: "a/b" }, "account_id: must not"],
    ["connect", { accountId: "urn:li:member/1" }, "accountId: must not"],
    ["connect", { accountId: ".." }, "accountId: must not"],
    ["connect", { accountId: "a?b" }, "accountId: must not contain a question mark"],
    [
      "connect",
      { accountId: "漢".repeat(301) },
      "accountId: must be well-formed Unicode of at most",
    ],
    ["connect", { accountId: "\ud800" }, "accountId: must be well-formed Unicode"],
    ["connect", { accountId: "a", Scheduled: "2027-01-01T00:00:00Z" }, "Scheduled: must be spelt"],
    ["connect", { accountId: "a", scheduled: 1 }, "scheduled: must be a string, not a number"],
    // A call that acts at once must not be sent silently: mergent-js#71.
    ...["2027-01-01T00:00:00.000Z", "yesterday", "", "garbage", 5].map(
      (scheduled): [string, object, string] => [
        "login_code",
        { requestId: "rq_1", code: "123456", scheduled },
        "scheduled: ",
      ],
    ),
    ["login_code", { request_id: "r1", requestId: "r2", code: "1" }, "two different requests"],
    ["login_code", { request_id: "r1", code: 1.5 }, "code: must be"],
    ["get_response", {}, "request_id: must be the id of a request"],
    ["get_response", { request_id: "", requestID: null }, "request_id: "],
    ["get_response", { request_id: "r1", requestId: "r2" }, "names two different requests"],
    ["get_response", { request_id: "r1", requestID: "r2" }, "names two different requests"],
    ["get_response", { request_id: "r1", scheduled: "yesterday" }, "scheduled: is not possible"],
    ["connect", "[]", "must be a JSON object"],
    ["connect", "{", "the body is not JSON at line 1, column 2"],
  ])("%s of %j is refused in We-Link's error shape", async (action, body, message) => {
    const { call, called } = setUp();
    const answer = await call(`POST /api/v1/${action}`, { body });
    expect(answer).toMatchObject({
      status: 400,
      headers: { "content-type": "application/json" },
      body: { message: expect.stringContaining(message), error: "Bad Request", statusCode: 400 },
    });
    expect(called).toEqual([]);
  });
});

describe("We-Link's POST /api/v1/get_response", () => {
  test.each([
    { request_id: "rq_1" },
    { requestId: "rq_1", request_id: null },
    { requestID: "rq_1" },
    { requestID: "rq_1", requestId: "rq_1", request_id: "rq_1", scheduled: null },
  ])("%j names its request as a webhook may", async (body) => {
    const { status, body: answer } = await setUp().call("POST /api/v1/get_response", { body });
    expect([status, answer.request_id, answer.requestId]).toEqual([200, "rq_1", "rq_1"]);
  });

  const get = (of: Partial<RequestView>) =>
    setUp({ get: async () => view(of) }).call("POST /api/v1/get_response", {
      body: { request_id: "rq_1" },
    });

  test.each([
    ["SCHEDULED", "SCHEDULED"],
    ["QUEUED", "QUEUED"],
    ["SUBMITTING", "PROCESSING"],
    ["RUNNING", "PROCESSING"],
    ["UNKNOWN", "PROCESSING"],
    ["CANCELLED", "CANCELLED"],
  ] as const)("Status %s is shown as %s", async (status, expected) => {
    const { body } = await get({ status });
    expect(body).toEqual({ request_id: "rq_1", requestId: "rq_1", status: expected });
  });

  test("get_response returns every digit of the result", async () => {
    const { text } = await get({ status: "SUCCEEDED", result: '{"n":1.0, "m":1e400}' });
    expect(text).toBe(
      '{"request_id":"rq_1","requestId":"rq_1","status":"SUCCESS","result":{"n":1.0, "m":1e400}}',
    );
  });

  test.each([
    [
      { code: "WRONG_PASSWORD", message: "No" },
      { status: "FAILED", error: "WRONG_PASSWORD", message: "No" },
    ],
    [
      { code: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED", message: "Again" },
      { status: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED", message: "Again" },
    ],
  ])("get_response returns the error of a failed request", async (error, expected) => {
    expect((await get({ status: "FAILED", error })).body).toMatchObject(expected);
  });

  test("get_response asks for the code of a waiting login", async () => {
    const { body } = await get({ status: "ACTION_REQUIRED" });
    expect(body).toMatchObject({ status: "PIN_REQUIRED", message: expect.any(String) });
  });

  test("get_response accepts either name of the id and requires one", async () => {
    const { call, called } = setUp();
    await call("POST /api/v1/get_response", { body: { requestId: "rq_2" } });
    expect(called).toEqual([["get", "cl_1", "rq_2"]]);
    const answer = await call("POST /api/v1/get_response", { body: {} });
    expect(answer).toMatchObject({ status: 400, body: { statusCode: 400 } });
  });

  test.each([
    ["an unknown", { get: notFound }],
    ["another provider's", { get: async () => view({ provider: "linked-api" }) }],
  ])("get_response answers 404 for %s request", async (_name, given) => {
    const answer = await setUp(given).call("POST /api/v1/get_response", {
      body: { requestId: "x" },
    });
    expect(answer).toMatchObject({ status: 404, body: { status: "NOT_FOUND", statusCode: 404 } });
  });

  test.each([
    [
      "its end",
      { type: "workflow.completed", data: { status: "completed", result: { a: 1 } } },
      { status: "SUCCESS", result: { a: 1 } },
    ],
    [
      "its failure",
      {
        type: "workflow.completed",
        data: { status: "failed", error: { code: "C", message: "m" } },
      },
      { status: "FAILED", error: "C", message: "m" },
    ],
    ["that it runs", { type: "workflow.started", data: { payload: {} } }, { status: "PROCESSING" }],
    ["a prompt", { type: "workflow.actionRequired", data: {} }, { status: "PIN_REQUIRED" }],
    [
      "a reply",
      { type: "message.reply", data: { payload: { result: { text: "Hi" } } } },
      { status: "SUCCESS", result: { text: "Hi" } },
    ],
  ])(
    "get_response returns %s of a request that was made elsewhere",
    async (_name, envelope, expected) => {
      const answer = await setUp(finding(envelope)).call("POST /api/v1/get_response", {
        body: { request_id: "req-1" },
      });
      expect(answer).toMatchObject({ status: 200, body: { requestId: "req-1", ...expected } });
    },
  );
});

test("Every digit of a request that was made elsewhere is kept at any depth", async () => {
  const result = `{"n":1.0,"deep":${"[".repeat(70)}${"]".repeat(70)}}`;
  const envelope = `{"type":"workflow.completed","data":{"status":"completed","result": ${result} }}`;
  const { call } = setUp({ get: notFound, findByProviderId: async () => envelope });
  const weLink = await call("POST /api/v1/get_response", { body: { request_id: "r" } });
  expect(weLink.text).toContain(`"status":"SUCCESS","result":${result}}`);
  const linkedApi = await call("GET /workflows/{workflowId}", { id: "r" });
  expect(linkedApi.text).toContain(`"workflowStatus":"completed","completion":${result}}`);
});

describe("Linked API's POST /workflows", () => {
  const actionType = "st.sendMessage";
  test.each([
    ["an action", { actionType, text: "Hi" }, { text: "Hi" }],
    ["a list", [{ actionType }, { actionType: "x" }], [{ actionType }, { actionType: "x" }]],
  ])(
    "POST /workflows with %s creates a request for the token's account",
    async (_name, body, params) => {
      const { call, called } = setUp();
      const answer = await call("POST /workflows", { body });
      expect(answer).toMatchObject({
        status: 200,
        body: { success: true, result: { workflowId: "rq_1", workflowStatus: "pending" } },
      });
      expect(called).toEqual([
        [
          "accept",
          {
            ...account,
            provider: "linked-api",
            action: actionType,
            params,
            idempotencyKey: undefined,
          },
        ],
      ]);
    },
  );

  test.each([[[]], [{}], [[{}]], [1], ["{"], [{ actionType: "no type" }], [[{ actionType }, 1]]])(
    "POST /workflows of %j is refused in Linked API's error shape",
    async (body) => {
      const answer = await setUp().call("POST /workflows", { body });
      expect(answer).toMatchObject({
        status: 400,
        body: {
          success: false,
          error: { type: "invalidRequestPayload", message: expect.stringMatching(/.{20}/) },
        },
      });
    },
  );

  test.each([
    [{ actionType, scheduled: "2027-01-01T00:00:00.000Z" }],
    [{ actionType, scheduled: "yesterday" }],
    [[{ actionType }, { actionType, scheduled: 1 }]],
  ])("POST /workflows of %j is refused, because it would start at once", async (body) => {
    const { call, called } = setUp();
    expect(await call("POST /workflows", { body })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringMatching(/^scheduled: is not a part/) } },
    });
    expect(called).toEqual([]);
  });

  test.each([
    ["CONFLICT", 409, "conflict"],
    ["TOO_MANY_REQUESTS", 429, "tooManyRequests"],
    ["DEPENDENCY_DOWN", 503, "httpError"],
  ] as const)(
    "POST /workflows that fails with %s is answered %i %s",
    async (code, status, type) => {
      const answer = await setUp({ accept: refusing(code) }).call("POST /workflows", {
        body: { actionType },
      });
      expect(answer).toMatchObject({ status, body: { success: false, error: { type } } });
      expect(answer.text.includes("DynamoDB")).toBe(status !== 503);
      expect(answer.headers?.["retry-after"]).toBe(status === 409 ? undefined : "5");
    },
  );
});

describe("Linked API's GET /workflows/{id}", () => {
  const get = (of: Partial<RequestView>) =>
    setUp({ get: async () => view({ provider: "linked-api", ...of }) }).call(
      "GET /workflows/{workflowId}",
    );

  test.each([
    ["SCHEDULED", "pending"],
    ["QUEUED", "pending"],
    ["SUBMITTING", "running"],
    ["RUNNING", "running"],
    ["UNKNOWN", "running"],
    ["ACTION_REQUIRED", "running"],
  ] as const)("Status %s is shown as %s", async (status, workflowStatus) => {
    const { body } = await get({ status });
    expect(body).toEqual({ success: true, result: { workflowId: "rq_1", workflowStatus } });
  });

  test.each([
    ["a completion", '{"actionType":"x","success":true,"data":{"n":1.0}}'],
    ["a list", '[{"actionType":"x","n":12345678901234567890123}]'],
    ["an action's completion", '{"actionType":"x","completion":1}'],
    ["nothing", "null"],
  ])("GET /workflows/{id} returns %s unchanged", async (_name, result) => {
    const { text } = await get({ status: "SUCCEEDED", result });
    expect(text).toBe(
      `{"success":true,"result":{"workflowId":"rq_1","workflowStatus":"completed","completion":${result}}}`,
    );
  });

  test("GET /workflows/{id} returns completion and failure as separate members", async () => {
    const result = '{"completion": {"n":1.0}, "failure":{"reason":"r","message":"m"},"x":1}';
    const { text, body } = await get({ status: "SUCCEEDED", result });
    expect(text).toContain('"completion": {"n":1.0}');
    expect(body.result).toEqual({
      workflowId: "rq_1",
      workflowStatus: "completed",
      completion: { n: 1 },
      failure: { reason: "r", message: "m" },
    });
  });

  test.each([
    [
      "FAILED",
      { code: "RESULT_TIMEOUT", message: "m" },
      { reason: "RESULT_TIMEOUT", message: "m" },
    ],
    ["CANCELLED", undefined, { reason: "cancelled", message: "The workflow was cancelled" }],
  ] as const)(
    "GET /workflows/{id} returns the failure of a workflow that is %s",
    async (status, error, failure) => {
      expect((await get({ status, error })).body).toEqual({
        success: true,
        result: { workflowId: "rq_1", workflowStatus: "failed", failure },
      });
    },
  );

  test.each([
    ["an unknown", { get: notFound }],
    ["another provider's", {}],
    ["an account's event, which is none", finding({ type: "account.active", data: {} })],
  ])("GET /workflows/{id} answers 404 for %s", async (_name, given) => {
    const answer = await setUp(given).call("GET /workflows/{workflowId}");
    expect(answer).toMatchObject({ status: 404, body: { error: { type: "workflowNotFound" } } });
  });

  test.each([
    ["workflow.created", {}, { workflowStatus: "pending" }],
    ["workflow.started", {}, { workflowStatus: "running" }],
    [
      "workflow.completed",
      { status: "completed", result: { actionType: "x" } },
      { workflowStatus: "completed", completion: { actionType: "x" } },
    ],
    [
      "workflow.completed",
      { status: "failed", error: { code: "c", message: "m" } },
      { workflowStatus: "failed", failure: { reason: "c", message: "m" } },
    ],
  ])(
    "GET /workflows/{id} returns the %s of a workflow that was started elsewhere",
    async (type, data, expected) => {
      const { call } = setUp(finding({ type, data }));
      const { body } = await call("GET /workflows/{workflowId}", { id: "wf-1" });
      expect(body).toEqual({ success: true, result: { workflowId: "wf-1", ...expected } });
    },
  );
});

describe("Linked API's DELETE /workflows/{id}", () => {
  const get = async () => view({ provider: "linked-api" });
  test.each([
    ["waits", { get }, { status: 200, body: { result: { cancelled: true } } }],
    [
      "is already running",
      { get, cancel: refusing("CONFLICT") },
      { status: 200, body: { result: { cancelled: false } } },
    ],
    [
      "does not exist",
      { get: notFound },
      { status: 404, body: { error: { type: "workflowNotFound" } } },
    ],
    ["belongs to another provider", {}, { status: 404, body: { success: false } }],
    ["cannot be read", { get, cancel: refusing("DEPENDENCY_DOWN") }, { status: 503 }],
  ])("DELETE /workflows/{id} answers for a workflow that %s", async (_name, given, expected) => {
    expect(await setUp(given).call("DELETE /workflows/{workflowId}")).toMatchObject(expected);
  });
});

describe("authentication in dialects", () => {
  const token = (of: string | undefined) => ({ "identification-token": of });
  const forAnother = identificationToken(masterKeys, { ...account, clientId: "cl_2" });
  const older = identificationToken({ ...masterKeys, current: "k1" }, account);
  const forged = identificationToken(
    { current: "k3", keys: new Map([["k3", "3".repeat(32)]]) },
    account,
  );
  const [, name, proof] = headers["identification-token"].split(".");
  test.each([
    ["no token", { "linked-api-token": undefined }, "linkedApiTokenRequired"],
    ["a wrong token", { "linked-api-token": "ackwire_key1_wrong" }, "invalidLinkedApiToken"],
    ["a token of another form", { "linked-api-token": "x" }, "invalidLinkedApiToken"],
    ["no account", token(undefined), "identificationTokenRequired"],
    ["another client's account", token(forAnother), "invalidIdentificationToken"],
    ["an account by a key that is none", token(forged), "invalidIdentificationToken"],
    ["another key's proof", token(`k1.${name}.${proof}`), "invalidIdentificationToken"],
    ["another spelling", token(`k2.${name}=.${proof}`), "invalidIdentificationToken"],
    ["more behind it", token(`k2.${name}.${proof}.x`), "invalidIdentificationToken"],
    ["an empty name", token(`k2..${proof}`), "invalidIdentificationToken"],
    ["a word", token("acc-1"), "invalidIdentificationToken"],
  ])(
    "Linked API's call with %s is answered 401 with its error type",
    async (_name, given, type) => {
      const { call, called } = setUp();
      const answer = await call("GET /workflows/{workflowId}", { headers: given });
      expect(answer).toMatchObject({ status: 401, body: { success: false, error: { type } } });
      expect(answer.headers).not.toHaveProperty("www-authenticate");
      expect(called).toEqual([]);
    },
  );

  test("A token of an older master key still identifies its account", async () => {
    const { call, called } = setUp();
    const body = { actionType: "st.sendMessage" };
    await call("POST /workflows", { body, headers: token(older) });
    expect(called).toMatchObject([["accept", account]]);
  });

  const UNKNOWN_KEY = "the API key is unknown, incomplete, revoked or expired";

  test.each([
    [{ "x-api-key": undefined }, "no API key: the header x-api-key is missing"],
    [{ "x-api-secret": undefined }, "no API key: the header x-api-secret is missing"],
    [{ "x-api-key": "key1_secret", "x-api-secret": "" }, "the header x-api-secret is missing"],
    [{ "x-api-secret": "wrong" }, UNKNOWN_KEY],
    [{ "x-api-key": "key2" }, UNKNOWN_KEY],
  ])("We-Link's call with %j is answered 401, and the message is: %s", async (given, message) => {
    const answer = await setUp().call("POST /api/v1/connect", {
      headers: { ...given, authorization: "Bearer ackwire_key1_secret" },
    });
    expect([answer.status, answer.body]).toEqual([
      401,
      {
        status: "UNAUTHENTICATED",
        message: expect.stringContaining(message),
        error: "Unauthorized",
        statusCode: 401,
      },
    ]);
  });
});
