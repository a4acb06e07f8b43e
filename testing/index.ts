/**
 * The package `@ackwire/testing`: a whole Ackwire for the tests of an integration, whose time a
 * test moves.
 */
import { Ackwire } from "../client/index.ts";
import { durationMs } from "./duration.ts";
import { runFiles } from "./run-files.ts";
import type { StartOptions, TestAckwire } from "./test-ackwire.ts";
import { startThread } from "./thread.ts";

export type { Script, ScriptBody, ScriptMatch } from "./script.ts";
export type { Received, StartOptions, Submission, TestAckwire } from "./test-ackwire.ts";

/** How far `waitFor` moves time: further than a request may wait for its result. */
const WAIT_LIMIT = "40d";

/**
 * Starts Ackwire in a thread of this process, on free ports of loopback and in memory. What V8 has
 * compiled is kept in a folder of the temporary directory; nothing else is written to disk, and no
 * other machine is called.
 *
 * @throws TypeError for a setting that does not exist or is out of its range
 */
export async function start(options: StartOptions = {}): Promise<TestAckwire> {
  const { at = thisSecond(), settings = {}, seed = 1 } = options;
  const { directory, program } = await runFiles();
  const thread = await startThread(program, {
    directory,
    settings: { ...settings } as Record<string, string | number>,
    startsAtMs: timeOf(at),
    randomSeed: seed,
  });
  const { apiUrl, apiKey, accounts, receiverUrl, webhookSecret } = thread.started;
  const client = new Ackwire({ baseUrl: apiUrl, apiKey });
  const [account] = accounts;
  let stopping: Promise<void> | undefined;

  function stop(): Promise<void> {
    stopping ??= thread.call("stop", {}).finally(thread.end);
    return stopping;
  }

  async function advance(duration: string | number): Promise<void> {
    await thread.call("advance", { byMs: durationMs(duration) });
  }

  return {
    apiUrl,
    apiKey,
    client,
    accounts,
    webhookSecret,
    clock: {
      now: thread.now,
      advance,
      advanceTo: async (time) => {
        const byMs = timeOf(time) - thread.now();
        if (byMs < 0) throw new TypeError("Business time cannot be moved backwards");
        await advance(byMs);
      },
    },
    provider: {
      will: (...scripts) => thread.call("will", { scripts }),
      send: (provider, body) => thread.call("send", { provider, body }),
      submissions: () => thread.call("submissions", {}),
    },
    async submit(request = {}) {
      const { requestId } = await client.requests.create({
        provider: "we-link",
        accountId: account?.accountId ?? "",
        action: "connect",
        params: { profile_id: "ACoABC1d2f" },
        ...request,
      });
      return requestId;
    },
    async waitFor(requestId, within = WAIT_LIMIT) {
      await thread.call("advance", { byMs: durationMs(within), untilEnded: requestId });
      return client.requests.get(requestId);
    },
    received: () => [...thread.received],
    receiver: {
      url: receiverUrl,
      answers: (status) => thread.call("answer", { status, times: 0, afterwards: status }),
      fails: (times, status = 500) => thread.call("answer", { status, times, afterwards: 204 }),
    },
    logs: () => thread.call("logs", {}),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Schedules have whole seconds. */
function thisSecond(): Date {
  return new Date(Math.floor(Date.now() / 1_000) * 1_000);
}

function timeOf(time: string | Date): number {
  const ms = new Date(time).getTime();
  if (Number.isNaN(ms)) throw new TypeError(`"${time}" is no time: write it as ISO 8601`);
  return ms;
}
