import { type Operations, operations } from "./api-types.ts";
import { AckwireError, errorOf, isRetryable } from "./errors.ts";
import { type Deadline, startDeadline } from "./waiting.ts";

export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for the call with all its repetitions. Default: that of the client. */
  timeoutMs?: number | undefined;
}

export interface KeyedCallOptions extends CallOptions {
  /**
   * Makes repeated calls one. By default each call of a method gets a random one, so that the
   * client's own repetitions have one effect. Pass your own to be safe across restarts.
   */
  idempotencyKey?: string | undefined;
}

export interface AckwireOptions {
  /** The stack's output `ApiUrl`, your own domain, or `apiUrl` of the local run. */
  baseUrl: string | undefined;
  /** `ackwire_<keyId>_<secret>`. */
  apiKey: string | undefined;
  /** Milliseconds for a call with all its repetitions. Default 60,000. */
  timeoutMs?: number;
  /** How often a call is repeated at most. Default 4; 0 turns repeating off. */
  maxRetries?: number;
  /** Default: the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

export type OperationName = keyof Operations;

/** What an operation takes. `undefined` members are left out. */
export interface Input<Name extends OperationName> {
  path?: Operations[Name]["path"];
  query?: Operations[Name]["query"];
  body?: Operations[Name]["body"];
}

export type Call = <Name extends OperationName>(
  name: Name,
  input: Input<Name>,
  options?: KeyedCallOptions,
) => Promise<Operations[Name]["answer"]>;

/** The API answers within 30 seconds, or API Gateway does. */
const ATTEMPT_TIMEOUT_MS = 35_000;

/** Delays double from the first to the last. */
const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 20_000;

/** @throws TypeError when `baseUrl` or `apiKey` is missing or has another form */
export function makeCall(options: AckwireOptions): Call {
  const { timeoutMs = 60_000, maxRetries = 4 } = options;
  const send: typeof globalThis.fetch = options.fetch ?? ((...given) => globalThis.fetch(...given));
  const baseUrl = urlOf(options.baseUrl);
  const apiKey = keyOf(options.apiKey);

  async function attempt(request: RequestInit & { url: string }, deadline: Deadline) {
    const { url, ...init } = request;
    const own = AbortSignal.timeout(
      Math.max(1, Math.min(ATTEMPT_TIMEOUT_MS, deadline.remainingMs())),
    );
    try {
      const response = await send(url, {
        ...init,
        signal: AbortSignal.any([own, deadline.signal]),
      });
      if (!response.ok) return await errorOf(response);
      const text = await response.text();
      return { answer: text === "" ? undefined : parsed(text, response) };
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      if (error instanceof AckwireError) return error;
      return new AckwireError(`${init.method} ${url}: no answer`, {
        code: own.aborted ? "TIMEOUT" : "NETWORK",
        cause: error,
      });
    }
  }

  return async (name, input, given = {}) => {
    const { method, path, repeat } = operations[name];
    const url = `${baseUrl}${filled(path, input.path)}${queryOf(input.query)}`;
    const headers: Record<string, string> = { accept: "application/json" };
    if (path !== "/health") headers.authorization = `Bearer ${apiKey}`;
    if (input.body !== undefined) headers["content-type"] = "application/json";
    if (repeat === "key") {
      headers["idempotency-key"] = given.idempotencyKey ?? globalThis.crypto.randomUUID();
    }
    const body = input.body === undefined ? null : JSON.stringify(input.body);
    const request = { url, method, headers, body, redirect: "manual" as const };

    const deadline = startDeadline(
      given.timeoutMs ?? timeoutMs,
      given.signal,
      `${method} ${url} was not answered`,
    );
    try {
      for (let retries = 0; ; retries += 1) {
        const outcome = await attempt(request, deadline);
        if (!(outcome instanceof AckwireError)) return outcome.answer as never;
        // An earlier attempt without an answer has deleted it.
        if (retries > 0 && method === "DELETE" && isGone(outcome) && answersNothing(name)) {
          return undefined as never;
        }
        const delayMs = delayOf(outcome, retries);
        const mayRepeat = repeat !== "refused" || outcome.status === 429;
        const isWorthwhile = isRetryable(outcome.status) && delayMs < deadline.remainingMs();
        if (retries >= maxRetries || !mayRepeat || !isWorthwhile) throw outcome;
        await deadline.wait(delayMs);
      }
    } finally {
      deadline.close();
    }
  };
}

/** `Retry-After`, or doubling delays; with jitter, so that many clients do not come back at once. */
function delayOf({ retryAfterSeconds }: AckwireError, retries: number): number {
  const doubling = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** retries);
  if (retryAfterSeconds === undefined) return doubling * (0.5 + Math.random() / 2);
  return retryAfterSeconds * 1_000 + Math.random() * Math.min(doubling, 1_000);
}

function isGone({ status }: AckwireError): boolean {
  return status === 404;
}

function answersNothing(name: OperationName): boolean {
  return name.startsWith("delete") || name === "revokeKey";
}

function parsed(text: string, { status }: Response): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AckwireError(
      `The API answered ${status} with something that is not JSON: check baseUrl`,
      {
        code: "UNEXPECTED_ANSWER",
        status,
        cause,
      },
    );
  }
}

function filled(path: string, values: Readonly<Record<string, string>> | undefined): string {
  return path.replace(/\{(\w+)\}/g, (_placeholder, name: string) => {
    const value = values?.[name];
    // These would be other paths: an empty one that of the list, and a URL leaves dots out.
    if (typeof value !== "string" || value === "") throw new TypeError(`${name} is missing`);
    if (value === "." || value === "..") throw new TypeError(`${name} must not be "." or ".."`);
    return encodeURIComponent(value);
  });
}

function queryOf(query: object | undefined): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) text.set(name, String(value));
  }
  return text.size === 0 ? "" : `?${text}`;
}

function urlOf(baseUrl: string | undefined): string {
  if (!baseUrl || !/^https?:\/\//.test(baseUrl)) {
    throw new TypeError(
      `baseUrl is ${baseUrl ? "no http(s) URL" : "missing: is the environment variable set?"}`,
    );
  }
  return baseUrl.replace(/\/+$/, "");
}

function keyOf(apiKey: string | undefined): string {
  if (apiKey && /^ackwire_[\x21-\x7e]+$/.test(apiKey.trim())) return apiKey.trim();
  throw new TypeError(
    apiKey
      ? "apiKey has another form than ackwire_<keyId>_<secret>"
      : "apiKey is missing: is the environment variable set?",
  );
}
