import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BilledUnit } from "../../../local/aws/billing/billed-units.ts";
import { type HttpApi, startHttpApi } from "../../../local/http-api/http-api.ts";
import { failed, type InvokeResult } from "../../../local/lambda/invoke-result.ts";
import { type Lambdas, startLambdas } from "../../../local/lambda/lambdas.ts";
import {
  functionWithRole,
  httpApi,
  loadAssembly,
  route,
} from "../../support/runs/cloud-assembly.ts";

const routes = {
  ...route("Inbound", { key: "POST /v1/in/{provider}/{token}", functionId: "F" }),
  ...route("Fixed", { key: "POST /v1/in/fixed/{token}", functionId: "F" }),
  ...route("Greedy", { key: "ANY /v1/{proxy+}", functionId: "F" }),
  ...route("Get", { key: "GET /v1/echo", functionId: "F" }),
  ...route("Any", { key: "ANY /v1/echo", functionId: "F" }),
  ...route("Slow", { key: "GET /slow", functionId: "F", timeoutMs: 50 }),
};
const template = (more: Parameters<typeof loadAssembly>[0]["Resources"] = {}) =>
  loadAssembly({ Resources: { ...httpApi, ...functionWithRole("F"), ...routes, ...more } });

interface Event extends Record<string, unknown> {
  headers: Record<string, string>;
  requestContext: Record<string, unknown>;
}

let api: HttpApi;
let events: Event[];
let lines: string[];
let billed: BilledUnit[];
/** The response of the fake function. */
let answer: (event: Event) => InvokeResult | Promise<InvokeResult>;

const lambdas = {
  invoke: async (_: string, event: unknown) => {
    events.push(event as Event);
    return answer(event as Event);
  },
};
const start = (resources: ReturnType<typeof template> = template()) =>
  startHttpApi({
    port: 0,
    template: resources,
    lambdas,
    bill: (unit) => billed.push(unit),
    log: (line) => lines.push(line),
  });

beforeEach(async () => {
  billed = [];
  events = [];
  lines = [];
  answer = () => ({ payload: { statusCode: 200, body: "ok" } });
  api = await start();
});
afterEach(() => api.close());

/** Sends the request unchanged; `fetch` would normalise the path and the headers. */
async function send(
  method: string,
  path: string,
  options: { headers?: Record<string, string | string[]>; body?: string | Buffer } = {},
) {
  const { hostname, port } = new URL(api.url);
  const outgoing = request({ hostname, port, method, path, headers: options.headers ?? {} });
  outgoing.end(options.body);
  const [response] = await once(outgoing, "response");
  return {
    status: response.statusCode,
    headers: response.headers,
    body: await text(response),
  };
}

it("A request is billed by 512 KB", async () => {
  await send("POST", "/v1/in/we-link/token", { body: "x".repeat(524_289) });
  await send("POST", "/v1/in/we-link/token");
  const unit = { caller: "F", item: "http.request", operation: expect.stringContaining("POST ") };
  expect(billed).toEqual([
    { ...unit, units: 2 },
    { ...unit, units: 1 },
  ]);
});

describe("Request events", () => {
  it("An event has payload format 2.0", async () => {
    const body = '{"a":"ü"}';
    await send("POST", "/v1/in/we-link/t%C3%B6k%20en?b=1&a=x%20y&b=2&c", {
      headers: {
        "Content-Type": "application/json; charset=utf-8",
        "X-Twice": ["one", "two"],
        Cookie: "a=1; b=2",
        "User-Agent": "test/1",
        Host: "localhost:8787",
      },
      body,
    });
    expect(events).toEqual([
      {
        version: "2.0",
        routeKey: "POST /v1/in/{provider}/{token}",
        rawPath: "/v1/in/we-link/tök en",
        rawQueryString: "b=1&a=x%20y&b=2&c",
        cookies: ["a=1", "b=2"],
        headers: {
          "content-type": "application/json; charset=utf-8",
          "content-length": String(Buffer.byteLength(body)),
          host: "localhost:8787",
          "user-agent": "test/1",
          "x-twice": "one,two",
          "x-amzn-trace-id": expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
          "x-forwarded-for": "127.0.0.1",
          "x-forwarded-port": new URL(api.url).port,
          "x-forwarded-proto": "http",
        },
        queryStringParameters: { b: "1,2", a: "x y", c: "" },
        requestContext: {
          accountId: "000000000000",
          apiId: "Api",
          domainName: "localhost",
          domainPrefix: "localhost",
          http: {
            method: "POST",
            path: "/v1/in/we-link/tök en",
            protocol: "HTTP/1.1",
            sourceIp: "127.0.0.1",
            userAgent: "test/1",
          },
          requestId: expect.stringMatching(/^[\w-]{15}=$/),
          routeKey: "POST /v1/in/{provider}/{token}",
          stage: "$default",
          time: expect.stringMatching(/^\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2} \+0000$/),
          timeEpoch: expect.any(Number),
        },
        pathParameters: { provider: "we-link", token: "tök en" },
        body,
        isBase64Encoded: false,
      },
    ]);
  });

  it("An event omits absent parts of the request", async () => {
    await send("GET", "/v1/echo");
    const [event] = events;
    expect(event).toMatchObject({ rawQueryString: "", isBase64Encoded: false });
    for (const absent of ["body", "cookies", "queryStringParameters", "pathParameters"]) {
      expect(event).not.toHaveProperty(absent);
    }
  });

  const utf8 = Buffer.from("grüße");
  it.each<[string, string | undefined, Buffer, boolean]>([
    ["JSON", "application/json", utf8, false],
    ["JSON in capitals", "Application/JSON;charset=UTF-8", utf8, false],
    ["XML", "application/xml", utf8, false],
    ["JavaScript", "application/javascript", utf8, false],
    ["any text", "text/csv", utf8, false],
    ["a form", "application/x-www-form-urlencoded", utf8, true],
    ["JSON of another type", "application/cloudevents+json", utf8, true],
    ["bytes", "application/octet-stream", utf8, true],
    ["no content type", undefined, utf8, true],
    ["JSON that is not UTF-8", "application/json", Buffer.from([0x22, 0xff, 0x22]), true],
  ])("An event contains %s", async (_, type, body, isBase64Encoded) => {
    await send("POST", "/v1/echo", { ...(type && { headers: { "content-type": type } }), body });
    const encoding = isBase64Encoded ? "base64" : "utf8";
    expect(events[0]).toMatchObject({ isBase64Encoded, body: body.toString(encoding) });
  });
});

describe("Routes", () => {
  it.each([
    ["GET", "/v1/echo", "GET /v1/echo"],
    ["PUT", "/v1/echo", "ANY /v1/echo"],
    ["POST", "/v1/in/fixed/t", "POST /v1/in/fixed/{token}"],
    ["POST", "/v1/in/other/t", "POST /v1/in/{provider}/{token}"],
    ["GET", "/v1/in/other/t", "ANY /v1/{proxy+}"],
    ["POST", "/v1/in/other/t/more", "ANY /v1/{proxy+}"],
  ])("The request %s %s matches the route %s", async (method, path, key) => {
    await send(method, path);
    expect(events[0]?.routeKey).toBe(key);
  });

  it("A greedy variable contains the rest of the path", async () => {
    await send("GET", "/v1/a/b%20c/");
    expect(events[0]?.pathParameters).toEqual({ proxy: "a/b c/" });
  });

  it.each([
    ["GET", "/elsewhere"],
    ["GET", "/"],
    ["GET", "/v1/"],
    ["HEAD", "/slow"],
    ["POST", "/slow"],
  ])("The request %s %s is answered 404", async (method, path) => {
    const { status, body } = await send(method, path, { body: method === "POST" ? "x" : "" });
    expect(status).toBe(404);
    if (method !== "HEAD") expect(JSON.parse(body)).toEqual({ message: "Not Found" });
    expect(events).toEqual([]);
  });

  it("A request that matches no other route goes to $default", async () => {
    await api.close();
    api = await start(template(route("Default", { key: "$default", functionId: "F" })));
    await send("DELETE", "/elsewhere/at/all");
    expect(events[0]).toMatchObject({ routeKey: "$default", rawPath: "/elsewhere/at/all" });
  });

  it("An integration with payload format 1.0 is rejected", async () => {
    const resources = route("Old", { key: "GET /old", functionId: "F" });
    const properties = resources.OldIntegration?.Properties ?? {};
    properties.PayloadFormatVersion = "1.0";
    await expect(start(template(resources))).rejects.toThrow(
      "OldIntegration: the local run has payload format 2.0 only",
    );
  });
});

describe("Responses", () => {
  it("A response has the function's status, headers and cookies, and the request id", async () => {
    answer = () => ({
      payload: {
        statusCode: 202,
        headers: {
          "X-Number": 7,
          "Content-Type": "application/problem+json",
          "content-length": 99,
        },
        cookies: ["a=1", "b=2; Secure"],
        body: '{"ü":1}',
      },
    });
    const { status, headers, body } = await send("GET", "/v1/echo");
    expect({ status, body }).toEqual({ status: 202, body: '{"ü":1}' });
    expect(headers).toMatchObject({
      "x-number": "7",
      "content-type": "application/problem+json",
      "content-length": "8",
      "set-cookie": ["a=1", "b=2; Secure"],
      "apigw-requestid": events[0]?.requestContext.requestId,
    });
  });

  it.each<[string, unknown, string, string]>([
    ["an object without a status", { a: 1 }, "application/json", '{"a":1}'],
    ["a text", "plain", "application/json", "plain"],
    ["nothing", null, "application/json", "null"],
    ["no content type", { statusCode: 200, body: "x" }, "text/plain;charset=UTF-8", "x"],
    ["a status as text", { statusCode: "200", body: "x" }, "text/plain;charset=UTF-8", "x"],
    [
      "base64",
      { statusCode: 200, headers: { "content-type": "a/b" }, body: "w7w=", isBase64Encoded: true },
      "a/b",
      "ü",
    ],
  ])("A response is 200 for %s", async (_, payload, contentType, expected) => {
    answer = () => ({ payload });
    const { status, headers, body } = await send("GET", "/v1/echo");
    expect({ status, contentType: headers["content-type"], body }).toEqual({
      status: 200,
      contentType,
      body: expected,
    });
  });

  it("A 204 or 304 response has no body", async () => {
    answer = () => ({ payload: { statusCode: 204, body: "ignored" } });
    const { status, body } = await send("GET", "/v1/echo");
    expect({ status, body }).toEqual({ status: 204, body: "" });
  });

  it.each<[string, InvokeResult | Error, RegExp]>([
    ["a function error", failed("TypeError", "no"), /^GET \/v1\/echo: F failed with TypeError$/],
    ["an odd status", { payload: { statusCode: "often" } }, /statusCode/],
    ["a body that is no text", { payload: { statusCode: 200, body: { a: 1 } } }, /body/],
    [
      "a header that is not a string",
      { payload: { statusCode: 200, headers: { a: [] } } },
      /headers\.a/,
    ],
    ["a header with a newline", { payload: { statusCode: 200, headers: { a: "b\nc" } } }, /failed/],
    ["an invocation that fails", new Error("closing"), /failed: closing/],
  ])(
    "A response is 500 for %s, and the log line does not contain the path",
    async (_, result, line) => {
      answer = () => {
        if (result instanceof Error) throw result;
        return result;
      };
      const { status, body } = await send("GET", "/v1/echo?secret");
      expect(status).toBe(500);
      expect(JSON.parse(body)).toEqual({ message: "Internal Server Error" });
      expect(lines).toEqual([expect.stringMatching(line)]);
      expect(lines[0]).not.toContain("secret");
    },
  );

  it("A response is 503 when the function exceeds the integration timeout", async () => {
    const late = Promise.withResolvers<InvokeResult>();
    answer = () => late.promise;
    const { status, body } = await send("GET", "/slow");
    late.resolve({ payload: null });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toEqual({ message: "Service Unavailable" });
    expect(lines).toEqual(["GET /slow: F took longer than 50 ms"]);
  });

  it.each(["/v1/echo/%zz", "/v1/%ff", "/v1/echo?a=%f"])(
    "A response is 400 for the invalid encoding of %s",
    async (path) => {
      const { status, body } = await send("GET", path);
      expect({ status, body }).toEqual({ status: 400, body: '{"message":"Bad Request"}' });
    },
  );

  it("A response is 413 for a body above 10 MB, and the connection stays open", async () => {
    const { status, body } = await send("POST", "/v1/echo", { body: Buffer.alloc(10_485_761) });
    expect(status).toBe(413);
    expect(JSON.parse(body)).toEqual({ message: "Request Entity Too Large" });
    await expect(send("GET", "/v1/echo")).resolves.toMatchObject({ status: 200 });
  });

  it("A response is 431 for more than 10,240 bytes of headers", async () => {
    const { status, headers, body } = await send("GET", "/v1/echo", {
      headers: { "x-long": "x".repeat(10_240) },
    });
    expect({ status, body }).toEqual({
      status: 431,
      body: '{"message":"Request Header Fields Too Large"}',
    });
    expect(headers["content-type"]).toBe("application/json");
  });

  it("A response is 400 for what is no HTTP request, and the connection is closed", async () => {
    const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
    socket.write("GET /v1/echo HTTP/1.1\r\nno header\r\n\r\n");
    expect(await text(socket)).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\n\r\n\{"message":"Bad Request"\}$/,
    );
  });
});

describe("With real functions", () => {
  let real: Lambdas;
  afterEach(() => real.close());

  it("The API invokes functions, and answers 413 for an event above the payload limit", async () => {
    await api.close();
    const source = "exports.handler = async (e) => ({ statusCode: 201, body: e.body ?? '' });";
    const resources = loadAssembly(
      { Resources: { ...httpApi, ...functionWithRole("F"), ...routes } },
      { F: { "index.js": source } },
    );
    real = startLambdas({ template: resources, awsUrl: api.url, registerCaller() {}, log() {} });
    api = await startHttpApi({ port: 0, template: resources, lambdas: real, log: () => {} });
    const headers = { "content-type": "text/plain" };
    await expect(send("POST", "/v1/echo", { headers, body: "hello" })).resolves.toMatchObject({
      status: 201,
      body: "hello",
    });
    const large = await send("POST", "/v1/echo", { headers, body: "x".repeat(6_300_000) });
    expect(large).toMatchObject({ status: 413, body: '{"message":"Request Entity Too Large"}' });
  });
});

describe("Closing", () => {
  it("Closing the API waits for running requests and accepts no new ones", async () => {
    const late = Promise.withResolvers<InvokeResult>();
    answer = () => late.promise;
    const underWay = send("GET", "/v1/echo");
    await expect.poll(() => events.length).toBe(1);
    const closed = api.close();
    await expect(send("GET", "/v1/echo")).rejects.toThrow("ECONNREFUSED");
    late.resolve({ payload: "done" });
    await expect(underWay).resolves.toMatchObject({ status: 200, body: "done" });
    await expect(closed).resolves.toBeUndefined();
    // A second close, by afterEach, must not fail either.
    api = await start();
  });

  it("A client that disconnects during its body does not stop the API", async () => {
    const { port } = new URL(api.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write("POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
    await once(socket, "connect");
    socket.destroy();
    await expect(send("GET", "/v1/echo")).resolves.toMatchObject({ status: 200 });
    expect(events).toHaveLength(1);
  });
});
