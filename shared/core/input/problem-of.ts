import { failures, type HttpFailureCode } from "../../contracts/failures.ts";
import type { Problem } from "../../contracts/http/problem.ts";
import type { FieldError } from "./describe-issue.ts";
import { refusalDetail } from "./refusal-detail.ts";

/** The problem document of a failure (RFC 9457). */
export function problemOf(failure: {
  code: HttpFailureCode;
  /** Left out where the failure's message is not for its caller. */
  detail: string;
  errors?: readonly FieldError[] | undefined;
  /** When the refused request would be submitted. */
  expectedAt?: string | undefined;
}): Problem {
  const { code, errors, expectedAt } = failure;
  const { httpStatus: status, title } = failures[code];
  const detail = refusalDetail(failure);
  return {
    type: "about:blank",
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    code,
    ...(errors ? { errors: [...errors] } : {}),
    ...(expectedAt === undefined ? {} : { expectedAt }),
  };
}
