import type { ProviderAnswer } from "./provider-client.ts";

/**
 * Returns the delay that an answer's `Retry-After` asks for: seconds, or a date,
 * which is compared with the answer's own `Date`, so that no local clock is
 * needed. Absent where the header is missing or invalid.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterOf({ headers }: Pick<ProviderAnswer, "headers">): {
  retryAfterMs?: number;
} {
  const asked = headers["retry-after"]?.trim() ?? "";
  if (/^\d{1,9}$/.test(asked)) return { retryAfterMs: Number(asked) * 1_000 };
  const waitMs = httpDate(asked) - httpDate(headers.date?.trim() ?? "");
  return waitMs >= 0 ? { retryAfterMs: waitMs } : {};
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`; `Date.parse` alone accepts far more than HTTP allows. */
function httpDate(text: string): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
}
