import { setTimeout } from "node:timers/promises";
import { startEndpoints } from "../deliveries/endpoints-process.ts";
import { makeApi } from "../run/api.ts";
import type { BenchRun } from "../run/bench-run.ts";
import { now, type Send, webhookSender } from "./load.ts";

/** Time that the messages which are still under way are given after the last one is sent. */
const DRAIN_MS = 120_000;

/** Endpoints that receive what is sent. */
type Endpoints = Awaited<ReturnType<typeof startEndpoints>>;

/** Waits until so many different messages have arrived, two minutes at most. */
export async function arrived(endpoints: Pick<Endpoints, "posts">, count: number): Promise<void> {
  const untilMs = now() + DRAIN_MS;
  while (new Set(endpoints.posts.map(({ id }) => id)).size < count && now() < untilMs) {
    await setTimeout(100);
  }
}

/** Gives the demonstration's client a webhook. Returns what receives it, and what sends. */
export async function connectReceiver({
  local,
}: BenchRun): Promise<{ endpoints: Endpoints; send: Send }> {
  const { inboundUrl = "" } =
    local.connections.find(({ provider }) => provider === "linked-api") ?? {};
  const endpoints = await startEndpoints();
  const { secret } = await makeApi(local).call<{ secret: string }>("/v1/webhook", {
    method: "PUT",
    body: { url: endpoints.urlOf(0) },
  });
  endpoints.add({ n: 0, behaviour: "healthy", secret });
  return { endpoints, send: webhookSender(inboundUrl) };
}
