import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ackwire } from "../client/index.ts";
import { type LocalRun, type RunOptions, startLocalRun } from "../local/run/run.ts";
import type { Behaviour } from "../local/simulator/behaviour.ts";
import { durationMs } from "./duration.ts";
import { type Received, startReceiver } from "./receiver.ts";

export type { Received } from "./receiver.ts";

/** A reaction of the simulated providers: a script of `docs/local-run.md`. */
export type Script = Partial<Omit<Behaviour["scripts"][number], "on">> &
  Pick<Behaviour["scripts"][number], "on">;

/** A running Ackwire with a client, an account at each provider, and a webhook to `received()`. */
export interface TestAckwire {
  /** The API's address and the client's key, for the code under test. */
  apiUrl: string;
  apiKey: string;
  /** A client of the API with that key. */
  client: Ackwire;
  /** The accounts that exist. */
  accounts: readonly { provider: string; accountId: string }[];
  clock: {
    /** Current business time in epoch milliseconds. */
    now(): number;
    /**
     * Moves business time forward, such as by `63h` or by a number of milliseconds. Everything that
     * is due on the way happens, each at its time; resolves when nothing is left to do.
     */
    advance(duration: string | number): Promise<void>;
  };
  provider: {
    /** Replaces what the simulated providers do. The first script that matches applies. */
    will(...scripts: Script[]): Promise<void>;
  };
  /** The verified webhooks so far, in order of arrival; each attempt is one. */
  received(): readonly Received[];
  receiver: {
    /** How the receiver answers from now on; 204 at the start. */
    answers(status: number): void;
  };
  close(): Promise<void>;
}

export interface StartOptions {
  /** Settings of the stack, such as `{ paceMinSeconds: "0" }`. */
  settings?: Readonly<Record<string, string>>;
  /** How the stack is synthesised. Default: in a process of its own. */
  synthesise?: RunOptions["synthesise"];
}

/**
 * Starts a local run of Ackwire in this process, on free ports, with real speed and without data
 * on disk. It takes seconds: start one for a file of tests, not for each test.
 */
export async function start(options: StartOptions = {}): Promise<TestAckwire> {
  const runDirectory = mkdtempSync(join(tmpdir(), "ackwire-testing-"));
  const faults: string[] = [];
  const { settings = {}, synthesise } = options;
  const run = await startLocalRun({
    port: 0,
    awsPort: 0,
    consolePort: 0,
    providerPort: 0,
    speed: 1,
    demo: false,
    runDirectory,
    settings,
    ...(synthesise ? { synthesise } : {}),
    print: (line) => faults.push(line),
  });
  try {
    return await equip(run, runDirectory);
  } catch (error) {
    await run.close();
    rmSync(runDirectory, { recursive: true, force: true });
    throw error;
  }
}

async function equip(run: LocalRun, runDirectory: string): Promise<TestAckwire> {
  const { apiUrl, providerUrl } = run.addresses;
  const { apiKey, accounts } = run.seed;
  const client = new Ackwire({ baseUrl: apiUrl, apiKey });
  const receiver = await startReceiver(run.clock.now);
  const { secret } = await client.webhook.put({ url: receiver.url });
  receiver.verifyWith(secret);

  async function will(...scripts: Script[]): Promise<void> {
    const response = await fetch(`${providerUrl}/_control/behaviour`, {
      method: "PUT",
      body: JSON.stringify({ scripts }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`The script is refused: ${answer}`);
  }

  return {
    apiUrl,
    apiKey,
    client,
    accounts,
    clock: { now: run.clock.now, advance: (duration) => run.advance(durationMs(duration)) },
    provider: { will },
    received: () => [...receiver.received],
    receiver: { answers: receiver.answer },
    async close() {
      await run.close();
      await receiver.close();
      rmSync(runDirectory, { recursive: true, force: true });
    },
  };
}
