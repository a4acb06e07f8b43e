import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { WebhookEvent } from "../../client/index.ts";
import { startReceiver } from "../../examples/receiver.ts";
import { closeServer } from "../../local/loopback.ts";
import { signedHeaders } from "../../shared/core/deliveries/signing/signing.ts";
import { waitOptions } from "../support/wait-timeout.ts";

const [oldSecret = "", newSecret = ""] = [1, 2].map(
  (byte) => `whsec_${Buffer.alloc(32, byte).toString("base64")}`,
);

let handled: WebhookEvent[];
let handle: (event: WebhookEvent) => Promise<void>;
let server: Server;
beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  handled = [];
  handle = async (event) => void handled.push(event);
  server = await startReceiver({
    secret: [newSecret, oldSecret],
    port: 0,
    onEvent: (event) => handle(event),
  });
});
afterEach(async () => {
  await closeServer(server);
  vi.restoreAllMocks();
});

function post(
  id: string,
  { secrets = [oldSecret], change = "" }: { secrets?: string[]; change?: string } = {},
): Promise<Response> {
  const body = JSON.stringify({
    id,
    type: "webhook.test",
    createdAt: "2026-06-25T12:00:00.000Z",
    data: { provider: "ackwire", eventType: "UNKNOWN", message: "Grüße \u2028".repeat(20_000) },
  });
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const headers = signedHeaders({ eventId: id, body, timestampSeconds, secrets });
  const { port } = server.address() as AddressInfo;
  return fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body: body + change });
}

test("A webhook is answered 204 each time it is received and is handled once", async () => {
  const answers = await Promise.all([post("a"), post("a"), post("b")]);
  expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
  expect((await post("a")).status).toBe(204);
  expect(handled.map(({ id }) => id).sort()).toEqual(["a", "b"]);
});

test("A webhook is answered before its handler has finished", async () => {
  let finish = () => {};
  handle = async (event) => {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    handled.push(event);
  };
  expect((await post("slow")).status).toBe(204);
  expect(handled).toEqual([]);
  finish();
  await vi.waitFor(() => expect(handled).toHaveLength(1), waitOptions);
});

test.each([
  ["with a changed body", { change: " " }, 400],
  [
    "signed with an unknown secret",
    { secrets: [`whsec_${Buffer.alloc(32, 3).toString("base64")}`] },
    400,
  ],
  ["without a signature", { secrets: [] }, 400],
  ["signed with both secrets of a rotation", { secrets: [newSecret, oldSecret] }, 204],
])("A webhook %s is answered with the expected status", async (_name, how, status) => {
  expect((await post("x", how)).status).toBe(status);
  expect(handled).toHaveLength(status === 204 ? 1 : 0);
});

test("A handler that fails affects neither the response nor later webhooks", async () => {
  handle = () => Promise.reject(new Error("the work went wrong"));
  expect((await post("bad")).status).toBe(204);
  handle = async (event) => void handled.push(event);
  expect((await post("good")).status).toBe(204);
  await vi.waitFor(() => expect(handled.map(({ id }) => id)).toEqual(["good"]), waitOptions);
});
