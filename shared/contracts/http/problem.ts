import * as z from "zod/mini";
import { failures, type HttpFailureCode } from "../failures.ts";
import { named, time } from "./parts.ts";

/** The codes that an answer can have. */
export const httpFailureCodes = Object.entries(failures).flatMap(([code, rule]) =>
  "httpStatus" in rule ? [code as HttpFailureCode] : [],
);

/** The body of every answer of Ackwire's own protocol from 400 on, according to RFC 9457. */
export const problem = named(
  "Problem",
  z.object({
    type: z.literal("about:blank"),
    title: z.string().check(z.describe("The same for every answer with this code.")),
    status: z.int().check(z.gte(400), z.lte(599)),
    detail: z
      .optional(z.string())
      .check(z.describe("What to mend: the first invalid field and its error, or a sentence.")),
    code: z
      .enum(httpFailureCodes as [HttpFailureCode, ...HttpFailureCode[]])
      .check(z.describe("Stable: decide by it. docs/errors.md says what to do about each.")),
    errors: z
      .optional(
        z.array(
          z.object({
            field: z.string().check(z.describe("Its path, joined by dots; empty: the whole body.")),
            message: z.string(),
          }),
        ),
      )
      .check(z.describe("Every invalid field of the body, the query or the path.")),
    expectedAt: z
      .optional(time)
      .check(z.describe("When the refused request would be submitted (NOT_AFTER_UNREACHABLE).")),
  }),
);

export type Problem = z.output<typeof problem>;
