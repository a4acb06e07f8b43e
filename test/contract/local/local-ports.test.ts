import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { type ConsoleOptions, startConsole } from "../../../local/console/console-server.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import { startHttpApi } from "../../../local/http-api/http-api.ts";
import { startJsonServer } from "../../../local/json-server.ts";
import { startSimulator } from "../../../local/simulator/simulator.ts";
import { functionWithRole, loadAssembly, route } from "../../support/runs/cloud-assembly.ts";
import { running, templateOf } from "./local-aws-fixture.ts";

/** Sends a request with headers that `fetch` would not send. */
async function call(url: string, of: { method?: string; headers?: object; body?: string }) {
  const { method = "GET", headers = {}, body } = of;
  const outgoing = request(url, { method, headers: { ...headers } });
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  return { status: response.statusCode as number, body: await text(response) };
}

/** Each port of the local run, with a call that it answers by 200. */
const ports: Record<string, () => Promise<string>> = {
  "The API": async () => {
    const Resources = {
      Api: {
        Type: "AWS::ApiGatewayV2::Api",
        Properties: { Name: "api", ProtocolType: "HTTP" },
      },
      Stage: {
        Type: "AWS::ApiGatewayV2::Stage",
        Properties: { ApiId: { Ref: "Api" }, StageName: "$default", AutoDeploy: true },
      },
      ...functionWithRole("F"),
      ...route("Route", { key: "GET /v1/events", functionId: "F" }),
    };
    const template = loadAssembly({ Resources }, { F: { "index.js": "" } });
    const invoke = async () => ({ payload: { statusCode: 200, body: "private" } });
    const api = await startHttpApi({ port: 0, template, lambdas: { invoke }, log() {} });
    onTestFinished(api.close);
    return `${api.url}/v1/events`;
  },
  "The AWS endpoint": async () => {
    const bodies = { Type: "AWS::S3::Bucket", Properties: { BucketName: "bodies" } };
    const { aws } = await running(templateOf({ Bodies: bodies }));
    return `${aws.url}/bodies`;
  },
  "The console and the simulator": async () => {
    const server = await startJsonServer(0, async () => ({ status: 200, body: "private" }));
    onTestFinished(server.close);
    return server.url;
  },
};

describe.each(Object.entries(ports))("%s", (_name, start) => {
  test("answers tools and pages of this machine", async () => {
    const url = await start();
    const { port } = new URL(url);
    for (const headers of [
      {},
      { host: `localhost:${port}` },
      { host: `[::1]:${port}` },
      { host: `127.0.0.1:${port}`, origin: "http://localhost:3000", "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
    ]) {
      expect({ headers, ...(await call(url, { headers })) }).toMatchObject({ status: 200 });
    }
  });

  test.each([
    [{ host: "evil.example" }, /Host evil\.example/],
    [{ host: "127.0.0.1.evil.example:8787" }, /Host/],
    [{ origin: "http://evil.example" }, /Origin http:\/\/evil\.example/],
    [{ origin: "https://127.0.0.1.evil.example" }, /Origin/],
    [{ origin: "null" }, /Origin null/],
    [{ "sec-fetch-site": "cross-site" }, /Sec-Fetch-Site/],
  ])("refuses what a foreign web page can send: %j", async (headers, reason) => {
    const { status, body } = await call(await start(), { headers });
    expect({ status, body }).toEqual({ status: 403, body: expect.stringMatching(reason) });
  });
});

/** A console whose API and simulator do not answer. */
async function openConsole(update: ConsoleOptions["update"] = async () => undefined) {
  const server = await startConsole({
    ...{ port: 0, frameAncestors: [], operatorKey: "secret" },
    addresses: { apiUrl: "http://127.0.0.1:1", providerUrl: "http://127.0.0.1:1" },
    ...{ calls: { list: () => ({}) }, billed: { list: () => [] } },
    update,
  });
  onTestFinished(server.close);
  return server;
}

test("A link of another site opens a page of the console, and nothing else", async () => {
  const server = await openConsole();
  const of = (path: string, more: Record<string, string> = {}, method = "GET") =>
    call(`${server.url}${path}`, {
      method,
      headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", ...more },
    });
  expect(await of("/requests/rq_1")).toMatchObject({ status: 200 });
  for (const path of ["/v1/operator/overview", "/local/session", "/aws-calls", "/_control/update"])
    expect(await of(path)).toMatchObject({ status: 403 });
  expect(await of("/", {}, "POST")).toMatchObject({ status: 403 });
  expect(await of("/", { host: "evil.example" })).toMatchObject({ status: 403 });
  expect(await of("/", { "sec-fetch-mode": "no-cors" })).toMatchObject({ status: 403 });
});

test("The simulator's controls take only JSON, which a foreign page cannot send unasked", async () => {
  const store = openDurableStore();
  const realMs = Date.now();
  const clock = makeBusinessClock({ realMs, businessMs: realMs, speed: 1 });
  const connection = { connectionId: "cn_1", inboundUrl: "http://127.0.0.1:1/" };
  const targets = [{ provider: "we-link", ...connection, secret: "s" }];
  const simulator = await startSimulator({ port: 0, store, clock, targets });
  onTestFinished(simulator.close);
  const body = JSON.stringify({ provider: "we-link", body: { status: "SUCCESS" } });
  const send = (type: string) =>
    call(`${simulator.url}/_control/send`, {
      method: "POST",
      headers: { "content-type": type },
      body,
    });
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
    expect(await send(type)).toMatchObject({ status: 415 });
  }
  expect(await send("application/json; charset=utf-8")).toMatchObject({ status: 200 });
});

test("An update of the functions takes only JSON, also without a body", async () => {
  const updates: object[] = [];
  const server = await openConsole(async (to) => void updates.push(to));
  const send = (headers: object, body?: string) =>
    call(`${server.url}/_control/update`, {
      ...{ method: "POST", headers },
      ...(body === undefined ? {} : { body }),
    });
  const body = JSON.stringify({ assemblyDir: "/of/another/page" });
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
    expect(await send({ "content-type": type }, body)).toMatchObject({ status: 415 });
  }
  // As a page of another local port can send it.
  const ofOtherPort = { origin: "http://localhost:3000", "sec-fetch-site": "same-site" };
  expect(await send(ofOtherPort)).toMatchObject({ status: 415 });
  expect(updates).toEqual([]);
  expect(await send({ "content-type": "application/json" })).toMatchObject({ status: 200 });
  const withCharset = { "content-type": "application/json; charset=utf-8" };
  expect(await send(withCharset, body)).toMatchObject({ status: 200 });
  expect(updates).toEqual([{}, { assemblyDir: "/of/another/page" }]);
});
