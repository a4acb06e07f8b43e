import { randomBytes } from "node:crypto";
import type { Send } from "../events/load.ts";

/** Processes whose CPU time is one figure. */
export type Role = "product" | "broker" | "store" | "emulators";

/** A pipeline that takes a message over HTTP and delivers it as a signed webhook. */
export interface RunningPeer {
  send: Send;
  /** Of the webhooks' signatures, in the form of Standard Webhooks. */
  secret: string;
  /** The processes of each role; each with all of its children, unless it is alone. */
  processes(): { role: Role; pid: number; isAlone?: true }[];
  /** `kill -9` of the product, without its broker and store; it is started again at once. */
  killProduct(): Promise<void>;
  close(): Promise<void>;
}

export interface Peer {
  name: string;
  /** What an ack promises. */
  durability: string;
  /** Why it cannot run here; absent if it can. */
  missing: string | undefined;
  /** @param url where messages are to be delivered */
  start(url: string): Promise<RunningPeer>;
}

/** Returns what is wrong with these environment variables. */
export function missingVariables(names: readonly string[]): string | undefined {
  const absent = names.filter((name) => !process.env[name]);
  return absent.length === 0 ? undefined : `not set: ${absent.join(", ")}`;
}

export const newSecret = (): string => `whsec_${randomBytes(24).toString("base64")}`;
