import {
  type EnvironmentOptions,
  type ExecutionEnvironment,
  startEnvironment,
} from "./execution-environment.ts";
import type { FunctionError, InvokeResult } from "./invoke-result.ts";

export interface FunctionPool {
  /** Starts an environment unless there is one. @returns why the function could not be loaded */
  warmUp(): Promise<FunctionError | undefined>;
  /** Queues behind earlier invocations when all environments are busy. @throws when the pool is closed */
  invoke(payload: string): Promise<InvokeResult>;
  close(): Promise<void>;
}

interface Work {
  payload: string;
  resolve(result: InvokeResult): void;
  reject(error: Error): void;
}

/** The execution environments of one function: started when needed, kept warm until closed. */
export function makeFunctionPool(
  options: Omit<EnvironmentOptions, "onIdle"> & {
    maxEnvironments: number;
    /** So long (ms) all but one are kept when they have nothing to do. */
    keptIdleMs: number;
  },
): FunctionPool {
  const waiting: Work[] = [];
  const all = new Set<ExecutionEnvironment>();
  const starting = new Set<ExecutionEnvironment>();
  // They have answered and are about to ask for more: sooner than a new one would be there.
  const ending = new Set<ExecutionEnvironment>();
  // Last in, first out: the one that ran most recently has the warmest caches.
  const idle: { environment: ExecutionEnvironment; sinceMs: number }[] = [];
  let isClosed = false;
  const thinning = setInterval(() => {
    const longAgoMs = Date.now() - options.keptIdleMs;
    while (idle.length > 1 && (idle[0]?.sinceMs ?? 0) <= longAgoMs)
      idle.shift()?.environment.kill();
  }, options.keptIdleMs / 2).unref();

  function dispatch() {
    for (let work = waiting[0]; work; work = waiting[0]) {
      const next = idle.pop();
      if (!next) break;
      waiting.shift();
      void run(next.environment, work);
    }
    for (;;) {
      const asking = waiting[starting.size + ending.size];
      if (!asking || all.size >= options.maxEnvironments) return;
      void start().ready.then((failure) => {
        // Whoever asked for it gets its failure; the next one tries a new environment.
        const index = waiting.indexOf(asking);
        if (failure && index >= 0) waiting.splice(index, 1)[0]?.resolve(failure);
      });
    }
  }

  async function run(environment: ExecutionEnvironment, work: Work) {
    const result = await environment.invoke(work.payload);
    if (all.has(environment)) ending.add(environment);
    work.resolve(result);
  }

  function start(): ExecutionEnvironment {
    const environment = startEnvironment({
      ...options,
      onIdle: (ready) => {
        starting.delete(ready);
        ending.delete(ready);
        idle.push({ environment: ready, sinceMs: Date.now() });
        dispatch();
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
    });
    return environment;
  }

  const closedError = () =>
    new Error(`${options.configuration.logicalId} was not invoked: the local run is closing`);

  return {
    warmUp: async () => (all.size > 0 ? undefined : (await start().ready)?.functionError),
    invoke: (payload) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(closedError());
        waiting.push({ payload, resolve, reject });
        dispatch();
      }),
    close: async () => {
      isClosed = true;
      clearInterval(thinning);
      for (const work of waiting.splice(0)) work.reject(closedError());
      for (const environment of all) environment.kill();
      await Promise.all([...all].map((environment) => environment.exited));
    },
  };
}
