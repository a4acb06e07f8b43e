import type { ProviderId } from "../../contracts/providers.ts";
import type { Refusal } from "../providers/dialect.ts";
import type { Headers } from "./authentication/authenticate.ts";

export interface ApiCall {
  /** Method and path template of the contract, such as `GET /v1/events/{id}`, or one of several paths. */
  routeKey: string;
  /** Of a call whose route is that of several paths. */
  unmatched?: { method: string; path: string } | undefined;
  headers: Headers;
  params: Readonly<Record<string, string | undefined>>;
  query: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
  /** Scheme and host under which the API was called. */
  origin: string;
  /** Aborts the wait for dependencies, so that the caller gets its answer in time. */
  signal: AbortSignal;
}

export type ApiOutcome =
  /** `body` is JSON text, or the bytes of a provider's answer, and absent from a 204. */
  | {
      kind: "answered";
      status: number;
      body?: string | Uint8Array | undefined;
      /** Of a provider's answer. */
      headers?: Readonly<Record<string, string>> | undefined;
      keyId?: string | undefined;
    }
  | (Refusal & {
      kind: "refused";
      /** The caller, when the key was valid. */
      caller?: { clientId: string; keyId: string } | undefined;
      /** The provider whose protocol the call speaks: errors have that provider's shape. */
      dialect?: ProviderId | undefined;
      /** When a repeated call can succeed (real time); absent where that is not known. */
      retryAfterMs?: number | undefined;
      /** When the refused request would be submitted. */
      expectedAt?: string | undefined;
    });
