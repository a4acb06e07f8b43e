import type { ProviderId } from "../../shared/contracts/providers.ts";
import { isObject } from "../../shared/core/json/json.ts";
import type { DurableStore } from "../durable-store.ts";

/** One call that asked a provider to do something, refused ones included. */
export interface Submission {
  /** From 1, without gaps, in the order in which the calls were answered. */
  seq: number;
  /** Business time when the call came. */
  at: string;
  provider: ProviderId;
  /** Empty where the call names none: a login does not. */
  accountId: string;
  path: string;
  /** Without secrets; `null` where it was no JSON. */
  body: unknown;
  /** What was answered; 0 when the answer was withheld after applying. */
  status: number;
  providerRequestId?: string;
}

/** The list of submissions: append-only, one durable entry each. */
export function makeSubmissions(store: DurableStore) {
  const kept = store.collection<Submission>("simulator-submissions");
  let last = kept.entries().at(-1)?.[1].seq ?? 0;
  return {
    /** The number that the next submission gets when it is put. */
    nextSeq: () => last + 1,
    put(submission: Submission): void {
      kept.put(keyOf(submission.seq), submission);
      last = Math.max(last, submission.seq);
    },
    list: (): Submission[] => kept.entries().map(([, submission]) => submission),
  };
}

/** Keys sort as text. */
function keyOf(seq: number): string {
  return String(seq).padStart(12, "0");
}

const secretMembers = ["password", "code"];

/** What is kept of a body: without passwords and codes, wherever they stand in it. */
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
