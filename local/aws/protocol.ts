import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallUnits } from "./billing/billed-units.ts";

/** An error response of an AWS service. `code` may have the service's namespace before a `#`. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  /** Further members of the response body, such as the `Item` of a failed condition. */
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(
    code: string,
    message: string,
    more: {
      status?: number;
      members?: Record<string, unknown>;
      headers?: Record<string, string>;
    } = {},
  ) {
    super(message);
    this.name = code.slice(code.indexOf("#") + 1);
    this.code = code;
    this.status = more.status ?? 400;
    this.members = more.members ?? {};
    this.headers = more.headers ?? {};
  }
}

/**
 * An operation of a service, from the input that the client sent to the output
 * that it receives.
 */
// The inputs are the SDK's own types, all members optional: an operation checks what it needs.
export type Operation = (
  input: never,
  request: IncomingMessage,
  /** For an operation whose price depends on more than its input and output. */
  bill: (units: CallUnits) => void,
) => unknown;
export type Operations = Record<string, Operation>;

export function validationError(message: string): AwsError {
  return new AwsError("ValidationException", message);
}

/**
 * Returns the value.
 *
 * @throws ValidationException with AWS's message when the member is missing
 */
export function required<T>(value: T | undefined | null, member: string): T {
  if (value === undefined || value === null || value === "") {
    throw validationError(
      `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must not be null`,
    );
  }
  return value;
}

/** The access key and service in the signature of a request. Signatures are not verified. */
export interface Credential {
  accessKeyId?: string;
  service?: string;
}

export function credentialOf(request: IncomingMessage): Credential {
  const scope =
    /Credential=([^,\s]+)/.exec(request.headers.authorization ?? "")?.[1] ??
    /[?&]X-Amz-Credential=([^&]+)/.exec(request.url ?? "")?.[1];
  if (!scope) return {};
  const [accessKeyId = "", , , service = ""] = decodeURIComponent(scope).split("/");
  return { accessKeyId, service };
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export function parseInput(body: string): Record<string, unknown> {
  try {
    const input: unknown = body === "" ? {} : JSON.parse(body);
    if (typeof input === "object" && input !== null && !Array.isArray(input)) {
      return input as Record<string, unknown>;
    }
  } catch {
    // Rejected below. As on AWS, the response does not contain the client's bytes.
  }
  throw new AwsError("SerializationException", "The request body is not a JSON object.");
}

export function sendJson(
  response: ServerResponse,
  answer: { status?: number; body: unknown; contentType: string; headers?: Record<string, string> },
): void {
  const bytes = Buffer.from(JSON.stringify(answer.body ?? {}));
  response.writeHead(answer.status ?? 200, {
    "content-type": answer.contentType,
    "content-length": bytes.length,
    "x-amzn-requestid": randomUUID(),
    ...answer.headers,
  });
  response.end(bytes);
}

export function sendXmlError(response: ServerResponse, error: AwsError): void {
  const xml = (text: string) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${xml(error.name)}</Code><Message>${xml(error.message)}</Message></Error>`;
  response.writeHead(error.status, {
    "content-type": "application/xml",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
