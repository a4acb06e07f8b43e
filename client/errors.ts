import type { Problem } from "./api-types.ts";

/** A `code` of a problem document, or what kept the client from getting one. */
export type AckwireErrorCode =
  | Problem["code"]
  /** No answer: the connection failed. */
  | "NETWORK"
  /** No answer, or no end of the request, within the time that the caller allows. */
  | "TIMEOUT"
  /** An answer without a problem document: API Gateway, a proxy, or a wrong `baseUrl`. */
  | "UNEXPECTED_ANSWER";

/** A call that was not successful. Decide by `code`, or by `retryable`. */
export class AckwireError extends Error {
  override readonly name = "AckwireError";
  readonly code: AckwireErrorCode;
  /** The HTTP status; `undefined` if there was no answer. */
  readonly status: number | undefined;
  /** Every invalid field of a `REQUEST_INVALID`. */
  readonly errors: readonly { field: string; message: string }[];
  /** Whether the same call can succeed later. The client has repeated it already where it can. */
  readonly retryable: boolean;
  /** Seconds after which the API asks to repeat the call. */
  readonly retryAfterSeconds: number | undefined;
  /** The whole problem document. */
  readonly problem: Problem | undefined;

  constructor(
    message: string,
    of: {
      code: AckwireErrorCode;
      status?: number | undefined;
      retryAfterSeconds?: number | undefined;
      problem?: Problem | undefined;
      cause?: unknown;
    },
  ) {
    super(message, of.cause === undefined ? undefined : { cause: of.cause });
    this.code = of.code;
    this.status = of.status;
    this.errors = of.problem?.errors ?? [];
    this.retryable = isRetryable(of.status);
    this.retryAfterSeconds = of.retryAfterSeconds;
    this.problem = of.problem;
  }
}

/** Without an answer the outcome is unknown: a repeated call may find out. */
export function isRetryable(status: number | undefined): boolean {
  return (
    status === undefined || status === 429 || status === 500 || status === 502 || status === 503
  );
}

/** Reads the error of an answer from 300 on. */
export async function errorOf(response: Response): Promise<AckwireError> {
  const text = await response.text();
  const { status } = response;
  const retryAfterSeconds = secondsOf(response.headers.get("retry-after"));
  const problem = problemIn(text);
  if (problem) {
    const message = `${problem.title}${problem.detail ? `: ${problem.detail}` : ""}`;
    return new AckwireError(message, { code: problem.code, status, retryAfterSeconds, problem });
  }
  const code = status === 429 ? "TOO_MANY_REQUESTS" : "UNEXPECTED_ANSWER";
  const said = text.trim() === "" ? "without a body" : `: ${text.slice(0, 200)}`;
  return new AckwireError(`The API answered ${status} ${said}`, {
    code,
    status,
    retryAfterSeconds,
  });
}

function problemIn(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return typeof value?.code === "string" && typeof value.title === "string"
      ? (value as Problem)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Reads `Retry-After`: seconds, or a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}
