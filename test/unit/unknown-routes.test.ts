import { describe, expect, test } from "vitest";
import { operations } from "../../shared/contracts/http/operations.ts";
import { makeFindRoute } from "../../shared/core/api/find-route.ts";
import { makeServeApi, type ServeApiDeps } from "../../shared/core/api/serve-api.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";

const findRoute = makeFindRoute(operations);
const serve = makeServeApi({} as ServeApiDeps);

/** Calls the API by a path that no route of API Gateway has matched. */
async function call(route: string, headers: Record<string, string> = {}) {
  const [method = "", path = ""] = route.split(" ");
  const event = {
    routeKey: "$default",
    rawPath: path,
    requestContext: { http: { method } },
    headers,
    body: "{}",
  };
  const { statusCode, ...sent } = toResult(
    await serve(toCall(event as never, new AbortController().signal)),
  );
  return { status: statusCode, headers: sent.headers, body: JSON.parse(sent.body ?? "null") };
}

describe("Paths and methods that no operation has", () => {
  test.each([
    ["POST /v1/request", "POST /v1/requests"],
    ["GET /v1/request/rq_1", "GET /v1/requests/{requestId}"],
    ["POST /v1/requests/", "POST /v1/requests"],
    ["GET /v1/webhooks", "GET /v1/webhook"],
  ])("%s is answered by a problem document that suggests %s", async (route, suggestion) => {
    expect(await call(route)).toMatchObject({
      status: 404,
      headers: { "content-type": "application/problem+json" },
      body: { status: 404, code: "NOT_FOUND", detail: expect.stringContaining(suggestion) },
    });
  });

  test.each([
    ["PUT /v1/requests", "GET, POST"],
    ["HEAD /health", "GET"],
    ["POST /v1/requests/rq_1", "DELETE, GET"],
    ["OPTIONS /v1/deliveries/recover", "POST"],
  ])("%s is answered 405 with the methods of its path", async (route, allow) => {
    expect(await call(route)).toMatchObject({
      status: 405,
      headers: { allow },
      body: { status: 405, code: "METHOD_NOT_ALLOWED" },
    });
  });

  test("A path that resembles no operation has no suggestion, and no text repeats it", async () => {
    const secret = "token-that-nobody-may-log";
    const answer = await call(`POST /v1/in/we-link/cn_1/${secret}/more`);
    expect(answer).toMatchObject({ status: 404, body: { detail: "there is no such operation" } });
    expect(JSON.stringify(answer)).not.toContain(secret);
  });

  test.each([
    ["POST /api/v1/connect/", 404],
    ["POST /api/v1", 404],
    ["POST /api/v2/connect", 404],
    ["GET /api/v1/connect", 405],
    ["DELETE /api/v1/get_response", 405],
  ])("%s is answered in the shape of We-Link's errors", async (route, status) => {
    expect(await call(route)).toMatchObject({
      status,
      headers: { "content-type": "application/json" },
      body: { statusCode: status, error: status === 404 ? "Not Found" : "Method Not Allowed" },
    });
  });

  test.each([
    ["GET /workflows", 405, "methodNotAllowed"],
    ["PUT /workflows/wf-1", 405, "methodNotAllowed"],
    ["GET /admin/webhook.get", 405, "methodNotAllowed"],
    ["POST /workflows/", 404, "notFound"],
    ["GET /workflows/wf-1/actions", 404, "notFound"],
    ["POST /admin/accounts.fly", 404, "notFound"],
    ["POST /admin", 404, "notFound"],
  ])("%s is answered %i in Linked API's envelope", async (route, status, type) => {
    expect(await call(route)).toMatchObject({
      status,
      headers: { "content-type": "application/json" },
      body: { success: false, error: { type, message: expect.any(String) } },
    });
  });

  test.each([
    ["linked-api-token", { success: false, error: { type: "notFound" } }],
    ["x-api-key", { statusCode: 404, error: "Not Found" }],
    ["authorization", { status: 404, code: "NOT_FOUND" }],
  ])(
    "A call with the header %s to a path of no protocol is answered in the shape of its protocol",
    async (header, body) => {
      expect(await call("POST /signals/poll", { [header]: "x" })).toMatchObject({
        status: 404,
        body,
      });
    },
  );
});

describe("Paths with repeated slashes", () => {
  test("A base URL with a slash at its end reaches every operation", () => {
    for (const operation of operations) {
      const path = `/${operation.path.replaceAll(/\{\w+\}/g, "some_id")}`;
      const found = findRoute({ method: operation.method, path, headers: {} });
      expect(found, path).toMatchObject({ kind: "operation" });
    }
  });

  test("A literal path comes before one with a variable, as in API Gateway", () => {
    const at = (path: string) => findRoute({ method: "POST", path, headers: {} });
    expect(at("/api/v1//get_response")).toMatchObject({
      operation: { operationId: "weLinkGetResponse" },
      params: {},
    });
    expect(at("//api/v1/connect")).toMatchObject({
      operation: { operationId: "weLinkSubmit" },
      params: { action: "connect" },
    });
  });
});
