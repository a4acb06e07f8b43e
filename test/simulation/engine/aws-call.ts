import type { FaultKind, Faults, Weights } from "./faults.ts";
import { type Instance, planIn, running } from "./instance.ts";
import type { Loop } from "./loop.ts";
import type { Random } from "./random.ts";

/** What a simulated service does for an operation, by the operation's name. @throws what AWS answers */
export type Operations = Readonly<Record<string, (input: never) => unknown>>;

/** How often each fault strikes a call, in relation to the others. */
const callFaults: Weights = {
  throttle: 1,
  error: 1,
  timeout: 0.5,
  "timeout-applied": 1,
  "crash-before": 1,
  "crash-after": 1,
  slow: 1,
  freeze: 0.5,
};

/** Milliseconds that one half of a call takes: the least, and the usual most. One call of twenty takes ten times as long. */
const LATENCY_MS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  dynamodb: [1, 7],
  others: [3, 20],
};
const SLOW_CALLS = 0.05;

/** Calls that change nothing: when they are carried out within their latency makes no difference. */
const isRead = (name: string) => /^(?:Query|Get|BatchGet|List)/.test(name);

const isOfDynamoDb = (name: string) =>
  /^(?:Query|Get|BatchGet|Put|Update|Delete|BatchWrite)Command$/.test(name);

/** As in `awsClientDefaults`: attempts of one call, and real milliseconds of one attempt. */
const MAX_ATTEMPTS = 3;
const TIMEOUT_MS = 2_000;
const BACKOFF_MS = 50;
const FREEZE_MS = { min: 20_000, max: 300_000 };

/**
 * Makes the `send` of every AWS client: the place of the SDK, with its attempts and timeouts.
 * Faults strike here.
 */
export function makeAwsCalls(of: {
  loop: Loop;
  faults: Faults;
  /** Makes the stream of one purpose: each function has one for each operation, so that a fault of one does not shift the others. */
  randomFor: (purpose: string) => Random;
  /** Every outage outlasts the attempts of the SDK, instead of one half of them. */
  lastsAlways: boolean;
  operations: Operations;
  onCall: (name: string, instance: Instance | undefined) => void;
}) {
  const { loop, faults, randomFor, lastsAlways, operations, onCall } = of;
  const streams = new Map<string, Random>();

  function streamOf(point: string): Random {
    const known = streams.get(point);
    if (known) return known;
    const stream = randomFor(`latency/${point}`);
    streams.set(point, stream);
    return stream;
  }

  /** Waits in the running instance, which may be dead or frozen by then. */
  const pause = (ms: number) =>
    new Promise<void>((resolve) => planIn(loop, running.getStore(), loop.nowMs() + ms, resolve));

  /** Calls a service once. */
  function apply(name: string, input: unknown): unknown {
    const operation = operations[name];
    if (!operation) throw new Error(`the simulator has no ${name}`);
    return operation(input as never);
  }

  function latencyOf(name: string, random: Random): number {
    const [least = 0, most = 0] = LATENCY_MS[isOfDynamoDb(name) ? "dynamodb" : "others"] ?? [];
    const usual = 2 * random.int(least, most);
    return random.chance(SLOW_CALLS) ? 10 * usual : usual;
  }

  async function attempt(
    name: string,
    input: unknown,
    { fault, random }: { fault: FaultKind | undefined; random: Random },
  ) {
    const instance = running.getStore();
    const latencyMs = latencyOf(name, random);
    if (fault === undefined && isRead(name)) {
      await pause(latencyMs);
      return apply(name, input);
    }
    if (fault === "throttle") return pause(latencyMs).then(() => fail("ThrottlingException", 400));
    if (fault === "error") return pause(latencyMs).then(() => fail("InternalServerError", 500));
    if (fault === "timeout") return pause(TIMEOUT_MS).then(() => fail("TimeoutError"));
    if (fault === "crash-before" && instance) instance.isDead = true;
    if (fault === "freeze") freeze(instance, random);
    await pause(latencyMs / 2);
    const answer = outcomeOf(() => apply(name, input));
    if (fault === "crash-after" && instance) instance.isDead = true;
    if (fault === "timeout-applied") {
      return pause(TIMEOUT_MS).then(() => fail("TimeoutError"));
    }
    await pause(fault === "slow" ? TIMEOUT_MS * 0.9 : latencyMs / 2);
    return answer();
  }

  function freeze(instance: Instance | undefined, random: Random): void {
    if (!instance) return;
    instance.frozenUntilMs = loop.nowMs() + random.int(FREEZE_MS.min, FREEZE_MS.max);
  }

  /** @throws what the service answers, or the timeout */
  async function call(name: string, input: unknown): Promise<unknown> {
    const instance = running.getStore();
    onCall(name, instance);
    const point = `${instance?.functionName ?? "setup"}.${name}`;
    const random = streamOf(point);
    const fault = instance ? faults.draw(point, callFaults, instance.name) : undefined;
    // Half of the outages outlast the attempts of the SDK.
    const lasting = fault && !lastsAlways && random.chance(0.5) ? 1 : MAX_ATTEMPTS;
    for (let made = 1; ; made++) {
      try {
        return await attempt(name, input, { fault: made <= lasting ? fault : undefined, random });
      } catch (error) {
        if (made === MAX_ATTEMPTS || !isRetryable(error)) throw error;
        await pause(BACKOFF_MS * 2 ** made);
      }
    }
  }

  return {
    pause,
    /** @throws as the SDK does: the service's error, a timeout, or `AbortError` */
    send(name: string, input: unknown, abortSignal?: AbortSignal): Promise<unknown> {
      const answer = call(name, input);
      if (!abortSignal) return answer;
      const aborted = new Promise<never>((_, reject) => {
        const abort = () => reject(named("AbortError", "Request aborted"));
        if (abortSignal.aborted) abort();
        else abortSignal.addEventListener("abort", abort, { once: true });
      });
      return Promise.race([answer, aborted]);
    },
  };
}

/** Runs it now; the result gives its value or throws its error later. */
function outcomeOf<T>(run: () => T): () => T {
  try {
    const value = run();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

const named = (name: string, message: string, members: object = {}) =>
  Object.assign(new Error(message), { name, ...members });

function fail(name: string, httpStatusCode?: number): never {
  throw named(name, `simulated ${name}`, {
    $metadata: httpStatusCode === undefined ? {} : { httpStatusCode },
  });
}

const retryable = ["ThrottlingException", "InternalServerError", "TimeoutError"];

const isRetryable = (error: unknown) => retryable.includes((error as Error).name);
