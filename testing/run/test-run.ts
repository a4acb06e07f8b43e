import { Ackwire } from "../../client/index.ts";
import { startAws } from "../../local/aws/aws.ts";
import { makeBusinessClock } from "../../local/clock/clock.ts";
import { startMappings } from "../../local/event-source/event-source-mapping.ts";
import { startHttpApi } from "../../local/http-api/http-api.ts";
import { startLambdas } from "../../local/lambda/lambdas.ts";
import { freePort } from "../../local/loopback.ts";
import { makeAdvance } from "../../local/run/advance.ts";
import { seed } from "../../local/run/seed.ts";
import {
  type SimulatedProvider,
  simulatedProvider,
} from "../../local/simulator/simulated-provider.ts";
import { startSimulator } from "../../local/simulator/simulator.ts";
import type { Assembly } from "../../local/template/assembly.ts";
import type { Template } from "../../local/template/resource.ts";
import { templateOf } from "../../local/template/template.ts";
import type { Provider } from "../script.ts";
import type { Received, Submission } from "../test-ackwire.ts";
import type { Started as RunFacts } from "../thread-calls.ts";
import { functionNameOf, withVariables } from "./built-stack.ts";
import { reachDirectly } from "./direct-http-handler.ts";
import type { FunctionRuntime } from "./function-world.ts";
import { makeStartInThread } from "./in-thread-environment.ts";
import { openMemoryStore } from "./memory-store.ts";
import { startReceiver } from "./receiver.ts";

/** How the functions of this thread learn by how much business time has been moved. */
const JUMPED_MS = Symbol.for("ackwire.businessJumpedMs");

export interface TestRunOptions {
  /** Returns another runtime for the functions each time. */
  makeRuntime(): FunctionRuntime;
  /** The stack as it was built. */
  stack: Pick<Assembly, "stackName" | "document">;
  settings: Readonly<Record<string, string | number>>;
  /** Business time at the start, in epoch milliseconds. */
  startsAtMs: number;
  onReceived(received: Received): void;
  /** Gets every log line of the functions, and what the run itself has to say. */
  log(line: string): void;
}

/**
 * Starts all parts of a run in this thread: the local AWS, the functions, the API, the simulated
 * providers, and a receiver of webhooks. Business time stands still between its jumps.
 */
export async function startTestRun(options: TestRunOptions) {
  const started = makeStarted();
  try {
    return await start(options, started);
  } catch (error) {
    await started.close();
    throw error;
  }
}

interface Started {
  defer(close: () => Promise<void>): void;
  close(): Promise<void>;
}

/** What has been started. It is closed in reverse order, producers first. Node 24 has its like. */
function makeStarted(): Started {
  const closes: (() => Promise<void>)[] = [];
  return {
    defer: (close) => void closes.push(close),
    async close() {
      for (let close = closes.pop(); close; close = closes.pop()) await close();
    },
  };
}

/** Lets everybody pass while it is open, as it is at first. */
function makeGate() {
  let waiting: PromiseWithResolvers<void> | undefined;
  return {
    passed: async () => waiting?.promise,
    open() {
      waiting?.resolve();
      waiting = undefined;
    },
    shut() {
      waiting ??= Promise.withResolvers();
    },
  };
}

export type TestRun = Awaited<ReturnType<typeof startTestRun>>;

async function start(options: TestRunOptions, started: Started) {
  const { log } = options;
  const store = openMemoryStore();
  const clock = makeBusinessClock({
    realMs: Date.now(),
    businessMs: options.startsAtMs,
    speed: 0,
  });
  const follow = () => Object.assign(globalThis, { [JUMPED_MS]: clock.jumpedMs });
  follow();
  clock.onJump(follow);

  const queues = makeGate();
  const aws = await startAws({ port: 0, store, clock, mayReceive: queues.passed, log });
  started.defer(aws.close);
  reachDirectly(aws.url, aws.serve);
  const [apiPort, providerPort] = [await freePort(), await freePort()];
  const awsUrl = aws.url;
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const document = withVariables(options.stack.document, {
    clock: clock.anchor,
    providerUrl: `http://127.0.0.1:${providerPort}`,
    refusedPorts: [apiPort, providerPort, Number(new URL(awsUrl).port)],
    settings: options.settings,
  });
  const template = withoutSweeps(
    // The functions are in one module of the directory, and not in assets.
    templateOf(
      { ...options.stack, document, assets: anyAsset(import.meta.dirname) },
      { awsUrl, apiUrl },
    ),
  );
  await aws.provision(template);
  const { outputs } = template;

  let runtime: FunctionRuntime | undefined;
  const lambdas = startLambdas({
    template,
    awsUrl,
    clock,
    registerCaller: aws.registerCaller,
    log: (functionId, line) => log(`${functionNameOf(functionId)} ${line}`),
    // One at a time, so that the same test has the same order of events.
    maxEnvironments: 1,
    startEnvironment: makeStartInThread({
      runtime: () => {
        runtime ??= options.makeRuntime();
        return runtime;
      },
      onTimeout: () => {
        runtime = undefined;
      },
      nameOf: functionNameOf,
    }),
  });
  started.defer(lambdas.close);
  aws.onInvoke(async (functionArn, payload) => {
    await lambdas.invoke(functionArn, payload);
  });

  const seeded = await seed({ store, clock, awsUrl, outputs });
  const mappings = await startMappings({
    template,
    awsUrl,
    lambdas,
    pollers: aws.pollers,
    log,
  });
  started.defer(mappings.close);
  const api = await startHttpApi({ port: apiPort, template, lambdas, log });
  started.defer(api.close);
  const simulator = await startSimulator({
    port: providerPort,
    store,
    clock,
    targets: seeded.connections.map(({ inboundPath, ...connection }) => ({
      ...connection,
      inboundUrl: `${apiUrl}${inboundPath}`,
    })),
  });
  started.defer(simulator.close);

  const receiver = await startReceiver({ now: clock.now, onReceived: options.onReceived });
  started.defer(receiver.close);
  const client = new Ackwire({ baseUrl: apiUrl, apiKey: seeded.apiKey });
  const { secret } = await client.webhook.put({ url: receiver.url });
  receiver.verifyWith(secret);

  const move = makeAdvance({
    clock,
    aws,
    lambdas,
    simulator,
    outputs,
    sweeperId: functionIdOf(template, "reconcile"),
  });

  /**
   * Queues are processed only meanwhile. Otherwise it would depend on the machine how much has
   * happened between two calls of a test.
   */
  async function processing(move: () => Promise<void>): Promise<void> {
    queues.open();
    try {
      await move();
    } finally {
      queues.shut();
    }
  }

  /** @param untilEnded the id of a request at whose end the move ends */
  async function advance(byMs: number, untilEnded?: string): Promise<void> {
    if (untilEnded === undefined) return processing(() => move(byMs));
    let status: string | undefined;
    const read = async () => {
      ({ status } = await client.requests.get(untilEnded));
      return endedStatuses.includes(status);
    };
    await processing(() => move(byMs, read));
    if (await read()) return;
    const time = new Date(clock.now()).toISOString();
    throw new Error(`The request ${untilEnded} is still ${status} at ${time}`);
  }

  async function will(scripts: unknown[]): Promise<void> {
    const response = await fetch(`${simulator.url}/_control/behaviour`, {
      method: "PUT",
      body: JSON.stringify({ scripts }),
    });
    const answer = await response.text();
    if (!response.ok) throw new TypeError(`The script is refused: ${answer}`);
  }

  async function submissions(): Promise<Submission[]> {
    const response = await fetch(`${simulator.url}/_control/submissions`);
    return ((await response.json()) as { submissions: Submission[] }).submissions;
  }

  /** @throws TypeError for a provider that there is not, and for a body that no provider sends */
  async function send(provider: string, body: Record<string, unknown>): Promise<void> {
    if (!isSimulated(provider)) throw new TypeError(`There is no provider "${provider}"`);
    const { promise: answered, resolve } = Promise.withResolvers<number>();
    let webhookId: string | undefined;
    const forget = simulator.onAttempt((attempt) => {
      if (attempt.webhookId === webhookId) resolve(attempt.status);
    });
    webhookId = simulator.send(provider, body);
    const status = await answered.finally(forget);
    if (status >= 400 && status < 500) {
      throw new TypeError(
        `Ackwire answers this webhook with ${status}, because it has not the form of the provider's; logs() says why`,
      );
    }
  }

  queues.shut();
  started.defer(async () => queues.open());

  return {
    started: {
      apiUrl,
      apiKey: seeded.apiKey,
      // Providers that are simulated, which the client's types name.
      accounts: seeded.accounts.map(({ provider, accountId }) => ({
        provider: provider as Provider,
        accountId,
      })),
      receiverUrl: receiver.url,
      webhookSecret: secret,
    } satisfies RunFacts,
    clock,
    receiver,
    advance,
    will,
    submissions,
    send,
    close: started.close,
  };
}

const endedStatuses: readonly string[] = ["SUCCEEDED", "FAILED", "CANCELLED", "ACTION_REQUIRED"];

function isSimulated(provider: string): provider is SimulatedProvider {
  return simulatedProvider.safeParse(provider).success;
}

/** The sweep is not started by its schedule but by an advance, when it has something to do. */
function withoutSweeps(template: Template): Template {
  return {
    ...template,
    resources: (type) => (type === "AWS::Scheduler::Schedule" ? [] : template.resources(type)),
  };
}

function anyAsset(directory: string): Map<string, string> {
  const assets = new Map<string, string>();
  assets.get = () => directory;
  return assets;
}

function functionIdOf(template: Template, name: string): string {
  const found = template
    .resources("AWS::Lambda::Function")
    .find(({ logicalId }) => functionNameOf(logicalId) === name);
  if (!found) throw new Error(`The stack has no function ${name}`);
  return found.logicalId;
}
