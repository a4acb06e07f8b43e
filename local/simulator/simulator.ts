import { EventEmitter } from "node:events";
import * as z from "zod/mini";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { makeBusinessTimers } from "../clock/business-timers.ts";
import type { BusinessClock } from "../clock/clock.ts";
import type { DurableStore } from "../durable-store.ts";
import { type JsonAnswer, refuseUnlessJson, startJsonServer } from "../json-server.ts";
import { type Behaviour, behaviour, drawDelayMs } from "./behaviour.ts";
import { makeJobs } from "./jobs.ts";
import { makeLinkedApi } from "./linked-api.ts";
import { makeProviderCalls } from "./provider-calls.ts";
import { samples } from "./samples.ts";
import { makeScriptBook } from "./script-book.ts";
import { type SimulatedProvider, simulatedProvider } from "./simulated-provider.ts";
import { makeSubmissions } from "./submissions.ts";
import { makeWeLink } from "./we-link.ts";
import { makeWebhookSender, type WebhookAttempt } from "./webhook-sender.ts";
import type { WebhookTarget } from "./webhook-target.ts";

export interface Simulator {
  url: string;
  send(provider: SimulatedProvider, body: JsonObject): string;
  /**
   * Adds a listener that is called after each webhook attempt. Returns a function
   * that removes it.
   */
  onAttempt(listener: (attempt: WebhookAttempt) => void): () => void;
  /** The number of webhooks that are being sent, and when the next one is due. */
  work(): { running: number; nextAt: number | undefined };
  close(): Promise<void>;
}

const sendRequest = z.object({
  provider: simulatedProvider,
  body: z.record(z.string(), z.unknown()),
  connectionId: z.optional(z.string()),
});

/**
 * Starts both providers as one server: it accepts their calls, processes them in
 * business time, and sends signed webhooks. The webhooks of a call go to the
 * provider's first target, whichever credentials the call has.
 */
export async function startSimulator(options: {
  port: number;
  store: DurableStore;
  clock: BusinessClock;
  targets: readonly WebhookTarget[];
}): Promise<Simulator> {
  const attempts = new EventEmitter<{ attempt: [WebhookAttempt] }>();
  const settings = options.store.collection<Behaviour>("simulator-behaviour");
  const current = () => settings.get("current") ?? behaviour.parse({});
  const target = (provider: SimulatedProvider, connectionId?: string) => {
    const found = options.targets.find(
      (one) =>
        one.provider === provider &&
        (connectionId === undefined || one.connectionId === connectionId),
    );
    if (found) return found;
    throw new BadRequest(`The local run has no ${provider} connection ${connectionId ?? ""}`);
  };
  const scripts = makeScriptBook({ store: options.store, scripts: () => current().scripts });
  const timers = makeBusinessTimers(options.clock);
  const sender = makeWebhookSender({
    timers,
    scripts,
    store: options.store,
    clock: options.clock,
    behaviour: current,
    onAttempt: (attempt) => attempts.emit("attempt", attempt),
    target,
  });
  const submissions = makeSubmissions(options.store);
  const jobs = makeJobs({ store: options.store, submissions, sender });
  const makeApi = (provider: SimulatedProvider) =>
    (provider === "we-link" ? makeWeLink : makeLinkedApi)({
      jobs,
      planWebhook: ({ job, ...webhook }) => ({
        ...webhook,
        provider,
        connectionId: target(provider).connectionId,
        job: { requestId: job.id, actions: [], account: "", ...job.facts },
      }),
      drawDelayMs: () => drawDelayMs(current()),
      isAllowed: (action) => current().actions.some((one) => one === action || one === "*"),
    });
  const apis = { "we-link": makeApi("we-link"), "linked-api": makeApi("linked-api") };

  const routes: Record<string, (text: string) => unknown> = {
    "PUT /_control/behaviour": (text) => {
      const next = parse(behaviour, text);
      settings.put("current", next);
      scripts.reset();
      return next;
    },
    "GET /_control/behaviour": current,
    "GET /_control/scripts": () => ({ scripts: scripts.list() }),
    "GET /_control/samples": () => ({ samples }),
    "GET /_control/submissions": () => ({ submissions: submissions.list() }),
    "GET /_control/clock": () => ({
      now: new Date(options.clock.now()).toISOString(),
      speed: options.clock.speed,
    }),
    "POST /_control/send": (text) => {
      const { provider, body, connectionId } = parse(sendRequest, text);
      return { webhookId: send(provider, body, connectionId) };
    },
  };

  const send = (provider: SimulatedProvider, body: JsonObject, connectionId?: string) => {
    const webhookId = sender.send(provider, body, connectionId);
    apis[provider].remember(body, options.clock.now());
    return webhookId;
  };

  const providerCalls = makeProviderCalls({
    apis: Object.values(apis),
    jobs,
    scripts,
    behaviour: current,
    nowMs: options.clock.now,
  });
  const server = await startJsonServer(options.port, async (request) => {
    // Before a PUT a web page of another origin must ask, whatever the type is.
    const isPost = request.path.startsWith("/_control/") && request.method === "POST";
    const refusal = isPost ? refuseUnlessJson(request) : undefined;
    if (refusal !== undefined) return refusal;
    const name = `${request.method} ${request.path}`;
    return (await providerCalls(request)) ?? answer(routes[name], name, request.text);
  });
  jobs.recover();
  sender.resume();

  return {
    url: server.url,
    send,
    onAttempt: (listener) => {
      attempts.on("attempt", listener);
      return () => attempts.off("attempt", listener);
    },
    work: () => ({ running: sender.running(), nextAt: timers.firstDueAt() }),
    close() {
      sender.close();
      return server.close();
    },
  };
}

class BadRequest extends Error {}

function parse<Schema extends z.ZodMiniType>(schema: Schema, text: string): z.output<Schema> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadRequest("The body must be JSON");
  }
  const read = z.safeParse(schema, body, { error: z.locales.en().localeError });
  if (read.success) return read.data;
  throw new BadRequest(
    read.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "),
  );
}

function answer(
  route: ((text: string) => unknown) | undefined,
  name: string,
  text: string,
): JsonAnswer {
  if (route === undefined)
    return { status: 404, body: { error: `The simulator does not have ${name}` } };
  try {
    return { status: 200, body: route(text) };
  } catch (error) {
    if (error instanceof BadRequest) return { status: 400, body: { error: error.message } };
    throw error;
  }
}
