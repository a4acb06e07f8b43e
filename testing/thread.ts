import { Worker } from "node:worker_threads";
import type { Received } from "./test-ackwire.ts";
import type {
  CallName,
  Started,
  ThreadCalls,
  ThreadError,
  ThreadMessage,
  ThreadStart,
} from "./thread-calls.ts";

/** The thread of a run as its tests see it. */
export interface RunThread {
  started: Started;
  /** Business time when the thread sent its last message. */
  now(): number;
  received: readonly Received[];
  call<Name extends CallName>(
    name: Name,
    args: Parameters<ThreadCalls[Name]>[0],
  ): ReturnType<ThreadCalls[Name]>;
  end(): Promise<void>;
}

/**
 * Starts the thread of a run, and waits until the run has started. While it has nothing to do, it
 * does not keep the process alive.
 */
export async function startThread(program: string, start: ThreadStart): Promise<RunThread> {
  const worker = new Worker(program, {
    workerData: start,
    // The options of a test runner's own process are not meant for it.
    execArgv: [],
    env: {},
    name: "ackwire",
  });
  const received: Received[] = [];
  const calls = new Map<number, PromiseWithResolvers<unknown>>();
  const startup = Promise.withResolvers<Started>();
  let lastId = 0;
  let nowMs = start.startsAtMs;

  function settle(id: number, end: (call: PromiseWithResolvers<unknown>) => void): void {
    const call = calls.get(id);
    calls.delete(id);
    if (calls.size === 0) worker.unref();
    if (call) end(call);
  }

  worker.on("message", (message: ThreadMessage) => {
    if ("nowMs" in message) nowMs = message.nowMs;
    if (message.kind === "received") received.push(message.received);
    else if (message.kind === "started") startup.resolve(message.started);
    else if (message.kind === "failed") startup.reject(errorOf(message.error));
    else if (message.kind === "result")
      settle(message.id, ({ resolve }) => resolve(message.result));
    else settle(message.id, ({ reject }) => reject(errorOf(message.error)));
  });
  const fail = (error: Error) => {
    startup.reject(error);
    for (const id of [...calls.keys()]) settle(id, ({ reject }) => reject(error));
  };
  worker.once("error", fail);
  worker.once("exit", () => fail(new Error("Ackwire has been stopped")));

  let started: Started;
  try {
    started = await startup.promise;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  worker.unref();

  let isEnded = false;
  return {
    started,
    received,
    now: () => nowMs,
    call<Name extends CallName>(name: Name, args: Parameters<ThreadCalls[Name]>[0]) {
      const call = Promise.withResolvers<unknown>();
      if (isEnded) call.reject(new Error("Ackwire has been stopped"));
      else {
        const id = ++lastId;
        calls.set(id, call);
        worker.ref();
        worker.postMessage({ id, name, args });
      }
      return call.promise as ReturnType<ThreadCalls[Name]>;
    },
    async end() {
      isEnded = true;
      await worker.terminate();
    },
  };
}

function errorOf({ name, message }: ThreadError): Error {
  return name === "TypeError" ? new TypeError(message) : new Error(message);
}
