import { failures, type HttpFailureCode } from "../../contracts/failures.ts";
import type { FieldError } from "./describe-issue.ts";

/**
 * The text that tells a caller what to mend: the first invalid field with its error, or
 * the failure's message.
 *
 * @returns `undefined` for a failure whose message is not for its caller
 */
export function refusalDetail(refusal: {
  code: HttpFailureCode;
  detail: string;
  errors?: readonly FieldError[] | undefined;
}): string | undefined {
  if ("hidesMessage" in failures[refusal.code]) return undefined;
  const [first, ...others] = refusal.errors ?? [];
  if (first === undefined) return refusal.detail;
  return others.length === 0
    ? fieldText(first)
    : `${fieldText(first)} (and ${others.length} more in errors)`;
}

/** A field and its error, as one text. */
export function fieldText({ field, message }: FieldError): string {
  return `${field === "" ? "the body" : field}: ${message}`;
}
