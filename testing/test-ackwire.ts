/// <reference lib="esnext.disposable" preserve="true" />
import type { Ackwire, Operations, Request, WebhookEvent } from "../client/index.ts";
import type { AckwireSettings } from "../infra/ackwire-settings.ts";
import type { Provider, Script } from "./script.ts";

/** The body of `client.requests.create`. */
type NewRequest = Operations["createRequest"]["body"];

/** A webhook that the built-in receiver got, verified. */
export interface Received {
  event: WebhookEvent;
  /** 1 for the first webhook with this event, 2 for the second one, and so on. */
  attempt: number;
  /** The status that it was answered. */
  status: number;
  /** Business time of its arrival, ISO 8601. */
  at: string;
}

/** What a simulated provider was asked to do, including what it refused. */
export interface Submission {
  /** Starts at 1, without gaps. */
  seq: number;
  /** Business time, ISO 8601. */
  at: string;
  provider: Provider;
  /** Empty for a call without an account, such as a login. */
  accountId: string;
  path: string;
  /** Without passwords and codes. */
  body: unknown;
  /** The status of the answer; 0 when none was sent. */
  status: number;
  providerRequestId?: string;
}

/** A running Ackwire with a client, accounts at each provider, and a webhook to `received()`. */
export interface TestAckwire extends AsyncDisposable {
  /** The API's address and the client's key, for the code under test. */
  readonly apiUrl: string;
  readonly apiKey: string;
  /** A client of the API with that key. */
  readonly client: Ackwire;
  /** The accounts that exist, two at each provider. They have no limits and no hours. */
  readonly accounts: readonly { provider: Provider; accountId: string }[];
  /**
   * The secret of the client's webhook, also after it has been given another URL by
   * `client.webhook.update({ url })`. Any port of this machine is allowed there.
   */
  readonly webhookSecret: string;
  readonly clock: {
    /**
     * Business time in epoch milliseconds. It moves only while `advance` or `waitFor` runs, and only
     * then anything happens: calls are answered at once, and what follows from them waits.
     */
    now(): number;
    /**
     * Moves business time forward, such as by `63h` or by a number of milliseconds. Everything that
     * is due on the way happens, each at its time. Resolves when nothing is left to do.
     *
     * @throws TypeError for a text that is no duration
     */
    advance(duration: string | number): Promise<void>;
    /** The same up to a time, as ISO 8601 text or as a `Date`. */
    advanceTo(time: string | Date): Promise<void>;
  };
  readonly provider: {
    /** Replaces what the simulated providers do. Without scripts they do what their documents say. */
    will(...scripts: Script[]): Promise<void>;
    /**
     * Sends a signed webhook of the provider, which tells something that nobody requested, such as
     * a reply. Resolves when it is acked; `clock.advance(0)` waits until everything has come of it.
     *
     * @throws TypeError for a body that the provider never sends
     */
    send(provider: Provider, body: Record<string, unknown>): Promise<void>;
    /** What the providers were asked to do so far, in order. */
    submissions(): Promise<Submission[]>;
  };
  /**
   * Submits a request, by default the action `connect` of the first We-Link account.
   *
   * @returns its id, for `waitFor`
   */
  submit(request?: Partial<NewRequest>): Promise<string>;
  /**
   * Moves business time forward until a request has ended or needs a person, and nothing is left to
   * do at that time.
   *
   * @param within how far at most; 40 days by default
   * @throws Error with its state when it has not ended by then
   */
  waitFor(requestId: string, within?: string | number): Promise<Request>;
  /** The verified webhooks so far, in order of arrival; each attempt is one. */
  received(): readonly Received[];
  readonly receiver: {
    readonly url: string;
    /** How the receiver answers from now on; 204 at the start. */
    answers(status: number): Promise<void>;
    /** Fails the next webhooks, and accepts those after them. Default: with 500. */
    fails(times: number, status?: number): Promise<void>;
  };
  /** What the functions logged so far, for a test that fails unexpectedly. */
  logs(): Promise<string[]>;
  /** Ends the run. It may be called more than once. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Business time at the start, ISO 8601. Default: now, in whole seconds. */
  at?: string | Date;
  /** Settings of the stack that differ from its defaults, such as `{ paceMinSeconds: 0 }`. */
  settings?: Partial<AckwireSettings>;
  /**
   * From it all random gaps and delays are drawn, so that a test has the same ones each time.
   * Default: 1.
   */
  seed?: number;
}
