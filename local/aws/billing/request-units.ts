import type { Message } from "@aws-sdk/client-sqs";
import type { CallUnits } from "./billed-units.ts";

/**
 * SQS bills each 64 KB of a request's payload, and EventBridge each 64 KB of an event:
 * https://aws.amazon.com/sqs/pricing/, https://aws.amazon.com/eventbridge/pricing/
 */
const CHUNK_BYTES = 65_536;
/** HTTP APIs are metered in increments of 512 KB: https://aws.amazon.com/api-gateway/pricing/ */
const HTTP_CHUNK_BYTES = 524_288;
/** The size of an entry's time: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const TIME_BYTES = 14;

type Input = Readonly<Record<string, unknown>>;

interface SqsEntry {
  MessageBody?: string;
  MessageAttributes?: Readonly<Record<string, SqsAttribute>>;
}

interface SqsAttribute {
  DataType?: string | undefined;
  StringValue?: string | undefined;
  BinaryValue?: string | Uint8Array | undefined;
}

interface EventEntry {
  Source?: string;
  DetailType?: string;
  Detail?: string;
  Resources?: readonly string[];
  Time?: unknown;
  EventBusName?: string;
}

/**
 * Returns what a call of a service other than DynamoDB is billed. Empty: the operation is free,
 * or its price depends on something else than the call.
 *
 * @param output of the operation; absent for a call that failed, which is billed too
 */
export function callUnits(call: {
  service: string;
  operation: string;
  input: Input;
  output?: unknown;
}): CallUnits[] {
  const { service, operation, input, output } = call;
  if (service === "sqs") return [sqsUnits(operation, input, output)];
  if (service === "secretsmanager") return [{ item: "secrets.call", units: 1 }];
  if (service !== "events" || operation !== "PutEvents") return [];
  const entries = (input.Entries ?? []) as readonly EventEntry[];
  const resource = entries[0]?.EventBusName ?? "default";
  const sizes = entries.map(eventSize);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return [
    { item: "events.event", resource, units: sum(sizes.map(chunks)) },
    { item: "events.archivedByte", resource, units: sum(sizes) },
  ];
}

function sqsUnits(operation: string, input: Input, output: unknown): CallUnits {
  const queue = String(input.QueueUrl ?? "")
    .split("/")
    .at(-1);
  const resource = queue ? { resource: queue } : {};
  if (operation === "ReceiveMessage") {
    const messages = (Object(output).Messages ?? []) as readonly Message[];
    const item = messages.length === 0 ? "sqs.emptyReceive" : "sqs.request";
    return { item, ...resource, units: chunks(receivedSize(messages)) };
  }
  const entries = (input.Entries ?? [input]) as readonly SqsEntry[];
  return { item: "sqs.request", ...resource, units: messageUnits(entries) };
}

/** Returns the requests of one send: one for each 64 KB of all its messages, and at least one. */
export function messageUnits(entries: readonly SqsEntry[]): number {
  return chunks(
    entries.reduce(
      (sum, { MessageBody = "", MessageAttributes = {} }) =>
        sum + Buffer.byteLength(MessageBody) + attributesSize(MessageAttributes),
      0,
    ),
  );
}

/** Returns the requests of one HTTP request, whose larger direction counts. */
export function httpUnits(bytes: { request: number; response: number }): number {
  return Math.max(1, Math.ceil(Math.max(bytes.request, bytes.response) / HTTP_CHUNK_BYTES));
}

/** Returns what S3 bills for a request. Absent: deletions are free. */
export function s3Units(method: string | undefined): CallUnits | undefined {
  if (method === "DELETE") return undefined;
  return { item: method === "GET" || method === "HEAD" ? "s3.get" : "s3.put", units: 1 };
}

function receivedSize(messages: readonly Message[]): number {
  return messages.reduce(
    (sum, { Body = "", MessageAttributes = {} }) =>
      sum + Buffer.byteLength(Body) + attributesSize(MessageAttributes),
    0,
  );
}

function attributesSize(attributes: Readonly<Record<string, SqsAttribute>>): number {
  return Object.entries(attributes).reduce(
    (sum, [name, { DataType = "", StringValue = "", BinaryValue = "" }]) =>
      sum + Buffer.byteLength(name + DataType + StringValue) + Buffer.byteLength(BinaryValue),
    0,
  );
}

function eventSize({ Source, DetailType, Detail, Resources = [], Time }: EventEntry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ""), 0);
  return bytes + (Time === undefined ? 0 : TIME_BYTES);
}

function chunks(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / CHUNK_BYTES));
}
