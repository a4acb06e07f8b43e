import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import {
  type OperatorScope,
  operatorScopes,
} from "../../shared/contracts/http/operator/operation.ts";
import { operatorOperationList } from "../../shared/contracts/http/operator/operations.ts";
import type { ApiCall } from "../../shared/core/api/api-call.ts";
import { portalLinkOf } from "../../shared/core/api/authentication/portal-token.ts";
import type { AuditedChange } from "../../shared/core/audit/audit.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import {
  makeServeOperator,
  type OperatorInput,
  type ServeOperatorDeps,
} from "../../shared/core/operator/serve-operator.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const CREATED = "2026-06-25T12:00:00.000Z";
const ORIGIN = "https://api.example.com";
const master = { current: "k1", keys: new Map([["k1", "m".repeat(64)]]) };
const nowMs = makeTestClock().realMs();
const link = portalLinkOf(master, { clientId: "cl_1", nowMs, consoleUrl: undefined }).token;
const viaLink = { kind: "portal", clientId: "cl_1", expiresMs: nowMs + 900_000 };
const viaKey = (scope: OperatorScope) => ({ kind: "operator", keyId: scope, name: "anna", scope });

const keyItem = (scope: OperatorScope) => ({
  ...{ pk: `operatorKey#${scope}`, clientId: "#operators", keyId: scope, name: "anna", scope },
  ...{ secretSha256: sha256Hex("secret"), createdAt: CREATED, lastUsedAt: CREATED },
});

/** Every handler answers with the id of its operation. */
function setUp(given: Partial<ServeOperatorDeps> = {}) {
  const steps: string[] = [];
  const inputs: OperatorInput[] = [];
  const changes: AuditedChange[] = [];
  const asked: unknown[] = [];
  const handlerOf = (id: string) => async (input: OperatorInput) => {
    steps.push(id);
    inputs.push(input);
    return JSON.stringify({ id });
  };
  const serve = makeServeOperator({
    operatorKeys: {
      find: async (keyId) => {
        const scope = operatorScopes.find((one) => one === keyId);
        return scope && keyItem(scope);
      },
      recordUse: async () => undefined,
    },
    masterKeys: async () => master,
    clock: makeTestClock(),
    onNonFatalError: () => undefined,
    handlers: Object.fromEntries(
      operatorOperationList.map(({ operationId: id }) => [id, handlerOf(id)] as const),
    ),
    audited: async (of, change) => {
      steps.push("audited");
      changes.push(of);
      return change();
    },
    clientOf: async (params) => {
      asked.push(params);
      return "cl_found";
    },
    ...given,
  });
  return { serve, steps, inputs, changes, asked };
}

type Given = Partial<ApiCall> & { bearer?: string; sent?: object };

const ADMIN = "ackwire_op_admin_secret";

function call(route: string, { bearer = ADMIN, sent = {}, ...given }: Given = {}): ApiCall {
  const [method = "", path = ""] = route.split(" ");
  return {
    routeKey: "ANY /v1/operator/{proxy+}",
    unmatched: { method, path: `/v1/operator/${path}` },
    headers: { authorization: `Bearer ${bearer}` },
    params: {},
    query: {},
    body: method === "GET" ? new Uint8Array() : Buffer.from(JSON.stringify(sent)),
    origin: ORIGIN,
    signal: new AbortController().signal,
    ...given,
  };
}

describe("A call of the operator API", () => {
  test("A look is answered by its operation's handler, and is not audited", async () => {
    const { serve, steps, inputs } = setUp();
    const bearer = "ackwire_op_read_secret";
    const outcome = await serve(call("GET requests/rq_1", { bearer, query: { clientId: "cl_2" } }));
    const body = '{"id":"getRequest"}';
    expect(outcome).toEqual({ kind: "answered", status: 200, body, keyId: "read" });
    expect(steps).toEqual(["getRequest"]);
    const [params, query] = [{ requestId: "rq_1" }, { clientId: "cl_2" }];
    expect(inputs).toEqual([{ caller: viaKey("read"), origin: ORIGIN, params, query }]);
  });

  test("A change is audited before it is made, and its secret is not in the record", async () => {
    const { serve, steps, inputs, changes } = setUp();
    const sent = { webhookSecret: "hidden", overlapHours: 0, why: "it leaked" };
    const body = '{"id":"rotateConnectionSecret"}';
    const outcome = await serve(call("POST connections/cn_1/rotate-secret", { sent }));
    expect(outcome).toEqual({ kind: "answered", status: 200, body, keyId: "admin" });
    expect(steps).toEqual(["audited", "rotateConnectionSecret"]);
    expect(inputs).toMatchObject([{ caller: viaKey("admin"), body: sent }]);
    expect(changes).toStrictEqual([
      {
        ...{ who: "operator:admin", whoName: "anna", action: "rotateConnectionSecret" },
        ...{ target: { connectionId: "cn_1" }, clientId: "cl_found" },
        ...{ details: { overlapHours: 0 }, why: "it leaked" },
      },
    ]);
  });

  test("The record of a change names what the query chose, and the id of what was created", async () => {
    const created: object[] = [];
    const { serve, changes } = setUp();
    await serve(call("POST clients/cl_1/accounts/a/pause", { query: { connectionId: "cn_1" } }));
    const target = { clientId: "cl_1", accountId: "a", connectionId: "cn_1" };
    expect(changes).toMatchObject([{ target }]);
    const creating = setUp({
      handlers: { createClientKey: async () => '{"keyId":"key1","apiKey":"hidden"}' },
      audited: async (_, change, idsOf) => {
        const result = await change();
        created.push(idsOf?.(result) ?? {});
        return result;
      },
    });
    await creating.serve(call("POST clients/cl_1/keys"));
    expect(created).toStrictEqual([{ keyId: "key1" }]);
  });

  test("The status of an answer is that of its operation", async () => {
    const { serve } = setUp();
    expect(await serve(call("POST dead-letters/inbound/redrive"))).toMatchObject({ status: 202 });
    const sent = { name: "new" };
    expect(await serve(call("POST clients", { sent }))).toMatchObject({ status: 201 });
  });

  test("A change whose record cannot be stored is not made", async () => {
    const audited = () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no audit"));
    const { serve, steps } = setUp({ audited });
    expect(await serve(call("POST clients/cl_1/webhook/enable"))).toMatchObject({
      ...{ kind: "refused", code: "DEPENDENCY_DOWN", detail: "no audit" },
      operationId: "enableWebhook",
    });
    expect(steps).toEqual([]);
  });

  test.each<[string, Given, object]>([
    [
      "without a key",
      { headers: {}, query: { limit: "x" } },
      { code: "UNAUTHENTICATED", detail: expect.stringContaining("no operator key") },
    ],
    [
      "of a scope that is too small",
      { bearer: "ackwire_op_operate_secret", sent: { nonsense: 1 } },
      { code: "FORBIDDEN", detail: expect.stringContaining("this call needs admin") },
    ],
    [
      "by a portal link that may not do it",
      { bearer: link },
      { code: "FORBIDDEN", detail: "a portal link may not do this" },
    ],
    [
      "with input that is not valid",
      { sent: { why: 5 } },
      { code: "REQUEST_INVALID", errors: [{ field: "why", message: expect.any(String) }] },
    ],
  ])("A change %s is refused, and neither audited nor made", async (_, given, expected) => {
    const { serve, steps } = setUp();
    const outcome = await serve(call("POST dead-letters/inbound/messages/m1/drop", given));
    const operationId = "dropDeadLetter";
    expect(outcome).toMatchObject({ kind: "refused", operationId, ...expected });
    expect(steps).toEqual([]);
  });

  test("What a handler refuses is refused with its code and its words", async () => {
    const refuse = () => Promise.reject(new Failure("CONFLICT", "it has ended"));
    const { serve } = setUp({ handlers: { cancelRequest: refuse } });
    expect(await serve(call("POST requests/rq_1/cancel"))).toMatchObject({
      ...{ kind: "refused", code: "CONFLICT", detail: "it has ended" },
      operationId: "cancelRequest",
    });
  });

  test("An error of a handler that is no failure is not an answer", async () => {
    const { serve } = setUp({ handlers: { getMe: () => Promise.reject(new TypeError("ours")) } });
    await expect(serve(call("GET me"))).rejects.toThrow(new TypeError("ours"));
  });

  test("An operation without a handler is an error that names it", async () => {
    const error = new Error("The operation getMe has no handler");
    await expect(setUp({ handlers: {} }).serve(call("GET me"))).rejects.toThrow(error);
  });

  test("A handler is awaited until the deadline of the call", async () => {
    const { serve } = setUp({ handlers: { getMe: () => new Promise(() => undefined) } });
    const deadline = new AbortController();
    const outcome = serve(call("GET me", { signal: deadline.signal }));
    deadline.abort();
    expect(await outcome).toMatchObject({
      ...{ kind: "refused", code: "DEPENDENCY_DOWN", operationId: "getMe" },
      detail: "a dependency did not answer in time",
    });
  });

  test("A call that names its route is of that route", async () => {
    const given = { routeKey: "GET /v1/operator/queues", unmatched: undefined };
    expect(await setUp().serve(call("", given))).toMatchObject({ body: '{"id":"listQueues"}' });
  });

  test.each([
    ["GET quues", "NOT_FOUND", /^there is no such operation: did you mean GET .*\/queues\?$/],
    ["POST queues", "METHOD_NOT_ALLOWED", /^this path has GET only$/],
    ["GET requests/rq_1/cancel", "METHOD_NOT_ALLOWED", /^this path has POST only$/],
  ])("%s is no operation, whoever calls", async (route, code, detail) => {
    const outcome = await setUp().serve(call(route, { headers: {} }));
    const words = expect.stringMatching(detail);
    expect(outcome).toMatchObject({ kind: "refused", code, detail: words });
  });
});

describe("The client of an audit record", () => {
  test.each<[string, Record<string, string>, string, object[]]>([
    ["POST clients/cl_path/accounts/a/pause", {}, "cl_path", []],
    ["POST deliveries/dl_1/resend", { clientId: "cl_query" }, "cl_query", []],
    ["POST connections/cn_1/pause", {}, "cl_found", [{ connectionId: "cn_1" }]],
  ])("The audit record of %s with the query %j names %s", async (route, query, clientId, found) => {
    const { serve, changes, asked } = setUp();
    await serve(call(route, { query }));
    expect(changes).toMatchObject([{ clientId }]);
    expect(asked).toEqual(found);
  });

  test.each<[string, ServeOperatorDeps["clientOf"]]>([
    ["is not known", async () => undefined],
    ["cannot be read", () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no store"))],
  ])("A change is made and audited where its client %s", async (_, clientOf) => {
    const { serve, steps, changes } = setUp({ clientOf });
    await serve(call("POST connections/cn_1/pause"));
    expect(steps).toEqual(["audited", "pauseConnection"]);
    expect(changes[0]).not.toHaveProperty("clientId");
  });
});

describe("A call by a portal link", () => {
  test.each<[string, Record<string, string>, object]>([
    ["GET deliveries/dl_1", {}, { params: { id: "dl_1" }, query: { clientId: "cl_1" } }],
    ["GET overview", { clientId: "cl_1" }, { params: {}, query: { clientId: "cl_1" } }],
    ["GET requests", {}, { params: {}, query: { limit: 25, clientId: "cl_1" } }],
    ["GET clients/cl_1", {}, { params: { clientId: "cl_1" }, query: {} }],
    ["GET me", {}, { params: {}, query: {} }],
  ])("A portal link at %s with %j is of its own client", async (route, query, of) => {
    const { serve, inputs } = setUp();
    const outcome = await serve(call(route, { bearer: link, query }));
    expect(outcome).toMatchObject({ kind: "answered", keyId: undefined });
    expect(inputs).toEqual([{ caller: viaLink, origin: ORIGIN, ...of }]);
  });

  test.each<[string, Record<string, string>]>([
    ["GET clients/cl_2", {}],
    ["GET requests", { clientId: "cl_2" }],
    ["GET requests/rq_1", { clientId: "cl_2" }],
    ["POST deliveries/dl_1/resend", { clientId: "cl_2" }],
  ])("Another client is not found by a portal link at %s with %j", async (route, query) => {
    const { serve, steps } = setUp();
    expect(await serve(call(route, { bearer: link, query }))).toMatchObject({
      ...{ kind: "refused", code: "NOT_FOUND", detail: "there is no such record" },
    });
    expect(steps).toEqual([]);
  });

  test("A change by a portal link is audited as its client's", async () => {
    const { serve, changes } = setUp();
    const given = { bearer: link, sent: { why: "again" } };
    expect(await serve(call("POST deliveries/dl_1/resend", given))).toMatchObject({ status: 202 });
    expect(changes).toStrictEqual([
      {
        ...{ who: "portal:cl_1", action: "resendDelivery", target: { id: "dl_1" } },
        ...{ clientId: "cl_1", why: "again" },
      },
    ]);
  });

  test("The list of an operator without a client is of every client", async () => {
    const { serve, inputs } = setUp();
    await serve(call("GET requests", { query: { limit: "7" } }));
    expect(inputs).toMatchObject([{ query: { limit: 7 } }]);
    expect(inputs[0]?.query).not.toHaveProperty("clientId");
  });
});
