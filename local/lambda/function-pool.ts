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
  options: Omit<EnvironmentOptions, "onIdle"> & { maxEnvironments: number },
): FunctionPool {
  const waiting: Work[] = [];
  const all = new Set<ExecutionEnvironment>();
  const starting = new Set<ExecutionEnvironment>();
  // They have answered and are about to ask for more: sooner than a new one would be there.
  const ending = new Set<ExecutionEnvironment>();
  // Last in, first out: the one that ran most recently has the warmest caches.
  const idle: ExecutionEnvironment[] = [];
  let isClosed = false;

  function dispatch() {
    for (let work = waiting[0]; work; work = waiting[0]) {
      const environment = idle.pop();
      if (!environment) break;
      waiting.shift();
      void run(environment, work);
    }
    const isShort = () => starting.size + ending.size < waiting.length;
    while (isShort() && all.size < options.maxEnvironments) {
      void start().ready.then((failure) => {
        // The invocation that asked for it gets its failure; the next one tries a new environment.
        if (failure) waiting.shift()?.resolve(failure);
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
        idle.push(ready);
        dispatch();
      },
    });
    all.add(environment);
    starting.add(environment);
    void environment.exited.then(() => {
      all.delete(environment);
      starting.delete(environment);
      ending.delete(environment);
      const index = idle.indexOf(environment);
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
      for (const work of waiting.splice(0)) work.reject(closedError());
      for (const environment of all) environment.kill();
      await Promise.all([...all].map((environment) => environment.exited));
    },
  };
}
