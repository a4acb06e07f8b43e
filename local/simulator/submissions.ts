import { isObject } from "../../shared/core/json/json.ts";
import type { DurableStore } from "../durable-store.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";

/** A call that asked a provider to do something, including rejected calls. */
export interface Submission {
  /** Starts at 1, without gaps, in the order of the responses. */
  seq: number;
  /** Business time at which the call arrived. */
  at: string;
  provider: SimulatedProvider;
  /** Empty for a call without an account, such as a login. */
  accountId: string;
  path: string;
  /** Without secrets; null for a body that was not JSON. */
  body: unknown;
  /** HTTP status of the response; 0 when the call took effect and got no response. */
  status: number;
  providerRequestId?: string;
}

/** The list of submissions: append-only, each a durable entry. */
export function makeSubmissions(store: DurableStore) {
  const entries = store.collection<Submission>("simulator-submissions");
  let last = entries.entries().at(-1)?.[1].seq ?? 0;
  return {
    /** Returns the number of the next submission. */
    nextSeq: () => last + 1,
    put(submission: Submission): void {
      entries.put(keyOf(submission.seq), submission);
      last = Math.max(last, submission.seq);
    },
    list: (): Submission[] => entries.entries().map(([, submission]) => submission),
  };
}

/** Padded, because keys sort as text. */
function keyOf(seq: number): string {
  return String(seq).padStart(12, "0");
}

const secretMembers = ["password", "code"];

/** Returns a body with its passwords and codes masked, at any depth. */
export function withoutSecrets(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withoutSecrets);
  if (!isObject(body)) return body ?? null;
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      secretMembers.includes(name) ? "***" : withoutSecrets(value),
    ]),
  );
}
