import { UsageError } from "./usage-error.ts";

/** An API refused a call, or did not answer. The message says what to do. */
export class CallFailure extends Error {
  /** The HTTP status; 0: there was no answer. */
  readonly status: number;
  /** The problem's `code`, or `NO_ANSWER`. */
  readonly code: string;

  constructor(message: string, of: { status: number; code: string }, cause?: unknown) {
    super(message, { cause });
    this.status = of.status;
    this.code = of.code;
  }
}

export interface Api {
  /** Without a slash at its end. */
  apiUrl: string;
  key: string | (() => string | Promise<string>);
  /** What the key is called where its user sets it. */
  keyName: string;
}

export interface ApiCall {
  method: string;
  /** With `{name}` for each member of `params`. */
  path: string;
  params?: Readonly<Record<string, unknown>>;
  query?: Readonly<Record<string, unknown>>;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** The API answers within 30 seconds, or API Gateway does. */
const ANSWER_TIMEOUT_MS = 35_000;

/**
 * Sends one call. It is not repeated.
 *
 * @returns the answer's JSON; `undefined` for an empty one
 * @throws UsageError when a value of the path is missing, `.` or `..`, before anything is sent;
 *   CallFailure
 */
export async function callApi(api: Api, call: ApiCall): Promise<unknown> {
  const { method, body } = call;
  const url = `${api.apiUrl}${filled(call.path, call.params ?? {})}${queryOf(call.query ?? {})}`;
  const key = typeof api.key === "string" ? api.key : await api.key();
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...call.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  }).catch((cause: Error) => {
    throw noAnswer(api, cause);
  });
  const text = await response.text();
  const answer = parsed(text);
  if (response.ok && (text === "" || answer !== undefined)) return answer;
  throw refused(api, response.status, answer);
}

function noAnswer({ apiUrl }: Api, cause: Error): CallFailure {
  const reason = (cause.cause as { code?: string } | undefined)?.code ?? cause.message;
  const isLocal = /^https?:\/\/(127\.0\.0\.1|localhost)/.test(apiUrl);
  const advice = isLocal
    ? "is the local run up? `ackwire dev` starts one"
    : "`ackwire doctor` says what is wrong";
  return new CallFailure(
    `${apiUrl} does not answer (${reason}); ${advice}`,
    { status: 0, code: "NO_ANSWER" },
    cause,
  );
}

function refused({ apiUrl, keyName }: Api, status: number, answer: unknown): CallFailure {
  const { code, title, detail, errors } = (answer ?? {}) as {
    code?: string;
    title?: string;
    detail?: string;
    errors?: { field: string; message: string }[];
  };
  if (code === undefined) {
    return new CallFailure(`${apiUrl} answered ${status} without a problem document`, {
      status,
      code: "UNEXPECTED_ANSWER",
    });
  }
  const fields = (errors ?? []).map(({ field, message }) => `${field || "body"}: ${message}`);
  const reasons = fields.length > 0 ? fields.join("; ") : (detail ?? title);
  const advice = status === 401 || status === 403 ? ` (the key is ${keyName})` : "";
  return new CallFailure(`${code}: ${reasons}${advice}`, { status, code });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Puts the values into a path, each as one segment.
 *
 * @throws UsageError for a value that would make it the path of another operation: an empty one,
 *   or `.` or `..`, which a URL leaves out
 */
function filled(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(params[name] ?? "");
    if (value === "") throw new UsageError(`${name} is missing`);
    if (value === "." || value === "..") throw new UsageError(`${name} must not be "." or ".."`);
    return encodeURIComponent(value);
  });
}

function queryOf(query: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(
    given.map(([name, value]): [string, string] => [name, String(value)]),
  );
  return text.size === 0 ? "" : `?${text}`;
}
