import type { Provider } from "./script.ts";
import type { Received, Submission } from "./test-ackwire.ts";

/** How the thread of a run is started. */
export interface ThreadStart {
  directory: string;
  settings: Readonly<Record<string, string | number>>;
  startsAtMs: number;
  randomSeed: number;
}

/** What the thread tells once it runs. */
export interface Started {
  apiUrl: string;
  apiKey: string;
  accounts: { provider: Provider; accountId: string }[];
  receiverUrl: string;
  webhookSecret: string;
}

/** What the thread does when it is called. */
export interface ThreadCalls {
  advance(args: { byMs: number; untilEnded?: string }): Promise<void>;
  will(args: { scripts: unknown[] }): Promise<void>;
  send(args: { provider: string; body: Record<string, unknown> }): Promise<void>;
  submissions(args: NoArguments): Promise<Submission[]>;
  answer(args: { status: number; times: number; afterwards: number }): Promise<void>;
  logs(args: NoArguments): Promise<string[]>;
  stop(args: NoArguments): Promise<void>;
}

type NoArguments = Record<string, never>;

export type CallName = keyof ThreadCalls;

export interface Call<Name extends CallName = CallName> {
  id: number;
  name: Name;
  args: Parameters<ThreadCalls[Name]>[0];
}

/** What the thread sends, in the order in which it happens. */
export type ThreadMessage =
  | { kind: "started"; started: Started; nowMs: number }
  | { kind: "failed"; error: ThreadError }
  | { kind: "received"; received: Received }
  | { kind: "result"; id: number; result: unknown; nowMs: number }
  | { kind: "error"; id: number; error: ThreadError; nowMs: number };

export interface ThreadError {
  /** `TypeError` for a wrong argument. */
  name: string;
  message: string;
}
