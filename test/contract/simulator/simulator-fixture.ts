import { createServer } from "node:http";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import { closeServer, listen } from "../../../local/loopback.ts";
import { startSimulator } from "../../../local/simulator/simulator.ts";
import type { Submission } from "../../../local/simulator/submissions.ts";
import type { JsonObject } from "../../../shared/core/json/json.ts";

export const MINUTE_MS = 60_000;
/** A minute of business time is 100 ms. */
const SPEED = 600;

export const weLinkHeaders = { "x-api-key": "k", "x-api-secret": "s" };
export const linkedApiHeaders = {
  "linked-api-token": "t",
  "identification-token": "simulated-acc-1",
};

type Init = Omit<RequestInit, "body" | "headers"> & {
  body?: unknown;
  headers?: Record<string, string>;
};

/**
 * The simulator with a receiver for its webhooks; `restart` discards everything
 * that is not durable.
 */
export async function startSimulatorFixture(dataDir?: string) {
  const arrivals: JsonObject[] = [];
  const receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    arrivals.push(JSON.parse(Buffer.concat(chunks).toString()) as JsonObject);
    response.end();
  });
  const inboundUrl = `http://${await listen(receiver, 0)}/v1/in/${"f".repeat(16)}`;
  const now = Date.now();
  const clock = makeBusinessClock({ realMs: now, businessMs: now, speed: SPEED });

  let store = openDurableStore(dataDir);
  const start = () =>
    startSimulator({
      port: 0,
      store,
      clock,
      targets: [
        { provider: "we-link", connectionId: "cn_1", inboundUrl, secret: "secret" },
        { provider: "linked-api", connectionId: "cn_2", inboundUrl },
      ],
    });
  let simulator = await start();

  async function call(path: string, init: Init = {}) {
    const { body, ...rest } = init;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const typed = { "content-type": "application/json", ...rest.headers };
    const sent = body === undefined ? rest : { ...rest, headers: typed, body: text };
    const response = await fetch(`${simulator.url}${path}`, sent);
    const { status, headers } = response;
    return { status, headers, body: (await response.json()) as JsonObject };
  }

  return {
    arrivals,
    clock,
    call,
    store: () => store,
    url: () => simulator.url,
    behave: (body: object) => call("/_control/behaviour", { method: "PUT", body }),
    weLink: (action: string, body: unknown, init: Init = {}) =>
      call(`/api/v1/${action}`, { method: "POST", body, headers: weLinkHeaders, ...init }),
    linkedApi: (method: string, path: string, body?: unknown, init: Init = {}) =>
      call(path, { method, body, headers: linkedApiHeaders, ...init }),
    async submissions(): Promise<Submission[]> {
      const { body } = await call("/_control/submissions");
      return body.submissions as Submission[];
    },
    async restart() {
      await simulator.close();
      store.close();
      store = openDurableStore(dataDir);
      simulator = await start();
    },
    async close() {
      await simulator.close();
      store.close();
      await closeServer(receiver);
    },
  };
}

export type SimulatorFixture = Awaited<ReturnType<typeof startSimulatorFixture>>;
