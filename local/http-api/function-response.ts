import * as z from "zod/mini";

export interface HttpAnswer {
  statusCode: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
}

const headerValue = z.union([z.string(), z.number(), z.boolean()]);

const responseSchema = z.object({
  statusCode: z.coerce.number().check(z.int(), z.gte(200), z.lte(599)),
  headers: z.nullish(z.record(z.string(), headerValue)),
  cookies: z.nullish(z.array(z.string())),
  body: z.nullish(z.string()),
  isBase64Encoded: z.nullish(z.boolean()),
});

/** API Gateway sets these headers itself and ignores the function's values. */
const OWN_HEADERS = new Set(["connection", "content-length", "transfer-encoding"]);

/**
 * Converts a function's response (payload format 2.0): an object with a
 * `statusCode`, or any other value as the JSON body of a 200.
 *
 * @returns a text that describes the fault when API Gateway would answer 500
 */
export function httpAnswer(payload: unknown): HttpAnswer | string {
  if (typeof payload !== "object" || payload === null || !("statusCode" in payload)) {
    const body = typeof payload === "string" ? payload : JSON.stringify(payload);
    return {
      statusCode: 200,
      headers: { "content-type": "application/json" },
      body: Buffer.from(body),
    };
  }
  const parsed = responseSchema.safeParse(payload, { error: z.locales.en().localeError });
  if (!parsed.success) {
    return parsed.error.issues
      .map((issue) => `${issue.path.join(".")}: ${issue.message}`)
      .join("; ");
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const entries = Object.entries(headers ?? {})
    .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
    .filter(([name]) => !OWN_HEADERS.has(name));
  return {
    statusCode,
    headers: {
      "content-type": "text/plain;charset=UTF-8",
      ...Object.fromEntries(entries),
      ...(cookies && cookies.length > 0 && { "set-cookie": cookies }),
    },
    body: Buffer.from(body ?? "", isBase64Encoded ? "base64" : "utf8"),
  };
}

export function plainAnswer(statusCode: number, message: string): HttpAnswer {
  return {
    statusCode,
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify({ message })),
  };
}
