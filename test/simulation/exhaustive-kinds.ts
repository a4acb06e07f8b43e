/**
 * The commands of each function that the scenario of `--exhaustive` makes without a fault, and the
 * calls over HTTP. Others depend on latencies: a message that comes twice, a sweep that finds work.
 */
const made: Readonly<Record<string, readonly string[]>> = {
  ingest: [
    "GetCommand",
    "BatchWriteCommand",
    "SendMessageCommand",
    "PutObjectCommand",
    "GetSecretValueCommand",
  ],
  consume: [
    "GetCommand",
    "BatchGetCommand",
    "QueryCommand",
    "PutCommand",
    "UpdateCommand",
    "BatchWriteCommand",
    "SendMessageCommand",
    "PutEventsCommand",
    "GetObjectCommand",
    "PutObjectCommand",
    "GetSecretValueCommand",
  ],
  api: [
    "GetCommand",
    "BatchGetCommand",
    "QueryCommand",
    "PutCommand",
    "UpdateCommand",
    "DeleteCommand",
    "BatchWriteCommand",
    "SendMessageCommand",
    "SendMessageBatchCommand",
    "CreateScheduleCommand",
    "DeleteScheduleCommand",
  ],
  submit: [
    "GetCommand",
    "BatchGetCommand",
    "QueryCommand",
    "PutCommand",
    "UpdateCommand",
    "BatchWriteCommand",
    "SendMessageCommand",
    "PutEventsCommand",
    "GetSecretValueCommand",
  ],
  deliver: [
    "GetCommand",
    "BatchGetCommand",
    "QueryCommand",
    "PutCommand",
    "UpdateCommand",
    "BatchWriteCommand",
    "SendMessageBatchCommand",
    "PutEventsCommand",
    "GetObjectCommand",
    "PutObjectCommand",
    "GetSecretValueCommand",
  ],
  reconcile: ["QueryCommand"],
  provider: ["submit"],
  endpoint: ["post"],
};

/** A call without its number, such as `submit.PutCommand`. */
export const kindOf = (call: string): string => call.split("#")[0] ?? "";

/** The kinds of calls that the scenario must make and that are not among these calls. */
export function missingKinds(calls: readonly string[]): string[] {
  const found = new Set(calls.map(kindOf));
  return Object.entries(made)
    .flatMap(([name, commands]) => commands.map((command) => `${name}.${command}`))
    .filter((kind) => !found.has(kind));
}
