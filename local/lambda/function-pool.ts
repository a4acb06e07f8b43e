import type {
  EnvironmentOptions,
  ExecutionEnvironment,
  StartEnvironment,
} from "./execution-environment.ts";
import { type FunctionError, failed, type InvokeResult } from "./invoke-result.ts";
import type { Lineage } from "./lineage.ts";

export interface FunctionPool {
  /**
   * Starts an environment unless one exists. @returns the reason why the function
   * could not be loaded
   */
  warmUp(): Promise<FunctionError | undefined>;
  /** Queues behind earlier invocations when all environments are busy. @throws when the pool is closed */
  invoke(payload: string, options?: InvokeOptions): Promise<InvokeResult>;
  /** Closes the pool when every invocation that it has accepted has ended. */
  retire(): Promise<void>;
  close(): Promise<void>;
}

export interface InvokeOptions {
  /** The chains of requests that caused the invocation. Default: it begins one. */
  causes?: readonly Lineage[];
  /**
   * An invocation that has not reached a handler after this time (ms) is given up;
   * its result is unhandled. Default: it waits.
   */
  startWithinMs?: number;
}

interface QueuedInvocation {
  payload: string;
  causes: readonly Lineage[];
  timer?: NodeJS.Timeout;
  resolve(result: InvokeResult): void;
  reject(error: Error): void;
}

/**
 * Manages the execution environments of one function: started on demand, kept
 * warm until closed.
 */
export function makeFunctionPool(
  options: Omit<EnvironmentOptions, "onIdle"> & {
    startEnvironment: StartEnvironment;
    maxEnvironments: number;
    /** Environments that are idle for this time (ms) are ended, except one. */
    maxIdleMs: number;
  },
): FunctionPool {
  const waiting: QueuedInvocation[] = [];
  const all = new Set<ExecutionEnvironment>();
  const starting = new Set<ExecutionEnvironment>();
  // Environments that have responded and are about to ask for the next invocation. They are
  // available sooner than a new environment.
  const ending = new Set<ExecutionEnvironment>();
  // Last in, first out: the environment that ran most recently has the warmest caches.
  const idle: { environment: ExecutionEnvironment; sinceMs: number }[] = [];
  let isClosed = false;
  let retirement: PromiseWithResolvers<void> | undefined;
  const idleCheck = setInterval(() => {
    const idleBeforeMs = Date.now() - options.maxIdleMs;
    while (idle.length > 1 && (idle[0]?.sinceMs ?? 0) <= idleBeforeMs)
      idle.shift()?.environment.kill();
  }, options.maxIdleMs / 2).unref();

  function dispatch() {
    for (let work = waiting[0]; work; work = waiting[0]) {
      const next = idle.pop();
      if (!next) break;
      waiting.shift();
      void run(next.environment, work);
    }
    for (;;) {
      const unserved = waiting[starting.size + ending.size];
      if (!unserved || all.size >= options.maxEnvironments) return;
      void start().ready.then((failure) => {
        // The invocation that started the environment gets its failure; the next one tries a new
        // environment.
        if (failure) giveUp(unserved, failure);
      });
    }
  }

  function endRetirement() {
    const isQuiet = waiting.length === 0 && starting.size === 0 && idle.length === all.size;
    if (isQuiet) retirement?.resolve();
  }

  function giveUp(work: QueuedInvocation, failure: InvokeResult) {
    const index = waiting.indexOf(work);
    if (index < 0) return;
    waiting.splice(index, 1);
    clearTimeout(work.timer);
    work.resolve({ ...failure, isUnhandled: true });
  }

  async function run(environment: ExecutionEnvironment, work: QueuedInvocation) {
    clearTimeout(work.timer);
    const result = await environment.invoke(work.payload, work.causes);
    if (all.has(environment)) ending.add(environment);
    work.resolve(result);
  }

  function start(): ExecutionEnvironment {
    const environment = options.startEnvironment({
      ...options,
      onIdle: (ready) => {
        starting.delete(ready);
        ending.delete(ready);
        idle.push({ environment: ready, sinceMs: Date.now() });
        dispatch();
        endRetirement();
      },
    });
    all.add(environment);
    starting.add(environment);
    void environment.exited.then(() => {
      all.delete(environment);
      starting.delete(environment);
      ending.delete(environment);
      const index = idle.findIndex((one) => one.environment === environment);
      if (index >= 0) idle.splice(index, 1);
      dispatch();
      endRetirement();
    });
    return environment;
  }

  const closedError = () =>
    new Error(`${options.configuration.logicalId} was not invoked: the local run is closing`);

  async function close(): Promise<void> {
    isClosed = true;
    clearInterval(idleCheck);
    for (const work of waiting.splice(0)) {
      clearTimeout(work.timer);
      work.reject(closedError());
    }
    for (const environment of all) environment.kill();
    await Promise.all([...all].map((environment) => environment.exited));
    retirement?.resolve();
  }

  return {
    warmUp: async () => (all.size > 0 ? undefined : (await start().ready)?.functionError),
    invoke: (payload, { causes = [], startWithinMs } = {}) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(closedError());
        const work: QueuedInvocation = { payload, causes, resolve, reject };
        if (startWithinMs !== undefined) {
          const failure = failed("Local.NoCapacity", `No environment within ${startWithinMs} ms`);
          work.timer = setTimeout(() => giveUp(work, failure), startWithinMs);
        }
        waiting.push(work);
        dispatch();
      }),
    retire: async () => {
      retirement = Promise.withResolvers<void>();
      endRetirement();
      await retirement.promise;
      await close();
    },
    close,
  };
}
