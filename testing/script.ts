import type { Request } from "../client/index.ts";

/** A provider, as requests name it. */
export type Provider = Request["provider"];

/** What a call or webhook must have for a script to apply; an absent member matches everything. */
export interface ScriptMatch {
  provider?: Provider;
  method?: string;
  /** Without the query. `*` stands for any characters. */
  path?: string;
  /** We-Link: the last segment of the path. Linked API: the `actionType` of a top-level action. */
  action?: string;
  account?: string;
  /** The id that the provider assigned. */
  requestId?: string;
  /** The status that the simulated provider itself would answer, or that its webhook has. */
  state?: string;
  /** The `type` of a Linked API webhook. */
  type?: string;
  /** A text in the body of the call or webhook. */
  contains?: string;
}

/** A body; at most one of `body`, `patch` and `bodyBase64` is given. */
export interface ScriptBody {
  /** A JSON value, or a string that is sent as it is. */
  body?: unknown;
  /** Merged into the provider's own body (RFC 7396): `null` removes a member. */
  patch?: Record<string, unknown>;
  bodyBase64?: string;
  headers?: Record<string, string | string[]>;
  encoding?: "gzip" | "deflate" | "br";
  /** Begins the body with a byte order mark. */
  bom?: boolean;
}

/** A reaction of the simulated providers. The first script that matches and is not used up applies. */
export interface Script extends ScriptBody {
  /** `call` is every call to a provider, also one that the simulation does not handle. */
  on: "submission" | "poll" | "cancel" | "call" | "webhook";
  match?: ScriptMatch;
  /** Maximum number of uses. Absent: unlimited. */
  times?: number;
  /** Number of matches that the script leaves to the scripts after it first. */
  skip?: number;
  /** Of the answer to a call, from 200 to 599. */
  status?: number;
  /** Real milliseconds before an answer, business milliseconds before a webhook. */
  delayMs?: number;
  /** Closes the connection without an answer, or within the body; suppresses a webhook. */
  drop?: boolean | "mid-body";
  /** Leaves the connection open without an answer. */
  hang?: boolean;
  /** Whether the call is carried out. Absent: if the answer is 2xx or is withheld. */
  effect?: boolean;
  /** Further webhooks. */
  extra?: (ScriptBody & {
    /** Business milliseconds after the webhook that the script applies to. Default: 0. */
    afterMs?: number;
  })[];
}
