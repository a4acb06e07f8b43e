export interface FunctionError {
  errorType: string;
  errorMessage: string;
}

export interface InvokeResult {
  /**
   * The response of the function or, with `functionError`, the error object that
   * Lambda returns instead.
   */
  payload: unknown;
  functionError?: FunctionError;
  /** No handler has seen the payload: no environment was free in time, or none could start. */
  isUnhandled?: boolean;
}

/** The payload exceeds Lambda's limit; the function was not invoked. */
export class RequestTooLargeError extends Error {
  override name = "RequestTooLargeException";
}

export function failed(errorType: string, errorMessage: string): InvokeResult {
  const functionError = { errorType, errorMessage };
  return { payload: functionError, functionError };
}

/** Reads the body that a runtime posted to `…/error`; it may be anything. */
export function readErrorReport(body: string): { result: InvokeResult; trace: string[] } {
  const report = parse(body) as { errorType?: unknown; errorMessage?: unknown; trace?: unknown };
  const errorType = String(report.errorType ?? "Unhandled");
  const errorMessage = String(report.errorMessage ?? "");
  const trace = Array.isArray(report.trace) ? report.trace.map(String) : [];
  return {
    result: { payload: report, functionError: { errorType, errorMessage } },
    trace: trace.length > 0 ? trace : [`${errorType}: ${errorMessage}`],
  };
}

function parse(body: string): object {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
