import { limits } from "../../contracts/limits.ts";
import { hashForm, type InboundHashForm } from "../../contracts/webhook-forms.ts";
import type { Connection } from "../connections/ports.ts";
import type { Verification } from "../providers/provider-pack.ts";

/** The form of `hash` that a connection's webhooks have, and the encoding that is tried first. */
export type SettledForm = NonNullable<Connection["settledForm"]>;

/** Stores a connection's settled form. @throws DEPENDENCY_DOWN */
export type StoreSettledForm = (
  connectionId: string,
  settled: SettledForm,
  signal: AbortSignal,
) => Promise<void>;

/** What the form of an authentic webhook says about its connection. */
export interface FormObservation {
  /** `true`: the form that the connection's webhooks have is not settled yet. */
  isUnsettled: boolean;
  /** The form that was settled, where this webhook has another one. */
  differsFrom?: InboundHashForm;
  /** Why a form that is settled now could not be stored. Another instance settles it again. */
  error?: unknown;
}

/** Connections that are remembered; the one that has been known longest is forgotten first. */
const MAX_KNOWN_CONNECTIONS = 1_000;

interface Known {
  encoding: string | undefined;
  form: InboundHashForm;
  /** How many webhooks in a row had this form. */
  count: number;
  /** What this instance has stored since it read the connection. */
  stored?: InboundHashForm;
}

/**
 * Remembers in which form the webhooks of each connection are signed. After
 * `limits.settledFormWebhooks` of one form in a row that form is stored with the connection.
 *
 * A settled form decides in which order encodings are tried and what is logged, and never whether
 * a webhook is authentic: that depends on the connection's `hashForms` only.
 */
export function makeFormMemory(store: StoreSettledForm) {
  const byConnection = new Map<string, Known>();

  function remember(connectionId: string, known: Known): void {
    byConnection.set(connectionId, known);
    const [oldest] = byConnection.keys();
    if (byConnection.size > MAX_KNOWN_CONNECTIONS && oldest !== undefined) {
      byConnection.delete(oldest);
    }
  }

  return {
    /** How the connection's last authentic webhook was encoded; the next one is tried so first. */
    encodingOf: ({ connectionId, settledForm }: Connection): string | undefined =>
      byConnection.get(connectionId)?.encoding ?? settledForm?.encoding,

    /** Learns from an authentic webhook. Never throws. */
    async observe(
      { connectionId, settings, settledForm }: Connection,
      verification: Extract<Verification, { form: unknown }>,
      signal: AbortSignal,
    ): Promise<FormObservation> {
      const form = hashForm.safeParse(verification.form).data;
      if (form === undefined) return { isUnsettled: false };
      const before = byConnection.get(connectionId);
      const sent = "encoding" in verification ? verification.encoding : undefined;
      const encoding = sent ?? before?.encoding;
      const count = before?.form === form ? before.count + 1 : 1;
      const known: Known = { ...before, encoding, form, count };
      remember(connectionId, known);
      const settled = before?.stored ?? settledForm?.form;
      // A person has chosen the only form that is accepted.
      if (settings.hashForms.length === 1 || settled === form) return { isUnsettled: false };
      const differsFrom = settled === undefined ? {} : { differsFrom: settled };
      if (count % limits.settledFormWebhooks !== 0) return { isUnsettled: true, ...differsFrom };
      try {
        await store(connectionId, { form, ...(encoding ? { encoding } : {}) }, signal);
        known.stored = form;
        return { isUnsettled: true, ...differsFrom };
      } catch (error) {
        return { isUnsettled: true, ...differsFrom, error };
      }
    },
  };
}
